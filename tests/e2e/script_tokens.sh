#!/bin/sh
# Plans cut and joined: at segment borders nothing changes; elsewhere the border segment is made
# anew, which is said.
. "$(dirname "$0")/steps.sh"

# codes FILE: all tokens, one a line.
codes() {
    "$PROGRAM" info "$1" --json >info.json
    k=0
    while [ $k -lt "$(grep -o '"semantic_frames"' info.json | tail -n +2 | wc -l)" ]; do
        i=0
        while "$TOOLS/json_value" info.json segments $k tokens $i >value 2>&1; do
            cat value
            i=$((i + 1))
        done
        k=$((k + 1))
    done
}

# Segments of the tiny model are 5 semantic frames, 2.5 s; a semantic frame is half a second.
made tokens -p "a red ball" --frames 48 -o all.lt
made tokens cut all.lt 0s-2.5s -o a.lt
made tokens cut all.lt 2.5s-100s -o b.lt
grep -q '^all.lt: the plan ends before the span does: [0-9]* semantic frames, which make [0-9.]* s$' made.err ||
    fail "a span behind the plan's end: $(cat made.err)"
made tokens join a.lt b.lt -o again.lt
equal "what comes of 2.12 s and 3.50 s" "$(cat made.err)" \
    "again.lt: 6.00 s of plans of 5.62 s in all: each begins at a semantic frame, one in 0.5 s"
codes all.lt >all.codes
codes again.lt >again.codes
same all.codes again.codes
made render all.lt --steps 2 -o all.y4m
made render again.lt --steps 2 -o again.y4m
same all.y4m again.y4m

# Up to its end a plan is the plan that it is, whatever its last window has behind it.
made tokens -p "a red ball" --frames 16 -o hides.lt
for plan in "all 6" "hides 2"; do
    set -- $plan
    made tokens cut $1.lt 0s-${2}s -o whole.lt
    equal "$1.lt up to its end" "$(cat made.err)" ""
    same $1.lt whole.lt
done
made tokens -p "a red ball" --frames 33 -o odd.lt
made tokens cut odd.lt 0s-2.5s -o head.lt
made tokens cut odd.lt 2.5s-4.1s -o rest.lt
made tokens join head.lt rest.lt -o whole.lt
same odd.lt whole.lt

# What a note says of length and shots is true of the part, and of the whole that is put together.
made tokens -p "a red ball at noon, then night falls, then it turns blue" --frames 48 \
    --set pipeline.events=spread -o events.lt
made tokens cut events.lt 2.5s-6s -o late.lt
for plan in events a b again late; do
    "$PROGRAM" info $plan.lt --json >$plan.json || fail "info $plan.lt"
    equal "$plan: frames noted" \
        "$(json $plan.json notes settings frames)" "$(json $plan.json frames)"
done

# Rendered without a prompt the part is told what it shows, not the whole take's beginning.
made render late.lt --steps 1 --json -o late.y4m
for shot in 0 1; do
    for what in at_frame prompt; do
        equal "late: shot $shot, $what" "$(json made.out settings shots $shot $what)" \
            "$(json late.json notes settings shots $shot $what)"
    done
done

# A shorter video, or a take like it, has the shots that it comes to.
made render events.lt --steps 1 -o events.mp4
made render events.lt --steps 1 --seconds 1 --json -o first.y4m
equal "shots of the first second" "$(grep -o '"at_frame"' made.out | wc -l)" 1
made generate --recipe events.mp4 --seconds 3 --json -o three_seconds.y4m
equal "shots of three seconds" "$(grep -o '"at_frame"' made.out | wc -l)" 2

# A whole that is put together tells each part's own, with the seed that it had; a part that goes on
# as before is no shot.
"$PROGRAM" info again.lt --json >again.json
equal "shots of the halves of one take" "$(grep -o '"at_frame"' again.json | wc -l)" 1
made tokens -p "a blue cube" --frames 48 --seed 5 -o cube.lt
made tokens join a.lt cube.lt -o two.lt
made render two.lt --steps 1 --json -o two.y4m
for said in "0 at_frame 0" "0 prompt a red ball" "1 at_frame 20" "1 prompt a blue cube" "1 seed 5"; do
    set -- $said
    equal "two.lt: shot $1, $2" "$(json made.out settings shots $1 $2)" "${said#"$1 $2 "}"
done

# What a plan of less than a window holds beyond its take does not come between the two, and none of
# it is cut out.
made tokens -p "a red ball" --frames 8 -o brief.lt
made tokens join brief.lt brief.lt -o twice.lt
equal "8 frames and 8" "$(cat made.err)" ""
"$PROGRAM" info twice.lt --json >twice.json
equal "frames of 8 and 8" "$(json twice.json frames)" 16
made tokens join all.lt brief.lt -o after.lt
"$PROGRAM" info after.lt --json >after.json
equal "frames of 48 and 8" "$(json after.json frames)" 56
"$PROGRAM" info brief.lt --json >brief.json
equal "brief.lt: semantic frames" \
    "$(json brief.json semantic_frames) $(json brief.json shown_semantic_frames) $(json brief.json hidden_semantic_frames)" "5 3 2"
equal "brief.lt: tokens" "$(json brief.json shown_tokens) $(json brief.json hidden_tokens)" "10 4"
refused 2 tokens cut brief.lt 1s-2s -o bad.lt
equal "behind the end" "$(cat refused.err)" \
    "longtake: brief.lt: found a span from semantic frame 2 (1.00 s) on, expected one that begins before the plan's end at 1.00 s"

# An end anywhere is a shorter segment.
made tokens cut all.lt 0s-4s -o short.lt
codes short.lt >short.codes
head -n "$(wc -l <short.codes)" all.codes >head.codes
same short.codes head.codes
equal "tokens of 8 frames" "$(wc -l <short.codes)" $((14 + 10))

# To standard output too, and nothing else goes there; what a take asks for behind the plan's end is
# told.
longtake tokens cut all.lt 0s-4s -o - >piped.lt 2>made.err || fail "cut -o -: $(cat made.err)"
same piped.lt short.lt
made tokens join a.lt b.lt -o joined.lt --print-config
[ -e joined.lt ] && fail "--print-config made a file"
made render short.lt --seconds 12 --steps 1 -o longer.y4m
grep -q '^warning: the plan ends after 3.62 s: what it shows last stays up to 12.00 s' made.err ||
    fail "a short plan: $(cat made.err)"
made render short.lt --steps 1 -o whole.y4m
equal "a whole plan" "$(cat made.err)" ""

# A beginning inside a segment is encoded again.
"$PROGRAM" tokens cut all.lt 1s-5s -o inside.lt --model "$MODEL" >made.out 2>made.err ||
    fail "cut inside: $(cat made.err)"
grep -q 'encoded again' made.err || fail "cut inside does not say so: $(cat made.err)"
"$PROGRAM" info inside.lt --json >inside.json
equal "segments" \
    "$(json inside.json segments 0 semantic_frames) $(json inside.json segments 1 semantic_frames)" "3 5"
codes inside.lt | tail -n 14 >tail.codes
sed -n 15,28p all.codes >second.codes
same tail.codes second.codes
made tokens join inside.lt a.lt b.lt -o three.lt
made render three.lt --steps 2 -o three.mp4
# 8 + 5 + 8 semantic frames are 81; the last was not asked for
equal "frames" "$(of_video three.mp4 nb_read_frames)" 80

# What was made of a plan that was put together says so: its recipe has the same plan.
made generate --recipe three.mp4 -o three_again.mp4
same three.mp4 three_again.mp4
# And it can be gone on from, though its segments are not those of a take.
made continue three.mp4 --seconds 2 --steps 1 -o further.mp4
# 77, where the grid allows it, and 16
equal "frames of both" "$(of_video further.mp4 nb_read_frames)" 93

refused 2 tokens cut all.lt 3s-2s -o bad.lt
refused 2 tokens cut all.lt 100s-200s -o bad.lt
refused 2 tokens cut all.lt -o bad.lt
refused 2 tokens join all.lt -o bad.lt
refused 2 tokens cut all.lt 0s-2s
refused 2 tokens cut all.lt 0s-2s -o bad.mp4
printf garbage >garbage.lt
refused 2 tokens cut all.lt 0.1s-0.2s -o bad.lt
grep -q 'found "0.1s-0.2s", which holds no semantic frame: there is one in 0.5 s' refused.err ||
    fail "a short span: $(cat refused.err)"
refused 2 tokens cut all.lt 90s-91s -o bad.lt
grep -q "from semantic frame 180 (90.00 s) on, expected one that begins before the plan's end at 6.00 s" refused.err ||
    fail "a late span: $(cat refused.err)"
refused 3 tokens cut garbage.lt 0s-2s -o bad.lt
refused 3 tokens join all.lt garbage.lt -o bad.lt
head -c 200 all.lt >cut_off.lt
refused 3 tokens join all.lt cut_off.lt -o bad.lt
[ -e bad.lt ] && fail "a refused command left a file"
# Scores of mini, whose codes are all codes: a plan of the likeliest codes alone has hardly any
# surprise where draws are cold, whatever came before a code; under another prompt, or of other
# draws, it has.
score() {
    "$PROGRAM" tokens score "$@" --json --progress none >score.jsonl 2>score.err ||
        fail "tokens score $*: exit code $?: $(cat score.err)"
    tail -n 1 score.jsonl >score.json
    json score.json nats_per_code
}
below() {
    awk -v a="$2" -v b="$3" 'BEGIN { exit !(a < b) }' || fail "$1: $2, want below $3"
}
settings="--lm-cfg 3 --lm-context 1"
for top_k in 1 50; do
    "$PROGRAM" tokens "a red ball on a beach" --frames 13 --top-k $top_k --temperature 1 $settings \
        -q -o top$top_k.lt >made.out 2>&1 ||
        fail "tokens: $(cat made.out)"
done
below "the likeliest plan" "$(score top1.lt --temperature 0.001 $settings)" 0.01
# of 13 frames; the window's other nine are not shown
equal "score: codes" "$(json score.json codes)" $((4 * 44))
below "another prompt" 10 "$(score top1.lt --temperature 0.001 $settings -p "space at night")"
below "other draws" 10 "$(score top50.lt --temperature 0.001 $settings)"
below "other draws, warm" "$(score top50.lt --temperature 1 $settings)" 5
score top1.lt top50.lt >all.score
equal "scores" "$(wc -l <score.jsonl)" 3
equal "scores: codes of all" "$(json score.json codes)" $((8 * 44))
refused 2 tokens score
refused 3 tokens score nowhere.lt

# What a plan is made from stays.
cp all.lt before.lt
ln all.lt same.lt
refused 2 tokens cut all.lt 0s-2s -o all.lt
refused 2 tokens cut all.lt 0s-2s -o same.lt
refused 2 tokens join a.lt all.lt -o all.lt
same all.lt before.lt
finish
