#!/bin/sh
# The examples, customers of longtake.h and of the program, do what they say.
. "$(dirname "$0")/steps.sh"

# They are strict C11 and C++17, as a reader may compile them; so is the sample at the top of the
# header.
strict="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I$SOURCE -c -o example.o"
{
    printf '#include "longtake.h"\nint fail(const char *message);\nint sample(void);\nint sample(void)\n{\n'
    sed -n '/^ \*     /s/^ \*//p; /^ \*$/{x;s/^/x/;/^xx/q;x}' "$SOURCE/longtake.h" | sed 's,//.*,,'
    printf '    return 0;\n}\n'
} >sample.c
grep -q longtake_close sample.c || fail "the header has no sample: $(cat sample.c)"
for source in "$SOURCE"/examples/*.c sample.c; do
    "$CC" -std=c11 $strict "$source" || fail "$source is no strict C11"
    "$CXX" -x c++ -std=c++17 $strict "$source" || fail "$source is no C++17"
done

# example NAME ARGUMENTS...: on the tiny model.
example() {
    name=$1
    shift
    "$EXAMPLES/$name" "$MODEL" "$@" >"$name.out" 2>"$name.err" ||
        fail "$name: exit code $?: $(cat "$name.err")"
}

example minimal_generate "a red ball" 3 minimal.mp4
equal "minimal_generate: frames" "$(of_video minimal.mp4 nb_read_frames)" 24
grep -q '^minimal.mp4: 24 frames, seed 42' minimal_generate.out ||
    fail "minimal_generate: $(cat minimal_generate.out)"
made generate "a red ball" --seconds 3 -o program.mp4
same minimal.mp4 program.mp4

"$EXAMPLES/minimal_generate" "$MODEL" "a red ball" 0 nothing.mp4 2>refused.err
equal "minimal_generate of 0 s: exit code" $? 2
grep -q '^--seconds: ' refused.err || fail "minimal_generate of 0 s: $(cat refused.err)"

example frames_to_pipe "a red ball" 24
equal "frames_to_pipe: bytes" "$(wc -c <frames_to_pipe.out)" $((24 * 96 * 64 * 3))

made tokens -p "a red ball" --num-frames 10 -o take.lt
example edit_tokens take.lt 5 swapped.mp4
equal "edit_tokens: frames" "$(of_video swapped.mp4 nb_read_frames)" 37

example cancel_from_thread "a red ball" 6 cancelled.mp4
grep -q 'goes on from' cancel_from_thread.out ||
    fail "cancel_from_thread: $(cat cancel_from_thread.out)"
made generate "a red ball" --seconds 6 -o whole.mp4
same whole.mp4 cancelled.mp4

made run "$SOURCE/examples/film.yaml" --dry-run --json
equal "film.yaml: frames" "$(json made.out frames)" 144

# Two lines are 97 frames, and the film of both at once; another line leaves them as they are.
printf 'a red ball\na "blue" ball\n' |
    LONGTAKE=$PROGRAM "$SOURCE/examples/direct.sh" two -m "$MODEL" --progress none >/dev/null ||
    fail "direct.sh: exit code $?"
equal "direct.sh: frames" "$(of_video two.mp4 nb_read_frames)" 97
grep -q '{at: 49f, prompt: "a \\"blue\\" ball"}' two.yaml || fail "direct.sh: $(cat two.yaml)"
made run two.yaml --frames 97 -o at_once.mp4
same at_once.mp4 two.mp4
[ -d two.job ] || fail "direct.sh keeps no job folder"

# A line that cannot be made leaves the film as it was; begun again it goes on; empty lines are
# nothing, and the last needs no end.
direct() {
    LONGTAKE=$PROGRAM "$SOURCE/examples/direct.sh" "$@" -m "$MODEL" \
        --progress none >/dev/null 2>direct.err
}
printf 'a red ball\n\377\n' | direct one && fail "direct.sh makes a line that is no text"
equal "direct.sh: shots behind a bad line" "$(grep -c '{at: ' one.yaml)" 1
printf '\n  \na "blue" ball' | direct one || fail "direct.sh: $(cat direct.err)"
same one.mp4 two.mp4
"$SOURCE/examples/direct.sh" 2>direct.err; equal "direct.sh without a name" "$?" 2

# A build tree may lie anywhere: its links tell its program and its library where models are, which
# here are configurations alone.
mkdir -p far/away/tree
cp "$PROGRAM" far/away/tree/longtake
cp -P "$(dirname "$LIBRARY")"/liblongtake.so* far/away/tree/
cp -RP "$BUILD/sources" far/away/tree/sources
far/away/tree/longtake generate x -m landiff --seconds 2 -o x.mp4 --dry-run --json >out 2>err ||
    fail "a program far away: $(cat err)"
LD_LIBRARY_PATH=far/away/tree "$EXAMPLES/minimal_generate" landiff x 2 x.mp4 >out 2>err &&
    fail "landiff has weights"
grep -q 'far/away/tree/sources/configs/landiff.yaml is here, its weights are not' err ||
    fail "a library far away: $(cat err)"
finish
