#!/bin/sh
# With the shipped weights: a clip of another world is encoded as pictures, one of the model's own as scenes; flags and warnings.
. "$(dirname "$0")/steps.sh"
ffmpeg -v error -f lavfi -i testsrc2=size=320x240:rate=24 -t 2 -pix_fmt yuv420p clip.mp4 || fail ffmpeg

# A model without picture codes writes scenes, whatever the clip shows.
refused 2 encode clip.mp4 --codes picture -o none.lt
grep -q 'this model has no codes for pictures' refused.err || fail "no codes for pictures: $(cat refused.err)"
made encode clip.mp4 -o tiny.lt
made info tiny.lt
grep -q picture_ made.out && fail "a model without picture codes tells of some: $(cat made.out)"

with_shipped tokenizer.safetensors

# encoded KIND FRAMES FILE ARGUMENTS...: the plan is of that kind, FRAMES of it are pictures, and a note says so where nobody asked for them.
encoded() {
    kind=$1
    frames=$2
    file=$3
    shift 3
    made encode "$@" -o "$file" --json
    equal "encode $*: kind" "$(json made.out codes)" "$kind"
    case "$kind:$*" in
    picture:*--codes*) grep -q 'written as pictures' made.err && fail "encode $*: tells what was asked for" ;;
    picture:*) grep -q "^$1 is not of the model's world: written as pictures" made.err || fail "encode $*: $(cat made.err)" ;;
    esac
    made info "$file"
    equal "encode $*: frames that are pictures" "$(json made.out picture_frames)" "$frames"
}
encoded picture 5 clip.lt clip.mp4
encoded scene 0 scene.lt clip.mp4 --codes scene
encoded picture 5 asked.lt clip.mp4 --codes picture
same asked.lt clip.lt
made generate "a red ball bounces on a beach at noon" --frames 13 -o ball.mkv
encoded scene 0 ball.lt ball.mkv
encoded picture 4 colours.lt ball.mkv --codes picture

# Shown again: nearer to the clip than what its scene makes, though nobody says what it is.
clearness() {
    ffmpeg -v info -i "$1" -i clip.mp4 -filter_complex \
        "[0]fps=8,scale=12:8,format=yuv444p[a];[1]fps=8,scale=12:8,format=yuv444p[b];[a][b]psnr" -f null - 2>&1 |
        sed -n 's/.* y:\([0-9]*\).*/\1/p' | tail -1
}
made render clip.lt -o shown.mkv
grep -q 'language model' made.err && fail "render needs no language model: $(cat made.err)"
equal "frames shown" "$(of_video shown.mkv nb_read_frames)" 16
made render scene.lt -p "a picture" -o imagined.mkv
[ "$(clearness shown.mkv)" -ge "$(($(clearness imagined.mkv) + 3))" ] ||
    fail "luminance of pictures $(clearness shown.mkv) dB, of a scene $(clearness imagined.mkv) dB: expected 3 more"

# Pictures are shown as they are: another seed, prompt or number of steps changes nothing in them.
made render clip.lt -p "a red ball" -s 7 --steps 2 -o seeds.mkv
for video in shown seeds; do
    ffmpeg -v error -i $video.mkv -f framemd5 $video.md5 || fail "ffmpeg: $video.mkv"
done
same seeds.md5 shown.md5
made encode shown.mkv -o again.lt
made render again.lt --dry-run

# What a window shows of the plan decides whether it is refined: pictures alone are not.
made tokens join clip.lt ball.lt -o joined.lt
refused 2 render joined.lt -o joined.mkv
made render joined.lt -p "a red ball" --steps 1 --frames 13 --job joined -o short.mkv
made render joined.lt -p "a red ball" --steps 1 --job joined -o found.mkv
made render joined.lt -p "a red ball" --steps 1 -o joined.mkv
for video in found joined; do
    ffmpeg -v error -i $video.mkv -f framemd5 $video.md5 || fail "ffmpeg: $video.mkv"
done
same found.md5 joined.md5
made render clip.lt --dry-run --json
pictures=$(json made.out time_seconds)
made render scene.lt -p "a picture" --dry-run --json
awk "BEGIN { exit !($pictures > 0 && $pictures < $(json made.out time_seconds)) }" ||
    fail "the time of pictures: $pictures s, of a scene $(json made.out time_seconds)"
made render clip.lt --retake 0 --retake-seed 7 -o retaken.mkv
grep -q 'pictures, which are not refined: made again they are the same' made.err || fail "a retake of pictures: $(cat made.err)"

# What moves from one picture to the next moves in the four frames between: the last two hold 39 %
# of what changes, and held 24 % when pictures stood still in a latent.
ffmpeg -v error -f lavfi -i color=navy:size=192x128:rate=8:duration=8 -f lavfi -i color=white:size=48x48:rate=8:duration=8 \
    -filter_complex "[0][1]overlay=x='10+40*(3-abs(mod(t,6)-3))':y=40:eval=frame,format=yuv444p" -c:v ffv1 box.mkv || fail ffmpeg
made encode box.mkv --codes picture -o box.lt
made render box.lt --seconds 3 -o moved.mkv
ffmpeg -v error -i moved.mkv -vf tblend=all_mode=difference,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=changes.txt -f null - ||
    fail "ffmpeg: changes"
late=$(sed -n 's/.*YAVG=//p' changes.txt | awk '{ all += $1; late += (NR - 1) % 4 > 1 ? $1 : 0 } END { print int(100 * late / all) }')
[ "$late" -ge 32 ] || fail "the last two of four frames hold $late % of what changes, want 32"

# Two windows of them, by two runs or by one.
made refine box.lt -o whole.latents
for window in 0 1; do
    made refine box.lt --job shared --window $window
done
made refine box.lt --job shared -o shared.latents
same shared.latents whole.latents

# The scenes are those of a model that knows no pictures.
made tokens join ball.lt scene.lt -o scenes.lt
made encode ball.mkv -o plain.lt --set tokenizer.picture_codes=0
made tokens join plain.lt scene.lt -o plain_scenes.lt
"$PROGRAM" info scenes.lt | grep -o '"tokens".*' >scenes.txt
"$PROGRAM" info plain_scenes.lt | grep -o '"tokens".*' >plain_scenes.txt
same scenes.txt plain_scenes.txt

# A joined plan tells how many of its frames are pictures, also where its first part was made by a model that knows none.
for first in ball plain; do
    made tokens join $first.lt clip.lt -o joined.lt
    made info joined.lt
    equal "$first.lt and a clip: frames that are pictures" "$(json made.out picture_frames)" 5
done

# A cut twice a second is no other world.
made generate "a blue star in the snow at night" --frames 13 -o star.mkv
ffmpeg -v error -i ball.mkv -i star.mkv -filter_complex "[0][1]overlay=enable='between(mod(n-1,8),0,3)'" -c:v ffv1 cuts.mkv || fail ffmpeg
encoded scene 0 cuts.lt cuts.mkv

# What follows pictures begins anew: the language model writes what it would write for the prompt without them.
told() {
    grep -q "given frames of the plan are pictures, not of the model's world: what follows them begins anew" made.err || fail "$1: not told: $(cat made.err)"
}
made continue shown.mkv --seconds 1 -p "a red ball" -o longer.mkv
told continue
printf 'take: {seconds: 2}\nshots:\n  - {at: 0s, prompt: a red ball, plan: clip.lt, span: 0s-0.5s}\n' >one.yaml
made run one.yaml -o one.mkv
grep -q "1 given frame of the plan is a picture, not of the model's world: what follows it begins anew" made.err || fail "one picture: $(cat made.err)"
made continue clip.mp4 --seconds 2 -p "a green cube rests on a beach at noon" -o longer.mkv
told "continue of a clip of another world"
grep -q 'blended over 16 frames' made.err || fail "dissolved over: $(cat made.err)"
made continue clip.mp4 --seconds 2 -p "a green cube rests on a beach at noon" --codes scene -o scene.mkv
grep -q pictures made.err && fail "a clip read as a scene: $(cat made.err)"
# written FILE: the codes behind those of the 13 frames of the clip that are used, 4 semantic ones with 44 codes each.
written() {
    "$PROGRAM" info "$1" --json | grep -o '"tokens":\[[^]]*' | tr ',' '\n' | tail -n +177
}
ffmpeg -v error -f lavfi -i mandelbrot=size=192x128:rate=8 -t 2 -pix_fmt yuv420p other.mp4 || fail ffmpeg
made continue other.mp4 --seconds 2 -p "a green cube rests on a beach at noon" -o other.mkv
told "continue of another clip"
written longer.mkv >after_clip.txt
written other.mkv >after_other.txt
[ "$(wc -l <after_clip.txt)" -ge 176 ] || fail "codes behind the clip: $(wc -l <after_clip.txt)"
same after_clip.txt after_other.txt
written scene.mkv | cmp -s - after_clip.txt && fail "behind a scene the model writes what it writes behind pictures"
made generate --recipe shown.mkv -o again.mkv
same again.mkv shown.mkv
made refine clip.lt -o clip.latents
made decode clip.latents -o decoded.mkv
same decoded.mkv shown.mkv
refused 2 continue shown.mkv --seconds 1 -o longer.mkv
refused 2 tokens score clip.lt
refused 2 render scene.lt -o shown.mkv
made tokens score clip.lt -p "a red ball"
grep -q "^warning: .*pictures, which the language model does not know" made.err || fail "score: no warning: $(cat made.err)"
cat >film.yaml <<'FILM'
take: {seconds: 3}
shots:
  - {at: 0, prompt: a red ball on a beach, plan: clip.lt}
FILM
made run film.yaml -o film.mkv
told "the rest of a film"
made run film.yaml --seconds 2 -o film.mkv
grep -q 'begins anew' made.err && fail "a film whose plan is whole: $(cat made.err)"

# A film reads a clip so too, unless it says how.
sed -i 's/clip\.lt/clip.mp4/' film.yaml
made run film.yaml -o clip_film.mkv
told "a clip as a plan"
sed -i 's/seconds: 3/seconds: 3, codes: scene/' film.yaml
made run film.yaml -o film.mkv
grep -q pictures made.err && fail "a clip as a plan of scenes: $(cat made.err)"
finish
