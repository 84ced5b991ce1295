#!/bin/sh
# A prompt becomes an H.264 MP4 of exactly the length that was asked for, and nothing else is left
# behind.
. "$(dirname "$0")/steps.sh"

# take NAME LENGTH... FRAMES SECONDS
take() {
    made generate "a red ball at dusk" $2 -o "$1.mp4"
    equal "$1: path on standard output" "$(cat made.out)" "$1.mp4"
    equal "$1: frames" "$(of_video "$1.mp4" nb_read_frames)" "$3"
    equal "$1: seconds" "$(of_video "$1.mp4" duration)" "$4"
    equal "$1: codec" "$(of_video "$1.mp4" codec_name)" h264
    equal "$1: pixels" "$(of_video "$1.mp4" pix_fmt)" yuv420p
    ffmpeg -v error -i "$1.mp4" -f null - >decoded.err 2>&1 || fail "$1: does not play"
    equal "$1: decoder messages" "$(cat decoded.err)" ""
    rm -f decoded.err made.out made.err
}

take one_frame  "--frames 1"     1  0.125000
take one_window "--frames 17"    17 2.125000
take seconds    "--seconds 3"    24 3.000000
take grid       "--frames 25"    25 3.125000
take official   "--num_frames 5" 17 2.125000
take long       "--seconds 7.5"  60 7.500000
equal "files" \
    "$(ls | tr '\n' ' ')" "grid.mp4 long.mp4 official.mp4 one_frame.mp4 one_window.mp4 seconds.mp4 "

# The index stands before the pictures, so that a player can start at once.
head -c 64 seconds.mp4 | grep -q moov || fail "seconds.mp4: no moov at the beginning"

# Other kinds of file.
made generate "a red ball" --frames 9 -o take.mkv
equal "mkv: codec" "$(of_video take.mkv codec_name)" ffv1
equal "mkv: frames" "$(of_video take.mkv nb_read_frames)" 9
made generate "a red ball" --frames 9 -o take.y4m
equal "y4m: frames" "$(of_video take.y4m nb_read_frames)" 9
made generate "a red ball" --frames 9 -o take_%04d.png
equal "png: files" "$(ls take_*.png | wc -l)" 9
made generate "a red ball" --frames 2 -o still.png
equal "png: what is said" "$(cat made.err)" "2 pictures: still-00000.png to still-00001.png"
equal "png: the result" "$(cat made.out)" "still-%05d.png"
equal "png: files" "$(ls still* | tr '\n' ' ')" "still-00000.png still-00001.png "
made generate "a red ball" --frames 1 -o still.png
grep -q '^warning: still-00001.png was there before: this take.s pictures end before it' made.err ||
    fail "png: pictures of an earlier take: $(cat made.err)"
grep -q '^1 picture: still-00000.png$' made.err || fail "png: one picture: $(cat made.err)"
echo "somebody's own" >still.png # is none of the take
made generate "a red ball" --frames 2 --json -o still.png
equal "png: output in the report" "$(json made.out output)" "still-%05d.png"
equal "png: pictures in the report" "$(json made.out pictures)" 2
grep -q output_hash made.out &&
    fail "png: the report has the hash of a file that the take did not write"
printf 'a red ball\n' >prompts.txt
made generate --prompts prompts.txt --output-dir many --format png --frames 2
equal "png: of a batch" "$(cat made.out)" "many/0001-%05d.png"

# Larger, and at another rate.
made generate "a red ball" --frames 9 --scale 2 --fps 12 -o large.mp4
grep -q "^12 frames a second: the file plays for 0.75 s, the model's 8 for 1.12 s$" made.err ||
    fail "--fps: $(cat made.err)"
equal "large: size" "$(of_video large.mp4 width,height | tr '\n' ' ')" "192 128 "
equal "large: seconds" "$(of_video large.mp4 duration)" 0.750000
finish
