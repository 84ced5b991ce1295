#!/bin/sh
# A film: the same take as `generate` where it has one shot; with several, what lies before a change
# stays; bad ones are refused.
. "$(dirname "$0")/steps.sh"

cat >one.yaml <<'END'
take: {frames: 33, seed: 7, steps: 2}
shots:
  - {prompt: "a red ball"}
END
made run one.yaml -o film.mp4
made generate "a red ball" --frames 33 --seed 7 --steps 2 -o plain.mp4
same film.mp4 plain.mp4

# A flag wins over the film.
made run one.yaml --seed 8 -o eight.mp4
made generate "a red ball" --frames 33 --seed 8 --steps 2 -o plain8.mp4
same eight.mp4 plain8.mp4

# Windows of the tiny model are 17 frames, then 8 more each; segments are 5 semantic frames, one for
# 4 frames. A change at 2.5 s enters the plan at semantic frame 5, and the first window that follows
# it is window 1: what lies before frame 17 stays.
cat >three.yaml <<'END'
take: {length: 0:06, seed: 7, steps: 2}
shots:
  - {at: 0s,   prompt: "a red ball"}
  - {at: 2.5s, prompt: "a red ball at night", motion: 0.4}
  - {at: 40f,  prompt: "a blue ball", seed: 5}
END
made run three.yaml --dry-run
grep -qx '"a red ball at night" (2.5 s): planned from 2.1 s on, painted from 3.1 s on' made.out ||
    fail "dry run: $(cat made.out)"
grep -qx '"a blue ball" (5.0 s): planned from 4.6 s on, painted from 5.1 s on' made.out ||
    fail "dry run: $(cat made.out)"
# Whatever the file's rate, times are those that the film says.
made run three.yaml --fps 24 --dry-run
grep -qx '"a red ball at night" (2.5 s): planned from 2.1 s on, painted from 3.1 s on' made.out ||
    fail "dry run at 24: $(cat made.out)"
grep -qx "at 24 frames a second; times below are of the model's 8, 6.00 s" made.out ||
    fail "dry run at 24: $(cat made.out)"
sed 's/40f/30f/' three.yaml >close.yaml # windows begin at 17, 25 and 33
made run close.yaml --dry-run
grep -qx '"a red ball at night" (2.5 s): planned from 2.1 s on, painted from 3.1 s on' made.out ||
    fail "dry run: $(cat made.out)"
sed 's/40f/22f/' three.yaml >closer.yaml
made run closer.yaml --dry-run
grep -qx '"a red ball at night" (2.5 s): planned from 2.1 s on, painted by the plan alone: the next prompt comes before its window' made.out ||
    fail "dry run: $(cat made.out)"
sed 's/40f/44f/' three.yaml >end.yaml # the last window begins at 41
made run end.yaml --dry-run
grep -qx '"a blue ball" (5.5 s): never seen: the take ends before its next window (a take of 7 s would show it)' made.out ||
    fail "dry run: $(cat made.out)"
sed 's/40f/39f/; s/0:06/0:05/' three.yaml >late.yaml
made run late.yaml --dry-run
grep -q '^"a blue ball" (4.9 s): planned from 4.6 s on, but painted by the plan alone, which may show a part of it: the take ends before its next window (a take of 6 s would show it)$' made.out ||
    fail "dry run: $(cat made.out)"
longtake run end.yaml --progress plain -o late.mp4 >made.out 2>made.err
grep -q '^warning: "a blue ball" (5.5 s): never seen' made.err ||
    fail "a prompt that is never seen is no warning: $(cat made.err)"
# A long prompt is told by what is new in it.
sed 's/"a red ball"/"a red ball rolls along the beach at noon, in the rain"/; s/"a red ball at night"/"a red ball rolls along the beach at night, in the rain"/; s/"a blue ball"/"a blue one, which nobody has ever seen before"/' three.yaml >long.yaml
made run long.yaml --dry-run
grep -q '^"... night..." (2.5 s): planned' made.out || fail "dry run: $(cat made.out)"
grep -q '^"a blue one, which nobody has ever seen..." (5.0 s): planned' made.out ||
    fail "dry run: $(cat made.out)"
# Dots stand for more than they take.
sed 's/"a blue ball"/"a green cube spins in a snowfield at dawn"/' three.yaml >dots.yaml
made run dots.yaml --dry-run
grep -q '^"a green cube spins in a snowfield at dawn" (5.0 s): planned' made.out ||
    fail "dry run: $(cat made.out)"
made run three.yaml --dry-run --json
equal "dry run: windows" "$(json made.out windows)" 5
# What a job folder holds already: nothing; all; and with another last prompt what lies before it,
# of the rest the plan.
cached() {
    made "$@" --dry-run --job job
    sed -n 's/^ *[0-9]*  [0-9-]*  *[0-9.-]*  *[0-9]  \([a-z-]*\)  *a .*/\1/p' made.out | tr '\n' ' '
}
equal "cached at first" "$(cached run three.yaml)" "- - - - - "
[ -e job ] && fail "a dry run makes a job folder"
made run three.yaml --job job -o three.mp4
equal "cached then" "$(cached run three.yaml)" "video video video video video "
sed 's/a blue ball/a green ball/' three.yaml >green.yaml
equal "cached of another end" "$(cached run green.yaml)" "video video video - - "
sed 's/steps: 2/steps: 3/' three.yaml >steps.yaml
equal "cached with other steps" "$(cached run steps.yaml)" "plan plan plan plan plan "
equal "cached afresh" "$(cached run three.yaml --fresh)" "- - - - - "
"$PROGRAM" run three.yaml -m "$MODEL" --progress plain -o told.mp4 2>&1 |
    grep -q '^"a blue ball" (5.0 s): planned from' ||
    fail "run does not say when a prompt takes effect"
sed -e 2,9d three.yaml >whole.yaml
printf 'shots: [{prompt: "a red ball"}]\n' >>whole.yaml
made run three.yaml -o three.y4m
made run whole.yaml -o whole.y4m
frame=$((96 * 64 * 3 / 2))
for film in three whole; do
    ffmpeg -v error -i $film.y4m -pix_fmt yuv420p -f rawvideo $film.raw
    head -c $((17 * frame)) $film.raw >$film.head
    equal "$film: frames" "$(($(wc -c <$film.raw) / frame))" 48
done
same three.head whole.head
cmp -s three.raw whole.raw && fail "the second shot changes nothing"

# Shots whose plan is a token file's, or a video's, from where the film lies; what the file does not
# reach is the language model's.
mkdir films
made tokens -p "a blue cube" --frames 57 -o films/blue.lt
made generate "a cat" --frames 49 --steps 2 -o films/cat.mp4
made encode films/cat.mp4 -o cat.lt
cat >films/plans.yaml <<'END'
take: {frames: 97, steps: 2, seed: 3}
shots:
  - {prompt: "a red ball"}
  - {at: 20f, prompt: "a blue cube", plan: blue.lt, span: 2.5s-7s}
  - {at: 60f, prompt: "a cat", plan: cat.mp4, span: 0f-33f}
END
made run films/plans.yaml -o plans.mp4
tokens() { # FILE, then a path to a list, FIRST, LAST
    file=$1 path=$2 i=$3
    while [ "$i" -le "$4" ]; do
        json "$file" $path $i
        i=$((i + 1))
    done
}
for file in plans.mp4 films/blue.lt cat.lt; do
    "$PROGRAM" info $file --json >"$(basename $file).json"
done
# Segments are 14 codes: of blue.lt the second, and four frames of the third; of the clip nine
# semantic frames.
equal "blue plan" "$(tokens plans.mp4.json 'about tokens' 14 27)" \
    "$(tokens blue.lt.json 'segments 1 tokens' 0 13)"
equal "blue plan" "$(tokens plans.mp4.json 'about tokens' 28 39)" \
    "$(tokens blue.lt.json 'segments 2 tokens' 0 11)"
equal "plan of a clip" "$(tokens plans.mp4.json 'about tokens' 42 55)" \
    "$(tokens cat.lt.json 'segments 0 tokens' 0 13)"
equal "plan of a clip" "$(tokens plans.mp4.json 'about tokens' 56 67)" \
    "$(tokens cat.lt.json 'segments 1 tokens' 0 11)"
made generate --recipe plans.mp4 -o plans_again.mp4
same plans.mp4 plans_again.mp4

# A clip of another shape is fitted as the flag says.
ffmpeg -v error -i films/cat.mp4 -vf crop=48:64 -c:v ffv1 films/tall.mkv || fail ffmpeg
sed 's/cat.mp4/tall.mkv/' films/plans.yaml >films/tall.yaml
for fit in cover pad; do
    made encode films/tall.mkv --fit $fit -o $fit.lt
    made run films/tall.yaml --fit $fit -o $fit.mp4
    for file in $fit.lt $fit.mp4; do
        "$PROGRAM" info $file --json >$file.json
    done
    equal "plan of a clip, --fit $fit" "$(tokens $fit.mp4.json 'about tokens' 42 55)" \
        "$(tokens $fit.lt.json 'segments 0 tokens' 0 13)"
done
cmp -s cover.mp4 pad.mp4 && fail "--fit decides nothing in a film"

made tokens cut films/blue.lt 1s-4s -o inside.lt
made tokens join inside.lt films/blue.lt -o films/joined.lt
sed 's/blue.lt, span: 2.5s-7s/joined.lt/' films/plans.yaml >films/joined.yaml
# Plans whose segments lie otherwise, and spans that begin inside one, are encoded again in the
# take's own, as a video would be.
"$PROGRAM" run films/joined.yaml -m "$MODEL" --progress plain -o joined.mp4 2>told ||
    fail "joined.yaml: $(cat told)"
equal "notes" \
    "$(grep -c '^films/joined.lt: the span does not lie on full segments and is encoded again$' told)" 1
sed 's/2.5s-7s/3s-7s/' films/plans.yaml >films/inside.yaml
"$PROGRAM" run films/inside.yaml -m "$MODEL" --progress plain -o inside.mp4 2>told ||
    fail "inside.yaml: $(cat told)"
equal "notes" \
    "$(grep -c '^films/blue.lt: the span does not lie on full segments and is encoded again$' told)" 1
equal "frames" "$(of_video inside.mp4 nb_read_frames)" 97
cmp -s inside.mp4 plans.mp4 && fail "a span from 3 s on is one from 2.5 s on"
# It is what the features say: encoded from the codes of frames 6 to 13, in segments of 5 and 3.
made tokens cut films/blue.lt 3s-7s -o piece.lt
"$PROGRAM" info piece.lt >piece.json
"$PROGRAM" info inside.mp4 >inside.json
equal "the segment that a cut encodes again" "$(json piece.json segments 0 semantic_frames)" 4
equal "its first frame" "$(tokens inside.json 'about tokens' 14 19)" \
    "$(tokens piece.json 'segments 0 tokens' 0 5)"
made generate --recipe inside.mp4 -o inside_again.mp4
same inside.mp4 inside_again.mp4

# The film's own place in every message; nothing is written.
printf 'shots:\n  - {prompt: a}\n  - {at: 9s, prompt: b}\n' >late.yaml
refused 3 run late.yaml --seconds 2 -o bad.mp4
grep -q 'late.yaml:3:10: ' refused.err || fail "late.yaml: $(cat refused.err)"
printf 'shots:\n  - {at: 1s, prompt: a}\n' >early.yaml
refused 3 run early.yaml -o bad.mp4
grep -q 'early.yaml:2:10: ' refused.err || fail "early.yaml: $(cat refused.err)"
refused 3 run none.yaml -o bad.mp4
refused 2 run one.yaml -p "another" -o bad.mp4
refused 2 run -o bad.mp4
[ -e bad.mp4 ] && fail "a refused film left a file"
# A flag wins over a setting of the film that the model cannot have.
printf 'take: {overlap: 5, steps: 1, frames: 9}\nshots: [{prompt: a red ball}]\n' >wide.yaml
refused 3 run wide.yaml -o wide.mp4
made run wide.yaml --overlap 3 -o wide.mp4
finish
