#!/bin/sh
# Makes the pictures of the README, with default settings and seed (needs ffmpeg; 5 minutes):
#     ball.webp           30 seconds of its first command
#     contact_sheet.png   sixteen takes of six seconds, four frames of each (0, 2, 4 and 5.9 s)
#
#     docs/pictures.sh build/longtake
set -eu
program=$(realpath "$1")
docs=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$program" generate "a red ball bounces on a beach at noon, then night falls" --seconds 30 \
    --no-metadata -o "$docs/ball.webp" </dev/null >&2

take=0
while read -r prompt; do
    "$program" generate "$prompt" --seconds 6 --no-metadata -o take$take.mkv </dev/null >&2
    ffmpeg -v error -i take$take.mkv -vf "select='eq(n,0)+eq(n,16)+eq(n,32)+eq(n,47)',scale=128:-2,tile=4x1" -frames:v 1 row$take.png </dev/null
    take=$((take + 1))
done <<'END'
a red ball bounces on a beach at noon, then night falls
a navy orb hovers above the shore at twilight
a blue star floats in the desert at noon
an orange ring under water
a green cube spins in a snowfield at dawn
a yellow balloon flies over a meadow at noon
a white heart rests in a city at night
a pink diamond orbits in space
a cyan ball rolls to the right in the mountains at noon
a purple heart jumps in a city at dawn, then it turns orange
a red cube floats past a lighthouse at dusk in the rain
a red star floats in a city at night as snow falls
a yellow ring circles past a pyramid in the desert at dusk
a pink ball bounces under the sea
a white balloon floats near a castle in the mountains at dawn
a blue cube grows by a windmill in a meadow in the evening
END
ffmpeg -v error -y -i row%d.png -filter_complex "tile=2x8:padding=4:margin=4:color=white,split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=bayer:bayer_scale=4" \
    -frames:v 1 "$docs/contact_sheet.png"
