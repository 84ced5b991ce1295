#!/bin/sh
# Films, token files and lists that are malformed: refused with the place and what was expected, and
# nothing is written.
. "$(dirname "$0")/steps.sh"
count=0

# says CODE TEXT ARGUMENTS...: refused, with the text in the first line of the message.
says() {
    code=$1
    text=$2
    shift 2
    refused "$code" "$@"
    head -n 1 refused.err | grep -qF -- "$text" ||
        fail "longtake $*: '$(cat refused.err)' does not say '$text'"
    count=$((count + 1))
}

# film TEXT YAML: a film that is refused with exit code 3 and "film.yaml:TEXT".
film() {
    printf '%b' "$2" >film.yaml
    says 3 "film.yaml:$1" run film.yaml --frames 33 -o out.mp4
}

shots='shots:\n  - {prompt: "a red ball"}\n'
film " empty"                                         ''
film "1:1: "                                          'a red ball\n'
film "4:1: "                                          "${shots}take: [1, 2\n"
film "3:1: a film has no key 'tkae'"                  "${shots}tkae: {seed: 1}\n"
film "1:1: found no 'shots'"                          'take: {seed: 1}\n'
film "1:8: 'shots' is an empty list, expected at least one shot" 'shots: []\n'
film "1:7: 'take' is a list, expected a map"          "take: [1]\n$shots"
film "1:8: 'take' has no key 'sede'"                  "take: {sede: 1}\n$shots"
film "1:14: 'seed' is 'soon', expected a whole number" "take: {seed: soon}\n$shots"
film "1:14: 'seed' is -2, expected -1 to 4294967295"  "take: {seed: -2}\n$shots"
film "1:15: 'carry' is 'frame', expected latents, frames or renoise" "take: {carry: frame}\n$shots"
film "1:17: 'overlap': found 5, expected an odd number from 1 to 3" "take: {overlap: 5}\n$shots"
film "1:15: 'top_k': found both" "take: {top_k: 3, top_p: 0.5}\n$shots"
film "1:17: 'seconds' is '-3', expected a time"       "take: {seconds: -3}\n$shots"
film "1:26: 'frames' is '1.5', expected a whole number above 0" \
    "take: {steps: 2, frames: 1.5}\n$shots"
film "1:16: 'frames' is '6s', expected a whole number above 0" "take: {frames: 6s}\n$shots"
film "1:16: 'frames' is '1:05', expected a whole number above 0" "take: {frames: 1:05}\n$shots"
film "1:17: 'seconds' is '96f', expected seconds" "take: {seconds: 96f}\n$shots"
film "1:20: 'seconds' and 'frames': found both, expected one" \
    "take: {seconds: 3, frames: 9}\n$shots"
film "2:5: shot 0 has no 'prompt'"                    'shots:\n  - {at: 0s}\n'
film "2:14: 'prompt' is '', expected a text"          'shots:\n  - {prompt: ""}\n'
film "3:5: shot 1 has no 'at'"                        "$shots  - {prompt: b}\n"
film "3:10: 'at' is 'noon', expected a time such as 12s, 1:05 or 96f" \
    "$shots  - {at: noon, prompt: b}\n"
film "3:10: shot 1 begins at frame 0, expected after frame 0" "$shots  - {at: 0s, prompt: b}\n"
film "3:10: shot 1 begins at frame 40, the take has 33 frames" "$shots  - {at: 5s, prompt: b}\n"
film "2:25: 'motion' is 11, expected 0 to 10"         'shots:\n  - {prompt: a, motion: 11}\n'
film "2:23: 'plan': none.lt: No such file"            'shots:\n  - {prompt: a, plan: none.lt}\n'
film "2:23: shot 0 has a 'span' and no 'plan'"        'shots:\n  - {prompt: a, span: 1s-2s}\n'
film "2:40: 'span' is '3s-3s', expected an end after the beginning" \
    'shots:\n  - {prompt: a, plan: film.yaml, span: 3s-3s}\n'
film "2:40: 'span' is '5s-3s', expected an end after the beginning" \
    'shots:\n  - {prompt: a, plan: film.yaml, span: 5s-3s}\n'
film "2:40: 'span' is '3s', expected a span such as 2s-8s" \
    'shots:\n  - {prompt: a, plan: film.yaml, span: 3s}\n'
film "1:8: an anchor"                                'shots: &a [*a]\n'
film "2:17: key 'prompt' a second time"             'shots:\n  - {prompt: a, prompt: b}\n'
says 3 "missing.yaml" run missing.yaml -o out.mp4
printf "$shots  - {at: 9s, prompt: b}\n" >film.yaml
says 3 "film.yaml:3:10: shot 1 begins at frame 72, the take has 17 frames" run film.yaml -o out.mp4

# Files of plans: they must be there, sound, and as long as their spans, before anything is made; a
# dry run says the same.
printf 'no tokens' >bad.lt
film "2:23: 'plan': bad.lt: " 'shots:\n  - {prompt: a, plan: bad.lt}\n'
film "2:23: 'plan': film.yaml: " 'shots:\n  - {prompt: a, plan: film.yaml}\n'
made tokens -p "a red ball" --frames 33 -o good.lt
made tokens -p "a red ball" --frames 16 -o brief.lt
ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=8:duration=4 clip.mp4
span() { # FILE SPAN TEXT: a span that the file does not have, in a run and in a dry run.
    film "2:$((31 + ${#1})): 'span': $3" "shots:\n  - {prompt: a, plan: $1, span: $2}\n"
    says 3 "film.yaml:2:$((31 + ${#1})): 'span': $3" run film.yaml --frames 33 --dry-run
}
span good.lt 9s-12s "found a span from 9 s on, expected one inside good.lt of 4.12 s"
span good.lt 4.5s-5s "found a span from 4.5 s on, expected one inside good.lt of 4.12 s"
span good.lt 1s-5s "found a span up to 5 s, expected one inside good.lt of 4.12 s"
# what its window has behind it is not shown
span brief.lt 2s-4s "found a span from 2 s on, expected one inside brief.lt of 2.00 s"
span good.lt 8f-9f "found a span of 0.125 s, expected 0.5 s at least"
span clip.mp4 9s-12s "found a span from 9 s on, expected one inside clip.mp4 of 4.00 s"
span clip.mp4 0f-40f "found a span up to 5 s, expected one inside clip.mp4 of 4.00 s"
[ -n "$(ls -d out.mp4* 2>/dev/null)" ] && fail "a refused film left $(ls -d out.mp4*)"
printf 'shots:\n  - {prompt: a, plan: good.lt, span: 0s-4.5s}\n' >film.yaml
made run film.yaml --frames 33 --dry-run
printf 'shots:\n  - {prompt: a, plan: clip.mp4, span: 2s-4s}\n' >film.yaml
made run film.yaml --frames 33 --dry-run

# tokens NAME TEXT: NAME.lt is refused.
tokens() {
    says 3 "$1.lt: $2" render "$1.lt" -p x -o out.mp4
}
: >empty.lt
tokens empty ""
head -c 100 good.lt >short.lt
tokens short ""
sed 's/longtake-tokens-1/longtake-tokens-2/' good.lt >version.lt
tokens version "metadata 'format' is longtake-tokens-2, expected longtake-tokens-1"
sed 's/"codebook_size":"64"/"codebook_size":"65"/' good.lt >layout.lt
tokens layout ""
sed 's/"segments":"5,4"/"segments":"5,5"/' good.lt >segments.lt
tokens segments ""
sed 's/"seed":"42"/"seed":"4x"/' good.lt >seed.lt
tokens seed "metadata 'seed' is \"4x\", expected 0 to 4294967295"
sed 's/"frames":"33"/"frames":"99"/' good.lt >frames.lt
tokens frames ""
sed 's/"U16"/"F16"/' good.lt >kind.lt
tokens kind ""

# A list: each bad line is told with its place, the good ones are made, and the exit code says it at
# the end.
mkdir out
cat >list.txt <<'END'
a red ball
{"prompt": "a"
{"promt": "a"}
{"seconds": 3}
{"prompt": ""}
{"prompt": 7}
{"prompt": "a", "frames": 0}
{"prompt": "a", "frames": 9, "seconds": 1}
{"prompt": "a", "seed": "x"}
{"prompt": "a", "steps": 1000}
{"prompt": "a", "output": "../a.mp4"}
{"prompt": "a", "output": "a.lt"}
{"prompt": "a", "output": "0001.mp4"}
{"prompt": "a", "carry": "none"}
["a"]
a blue ball
END
refused 1 generate --prompts list.txt --output-dir out --frames 5 --steps 1
line() {
    grep "^longtake: list.txt:$1:" refused.err | grep -q "$2" ||
        fail "list.txt:$1: no '$2' in: $(grep "list.txt:$1:" refused.err)"
    count=$((count + 1))
}
line 2 ""
line 3 "list.txt:3:.*'promt'"
line 4 "list.txt:4: found no 'prompt'"
line 5 "list.txt:5: 'prompt': found no text"
line 6 "list.txt:6: 'prompt': found no text"
line 7 "list.txt:7: 'frames': expected a whole number above 0"
line 8 "list.txt:8: 'seconds' and 'frames': found both"
line 9 "list.txt:9: 'seed' is 'x', expected a whole number"
line 10 "list.txt:10: 'steps' is 1000, expected 1 to 999"
line 11 "list.txt:11: 'output' is '../a.mp4', expected a file name without a folder"
line 12 'extension "lt"'
line 13 "list.txt:13: the output is out/0001.mp4, which a line before has"
line 14 "list.txt:14: 'carry' is 'none', expected latents, frames or renoise"
grep -q '^longtake: list.txt: 1[0-9] of 16 lines failed' refused.err ||
    fail "no sum in: $(tail -1 refused.err)"
equal "files of the good lines" "$(ls out | tr '\n' ' ')" "0001.mp4 0015.mp4 0016.mp4 "
printf 'a\0b\n' >zero.txt
says 3 "zero.txt: found a zero byte" generate --prompts zero.txt --output-dir out --frames 5
printf '\n# nothing\n' >nothing.txt
says 3 "nothing.txt: found no prompt" generate --prompts nothing.txt --output-dir out --frames 5

[ -n "$(ls -d out.* 2>/dev/null)" ] && fail "a refused command left $(ls -d out.*)"
[ "$count" -ge 50 ] || fail "$count cases, want 50 at least"
finish
