#!/bin/sh
# A release in small becomes a model that makes videos; a damaged one leaves nothing behind.
. "$(dirname "$0")/steps.sh"
config=$SOURCE/configs/tiny.yaml

import() {
    "$PROGRAM" import "$@" --config "$config" --progress none 2>import.err
}

import "$RELEASE" -o model || fail "import: $(cat import.err)"
"$PROGRAM" generate "a red ball" --seconds 2 -o take.mp4 --model ./model --progress none 2>err ||
    fail "generate: $(cat err)"
equal "frames" "$(of_video take.mp4 nb_read_frames)" 16
"$PROGRAM" import "$RELEASE" -o told --config "$config" --progress jsonl >told.out 2>told.events ||
    fail "import: $(tail -1 told.events)"
tail -1 told.events | grep -q '"event":"done".*"message":"told"' ||
    fail "the end of an import: $(tail -1 told.events)"
grep -v '"peak_mb":[1-9]' told.events && fail "an event of an import without memory"
rm -r told
larger=$(wc -c <model/mmdit.safetensors)
for kind in q8 mixed q4; do
    import "$RELEASE" -o $kind --quantize $kind || fail "import $kind: $(cat import.err)"
    bytes=$(wc -c <$kind/mmdit.safetensors)
    [ "$bytes" -lt "$larger" ] || fail "$kind: $bytes bytes, no fewer than the $larger before"
    larger=$bytes
    "$PROGRAM" generate "a red ball" --seconds 2 -o $kind.mp4 --model ./$kind \
        --progress none 2>err ||
        fail "generate: $(cat err)"
done
"$PROGRAM" info --json q4/mmdit.safetensors | grep -q '"dtype":"q4"' || fail "info does not show q4"
"$PROGRAM" import "$RELEASE" -o other --quantize q3 2>err
equal "an unknown kind" $? 2

# The release in small is f32: in 16 bits all values of every network are, in f32 it is the same
# file.
import "$RELEASE" -o f32 --dtype f32 || fail "import f32: $(cat import.err)"
for kind in bf16 f16; do
    import "$RELEASE" -o $kind --dtype $kind || fail "import $kind: $(cat import.err)"
    "$PROGRAM" generate "a red ball" --seconds 2 -o $kind.mp4 --model ./$kind \
        --progress none 2>err ||
        fail "generate: $(cat err)"
done
for network in text_encoder tokenizer ar_model mmdit temporal_vae; do
    same model/$network.safetensors f32/$network.safetensors
    for kind in bf16 f16; do
        equal "$kind: dtypes of $network" \
            "$("$PROGRAM" info --json $kind/$network.safetensors | grep -o '"dtype":"[^"]*"' | sort -u)" "\"dtype\":\"$kind\""
    done
done
import "$RELEASE" -o both --dtype bf16 --quantize q8 || fail "import both: $(cat import.err)"
equal "bf16, q8 and its scales" \
    "$("$PROGRAM" info --json both/mmdit.safetensors | grep -o '"dtype":"[^"]*"' | sort -u | tr '\n' ' ')" '"dtype":"bf16" "dtype":"f16" "dtype":"q8" '
"$PROGRAM" import "$RELEASE" -o other --dtype q8 2>err
equal "an unknown dtype" $? 2

# broken WHAT: the import of ./release must end with 3 and leave no folder.
broken() {
    import release -o out
    equal "$1" $? 3
    [ -z "$(ls -d out* .out* 2>/dev/null)" ] || fail "$1: left behind: $(ls -d out* .out*)"
    rm -rf release
    cp -r "$RELEASE" release
}
cp -r "$RELEASE" release
rm release/llm/model.safetensors
broken "no language model"
head -c 5000 "$RELEASE/CogVideoX-2b-sat/vae/3d-vae.pt" >release/CogVideoX-2b-sat/vae/3d-vae.pt
broken "a zip cut short"
echo ../../../etc >release/diffusion/latest
broken "a path in latest"
rm release/diffusion/latest
mkfifo release/diffusion/latest
broken "a pipe as latest"
import "$RELEASE" -o model
equal "an output folder that is there" $? 2
finish
