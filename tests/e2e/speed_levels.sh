#!/bin/sh
# --speed: exact is what happens without it; the other levels are other takes, each the same for any
# number of threads.
. "$(dirname "$0")/steps.sh"

take() {
    made generate "a red ball" --seconds 3 --steps 34 --cfg-scale 3 --cfg-schedule constant "$@"
}

take -o plain.mp4
take --speed exact -o exact.mp4
same plain.mp4 exact.mp4
for level in fast faster; do
    take --speed $level --threads 1 -o $level.mp4
    take --speed $level --threads 3 -o threads.mp4
    same $level.mp4 threads.mp4
    cmp -s plain.mp4 $level.mp4 && fail "$level gives what exact gives"
    "$PROGRAM" info $level.mp4 | grep -q "\"speed\": *\"$level\"" || fail "info does not say $level"
done
made generate --recipe fast.mp4 -o again.mp4
same fast.mp4 again.mp4
made generate --recipe plain.mp4 -o plain_again.mp4
same plain.mp4 plain_again.mp4

# 3 of 5 steps, 3 of 10
"$PROGRAM" generate "a red ball" --seconds 3 --steps 34 --speed fast \
    --dry-run --json --model "$MODEL" >dry.json ||
    fail "dry run"
windows=$("$TOOLS/json_value" dry.json windows)
equal "steps of fast" "$("$TOOLS/json_value" dry.json steps)" $((windows * 21))
refused 2 generate "a red ball" --seconds 3 --speed quick -o no.mp4
# What was measured at one level, or in one precision, foretells nothing of another.
foreseen() {
    made generate "a red ball" --seconds 3 --dry-run --json "$@"
    json made.out time_seconds
}
made generate "a red ball" --seconds 3 -o speed.mp4
[ "$(foreseen)" != null ] || fail "the time of a take as it was made is not known"
equal "the time of --speed faster" "$(foreseen --speed faster)" null
equal "the time of --precision int8" "$(foreseen --device cpu --precision int8)" null
finish
