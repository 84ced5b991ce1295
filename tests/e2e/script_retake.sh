#!/bin/sh
# Windows made again: what lies before stays byte for byte; a kept job computes what changed alone;
# a recipe brings the take back.
. "$(dirname "$0")/steps.sh"
frame=$((96 * 64 * 3 / 2))
make="generate ball --frames 48 --steps 2"     # windows of frames 0-16, 17-24, 25-32, 33-40, 41-47

# frames NAME FROM TO: pictures of NAME.y4m, TO not included.
frames() {
    [ -e "$1.raw" ] || ffmpeg -v error -i "$1.y4m" -pix_fmt yuv420p -f rawvideo "$1.raw"
    tail -c +$(($2 * frame + 1)) "$1.raw" | head -c $((($3 - $2) * frame)) >"$1.$2-$3"
}

differ() {
    cmp -s "$1" "$2" && fail "$1 and $2 are the same"
}

made $make --job job -o take.y4m
made $make --job job --retake 2 --retake-seed 5 --json -o again.y4m
equal "windows computed" "$(json made.out stages refine computed)" 6
equal "tokens computed" "$(json made.out stages tokens computed)" 0
equal "latents decoded" "$(json made.out stages decode computed)" 6
made $make --job job --retake 2 --retake-seed 5 --keep-rest --json -o kept.y4m
equal "windows computed with --keep-rest" "$(json made.out stages refine computed)" 0
# window 2 is that of the retake before
equal "latents decoded with --keep-rest" "$(json made.out stages decode computed)" 4
for take in take again kept; do
    frames $take 0 25
    frames $take 25 33
    frames $take 33 48
done
same take.0-25 again.0-25
same take.0-25 kept.0-25
same again.25-33 kept.25-33
differ take.25-33 again.25-33
differ take.33-48 again.33-48
differ again.33-48 kept.33-48

# The same without a job, and by time. --seed is the take's, whose windows would else be another's.
made $make --retake 3.5s-4s --retake-seed 5 -o time.y4m
equal "windows of a span" "$(cat made.err)" "--retake 3.5s-4s: window 2"
same time.y4m again.y4m
made $make --retake 1-2 --retake-seed 5 --keep-rest --dry-run
grep -qx "made again: windows 1 to 2, seed 5, what follows stays" made.out ||
    fail "a dry run of a retake: $(cat made.out)"
refused 2 $make --retake 2 --seed 5 -o seed.y4m
grep -q "found no seed, expected --retake-seed N" refused.err ||
    fail "a retake's seed: $(cat refused.err)"
made tokens ball --frames 48 -o ball.lt
made render ball.lt --steps 2 --retake 2 --retake-seed 5 -o rendered.y4m
same rendered.y4m again.y4m
made refine ball.lt --steps 1 --retake 4s-99s --retake-seed 5 -o end.latents
equal "windows of a span beyond the end" "$(cat made.err)" "--retake 4s-99s: windows 2 to 4"
made refine ball.lt --steps 2 --retake 3.5s-4s --retake-seed 5 -o ball.latents
made decode ball.latents -o decoded.y4m
same decoded.y4m again.y4m
made $make --retake 2 --retake-seed 5 --keep-rest --carry frames -o frames.y4m
made $make --carry frames -o plain.y4m
for take in frames plain; do
    frames $take 0 25
    frames $take 25 33
    frames $take 33 48
done
same frames.0-25 plain.0-25
differ frames.25-33 plain.25-33
same frames.33-48 plain.33-48

# Window 0 made again begins with what the take begins with: under the take's own seed it is what it
# was.
ffmpeg -v error -f lavfi -i testsrc=size=96x64 -frames:v 1 picture.png
pictured="$make --image picture.png --seed 5"
made $pictured -o pictured.mp4
made generate --recipe pictured.mp4 --image picture.png -o pictured.y4m
for retake in "--retake 0" "--retake 0-1 --keep-rest" "--retake 0-4"; do
    made $pictured $retake --retake-seed 5 -o same.y4m
    same pictured.y4m same.y4m
done
made $pictured --retake 0 --retake-seed 6 -o sixth.mp4
# the second layer
made generate --recipe sixth.mp4 --image picture.png --retake 0 --retake-seed 5 -o same.y4m
same pictured.y4m same.y4m

# A video of ours says how it was made: again, then with another window, then a retake of the
# retake.
made $make --seed 3 -o first.mp4
made generate --recipe first.mp4 -o second.mp4
same first.mp4 second.mp4
made generate --recipe first.mp4 --retake 1 --seed 9 -o third.mp4
made $make --seed 3 --retake 1 --retake-seed 9 -o fourth.mp4
same third.mp4 fourth.mp4
made generate --recipe third.mp4 -o fifth.mp4
same third.mp4 fifth.mp4
made generate --recipe third.mp4 --retake 3-4 --retake-seed 2 -o sixth.y4m
made generate --recipe third.mp4 -o third.y4m
frames sixth 0 33
frames third 0 33
frames sixth 33 48
frames third 33 48
same sixth.0-33 third.0-33
differ sixth.33-48 third.33-48

# The codes of a long take are written as one text instead of a list, and read the same. with TEXT:
# a copy of first.mp4 that says this.
with() {
    ffmpeg -v error -y -i first.mp4 -c copy -metadata comment="$1" text.mp4
}
about=$(ffprobe -v error -show_entries format_tags=comment -of default=nokey=1:noprint_wrappers=1 first.mp4)
list=$(echo "$about" | grep -o '"tokens":\[[^]]*\]')
text=$(echo "$list" | sed 's/:\[/:"/; s/\]/"/; s/, */ /g')
with "$(echo "$about" | sed "s/$(echo "$list" | sed 's/[][]/\\&/g')/$text/")"
ffprobe -v error -show_entries format_tags=comment text.mp4 | grep -q '"tokens":"[0-9]* [0-9]' ||
    fail "the copy does not say its codes as a text"
made generate --recipe text.mp4 -o second.mp4
same first.mp4 second.mp4
for word in x -3 70000 ''; do
    with "$(echo "$about" | sed "s/$(echo "$list" | sed 's/[][]/\\&/g')/$(echo "$text" | sed "s/ [0-9]* / $word /")/")"
    refused 3 generate --recipe text.mp4 -o bad.mp4
done

# What a command says beside a recipe wins over it, also for the shots; what it leaves open is the
# file's.
made generate --recipe first.mp4 --seed 9 -o said.mp4
made $make --seed 9 -o meant.mp4
same said.mp4 meant.mp4
made generate --recipe first.mp4 --cfg-scale 4 --motion 3 -o said.mp4
made $make --seed 3 --cfg-scale 4 --motion 3 -o moved.mp4
same said.mp4 moved.mp4
made generate --recipe moved.mp4 -p cube -o said.mp4
made generate cube --frames 48 --steps 2 --seed 3 --cfg-scale 4 --motion 3 -o meant.mp4
same said.mp4 meant.mp4
for way in "--top-k 5" "--top-p 0.5"; do # whichever the file has
    made generate --recipe first.mp4 $way -o said.mp4
    made $make --seed 3 $way -o meant.mp4
    same said.mp4 meant.mp4
done

refused 2 $make --retake 2 -o bad.mp4
refused 2 $make --retake-seed 2 -o bad.mp4
refused 2 $make --keep-rest -o bad.mp4
refused 2 $make --retake 5 --retake-seed 1 -o bad.mp4
refused 2 $make --retake 3-2 --retake-seed 1 -o bad.mp4
refused 2 $make --retake 9s-12s --retake-seed 1 -o bad.mp4
refused 2 $make --retake soon --retake-seed 1 -o bad.mp4
ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=8:duration=1 other.mp4
refused 3 generate --recipe other.mp4 -o bad.mp4
refused 3 generate --recipe none.mp4 -o bad.mp4
[ -e bad.mp4 ] && fail "a refused command left a file"
finish
