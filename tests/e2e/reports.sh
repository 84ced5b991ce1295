#!/bin/sh
# What is printed: JSON that is JSON, plans without weights, every kind of file described.
. "$(dirname "$0")/steps.sh"

made generate "say \"red\", 100% \\ ball" --seconds 3 -o take.mp4 --json
cp made.out report.json
equal "report: frames" "$(json report.json settings frames)" 24
equal "report: prompt" "$(json report.json settings shots 0 prompt)" 'say "red", 100% \ ball'
equal "report: output" "$(json report.json output)" take.mp4
json report.json stages decode peak_bytes >/dev/null

"$PROGRAM" generate "a red ball" --seconds 3 -o events.mp4 --model "$MODEL" \
    --progress jsonl 2>events.jsonl >/dev/null
json --lines events.jsonl
for event in start stage window step window_done done; do
    grep -q "\"event\":\"$event\"" events.jsonl || fail "no event $event"
done
"$PROGRAM" generate "a red ball" --seconds 3 -o plain.mp4 --model "$MODEL" \
    --progress plain 2>plain.err >/dev/null
grep -q "$(printf '\r')" plain.err && fail "carriage returns without a terminal"
"$PROGRAM" generate "a red ball" --seconds 3 -o quiet.mp4 --model "$MODEL" \
    --quiet 2>quiet.err >/dev/null
equal "quiet" "$(cat quiet.err)" ""

# A seam that is too strong: the take is made and told of all the same.
refused 7 generate "a red ball" --seconds 3 --max-seam 0.0001 -o seam.mp4
equal "--max-seam: what was made" "$(cat refused.out)" seam.mp4
grep -q '^longtake: --max-seam: .* allowed is 0.0001$' refused.err ||
    fail "--max-seam: $(cat refused.err)"
refused 7 generate "a red ball" --seconds 3 --max-seam 0.0001 --json -o seam.mp4
equal "--max-seam --json: what was made" "$(json refused.out output)" seam.mp4
equal "--max-seam: left behind" "$(ls -d seam.* | tr '\n' ' ')" "seam.mp4 "
made tokens "a red ball" --seconds 3 -o seam.lt
made refine seam.lt -o seam.latents
refused 7 decode seam.latents --max-seam 0.0001 -o seam.mp4
grep -q '^longtake: --max-seam: .* allowed is 0.0001$' refused.err ||
    fail "--max-seam of decode: $(cat refused.err)"
made decode seam.latents --max-seam 1000 -o seam.mp4

# What is gone on with says the seams of what is made at once: a border is measured between windows
# of which one was there already.
made generate "a red ball" --seconds 3 --steps 2 -o clip.mp4
seam() { echo "$(json made.out seam worst) before $(json made.out seam window)"; }
for command in generate continue; do
    case $command in
        generate) set -- generate "a red ball" ;;
        continue) set -- continue clip.mp4 -p "a blue ball" ;;
    esac
    for carry in latents frames; do
        again="--carry $carry --seconds 3 --steps 2 --job seams.$command.$carry --json -o seams.mp4"
        made "$@" $again
        whole=$(seam)
        mv seams.mp4 whole.mp4
        for video in seams.$command.$carry/video.*; do
            rm "$video"
            made "$@" $again
            same whole.mp4 seams.mp4
            equal "$command, carry $carry, without $(basename "$video" | cut -c -9): seam" \
                "$(seam)" "$whole"
        done
    done
done
# With carry frames a window that is kept meets another one.
kept() {
    made generate "a red ball" --seconds 5 --steps 2 --carry frames --retake 1s-2s --retake-seed 7 \
        --keep-rest --json -o seams.mp4 "$@"
}
kept --job again.job
whole=$(seam)
made generate "a red ball" --seconds 5 --steps 2 --carry frames --job both.job -o seams.mp4
kept --job both.job
equal "a retake in the take's folder: seam" "$(seam)" "$whole"

# A plan needs no weights and writes nothing.
mkdir empty
cp "$MODEL/config.yaml" empty/
"$PROGRAM" generate "a red ball" --seconds 30 -o planned.mp4 --model empty \
    --dry-run --json >plan.json 2>plan.err ||
    fail "dry run: $(cat plan.err)"
equal "plan: frames" "$(json plan.json frames)" 240
equal "plan: latents" "$(json plan.json latents)" 61
equal "plan: windows" "$(json plan.json windows)" 29
[ -e planned.mp4 ] && fail "a dry run wrote a file"
"$PROGRAM" generate x --model empty --print-config --set mmdit.steps=9 -o x.mp4 \
    --seconds 1 >config.txt 2>&1 ||
    fail "print-config: $(cat config.txt)"
grep -q '^mmdit.steps: 9  *# --set' config.txt || fail "print-config: $(grep steps config.txt)"

"$PROGRAM" bench --model empty --print-config --json --set mmdit.steps=9 \
    --set mmdit.carry=frames >config.json 2>config.err ||
    fail "print-config --json: $(cat config.err)"
equal "print-config --json: lines" "$(wc -l <config.json)" 1
equal "print-config --json: a number" \
    "$(json config.json mmdit.steps value) $(json config.json mmdit.steps origin)" "9 --set"
equal "print-config --json: a word" "$(json config.json mmdit.carry value)" frames
grep -q '"mmdit.latent_height":{"value":[0-9]*,"origin":"empty/config.yaml:[0-9]*"}' config.json ||
    fail "print-config --json: $(cat config.json)"
equal "print-config --json: keys" \
    "$(grep -o '"origin":' config.json | wc -l)" "$(wc -l <config.txt)"

# What is said beside the configuration stands over it, with where that was said; of a list of
# prompts nothing is made.
config() { # ARGUMENTS...: config.txt
    "$PROGRAM" "$@" --model empty --print-config --progress none >config.txt 2>config.err ||
        fail "$* --print-config: $(cat config.err)"
}
says() { # LINE
    grep -qx "$1" config.txt || fail "print-config: no '$1' in: $(grep "^${1%%:*}:" config.txt)"
}
lines=$(wc -l <config.txt)
LONGTAKE_CFG_SCALE=2.5
export LONGTAKE_CFG_SCALE
config generate x --steps 7 --set mmdit.steps=9 --lm-cfg 1.25 --top-k 5 --carry frames
unset LONGTAKE_CFG_SCALE
says 'mmdit.steps: 7  # --steps'
says 'mmdit.carry: frames  # --carry'
says 'pipeline.lm_cfg: 1.25  # --lm-cfg'
says 'pipeline.cfg_scale: 2.5  # LONGTAKE_CFG_SCALE'
says 'pipeline.top_k: 5  # --top-k'
says 'pipeline.top_p: 0  # --top-k'
says 'pipeline.motion: [0-9.]*  # empty/config.yaml:[0-9]*'
equal "print-config: lines" "$(wc -l <config.txt)" "$lines"
printf 'take:\n  seconds: 1\n  steps: 3\n  motion: 2\nshots:\n  - prompt: a ball\n' >film.yaml
config run film.yaml --motion 4
says 'mmdit.steps: 3  # film.yaml:3'
says 'pipeline.motion: 4  # --motion'
made generate x --frames 2 --steps 5 -o config.mp4
config generate --recipe config.mp4
says 'mmdit.steps: 5  # config.mp4'
printf 'a red ball\n' >config.prompts
config generate --prompts config.prompts --output-dir config.out --steps 7
says 'mmdit.steps: 7  # --steps'
[ -e config.out ] && fail "--print-config made a list of prompts"
config tokens x --candidates 2 -o config.lt
[ -e config-42.lt ] && fail "--print-config made candidates"
"$PROGRAM" generate x --steps 7 --model empty --print-config --json >config.json ||
    fail "print-config --json of a take"
equal "print-config --json: a flag" \
    "$(json config.json mmdit.steps value) $(json config.json mmdit.steps origin)" "7 --steps"
rm config.*

# info of everything.
kind() {
    made info "$1"
    equal "$1" "$(json made.out kind)" "$2"
}
made tokens -p x --seconds 3 -o take.lt
made refine take.lt -o take.latents
made generate x --seconds 3 -o take.mkv --job job
made generate x --frames 1 -o still.png
kind still-00000.png video
equal "a picture: seconds" "$(json made.out seconds)" null
kind "$MODEL/spiece.model" sub-words
kind "$MODEL/text_encoder.safetensors" weights
mkdir sharded
cp "$MODEL/text_encoder.safetensors" sharded/part.safetensors
printf '{"weight_map":{"%s":"part.safetensors"}}' "$(json made.out tensors 0 name)" \
    >sharded/model.safetensors.index.json
kind sharded weights
kind take.lt tokens
equal "take.lt: a setting" "$(json made.out notes settings frames)" 24
# The release's token file: one picture of zeros.
{
    printf "\\223NUMPY\\001\\000v\\000%-117s\\n" \
        "{'descr': '<i8', 'fortran_order': False, 'shape': (330,), }"
    head -c 2640 /dev/zero
} >official.npy
kind official.npy tokens
equal "official.npy: semantic frames" "$(json made.out semantic_frames)" 1
made tokens -p x --seconds 3 -o take.npy
kind take.npy tokens # of a layout that the file does not say
equal "take.npy: its first code" "$(json made.out tokens 0)" \
    "$(made info take.lt; json made.out segments 0 tokens 0)"
kind take.latents latents
equal "take.latents: its length" \
    "$(json made.out frames) $(json made.out fps) $(json made.out seconds)" "24 8 3"
ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=8:duration=2 -f lavfi \
    -i sine=duration=2 foreign.mp4
kind foreign.mp4 video
equal "foreign.mp4: frames and sound" "$(json made.out frames) $(json made.out sound)" "16 true"
equal "foreign.mp4: how it lies" "$(json made.out rotation) $(json made.out mirrored)" "0 false"
# FFmpeg 7 has not the second way any more, 5.1 not yet the first.
if ffmpeg -h long 2>/dev/null | grep -q display_rotation; then
    ffmpeg -v error -display_rotation 90 -i foreign.mp4 -c copy turned.mp4
else
    ffmpeg -v error -i foreign.mp4 -c copy -metadata:s:v:0 rotate=90 turned.mp4
fi
kind turned.mp4 video
equal "turned.mp4: how it lies" \
    "$(json made.out rotation) $(json made.out width) $(json made.out shown_width)" "270 96 64"
kind take.mp4 video
equal "take.mp4: frames and sound" "$(json made.out frames) $(json made.out sound)" "24 false"
equal "video: its prompt" \
    "$(made info take.mp4; json made.out about settings shots 0 prompt)" 'say "red", 100% \ ball'
kind take.mkv video
kind job job
kind "$MODEL" model
kind "$MODEL/mmdit.safetensors" weights
kind "$RELEASE/CogVideoX-2b-sat/vae/3d-vae.pt" weights
kind "$SOURCE/tests/golden/mmdit.time.release_width.safetensors" golden
# For people a line a member, for programs one line; both the same JSON.
made info take.mp4
grep -q '^  "kind": "video",$' made.out || fail "info: no line of the kind in $(cat made.out)"
grep -q '^    "tokens": \[[0-9]*, [0-9, ]*\]$' made.out ||
    fail "info: no line of tokens in $(cat made.out)"
tr -d ' \n' <made.out >wide
made info take.mp4 --json
equal "info --json: lines" "$(wc -l <made.out)" 1
equal "info and info --json" "$(tr -d ' \n' <made.out)" "$(cat wide)"
made generate x --seconds 3 --dry-run
grep -q '^     0  0-.* x$' made.out || fail "--dry-run: no line of a window in $(cat made.out)"
made tokens -p "a ball at noon" --seconds 3 --dry-run
grep -q '^   0  0.00     a ball at noon$' made.out ||
    fail "--dry-run of tokens: no line of a shot in $(cat made.out)"
made tokens join take.lt take.lt --json -o join.lt
equal "tokens join --json" "$(cat made.out)" '{"output":"join.lt"}'
refused 3 render take.mp4 -p x -o none.mp4
grep -q 'take.mp4: is no token file, expected .lt or .npy' refused.err ||
    fail "render of a video: $(cat refused.err)"
refused 3 decode take.lt -o none.mp4
grep -q "take.lt: metadata 'format' is longtake-tokens-1, expected longtake-latents-1" refused.err ||
    fail "decode of tokens: $(cat refused.err)"
equal "decode of tokens" "$(tail -1 refused.err)" "hint: longtake render takes a token file"
made refine take.lt --steps 1 -o take.latents
refused 3 render take.latents -p x -o none.mp4
grep -q "take.latents: metadata 'format' is longtake-latents-1, expected longtake-tokens-1" \
    refused.err ||
    fail "render of latents: $(cat refused.err)"
equal "render of latents" "$(tail -1 refused.err)" "hint: longtake decode takes latents"
refused 3 decode take.mp4 -o none.mp4
grep -q 'take.mp4: is no latents file' refused.err || fail "decode of a video: $(cat refused.err)"
mkfifo pipe
refused 3 info pipe # opening it would wait for a writer
refused 3 info /dev/zero
echo "take: {seconds: 3}" >film.yaml
refused 3 info film.yaml
grep -q 'nor is it a file of tokens, latents or weights, a model or a job folder' refused.err ||
    fail "info film.yaml: $(cat refused.err)"
made generate x --seconds 3 -o bare.mp4 --no-metadata
made info bare.mp4
grep -q made_by made.out && fail "--no-metadata left metadata"
made check --json "$SOURCE/tests/golden/mmdit.time.release_width.safetensors"
equal "check: verdict" "$(json made.out 0 ok)" true
cp "$SOURCE/tests/golden/mmdit.time.release_width.safetensors" 'a "golden" \ file.safetensors'
made check --json 'a "golden" \ file.safetensors'
equal "check: a name with quotes" "$(json made.out 0 file)" 'a "golden" \ file.safetensors'
# Where the time went, operation by operation: as a table, and in the report.
made generate "a red ball" --seconds 2 --profile -o profiled.mp4
grep -q '^decode *conv ' made.err || fail "--profile: $(cat made.err)"
for stage in text tokens refine decode; do
    grep -q "^$stage *all .*%   rest: [a-z_]* [0-9]* %" made.err ||
        fail "--profile: no share of stage $stage: $(cat made.err)"
done
made generate "a red ball" --seconds 2 --profile --json --fresh -o profiled.mp4
[ "$(json made.out profile 0 calls)" -gt 0 ] || fail "--profile --json: $(cat made.out)"

# The share of a stage and the parts of the rest are the whole.
for stage in tokens refine decode; do
    sum=$(json made.out stages $stage share_of_machine)
    for part in $(grep -o '"operation": *"[a-z0-9_]*"' made.out | cut -d '"' -f 4 | sort -u) outside; do
        sum="$sum + $("$TOOLS/json_value" made.out stages $stage rest $part 2>/dev/null || echo 0)"
    done
    awk "BEGIN { sum = $sum; exit !(sum > 0.97 && sum < 1.001) }" ||
        fail "$stage: parts of its time: $sum"
done

finish
