#!/bin/sh
# Progress is honest: whole events, a whole report, and a dry run that remembers how fast this
# machine was.
. "$(dirname "$0")/steps.sh"
seconds=12

made generate "a red ball" --seconds $seconds --dry-run --json
grep -q '"time_seconds": *null' made.out ||
    fail "a time is foreseen though nothing was measured: $(cat made.out)"

"$PROGRAM" generate "a red ball" --seconds $seconds --model "$MODEL" --progress jsonl \
    --json -o take.mp4 >report.json 2>events.jsonl ||
    fail "generate: $(tail -1 events.jsonl)"

# Every line is an object with these members; every kind of event but preview and warning comes.
[ "$(grep -c '^{"t":[0-9.]*,"event":"[a-z_]*".*"peak_mb":[0-9]*.*}$' events.jsonl)" \
    -eq "$(wc -l <events.jsonl)" ] ||
    fail "some line is no event: $(grep -v '^{"t":.*}$' events.jsonl | head -2)"
for event in start stage window step window_done; do
    grep -q "\"event\":\"$event\"" events.jsonl || fail "no event $event"
done
for stage in text tokens refine decode write; do
    grep -q "\"event\":\"stage\",\"stage\":\"$stage\"" events.jsonl || fail "no stage $stage"
done
tail -1 events.jsonl | grep -q '"event":"done".*"eta_s":0.0.*"message":"take.mp4"' ||
    fail "the last event is $(tail -1 events.jsonl)"
head -1 events.jsonl | grep -q '"event":"start".*"windows":11.*"frames":96,"fps":8' ||
    fail "the first event is $(head -1 events.jsonl)"

# A time that is left is that of all: while stages that were never measured are to come there is
# none.
grep '"stage":"tokens"' events.jsonl | grep -q eta_s &&
    fail "a time is left before refining began: $(grep '"stage":"tokens".*eta_s' events.jsonl | tail -1)"
grep '"stage":"refine"' events.jsonl | grep -q eta_s ||
    fail "no time is left while a later window is refined"

# The report.
for key in output output_hash seed model_hash version versions device seconds stages warnings; do
    grep -q "\"$key\":" report.json || fail "the report has no $key"
done
for stage in text tokens refine decode write; do
    [ "$(json report.json stages $stage peak_bytes)" -gt 0 ] ||
        fail "no peak memory of stage $stage"
done

made encode take.mp4 -o clip.lt --json
equal "report of encode: input" "$(json made.out input)" take.mp4
equal "report of encode: hash of its input" "$(json made.out input_hash)" \
    "$(json report.json output_hash)"

# Now there is a time.
made generate "a red ball" --seconds $seconds --dry-run --json
awk "BEGIN { exit !($(json made.out time_seconds) > 0) }" || fail "no time is foreseen after a take"
# What is there already takes no time.
made generate "a red ball" --seconds $seconds --job job -o take.mp4
made generate "a red ball" --seconds $seconds --job job --dry-run --json -o take.mp4
equal "time of a take that is there" "$(json made.out time_seconds)" 0
made generate "a red ball" --seconds $seconds --device reference --dry-run --json
grep -q '"time_seconds": *null' made.out ||
    fail "a time is foreseen on a device that was never measured"

# A cache that makes no sense, or cannot be written, is none.
head -c 3000 /dev/urandom >.cache/longtake/speeds
made generate "a red ball" --seconds 1 --dry-run --json
grep -q '"time_seconds": *null' made.out || fail "noise has a time"
XDG_CACHE_HOME=/dev/null made generate "a red ball" --frames 1 -o short.mp4
# Nor is a pipe, which is neither waited for nor replaced.
rm .cache/longtake/speeds
mkfifo .cache/longtake/speeds
for whole in "" --dry-run; do
    timeout -s KILL 60 "$PROGRAM" generate "a red ball" --frames 1 --model "$MODEL" \
        --progress none $whole -o short.mp4 >out 2>err
    equal "a pipe in the cache $whole: exit code" $? 0
done
equal "cache" "$(ls .cache/longtake)" speeds
[ -p .cache/longtake/speeds ] || fail "a pipe in the cache is gone"
rm .cache/longtake/speeds
# Nothing is left where a take goes on from a video, whose own latents are not decoded.
"$PROGRAM" continue take.mp4 -p "a red ball" --seconds 1 --model "$MODEL" --progress jsonl \
    -o longer.mp4 >out 2>longer.jsonl ||
    fail "$(tail -1 longer.jsonl)"
tail -1 longer.jsonl | grep -q '"event":"done".*"eta_s":0.0' ||
    fail "continue: the last event is $(tail -1 longer.jsonl)"

# An error is an event too.
"$PROGRAM" generate "" --seconds 1 --model "$MODEL" --progress jsonl -o none.mp4 2>error.jsonl
equal "exit code" $? 2
grep -q '^{"t":[0-9.]*,"event":"error","code":2,"message":"--prompt: found no words' error.jsonl ||
    fail "$(cat error.jsonl)"

# Events are of the kinds that a reader knows: what is only worth knowing too.
"$PROGRAM" generate "a red ball" --seconds 1 --seed -1 --model "$MODEL" --progress jsonl \
    -o drawn.mp4 >out 2>drawn.jsonl ||
    fail "$(cat drawn.jsonl)"
grep -q '"event":"warning".*"severity":"note","message":"seed [0-9]*"' drawn.jsonl ||
    fail "no word of the seed: $(cat drawn.jsonl)"
sed 's/.*"event":"\([a-z_]*\)".*/\1/' drawn.jsonl events.jsonl error.jsonl | sort -u >kinds
equal "kinds of events" "$(tr '\n' ' ' <kinds)" \
    "done error stage start step warning window window_done "
"$PROGRAM" generate x --progress jsonl --secnds 3 2>error.jsonl
equal "exit code" $? 2
grep -q '^{"t":0.000,"event":"error","code":2,"message":"unknown flag --secnds.*hint: .*"}$' \
    error.jsonl ||
    fail "$(cat error.jsonl)"

# Any bytes of a name make JSON; none are obeyed by a terminal.
odd=$(printf 'none\377\303\050\355\240\200\342\202.mp4')
"$PROGRAM" info "$odd" --progress jsonl 2>error.jsonl
equal "exit code" $? 3
json --lines error.jsonl >/dev/null
grep -q 'message":"none??(?????.mp4: No such file' error.jsonl || fail "$(cat error.jsonl)"
"$PROGRAM" generate x "--$(printf 'a\033[31m')" 2>error
equal "unknown flag" "$(head -1 error)" "longtake: unknown flag --a?[31m"
"$PROGRAM" generate x "--$(printf 'a\302\23331m\303\233')" 2>error
equal "unknown flag, in UTF-8" "$(head -1 error)" \
    "longtake: unknown flag --a?31m$(printf '\303\233')"

# The bar: one row a stage, whatever the terminal's width is and becomes; refine and decode take
# turns eleven times.
for widths in 80 7,100,200,80,40,12,4,1; do
    "$TOOLS/pseudo_terminal" $widths "$PROGRAM" generate "a red ball" --seconds 12 \
        --model "$MODEL" -o bar.mp4 >screen.txt ||
        fail "bar: exit code $?: $(cat screen.txt)"
    redraws=$(sed -n 's/^redraws \([0-9]*\) wraps 0$/\1/p' screen.txt)
    [ "${redraws:-0}" -gt 40 ] ||
        fail "bar, $widths columns: $(tail -1 screen.txt), expected more than 40 redraws and no wraps"
    rows=$(grep -c '^row: ' screen.txt)
    [ "$rows" -le 7 ] ||
        fail "bar, $widths columns: $rows rows for text, tokens, text, refine, decode, write and the path: $(cat screen.txt)"
    [ "$widths" = 80 ] &&
        equal "bar: what is left" \
            "$(sed -n 's/^row: \([a-z]* *[0-9/]*  step [0-9/]*\).*/\1/p' screen.txt | tr '\n' ';')" \
        "text     step 1/1;tokens  5/5  step 14/14;text     step 1/1;refine  11/11  step 4/4;decode  11/11  step 1/1;write    step 11/11;"
done
finish
