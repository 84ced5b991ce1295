#!/bin/sh
# With the shipped weights and the shipped map: previews have the colours of the pictures that they foresee.
. "$(dirname "$0")/steps.sh"
with_shipped preview.safetensors
i=0
for prompt in "a red ball bounces on a beach at noon" "a blue star floats in the desert at night" "an orange ring under water"; do
    i=$((i + 1))
    mkdir p$i
    made tokens -p "$prompt" --frames 49 -o $i.lt
    longtake refine $i.lt --preview p$i -o $i.latents >made.out 2>made.err || fail "$prompt: $(cat made.err)"
    [ -s made.err ] && fail "$prompt: $(cat made.err)"
    made decode $i.latents -o $i.mkv
    alike=$(likeness p$i/window-000.mp4 $i.mkv 'not(mod(n,4))') # a preview has a picture for each latent
    echo "$prompt: $alike dB"
    # A grey picture is 11 to 14 dB from these, one with red and blue exchanged 10 to 18.
    awk "BEGIN { exit !($alike >= 22) }" || fail "$prompt: previews are $alike dB from the take, want 22"
done
finish
