#!/bin/sh
# Memory does not grow with the length of the take, nor do open files: of a take, a film whose
# prompt changes every ten seconds, and a take that goes on from a clip, or from a long clip.
. "$(dirname "$0")/steps.sh"
ulimit -n 32

# peak NAME FRAMES COMMAND...: the memory that making NAME.mp4 needs, in NAME.kib: the least of three
# times, as encoding H.264 needs up to 2.5 MB more now and then, and raw frames do not.
peak() {
    name=$1 frames=$2
    shift 2
    for again in 1 2 3; do
        "$TOOLS/peak_memory" $again.kib "$PROGRAM" "$@" -o $name.mp4 --model "$MODEL" --threads 2 \
            --progress none >out 2>err ||
            fail "$name: exit code $?: $(cat err)"
    done
    sort -n 1.kib 2.kib 3.kib | head -n 1 >$name.kib
    equal "$name: frames" "$(of_video $name.mp4 nb_read_frames)" "$frames"
}
# flat SHORT LONG: at most a twentieth more.
flat() {
    short=$(cat "$1.kib")
    long=$(cat "$2.kib")
    echo "peak memory: $1 $short KiB, $2 $long KiB"
    [ "$long" -le $((short + short / 20)) ] ||
        fail "$1 needs $short KiB, $2 needs $long KiB: more than 5 % apart"
}
# film SECONDS
film() {
    echo "take: {seconds: $1}"
    echo "shots:"
    at=0
    while [ $at -lt "$1" ]; do
        echo "  - {at: ${at}s, prompt: \"a red ball, $at\"}"
        at=$((at + 10))
    done
}
peak take30 240 generate "a red ball" --seconds 30
peak take300 2400 generate "a red ball" --seconds 300
flat take30 take300
film 30 >film30.yaml
film 120 >film120.yaml
peak film30 240 run film30.yaml
peak film120 960 run film120.yaml
flat film30 film120

# A clip of 25 frames a second, 4 k + 1 frames of it are kept: 2 s are 16 frames, 13 kept.
ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -pix_fmt yuv420p clip.mp4
ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=25:duration=60 -pix_fmt yuv420p longclip.mp4
peak on30 253 continue clip.mp4 -p "a red ball" --seconds 30
peak on120 973 continue clip.mp4 -p "a red ball" --seconds 120
flat on30 on120
peak onlong 717 continue longclip.mp4 -p "a red ball" --seconds 30
flat on30 onlong
finish
