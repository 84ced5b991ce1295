#!/bin/sh
# With the shipped weights and default settings: films of three shots, and a prompt that tells an event. What changes is seen in its span, in the mean colour of the
# frames; what lies before the first window that knows of it is the take without the change, byte for byte.
. "$(dirname "$0")/steps.sh"
with_shipped mmdit.safetensors
cat >film.yaml <<'END_OF_FILM'
take: {seconds: 12, seed: 7}
shots:
  - {at: 0s, prompt: "a red ball spins on a beach at noon"}
  - {at: 49f, prompt: "a blue ball spins on a beach at noon"}
  - {at: 73f, prompt: "a blue ball spins on a beach at night"}
END_OF_FILM
made generate "a red ball spins on a beach at noon" --seconds 12 --seed 7 -o plain.mkv
# stats FILE: mean Y, U and V of every frame.
stats() {
    ffmpeg -v error -i "$1" -vf "format=yuv444p,signalstats,metadata=print:file=-" -f null - |
        sed -n 's/^lavfi.signalstats.[YUV]AVG=//p' | paste - - -
}
seeds="7 8 9"
for seed in $seeds; do
    made run film.yaml --seed $seed -o film$seed.mkv
    stats film$seed.mkv >film$seed.stats
done

# Windows begin at frames 0, 49, 73 and 97: the first sees nothing of the plan from frame 49 on.
for take in film7 plain; do
    ffmpeg -v error -i $take.mkv -pix_fmt rgb24 -frames:v 49 -f rawvideo $take.head
    ffmpeg -v error -i $take.mkv -pix_fmt rgb24 -f rawvideo $take.raw
done
same film7.head plain.head
cmp -s film7.raw plain.raw && fail "the second shot changes nothing"

# mean COLUMN FIRST LAST FILES...: of these frames, from 0.
mean() {
    column=$1 first=$2 last=$3
    shift 3
    awk -v c="$column" -v a="$first" -v b="$last" 'FNR > a && FNR <= b + 1 { sum += $c; n++ } END { printf "%.1f\n", sum / n }' "$@"
}
# less WHAT A B BY: A is below B by that much at least.
less() {
    echo "$1: $2 and $3"
    awk "BEGIN { exit !($2 + $4 <= $3) }" || fail "$1: $2 is not below $3 by $4"
}
# seen TAKES RED_UP_TO BLUE_FROM BLUE_UP_TO NOON_UP_TO NIGHT_FROM: frames of the red and the blue ball, of day and night, in the takes of all
# seeds. The ball is a small part of the picture, and now and then out of sight: its colour over all of them. The light in every one.
seen() {
    all=$(for seed in $seeds; do echo $1$seed.stats; done)
    less "$1: red (mean V) with the blue ball, with the red one" "$(mean 3 $3 $4 $all)" "$(mean 3 0 $2 $all)" 1
    less "$1: blue (mean U) with the red ball, with the blue one" "$(mean 2 0 $2 $all)" "$(mean 2 $3 $4 $all)" 1
    for seed in $seeds; do
        less "$1, seed $seed: light (mean Y) at night, at noon" "$(mean 1 $6 95 $1$seed.stats)" "$(mean 1 0 $5 $1$seed.stats)" 20
    done
}
seen film 40 53 72 40 77

# What a prompt says happens later is such a film, evenly over the take: what it leads to is said instead of what was so before. Night
# falls by way of dusk, which is half over when night is due: frame 52 is the last at noon.
cat >event.yaml <<END_OF_FILM
take: {seconds: 12}
shots:
  - {at: 0s, prompt: "a red ball spins on a beach at noon"}
  - {at: 4s, prompt: "a blue ball spins on a beach at noon"}
  - {at: 7s, prompt: "a blue ball spins on a beach at dusk"}
  - {at: 9s, prompt: "a blue ball spins on a beach at night"}
END_OF_FILM
seeds="7 8"
for seed in $seeds; do
    made generate "a red ball spins on a beach at noon, then it turns blue. Then night falls." --seconds 12 --seed $seed -o event$seed.mkv
    stats event$seed.mkv >event$seed.stats
done
made run event.yaml --seed 7 -o by_hand.mkv
made generate --recipe event7.mkv -o again.mkv
for take in event7 by_hand again; do
    ffmpeg -v error -i $take.mkv -pix_fmt rgb24 -f rawvideo $take.raw
done
same event7.raw by_hand.raw
same event7.raw again.raw
seen event 30 40 52 52 72

# So are those of a film's shots, each in its own span.
cat >told.yaml <<'END_OF_FILM'
take: {seconds: 8, seed: 7}
shots:
  - {at: 0s, prompt: "a red ball spins on a beach at noon, then it turns blue"}
  - {at: 4s, prompt: "a blue ball spins in a meadow at noon, then night falls"}
END_OF_FILM
cat >by_hand.yaml <<'END_OF_FILM'
take: {seconds: 8, seed: 7}
shots:
  - {at: 0s, prompt: "a red ball spins on a beach at noon"}
  - {at: 2s, prompt: "a blue ball spins on a beach at noon"}
  - {at: 4s, prompt: "a blue ball spins in a meadow at noon"}
  - {at: 44f, prompt: "a blue ball spins in a meadow at dusk"}
  - {at: 52f, prompt: "a blue ball spins in a meadow at night"}
END_OF_FILM
for film in told by_hand; do
    made run $film.yaml -o $film.mkv
    ffmpeg -v error -y -i $film.mkv -pix_fmt rgb24 -f rawvideo $film.raw
done
same told.raw by_hand.raw
made generate --recipe told.mkv -o told_again.mkv
same told.mkv told_again.mkv
finish
