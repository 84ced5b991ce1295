#!/bin/sh
# Kinds of video for editors and pages: exact lengths, the same bytes for any number of threads and
# after a kill, the recipe in the file.
. "$(dirname "$0")/steps.sh"

# begin ARGUMENTS...: the take $output from nothing, in the background; its events in killed.events.
begin() {
    rm -rf "$output" "$output.job"
    : >killed.events
    "$PROGRAM" "$@" -o "$output" --model "$MODEL" --progress jsonl >killed.out 2>killed.events &
    run=$!
}

# killed OUTPUT ARGUMENTS...: the take, killed once its first window is there, and gone on with.
killed() {
    output=$1
    shift
    stop KILL killed.events window_done 1 begin "$@"
    [ -e "$output" ] && fail "$output: was not killed in five attempts"
    part="${output%.*}.part.${output##*.}"
    grown=none
    [ -e "$part" ] && grown=$(of_video "$part" nb_read_frames)
    made "$@" -o "$output"
    [ -e "$part" ] && fail "$part is left"
}

# kind NAME CODEC SECONDS: a kind that grows and streams, of 60 frames, and what ffprobe calls the
# codec and the length.
kind() {
    name=$1
    for threads in 1 2 3; do
        made generate "a red ball" --seconds 7.5 --threads $threads -o $threads.$name
    done
    same 1.$name 2.$name
    same 1.$name 3.$name
    equal "$name: frames" "$(of_video 1.$name nb_read_frames)" 60
    equal "$name: codec" "$(of_video 1.$name codec_name)" "$2"
    equal "$name: pixels" "$(of_video 1.$name pix_fmt)" yuv420p
    equal "$name: colours" \
        "$(of_video 1.$name color_range,color_space,color_transfer,color_primaries | sort -u | tr '\n' ' ')" "bt709 tv "
    equal "$name: seconds" \
        "$(ffprobe -v error -show_entries format=duration -of default=nw=1:nk=1 1.$name)" "$3"
    ffmpeg -v error -i 1.$name -f null - >decoded.err 2>&1 || fail "$name: does not play"
    equal "$name: decoder messages" "$(cat decoded.err)" ""
    strings -n 4 1.$name | grep -E 'x264|Lav[cf][0-9 ]|libvpx' && fail "$name: says who wrote it"

    killed killed.$name generate "a red ball" --seconds 7.5
    same 1.$name killed.$name
    [ "$grown" -ge 17 ] || fail "$name: what was finished before the kill: $grown frames play"

    # One recipe, whatever the container, and back.
    made generate "a red ball" --seconds 7.5 -o plain.mp4
    made generate --recipe 1.$name -o again.$name
    same 1.$name again.$name
    made generate --recipe 1.$name -o again.mp4
    same plain.mp4 again.mp4
    made info 1.$name --json
    equal "$name: info" \
        "$(json made.out kind) $(json made.out fps) $(json made.out about settings seed)" "video 8 42"
    made generate --recipe 1.$name --retake 3s-5s --retake-seed 5 -o retaken.$name
    equal "$name: frames of a retake" "$(of_video retaken.$name nb_read_frames)" 60
    made continue plain.mp4 --seconds 3 -o longer.mp4
    made continue 1.$name --seconds 3 -o longer.$name
    equal "$name: frames of a continuation" "$(of_video longer.$name nb_read_frames)" \
        "$(of_video longer.mp4 nb_read_frames)"
    made generate "a red ball" --seconds 3 --no-metadata -o silent.$name
    made info silent.$name --json
    grep -q '"about"' made.out && fail "$name: --no-metadata tells how it was made"

    # A pipe gets the same pictures.
    made generate "a red ball" --seconds 7.5 --format $name -o -
    mv made.out piped
    equal "$name: frames in a pipe" "$(of_video piped nb_read_frames)" 60
    ffmpeg -v error -i piped -f framemd5 - | grep -v '^#' | sed 's/.*,//' >piped.md5
    ffmpeg -v error -i 1.$name -f framemd5 - | grep -v '^#' | sed 's/.*,//' >file.md5
    same piped.md5 file.md5
    made info piped --json
    equal "$name: info of a pipe's" "$(json made.out about settings seed)" 42
    rm -f piped* ./*.$name
}

kind mov h264 7.500000
kind webm vp9 7.500000

# An animation is put together at the end; how it was made stands in it, its pictures cannot be read
# here.
for threads in 1 2 3; do
    made generate "a red ball" --seconds 7.5 --threads $threads -o $threads.webp
done
same 1.webp 2.webp
same 1.webp 3.webp
killed killed.webp generate "a red ball" --seconds 7.5
same 1.webp killed.webp
equal "webp: what grows" "$grown" none
made info 1.webp --json
equal "webp: info" \
    "$(json made.out codec) $(json made.out seconds) $(json made.out width) $(json made.out about settings seed)" "webp 7.5 96 42"
made generate --recipe 1.webp -o again.webp
same 1.webp again.webp
made generate "a red ball" --seconds 7.5 -o plain.mp4
made generate --recipe 1.webp -o again.mp4
same plain.mp4 again.mp4
made generate "a red ball" --seconds 7.5 --no-metadata -o silent.webp
made info silent.webp --json
grep -q '"about"' made.out && fail "webp: --no-metadata tells how it was made"
for command in "continue 1.webp --seconds 3 -o x.mp4" "encode 1.webp -o x.lt" "generate x --image 1.webp -o x.mp4"; do
    refused 3 $command
    grep -q '^longtake: 1.webp: an animated WebP, of which no pictures can be read' refused.err ||
        fail "$command: $(cat refused.err)"
done
grep -q '^hint: .*--recipe' refused.err || fail "webp: no hint: $(cat refused.err)"
refused 2 generate x --seconds 3 --format webp -o -
grep -q 'found webp, which cannot be a stream, expected mp4, mov, webm, mkv or y4m' refused.err ||
    fail "webp as a stream: $(cat refused.err)"
mkfifo pipe.webp
timeout 60 cat pipe.webp >read.webp &
made generate "a red ball" --seconds 7.5 -o pipe.webp
wait
[ -p pipe.webp ] || fail "webp: the pipe was replaced"
same 1.webp read.webp
printf 'a red ball\n' >list.txt
made generate --prompts list.txt --output-dir many --format webp --seconds 7.5
made generate --prompts list.txt --output-dir many --format webp --seconds 7.5
grep -q 'is there already' made.err || fail "webp: made again, though it was there: $(cat made.err)"
made generate "a red ball" --frames 1 -o still.webp
made info still.webp --json
equal "webp: one frame" "$(json made.out frames) $(json made.out seconds)" "1 0.125"
rm -rf ./*.webp many

# The preview of a window gives way to its own frames.
mkdir windows
made generate "a red ball" --seconds 3 --preview windows -o a.mov
equal "frames of a window" "$(of_video windows/window-000.mp4 nb_read_frames)" 17
finish
