#!/bin/sh
# A run that is stopped - politely or not - goes on where it was, and ends in the same bytes.
. "$(dirname "$0")/steps.sh"

# start NAME: the take in the background, its events in NAME.events; $run is its process.
start() {
    : >"$1.events" # there from the beginning, for whoever waits
    "$PROGRAM" generate "a red ball" --seconds 12 -o "$1.mp4" --model "$MODEL" \
        --progress jsonl 2>"$1.events" >"$1.out" &
    run=$!
}

# ended NAME CODE
ended() {
    wait "$run"
    equal "$1: exit code" "$?" "$2"
}

# begin NAME: the take from nothing.
begin() {
    rm -rf "$1".*
    start "$1"
}

# stop_take NAME SIGNAL EVENT COUNT CODE: the signal comes when the event has been seen.
stop_take() {
    stop "$2" "$1.events" "$3" "$4" begin "$1"
    equal "$1: exit code, attempt $attempt" $code "$5"
}

start whole
ended whole 0

stop_take int INT window_done 2 130
[ -e int.mp4 ] && fail "int: an interrupted run must not write under the final name"
[ "$(of_video int.part.mp4 nb_read_frames)" -ge 25 ] ||
    fail "int: two windows do not play: $(ls -d int*)"
grep -q 'hint: the same command goes on' int.events || fail "int: no hint: $(tail -2 int.events)"
start int
ended int 0
same whole.mp4 int.mp4
# Windows that were finished are not computed again.
json_events() { grep -c '"event":"step","stage":"refine"' "$1.events"; }
[ "$(json_events int)" -lt "$(json_events whole)" ] || fail "int: everything was computed again"

# Who waits for a pipe is stopped like any other, whatever the read makes of it.
mkfifo pipe
for command in "refine - -o a.latents" "decode - -o a.mp4" "generate --prompts - --output-dir out" "render - -o a.mp4"; do
    sleep 20 >pipe &
    holder=$!
    "$PROGRAM" $command --model "$MODEL" -q <pipe 2>waiting.err &
    run=$!
    await_handlers
    sleep 0.5 # to where it waits
    kill -TERM "$run"
    asked=$(date +%s)
    wait "$run"
    equal "$command: exit code" $? 143
    grep -q '^longtake: standard input: stopped ' waiting.err ||
        fail "$command: says '$(cat waiting.err)'"
    [ "$(($(date +%s) - asked))" -lt 10 ] || fail "$command: stopped when the pipe was closed"
    kill "$holder"
done

# So is who looks through a long list.
yes "a red ball" | head -2000 >list.txt
"$PROGRAM" generate --prompts list.txt --output-dir list --dry-run --model "$MODEL" \
    -q >list.out 2>list.err &
run=$!
await_handlers
kill -INT "$run"
wait "$run"
equal "a dry run of a list: exit code" $? 130

# The hint names a folder only where something is in it.
stop_take early INT '"stage":"text"' 1 130
[ -e early.mp4.job ] || ! grep -q 'hint: the same command goes on' early.events ||
    fail "early: goes on from nothing: $(tail -1 early.events)"
rm -rf early.*

stop_take term TERM '"stage":"refine"' 3 143
tail -1 term.events | grep -q '"event":"error","code":143' ||
    fail "term: the code of the event: $(tail -1 term.events)"
start term
ended term 0
same whole.mp4 term.mp4

# Killed at any moment: in the text, in the plan, between two steps, in the decoder, twice.
moment=0
for at in '"stage":"text" 1' '"stage":"tokens" 2' '"stage":"refine" 6' '"stage":"decode" 1' 'window_done 3'; do
    moment=$((moment + 1))
    stop_take killed_$moment KILL "${at% *}" "${at##* }" 137
done
for moment in 1 2 3 4 5; do
    start killed_$moment
    ended killed_$moment 0
    same whole.mp4 killed_$moment.mp4
done

# stopped NAME SIGNAL CODE EVENT MESSAGE ARGUMENTS...: a run that would read for long ends soon
# after the signal, which comes once the event was seen, and leaves nothing.
stopped() {
    name=$1
    event=$4
    wanted=$3
    message=$5
    signal=$2
    shift 5
    : >"$name.events"
    "$PROGRAM" "$@" --model "$MODEL" --progress jsonl <"$name.in" >"$name.out" 2>"$name.events" &
    run=$!
    await "$name.events" "$event" 1
    kill -"$signal" "$run" || fail "$name: was over before the signal: $(tail -1 "$name.events")"
    began=$(date +%s)
    ended "$name" "$wanted"
    [ $(($(date +%s) - began)) -le 10 ] || fail "$name: went on for $(($(date +%s) - began)) s"
    tail -1 "$name.events" | grep -q "\"event\":\"error\",\"code\":$wanted,.*$message" ||
        fail "$name: $(tail -1 "$name.events")"
    [ -z "$(find . -name "$name.[mlp]*")" ] ||
        fail "$name: left behind: $(find . -name "$name.[mlp]*")"
}

# Almost a day of video: two pictures, of which the first stands for 23 hours.
ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=8 -frames:v 2 -vf 'setpts=N*82800/TB' \
    -fps_mode passthrough day.mkv ||
    fail ffmpeg
for name in continues dry encodes; do
    : >"$name.in"
done
reading='"event":"step","stage":"read","window":0,"windows":1,"step":[1-9]'
stopped continues INT 130 "$reading" 'day.mkv: stopped as asked' continue day.mkv -p "a red ball" \
    --seconds 4 -o continues.mp4
stopped dry TERM 143 "$reading" 'day.mkv: stopped as asked' continue day.mkv -p "a red ball" \
    --seconds 4 -o dry.mp4 --dry-run
stopped encodes TERM 143 '"stage":"encode"' 'stopped as asked' encode day.mkv -o encodes.lt
# A pipe whose writer says nothing.
mkfifo silent.in
sleep 60 >silent.in &
writer=$!
stopped silent INT 130 '"event":"start"' 'stopped as asked' encode - -o silent.lt
kill $writer
[ -z "$(ls -d *.job 2>/dev/null)" ] ||
    fail "a job folder beside the output goes on success: $(ls -d *.job)"
[ -z "$(ls *.part* 2>/dev/null)" ] || fail "left behind: $(ls *.part*)"
finish
