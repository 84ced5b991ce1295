#!/bin/sh
# With the shipped weights: a film of three shots. What changes is seen in its span, in the mean colour of the frames; what lies
# before the first window that knows of it is the take without the change, byte for byte.
. "$(dirname "$0")/steps.sh"
MODEL=$SOURCE/models/mini
[ -e "$MODEL/mmdit.safetensors" ] || {
    echo "skipped: models/mini is not here"
    exit 77
}
cat >film.yaml <<'END'
take: {seconds: 15, seed: 7}
shots:
  - {at: 0s, prompt: "a red ball rolls on a beach at noon"}
  - {at: 49f, prompt: "a blue ball rolls on a beach at noon"}
  - {at: 73f, prompt: "a blue ball rolls on a beach at night"}
END
made run film.yaml -o film.mkv
# The language model rather keeps the light that it has in sight: the guidance must be high.
sed 's/seconds: 15, seed: 7/seconds: 12, seed: 7, lm_cfg: 6/' film.yaml >light.yaml
made run light.yaml -o light.mkv
made generate "a red ball rolls on a beach at noon" --seconds 15 --seed 7 -o plain.mkv

# Windows begin at frames 0, 49, 73 and 97: the first sees nothing of the plan from frame 49 on.
for take in film plain; do
    ffmpeg -v error -i $take.mkv -pix_fmt rgb24 -frames:v 49 -f rawvideo $take.head
    ffmpeg -v error -i $take.mkv -pix_fmt rgb24 -f rawvideo $take.raw
done
same film.head plain.head
cmp -s film.raw plain.raw && fail "the second shot changes nothing"

# mean FILM VALUE FIRST LAST: of its frames, from 0.
for film in film light; do
    ffmpeg -v error -i $film.mkv -vf "format=yuv444p,signalstats,metadata=print:file=-" -f null - >$film.stats
done
mean() {
    sed -n "s/^lavfi.signalstats.$2=//p" "$1.stats" | sed -n "$(($3 + 1)),$(($4 + 1))p" | awk '{ sum += $1 } END { printf "%.1f\n", sum / NR }'
}
# less WHAT A B BY: A is below B by that much at least.
less() {
    echo "$1: $2 and $3"
    awk "BEGIN { exit !($2 + $4 <= $3) }" || fail "$1: $2 is not below $3 by $4"
}
less "red (mean V) with the blue ball, with the red one" "$(mean film VAVG 53 72)" "$(mean film VAVG 0 40)" 1
less "blue (mean U) with the red ball, with the blue one" "$(mean film UAVG 0 40)" "$(mean film UAVG 53 72)" 1
less "light (mean Y) at night, at noon" "$(mean light YAVG 80 95)" "$(mean light YAVG 0 40)" 20
finish
