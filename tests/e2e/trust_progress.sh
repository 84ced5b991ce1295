#!/bin/sh
# Progress is honest: whole events, a whole report, and a dry run that remembers how fast this machine was.
. "$(dirname "$0")/steps.sh"
seconds=60

made generate "a red ball" --seconds $seconds --dry-run
grep -q '"time_seconds": *null' made.out || fail "a time is foreseen though nothing was measured: $(cat made.out)"

"$PROGRAM" generate "a red ball" --seconds $seconds --model "$MODEL" --progress jsonl --json -o take.mp4 >report.json 2>events.jsonl ||
    fail "generate: $(tail -1 events.jsonl)"

# Every line is an object with these members; every kind of event but preview and warning comes.
[ "$(grep -c '^{"t":[0-9.]*,"event":"[a-z_]*".*"peak_mb":[0-9]*.*}$' events.jsonl)" -eq "$(wc -l <events.jsonl)" ] ||
    fail "some line is no event: $(grep -v '^{"t":.*}$' events.jsonl | head -2)"
for event in start stage window step window_done; do
    grep -q "\"event\":\"$event\"" events.jsonl || fail "no event $event"
done
for stage in text tokens refine decode write; do
    grep -q "\"event\":\"stage\",\"stage\":\"$stage\"" events.jsonl || fail "no stage $stage"
done
tail -1 events.jsonl | grep -q '"event":"done"' || fail "the last event is $(tail -1 events.jsonl)"
head -1 events.jsonl | grep -q '"event":"start".*"windows":59' || fail "the first event is $(head -1 events.jsonl)"

# The report.
for key in output output_hash seed model_hash version versions device seconds stages warnings; do
    grep -q "\"$key\":" report.json || fail "the report has no $key"
done
for stage in text tokens refine decode write; do
    [ "$(json report.json stages $stage peak_bytes)" -gt 0 ] || fail "no peak memory of stage $stage"
done

# Now there is a time.
made generate "a red ball" --seconds $seconds --dry-run
awk "BEGIN { exit !($(json made.out time_seconds) > 0) }" || fail "no time is foreseen after a take"
made generate "a red ball" --seconds $seconds --device reference --dry-run
grep -q '"time_seconds": *null' made.out || fail "a time is foreseen on a device that was never measured"

# A cache that makes no sense, or cannot be written, is none.
head -c 3000 /dev/urandom >.cache/longtake/speeds
made generate "a red ball" --seconds 1 --dry-run
grep -q '"time_seconds": *null' made.out || fail "noise has a time"
XDG_CACHE_HOME=/dev/null made generate "a red ball" --frames 1 -o short.mp4

# An error is an event too.
"$PROGRAM" generate "" --seconds 1 --model "$MODEL" --progress jsonl -o none.mp4 2>error.jsonl
equal "exit code" $? 2
grep -q '^{"t":[0-9.]*,"event":"error","code":2,"message":"--prompt: found no words' error.jsonl || fail "$(cat error.jsonl)"

# The bar: one line a stage, never wider than the terminal, also after the terminal has changed.
if command -v script >/dev/null; then
    script -qec "stty cols 40; $PROGRAM generate 'a red ball' --seconds 12 --model $MODEL -o bar.mp4 & \
        sleep 0.5; stty cols 30 </dev/tty; wait" /dev/null >bar.txt </dev/null || fail "bar: $(cat bar.txt)"
    widest=$(tr '\r' '\n' <bar.txt | sed 's/.\[K//g' | awk '{ if (length($0) > n) n = length($0) } END { print n }')
    [ "$widest" -le 40 ] || fail "bar: a line of $widest columns on a terminal of 40"
fi
finish
