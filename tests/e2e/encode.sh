#!/bin/sh
# Any video becomes tokens, and the tokens a video of the same length.
. "$(dirname "$0")/steps.sh"

# source NAME FFMPEG_INPUT_OPTIONS... NAME.EXT is made, described, and rendered back.
back() {
    file=$1
    frames=$2
    made encode "$file" -o "$file.lt"
    made info "$file.lt"
    equal "$file: frames noted" "$(json made.out frames)" "$frames"
    made render "$file.lt" -p "a test picture" -o "$file.mp4"
    equal "$file: frames rendered" "$(of_video "$file.mp4" nb_read_frames)" "$frames"
}

ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=24 -t 3 -pix_fmt yuv420p wide.mp4 || fail ffmpeg
back wide.mp4 24
made encode wide.mp4 -o told.lt
grep -q '^wide.mp4: 320x240 at 24 frames a second becomes 96x64 at 8 (top and bottom are cut' made.err || fail "what becomes of a clip is not told: $(cat made.err)"
ffmpeg -v error -f lavfi -i mandelbrot=size=120x200:rate=8 -frames:v 10 -c:v ffv1 tall.mkv || fail ffmpeg
back tall.mkv 10
ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=8 -frames:v 1 still.png || fail ffmpeg
back still.png 1

# Progress counts the segments that there are: 20 frames are 6 semantic ones, segments of 5 and of 1.
ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=8 -frames:v 20 two.mkv || fail ffmpeg
"$PROGRAM" encode two.mkv -o two.lt --model "$MODEL" --progress jsonl >made.out 2>events.jsonl || fail "encode two.mkv: $(tail -1 events.jsonl)"
equal "windows of encode" "$(grep -o '"stage":"encode","window":[0-9]*,"windows":[0-9]*' events.jsonl | sort -u | sed 's/[^0-9]*\([0-9]*\)[^0-9]*/\1 /' | tr '\n' ' ')" "0 2 1 2 "
grep -q '"event":"start","stage":"read",' events.jsonl || fail "encode begins with another stage than reading: $(head -1 events.jsonl)"
grep -q '"stage":"text"' events.jsonl && fail "encode reads no text: $(grep '"stage":"text"' events.jsonl | head -1)"
grep -q '"event":"start".*eta_s' events.jsonl && fail "a time is left before anything is known: $(head -1 events.jsonl)"

# Every way of fitting gives another plan of the same length.
for fit in cover pad crop stretch; do
    made encode wide.mp4 --fit $fit -o fit_$fit.lt
done
cmp -s fit_cover.lt fit_pad.lt && fail "cover and pad give the same"

# Of an MP4 whose index is at its end a pipe shows nothing; an error that blamed the file would be wrong.
ffmpeg -v error -i tall.mkv -vf scale=480:800 -c:v mjpeg -q:v 1 -pix_fmt yuvj420p late.mp4 || fail ffmpeg # more than what is read ahead
made encode late.mp4 -o late.lt
mkfifo late.pipe
cat late.mp4 >late.pipe &
longtake encode - -o late.lt <late.pipe >late.out 2>late.err
equal "an MP4 through a pipe: exit code" $? 3
grep -q 'no picture can be read from this pipe' late.err || fail "an MP4 through a pipe: $(cat late.err)"
# Through pipes: video in, tokens out.
"$PROGRAM" encode - -o - --model "$MODEL" --progress none <tall.mkv >piped.lt 2>piped.err || fail "encode -: $(cat piped.err)"
made encode tall.mkv -o filed.lt
same piped.lt filed.lt
# A clip of ours says what it shows: its plan notes that, and is rendered without a prompt. Another program's copy, which may be cut, says nothing.
made generate "a red ball" --frames 17 --seed 3 --steps 1 -o own.mp4
made encode own.mp4 -o own.lt
made info own.lt
equal "prompt of a clip of ours" "$(json made.out notes prompt)" "a red ball"
made render own.lt --steps 1 -o own_again.mp4
made info own_again.mp4
equal "prompt of what it is rendered to" "$(json made.out about settings shots 0 prompt)" "a red ball"
cat >shots.yaml <<'END'
take: {frames: 33}
shots: [{prompt: a red ball}, {at: 16f, prompt: a blue ball}]
END
made run shots.yaml --steps 1 -o shots.mp4
made encode shots.mp4 -o shots.lt
made render shots.lt --steps 1 --dry-run --json
equal "shots of a clip of ours" "$(json made.out settings shots 1 at_frame) $(json made.out settings shots 1 prompt)" "16 a blue ball"
ffmpeg -v error -i own.mp4 -c copy -frames:v 9 copied.mp4 || fail ffmpeg
made encode copied.mp4 -o copied.lt
refused 2 render copied.lt -o none.mp4
# Pictures that a decoder mends are told of.
ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=8:duration=2 -c:v mpeg2video sound.ts
made encode sound.ts -o sound.lt
grep -q damaged made.err && fail "a sound clip is called damaged: $(cat made.err)"
cp sound.ts mended.ts
for place in 3 5 7; do
    printf '\377\377\377\377' | dd of=mended.ts bs=1 seek=$(($(wc -c <sound.ts) * place / 10)) conv=notrunc 2>dd.err || fail "$(cat dd.err)"
done
made encode mended.ts -o mended.lt
grep -q '^warning: mended.ts: [0-9]* pictures\{0,1\} [a-z]* damaged: what was missing is made up by the decoder$' made.err || fail "damage is not told: $(cat made.err)"
finish
