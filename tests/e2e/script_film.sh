#!/bin/sh
# A film: the same take as `generate` where it has one shot; with several, what lies before a change stays; bad ones are refused.
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

# Windows of the tiny model are 17 frames, then 8 more each; segments are 5 semantic frames, one for 4 frames. A change at 2.5 s
# enters the plan at semantic frame 5, and the first window that follows it is window 1: what lies before frame 17 stays.
cat >three.yaml <<'END'
take: {length: 0:06, seed: 7, steps: 2}
shots:
  - {at: 0s,   prompt: "a red ball"}
  - {at: 2.5s, prompt: "a red ball at night", motion: 0.4}
  - {at: 40f,  prompt: "a blue ball", seed: 5}
END
made run three.yaml --dry-run
grep -q '^shot 1 (2.5 s): plan from 2.5 s, segment 1; pictures from 3.1 s, window 2$' made.out || fail "dry run: $(cat made.out)"
grep -q '^shot 2 (5.0 s): plan from 5.0 s, segment 2; pictures from 5.1 s, window 4$' made.out || fail "dry run: $(cat made.out)"
made run three.yaml --dry-run --json
equal "dry run: windows" "$(json made.out windows)" 5
"$PROGRAM" run three.yaml -m "$MODEL" --progress plain -o told.mp4 2>&1 | grep -q '^shot 2 (5.0 s): plan from' ||
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
finish
