#!/bin/sh
# Going on from a video: its frames, then new ones; from its own tokens where we made it;
# interrupted and gone on with.
. "$(dirname "$0")/steps.sh"
frame=$((96 * 64 * 3 / 2))

# raw NAME: NAME.y4m as planes of pictures.
raw() {
    ffmpeg -v error -y -i "$1.y4m" -pix_fmt yuv420p -f rawvideo "$1.raw"
}

# 30 frames go back to the grid at 29; 17 are new.
made generate "a red ball" --frames 30 --steps 2 -o ball.mp4
"$PROGRAM" continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 -m "$MODEL" \
    -o longer.y4m >made.out 2>made.err ||
    fail "continue: $(cat made.err)"
grep -qx 'ball.mp4 is used up to 3.62 s of 3.75 s: the model counts in groups of 4 frames' made.err ||
    fail "continue does not say where it goes on: $(cat made.err)"
ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=30:duration=0.3 short.mp4
"$PROGRAM" continue short.mp4 --frames 5 -p "a blue ball" --steps 1 -m "$MODEL" \
    -o short.y4m >made.out 2>short.err ||
    fail "continue: $(cat short.err)"
grep -qx 'short.mp4 is used up to 0.12 s of 0.30 s: the model counts in groups of 4 frames' short.err ||
    fail "a short clip: $(cat short.err)"
grep -q 'ball.mp4: ' made.err &&
    fail "continue tells of changes where there are none: $(cat made.err)"
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --new-only -o new.y4m
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --new-only -o foreseen.y4m --dry-run
head -n 2 made.out >foreseen.out
grep -q '^46 frames, 5.75 s, ' foreseen.out &&
    grep -qx 'what is new alone is written: 17 frames, 2.12 s' foreseen.out ||
    fail "--dry-run does not tell what --new-only leaves: $(cat made.out)"
raw longer
raw new
equal "longer: frames" "$(($(wc -c <longer.raw) / frame))" 46
equal "new: frames" "$(($(wc -c <new.raw) / frame))" 17
tail -c +$((29 * frame + 1)) longer.raw >tail.raw
same tail.raw new.raw
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --format y4m -o -
same made.out longer.y4m

# The pictures of the clip are encoded once.
encoded() { ls -i kept.job/reference.*; }
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --job kept.job -o once.y4m
encoded >once.list
[ "$(wc -l <once.list)" -gt 1 ] || fail "the clip's pictures are not kept: $(ls kept.job)"
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --job kept.job -o twice.y4m
encoded >twice.list
same once.list twice.list
same once.y4m longer.y4m
same twice.y4m longer.y4m

# The plan begins with the tokens of the clip.
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 -o longer.mp4
"$PROGRAM" info ball.mp4 --json >ball.json
"$PROGRAM" info longer.mp4 --json >longer.json
for i in 0 1 7 13 14 23; do
    equal "token $i" "$(json longer.json about tokens $i)" "$(json ball.json about tokens $i)"
done
equal "reference" "$(json longer.json about reference frames)" 29

# Not where another program cut it and kept its comment: then it is read as any other video.
ffmpeg -v error -ss 1 -i ball.mp4 cut.mp4
made encode cut.mp4 -o cut.lt
"$PROGRAM" info cut.lt --json >cut.json
made continue cut.mp4 --frames 17 -p "a blue ball" --steps 2 --json -o from_cut.mp4
equal "cut.mp4: its comment" "$("$PROGRAM" info cut.mp4 --json | grep -c made_by)" 1
for i in 0 1 7 12 13; do
    equal "cut.mp4: token $i" "$(json made.out tokens $i)" "$(json cut.json segments 0 tokens $i)"
done

# A take of ours that plays faster goes on frame by frame and stays as fast; cut by another program
# it is read by the clock.
made generate "a red ball" --frames 29 --steps 2 --fps 24 -o fast.mp4
"$PROGRAM" continue fast.mp4 --from 0.9 --frames 17 -p "a blue ball" --steps 2 -m "$MODEL" \
    -o faster.mp4 >made.out 2>made.err ||
    fail "continue: $(cat made.err)"
grep -qx "fast.mp4: made with --fps 24: read frame by frame, as the model's 8" made.err ||
    fail "continue of another rate: $(cat made.err)"
equal "faster.mp4: frames" "$(of_video faster.mp4 nb_read_frames)" 38
equal "faster.mp4: rate" "$(of_video faster.mp4 r_frame_rate)" 24/1
"$PROGRAM" info fast.mp4 --json >fast.json
"$PROGRAM" info faster.mp4 --json >faster.json
for i in 0 1 7 13 14 17; do
    equal "faster.mp4: token $i" "$(json faster.json about tokens $i)" \
        "$(json fast.json about tokens $i)"
done
made continue fast.mp4 --recipe faster.mp4 -o again.mp4
same again.mp4 faster.mp4
# Frames of it are those that are read, as --from takes them.
made continue fast.mp4 --from 17f --frames 4 -p "a blue ball" --steps 1 --json -o at.mp4
equal "fast.mp4 from 17f" "$(json made.out reference frames)" 17
made continue fast.mp4 --from 29f --frames 4 -p "a blue ball" --steps 1 --json -o at.mp4
equal "fast.mp4 from 29f" "$(json made.out reference frames)" 29
refused 2 continue fast.mp4 --from 30f --frames 4 -p "a blue ball" --steps 1 -o bad.mp4
made encode fast.mp4 -o fast.lt
printf 'take: {frames: 25, steps: 1}\nshots:\n  - {prompt: a ball, plan: fast.mp4, span: 0f-28f}\n' >span.yaml
made run span.yaml --json -o span.mp4
"$PROGRAM" info fast.lt --json >fast.json
for i in 0 1 7 13; do
    equal "span of fast.mp4: token $i" "$(json made.out tokens $i)" \
        "$(json fast.json segments 0 tokens $i)"
done
sed s/0f-28f/8f-64f/ span.yaml >beyond.yaml
refused 3 run beyond.yaml -o bad.mp4
made continue faster.mp4 --frames 4 -p "a ball" --steps 2 --fps 12 -o slower.mp4
equal "slower.mp4: rate" "$(of_video slower.mp4 r_frame_rate)" 12/1
made encode fast.mp4 -o fast.lt
"$PROGRAM" info fast.lt --json >fast.json
equal "fast.lt: frames" "$(json fast.json frames)" 29
ffmpeg -v error -ss 0.5 -i fast.mp4 fast_cut.mp4
made encode fast_cut.mp4 -o fast.lt
"$PROGRAM" info fast.lt --json >fast.json
equal "fast_cut.mp4: frames" "$(json fast.json frames)" 6

# Any other video, at a moment; another size and rate; a clip shorter than what a window knows.
ffmpeg -v error -f lavfi -i testsrc=size=200x100:rate=25:duration=3 -pix_fmt yuv420p clip.mp4
made continue clip.mp4 --from 1.1s --seconds 1 -p "a ball" --steps 2 -o clip.y4m
equal "clip: frames" "$(of_video clip.y4m nb_read_frames)" 17
made continue clip.mp4 --from 5f --seconds 1 -p "a ball" --steps 2 -o short.y4m
equal "short: frames" "$(of_video short.y4m nb_read_frames)" 13
made continue clip.mp4 --seconds 1 -p "a ball" --steps 2 --carry frames -o frames.y4m
equal "frames: frames" "$(of_video frames.y4m nb_read_frames)" 29

# What becomes of a clip is told, each of it only where it does. The model's own are 96x64 at 8
# frames a second.
told() { # LINE, or "" for none, then the command
    line=$1
    shift
    longtake "$@" --progress plain -o bad.y4m >made.out 2>made.err || fail "$*: $(cat made.err)"
    equal "$*" "$(grep '^clip.mkv: ' made.err)" "$line"
    rm -f bad.y4m
}
clip() { # SIZE RATE, then options: clip.mkv
    size=$1 rate=$2
    shift 2
    ffmpeg -v error -y -f lavfi -i testsrc=size=$size:rate=$rate:duration=1 "$@" \
        -c:v ffv1 clip.mkv ||
        fail ffmpeg
}
continued="continue clip.mkv --frames 9 --steps 2 -p ball"
clip 96x64 8
told "" $continued
clip 200x100 25 -f lavfi -i sine=duration=1 -c:a pcm_s16le
told "clip.mkv: 200x100 at 25 frames a second becomes 96x64 at 8 (the sides are cut, see --fit); its sound is left out" $continued
told "clip.mkv: 200x100 at 25 frames a second becomes 96x64 at 8 (black above and below, see --fit)" $continued --fit pad --new-only
told "clip.mkv: 200x100 at 25 frames a second becomes 96x64 at 8 (stretched, see --fit); its sound is left out" $continued --fit stretch
told "clip.mkv: 200x100 at 25 frames a second becomes 96x64 at 8 (the middle of it, see --fit); its sound is left out" $continued --fit crop
clip 96x64 8 -f lavfi -i sine=duration=1 -c:a pcm_s16le
told "clip.mkv: its sound is left out" $continued
clip 96x64 24000/1001
told "clip.mkv: 23.98 frames a second become 8" $continued
clip 96x100 8
told "clip.mkv: 96x100 becomes 96x64 (top and bottom are cut, see --fit)" $continued
told "clip.mkv: 96x100 becomes 96x64 (black at the sides, see --fit)" $continued --fit pad
clip 193x128 8
told "clip.mkv: 193x128 becomes 96x64" $continued
clip 48x64 8 -vf setsar=2 # seen as 96x64
told "" $continued
ffmpeg -v error -y -i clip.mkv -frames:v 1 -vf scale=60:60,setsar=1 told.png
told "" generate ball --image told.png --frames 9 --steps 2 # nothing of clip.mkv
grep -qx 'told.png: 60x60 becomes 96x64 (top and bottom are cut, see --fit)' made.err ||
    fail "a picture: $(cat made.err)"

# A clip of ours says what it shows: without a prompt that goes on, and a new one is a shot behind
# it, from the segment on that has the first new frame.
made continue ball.mp4 --frames 17 -p "a red ball" --steps 2 -o said.y4m
made continue ball.mp4 --frames 17 --steps 2 --json -o unsaid.y4m
same said.y4m unsaid.y4m
equal "unsaid: shots" "$(grep -o '"prompt"' made.out | wc -l)" 1
made continue longer.mp4 --frames 17 --steps 2 --json -o on.mp4
equal "on: prompt" "$(json made.out settings shots 0 prompt)" "a blue ball"
made continue longer.mp4 --from 20f --frames 17 --steps 2 --json -o on.mp4
equal "earlier: prompt" "$(json made.out settings shots 0 prompt)" "a red ball"
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --new-only -o new.mp4
made continue new.mp4 --frames 17 --steps 2 --json -o on.mp4
equal "new: prompt" "$(json made.out settings shots 0 prompt)" "a blue ball"
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --json -o leant.mp4
equal "leant: before" "$(json made.out settings shots 0 prompt)" "a red ball"
equal "leant: new" "$(json made.out settings shots 1 prompt)" "a blue ball"
equal "leant: from" "$(json made.out settings shots 1 at_frame)" 20
grep -o '"tokens":[^]]*' made.out >leant.tokens
made continue ball.mp4 --frames 17 -p "a blue ball" --shot-cfg 0 --steps 2 --json -o unleant.mp4
grep -o '"tokens":[^]]*' made.out >unleant.tokens
[ -s leant.tokens ] || fail "the report holds no tokens"
cmp -s leant.tokens unleant.tokens && fail "the change is not leant to"
refused 2 continue clip.mp4 --frames 17 -o bad.mp4
equal "no prompt anywhere" "$(head -n 1 refused.err)" \
    "longtake: --prompt: found none, and clip.mp4 holds none"

# Events are spread over the new frames, and a recipe finds them there again.
made continue ball.mp4 --frames 24 -p "a red ball, then a box" --steps 2 \
    --set pipeline.events=spread --json -o events.mp4
equal "events: first new frame" "$(json made.out settings shots 1 at_frame)" 41
made continue ball.mp4 --recipe events.mp4 --steps 2 -o again.mp4
for take in events again; do
    ffmpeg -v error -i $take.mp4 -f rawvideo $take.raw
done
same events.raw again.raw

# Windows of the new part are made again like those of any take.
again="continue ball.mp4 --frames 24 -p cube --steps 2"
made $again -o take.y4m
made $again --retake 1 --retake-seed 5 -o retaken.y4m
made $again --retake 1 --retake-seed 5 --keep-rest -o kept.y4m
made $again -o take.mp4
made continue ball.mp4 --recipe take.mp4 --retake 1 --seed 5 -o retaken.mp4
made continue ball.mp4 --recipe retaken.mp4 -o by_recipe.y4m
same by_recipe.y4m retaken.y4m
# 29 frames of the clip, then windows of 8 new ones
for take in take retaken kept; do
    raw $take
    tail -c +$((29 * frame + 1)) $take.raw | head -c $((8 * frame)) >$take.0
    tail -c +$((37 * frame + 1)) $take.raw | head -c $((8 * frame)) >$take.1
done
same take.0 retaken.0
same take.0 kept.0
same retaken.1 kept.1
cmp -s take.1 retaken.1 && fail "a window of a continuation is not made again"
made $again --retake 4.7s-5.5s --retake-seed 5 -o time.y4m
equal "windows of a span" "$(grep retake made.err)" "--retake 4.7s-5.5s: window 1"
same time.y4m retaken.y4m
refused 2 $again --retake 1 -o bad.mp4
refused 2 $again --retake 3 --retake-seed 5 -o bad.mp4

# A picture is frame 0.
ffmpeg -v error -i clip.mp4 -frames:v 1 picture.png
made generate "a ball" --image picture.png --frames 20 --steps 2 -o picture.y4m
equal "picture: frames" "$(of_video picture.y4m nb_read_frames)" 20
made tokens -p "a ball" --image picture.png --frames 20 -o picture.lt
made encode picture.png -o alone.lt
"$PROGRAM" info picture.lt --json >picture.json
"$PROGRAM" info alone.lt --json >alone.json
for i in 0 3 5; do
    equal "picture token $i" "$(json picture.json segments 0 tokens $i)" \
        "$(json alone.json segments 0 tokens $i)"
done

# In a kept job the same command computes nothing twice, and gives the same bytes.
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --job job -o first.mp4
made continue ball.mp4 --frames 17 -p "a blue ball" --steps 2 --job job --json -o second.mp4
same first.mp4 second.mp4
same first.mp4 longer.mp4
equal "steps computed again" "$(json made.out stages refine computed)" "0"

# The recipe of a take that went on needs what it went on from.
made continue ball.mp4 --from 20f --frames 17 -p "a blue ball" --steps 2 --new-only -o went_on.mp4
made continue ball.mp4 --recipe went_on.mp4 -o again.mp4
same went_on.mp4 again.mp4
made continue ball.mp4 --recipe longer.mp4 -o again.mp4
same longer.mp4 again.mp4
made generate "a ball" --image picture.png --frames 20 --steps 2 -o begun.mp4
made generate --recipe begun.mp4 --image picture.png -o again.mp4
same begun.mp4 again.mp4
refused 3 continue longer.mp4 --recipe went_on.mp4 -o bad.mp4
refused 3 generate --recipe longer.mp4 -o bad.mp4
refused 3 continue ball.mp4 --recipe ball.mp4 -o bad.mp4
made continue ball.mp4 --frames 17 -p "a blue ball" --dry-run --json -o dry.mp4
equal "dry run: frames" "$(json made.out frames)" 46
equal "dry run: windows" "$(json made.out windows)" 3
[ -e dry.mp4 ] && fail "a dry run left a file"

refused 2 continue ball.mp4 --from 9s --seconds 1 -p x -o bad.mp4
refused 2 continue ball.mp4 --from 0s --seconds 1 -p x -o bad.mp4
refused 2 continue - --seconds 1 -p x -o bad.mp4
refused 3 continue none.mp4 --seconds 1 -p x -o bad.mp4
made generate "a ball" --image picture.png --set pipeline.fps=30 --frames 5 --steps 1 -o quick.mp4
refused 2 generate x --image clip.mp4 --seconds 1 -o bad.mp4
equal "a video as a picture" "$(head -n 1 refused.err)" \
    "longtake: --image: clip.mp4 has more than one frame, expected a picture"
# What a take is made from is never written over, whatever name it goes by.
mkdir folder
cp ball.mp4 kept.mp4
cp picture.png kept.png
cp picture.png kept-00003.png
cp ball.mp4 whole.part.mp4
ln kept.mp4 folder/link.mp4
ln -s ../kept.mp4 folder/symbolic.mp4
made encode kept.mp4 -o kept.lt
ln -s kept.lt kept.mkv
printf 'take: {frames: 33, steps: 2}\nshots:\n  - {prompt: a ball, plan: kept.mp4}\n' >planned.yaml
spares() { # NAMED, then the command
    named=$1
    shift
    refused 2 "$@"
    equal "$*" "$(grep '^longtake: ' refused.err)" \
        "longtake: $named, which this take is made from, expected another file"
}
for output in kept.mp4 ./kept.mp4 folder/link.mp4 folder/symbolic.mp4; do
    spares "--output: found $output" continue kept.mp4 --frames 17 -o $output
done
spares "--output: found kept.mp4" continue kept.mp4 --frames 17 --dry-run -o kept.mp4
spares "--output: found whole.part.mp4" continue whole.part.mp4 --frames 17 -o whole.mp4
spares "--preview: found kept.mp4" continue kept.mp4 --frames 17 --preview kept.mp4 -o bad.mp4
spares "--output: found kept.mp4" run planned.yaml -o kept.mp4
spares "--output: found kept.mkv" render kept.lt -o kept.mkv
spares "--output: found kept-00003.png" generate "a ball" --image kept-00003.png --frames 9 \
    --steps 2 -o kept.png
spares "--preview: found kept.png" tokens "a ball" --image kept.png --frames 9 --candidates 2 \
    --preview kept.png -o kept.lt
same kept.mp4 ball.mp4
same kept.png picture.png
# A picture of another number is in nobody's way, and a take may be made again into its own file.
made generate "a ball" --image kept-00003.png --frames 3 --steps 2 -o kept.png
made generate "a ball" --image kept.png --frames 9 --steps 2 -o begun.mp4
cp begun.mp4 before.mp4
made generate --recipe begun.mp4 --image kept.png -o begun.mp4
same begun.mp4 before.mp4

[ -e longer.mp4.job ] && fail "a job folder is left: $(ls longer.mp4.job)"
[ -e bad.mp4 ] && fail "a refused command left a file"

# What is read more than once is no pipe: the second reading would wait for ever.
mkfifo clip.pipe
refused 2 continue clip.pipe -p "a red ball" --seconds 2 -o bad.mp4
grep -q 'continue: found a pipe or device, expected a file, which is read more than once' \
    refused.err ||
    fail "a pipe: $(cat refused.err)"
finish
