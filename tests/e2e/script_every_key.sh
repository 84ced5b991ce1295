#!/bin/sh
# Every key of a film, all at once: the same take as by flags, byte for byte; a shot's own key does
# what the take's does.
. "$(dirname "$0")/steps.sh"

# The film format as the program has it, so that a new key is missed here.
keys_of_program() {
    sed -n 's/^    {SETTING([A-Z0-9]*, \([a-z_]*\),.*/\1/p' "$SOURCE/pipeline/take_settings.c"
    sed -n 's/^    static const char \*const own\[\] = {\(.*\), NULL};/\1/p' \
        "$SOURCE/pipeline/script/film.c" | tr -d '" ' | tr ',' '\n'
}
keys_of_films() {
    cat "$@" | grep -oE '[a-z_]+:' | tr -d ':'
}

# Three ways to say the length; top_k and top_p are both there, one of them off.
for length in 'seconds: 4.125' 'frames: 33' 'length: 33f'; do
    cat >$(echo "$length" | cut -d: -f1).yaml <<END
take:
  model: $MODEL
  $length
  seed: 7
  fps: 12
  scale: 2
  lm_cfg: 3
  shot_cfg: 2
  temperature: 0.9
  top_k: 0
  top_p: 0.8
  motion: 0.4
  lm_context: 1
  steps: 3
  cfg_scale: 3
  cfg_schedule: constant
  guidance: apg
  speed: fast
  codes: scene
  overlap: 1
  carry: renoise
shots:
  - {prompt: "a red ball"}
END
done
"$PROGRAM" generate "a red ball" -m "$MODEL" --frames 33 --seed 7 --fps 12 --scale 2 --lm-cfg 3 \
    --temperature 0.9 --top-k 0 --top-p 0.8 \
    --motion 0.4 --lm-context 1 --steps 3 --cfg-scale 3 --cfg-schedule constant --guidance apg \
    --speed fast --overlap 1 \
    --carry renoise --progress none -o flags.mp4 2>err || fail "flags: $(cat err)"
for film in seconds frames length; do
    "$PROGRAM" run $film.yaml --progress none -o $film.mp4 2>err || fail "$film.yaml: $(cat err)"
    same $film.mp4 flags.mp4
done
printf 'take: {frames: 33, top_k: 5, steps: 1}\nshots: [{prompt: "a red ball"}]\n' >top_k.yaml
made run top_k.yaml -o top_k.mp4
made generate "a red ball" --frames 33 --top-k 5 --steps 1 -o flags.mp4
same top_k.mp4 flags.mp4

# Two shots, the second along a file; what the take says for both, and each shot for itself.
made tokens -p "a blue cube" --frames 57 -o blue.lt
shots() { # FILE, keys of the take, of the first shot, of the second
    printf 'take: {frames: 65, seed: 7, steps: 2, top_k: 20%s}\nshots:\n  - {at: 0f, prompt: "a red ball"%s}\n' "$2" "$3" >$1.yaml
    printf '  - {at: 20f, prompt: "a blue ball"%s}\n' "$4" >>$1.yaml
    made run $1.yaml --no-metadata -o $1.y4m
}
of_shot='motion: 0.4, lm_cfg: 3, cfg_scale: 3'
shots take ", $of_shot, shot_cfg: 2" "" ""
shots own "" ", $of_shot, seed: 7" ", $of_shot, seed: 7, shot_cfg: 2"
same own.y4m take.y4m
shots plan ", $of_shot, shot_cfg: 2" "" ', plan: blue.lt, span: 2.5s-5s'

# Each of them decides something: with another value, or without the file, the film is another.
for key in motion lm_cfg cfg_scale seed shot_cfg; do
    shots other "" ", $of_shot, seed: 7" "$(echo ", $of_shot, seed: 7, shot_cfg: 2" | sed "s/, $key: [0-9.]*/, $key: 9/")"
    cmp -s other.y4m own.y4m && fail "a shot's $key decides nothing"
done
cmp -s plan.y4m take.y4m && fail "a shot's plan decides nothing"

equal "keys of films that are not tried" \
    "$(keys_of_films *.yaml | sort -u >tried; keys_of_program | sort -u | comm -23 - tried | tr '\n' ' ')" ""
[ "$(keys_of_program | wc -l)" -ge 25 ] || fail "the keys were not found in the sources"
finish
