#!/bin/sh
# -o - : the video on standard output, and nothing but the video.
. "$(dirname "$0")/steps.sh"

made generate "a red ball" --seconds 3 -o - --no-metadata
mv made.out stream.mp4
equal "mp4: frames" "$(of_video stream.mp4 nb_read_frames)" 24
equal "mp4: codec" "$(of_video stream.mp4 codec_name)" h264
made generate "a red ball" --seconds 3 -o - --format y4m
mv made.out stream.y4m
equal "y4m: size" \
    "$(wc -c <stream.y4m)" "$(($(head -n 1 stream.y4m | wc -c) + 24 * (6 + 96 * 64 * 3 / 2)))"
equal "y4m: frames" "$(of_video stream.y4m nb_read_frames)" 24
equal "files" "$(ls)" "made.err
stream.mp4
stream.y4m"

# A reader that goes away, and a disk that is full, are errors with a message.
longtake generate "a red ball" --seconds 6 -o - --format y4m 2>pipe.err | head -c 100 >/dev/null
grep -q '^longtake: ' pipe.err || fail "closed pipe: no message"
longtake generate "a red ball" --seconds 3 -o - --format y4m >/dev/full 2>full.err
equal "full disk" $? 5
grep -q '^longtake: ' full.err || fail "full disk: no message"
(ulimit -f 4; trap '' XFSZ; longtake generate "a red ball" --seconds 3 -o big.mp4 2>big.err; echo $? >big.code)
[ "$(cat big.code)" -ne 0 ] || fail "a file that cannot grow is no error"
[ -e big.mp4 ] && fail "a file that could not be written has its final name"
# Standard output by another name is no other: nothing of ours is printed behind what was made.
made tokens "a red ball" --frames 9 -o named.lt
"$PROGRAM" tokens "a red ball" --frames 9 -o /dev/fd/1 --format lt --model "$MODEL" -q |
    cat >piped.lt
same named.lt piped.lt
finish
