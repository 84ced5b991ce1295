#!/bin/sh
# Estimates come true. They can only where nobody else uses the machine, so this is no part of the short suite.
. "$(dirname "$0")/steps.sh"
seconds=60

"$PROGRAM" generate "a red ball" --seconds $seconds --model "$MODEL" --progress jsonl --json -o take.mp4 >report.json 2>events.jsonl ||
    fail "generate: $(tail -1 events.jsonl)"

# After the second window the estimate is right within a fifth (and half a second, which is noise on a take of so few). A
# machine that others use too may be slow for a while: one of four takes must do.
number() {
    sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" "$1"
}
right=no
cp events.jsonl try.jsonl
for try in 1 2 3 4; do
    grep '"event":"window_done"' try.jsonl | sed -n 2p >second
    tail -1 try.jsonl >last
    left=$(awk "BEGIN { print $(number last t) - $(number second t) }")
    eta=$(number second eta_s)
    echo "after the second window: $eta s foreseen, $left s needed"
    awk "BEGIN { d = $eta - $left; if (d < 0) d = -d; exit !(d <= 0.2 * $left + 0.5) }" && right=yes && break
    "$PROGRAM" generate "a red ball" --seconds $seconds --model "$MODEL" --progress jsonl -o try.mp4 >/dev/null 2>try.jsonl
done
[ $right = yes ] || fail "$eta s were foreseen, $left s needed"

# Now there is a time, of the right size (this machine may be busier than it was).
made generate "a red ball" --seconds $seconds --dry-run
foreseen=$(json made.out time_seconds)
took=$(json report.json seconds)
echo "dry run: $foreseen s foreseen, $took s needed before"
awk "BEGIN { exit !($foreseen > 0.33 * $took && $foreseen < 3 * $took) }" || fail "dry run: $foreseen s foreseen, $took s needed before"
