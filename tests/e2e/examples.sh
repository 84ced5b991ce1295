#!/bin/sh
# The example programs, customers of longtake.h, do what they say.
. "$(dirname "$0")/steps.sh"

# They are strict C11, as a reader may compile them.
for source in "$SOURCE"/examples/*.c; do
    "$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$SOURCE" -c "$source" -o example.o || fail "$source is no strict C11"
done

# example NAME ARGUMENTS...: on the tiny model.
example() {
    name=$1
    shift
    "$EXAMPLES/$name" "$MODEL" "$@" >"$name.out" 2>"$name.err" || fail "$name: exit code $?: $(cat "$name.err")"
}

example minimal_generate "a red ball" 3 minimal.mp4
equal "minimal_generate: frames" "$(of_video minimal.mp4 nb_read_frames)" 24
grep -q '^minimal.mp4: 24 frames, seed 42' minimal_generate.out || fail "minimal_generate: $(cat minimal_generate.out)"
made generate "a red ball" --seconds 3 -o program.mp4
same minimal.mp4 program.mp4

example frames_to_pipe "a red ball" 24
equal "frames_to_pipe: bytes" "$(wc -c <frames_to_pipe.out)" $((24 * 96 * 64 * 3))

made tokens -p "a red ball" --num-frames 10 -o take.lt
example edit_tokens take.lt 5 swapped.mp4
equal "edit_tokens: frames" "$(of_video swapped.mp4 nb_read_frames)" 37

example cancel_from_thread "a red ball" 6 cancelled.mp4
grep -q 'goes on from' cancel_from_thread.out || fail "cancel_from_thread: $(cat cancel_from_thread.out)"
made generate "a red ball" --seconds 6 -o whole.mp4
same whole.mp4 cancelled.mp4
finish
