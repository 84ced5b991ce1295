#!/bin/sh
# What a file says of how it was made: where it is made again otherwise, that is told; where it was,
# nothing is.
. "$(dirname "$0")/steps.sh"

told() { # TEXT: what the last command said of it
    grep -q "$1" made.err || fail "not told: $1; told: $(cat made.err)"
}
silent() {
    [ -s made.err ] && fail "told without need: $(cat made.err)"
}

made generate "a red ball" --frames 9 --steps 2 --precision f32 -o a.mp4
made generate --recipe a.mp4 --precision f32 -o again.mp4
silent
same a.mp4 again.mp4
made info a.mp4 --json
equal "device and precision" \
    "$(json made.out about device) $(json made.out about precision)" "cpu f32"

# Precision and configuration.
made generate --recipe a.mp4 --precision bf16 -o b.mp4
told '^warning: a.mp4 was made in f32 on cpu, here it is bf16 on cpu: it may come out otherwise$'
told '^hint: --device cpu --precision f32$'
made generate --recipe a.mp4 --precision f32 --set mmdit.position_scale=2 -o b.mp4
told '^warning: a.mp4 was made with other values of the configuration'
made generate "a red ball" --recipe a.mp4 --precision bf16 --retake 0 --retake-seed 3 -o b.mp4
equal "told once" "$(grep -c 'was made in' made.err)" 1

# A list makes again what was made otherwise: with another configuration, or in another precision
# than the one that is asked for.
echo "a red ball" >list.txt
batch() { made generate --prompts list.txt --output-dir out --frames 9 --steps 2 "$@"; }
batch --precision f32
batch --precision f32
told 'is there already'
batch
told 'is there already'
batch --precision bf16
grep -q 'is there already' made.err && fail "a file in f32 passes for one in bf16"
batch --set mmdit.position_scale=2
grep -q 'is there already' made.err && fail "another configuration passes for the model's"

# Another decoder than the one that the latents were made for.
made generate "a red ball" --frames 9 --steps 2 --precision f32 --job job -o a.mp4
made tokens "a red ball" --frames 9 -o a.lt
made refine a.lt --steps 2 --precision f32 -o a.latents
made decode a.latents -o decoded.mp4
silent
cp -r "$MODEL" other
vae=other/temporal_vae.safetensors
printf '\001\002' | dd of="$vae" bs=1 seek="$(($(wc -c <"$vae") - 40))" conv=notrunc 2>dd.err ||
    fail "$(cat dd.err)"
trained=$MODEL
MODEL=$PWD/other
made decode a.latents -o other.mp4
told "^warning: a.latents: another model's decoder was meant"
made info other.mp4 --json
equal "who decoded" "$(json made.out about model) $(json made.out about decoder)" "tiny other"

# A model whose name is no UTF-8 is told of in files all the same.
MODEL=$PWD/$(printf 'caf\351')
cp -r other "$MODEL"
made tokens "a red ball" --frames 9 -o named.lt
made refine named.lt --steps 2 -o named.latents
made decode named.latents -o named.mp4
for file in named.lt named.latents named.mp4; do
    grep -aqF 'caf?' "$file" || fail "$file does not tell of its model"
done
MODEL=$trained
made generate --recipe other.mp4 --precision f32 -o b.mp4
told 'other.mp4: its latents were decoded with other'

made decode a.latents --precision bf16 -o decoded.mp4
made generate --recipe decoded.mp4 --precision f32 -o b.mp4
told 'decoded.mp4: its latents were decoded in another precision'

# How a clip was read.
made continue a.mp4 --codes scene --frames 8 --steps 2 -p "a blue ball" -o c.mp4
made info c.mp4 --json
equal "codes" "$(json made.out about settings codes)" scene
made continue a.mp4 --recipe c.mp4 --seed 5 -o d.mp4
made continue a.mp4 --codes scene --frames 8 --steps 2 -p "a blue ball" --seed 5 -o e.mp4
same d.mp4 e.mp4

# Latents of a model of other shapes are known by its name.
MODEL=$SOURCE/models/mini
refused 3 decode a.latents -o b.mp4
grep -q 'a.latents: is of the model tiny, found mini: ' refused.err ||
    fail "another model: $(cat refused.err)"
equal "its name" "$(tail -1 refused.err)" "hint: -m tiny"
finish
