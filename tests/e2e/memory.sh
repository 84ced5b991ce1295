#!/bin/sh
# Memory does not grow with the length of the take, nor do open files.
. "$(dirname "$0")/steps.sh"
ulimit -n 32

peak() {
    "$TOOLS/peak_memory" "$1.kib" "$PROGRAM" generate "a red ball" --seconds "$1" -o "$1.mp4" --model "$MODEL" --threads 2 \
        --progress none >out 2>err || fail "$1 seconds: exit code $?: $(cat err)"
    equal "$1 seconds: frames" "$(of_video "$1.mp4" nb_read_frames)" $(($1 * 8))
    cat "$1.kib"
}
peak 30
peak 300
short=$(cat 30.kib)
long=$(cat 300.kib)
echo "peak memory: 30 s $short KiB, 300 s $long KiB"
[ "$long" -le $((short + short / 20)) ] || fail "30 s need $short KiB, 300 s need $long KiB: more than 5 % apart"
finish
