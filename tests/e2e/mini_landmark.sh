#!/bin/sh
# With the shipped weights and default settings: where a prompt tells of a landmark, refinement paints it, at its own place, and it stays there. One plan is
# refined with and without it; pictures differ where it stands, and not beside it.
. "$(dirname "$0")/steps.sh"
with_shipped mmdit.safetensors
# apart A B X: mean absolute difference of luminance, of 255, of the frames of two videos, in 64x56 pixels from column X on, above the ground.
apart() {
    part="crop=64:56:$3:12,format=gray"
    ffmpeg -nostdin -v error -i "$1" -i "$2" -lavfi "[0]${part}[a];[1]${part}[b];[a][b]blend=all_mode=difference,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-" -f null - |
        sed -n 's/^lavfi.signalstats.YAVG=//p' | awk '{ sum += $1; n++ } END { printf "%.2f\n", sum / n }'
}
scene="a red ball rests in a meadow at noon"
made tokens "$scene" --seconds 8 --seed 7 -o plan.npy
made refine plan.npy -p "$scene" --seed 7 -o without.latents
made decode without.latents -o without.mkv
while read -r landmark stands beside; do
    made refine plan.npy -p "$scene near a $landmark" --seed 7 -o "$landmark.latents"
    made decode "$landmark.latents" -o "$landmark.mkv"
    times_less "change beside a $landmark, and where it stands" "$(apart "$landmark.mkv" without.mkv "$beside")" "$(apart "$landmark.mkv" without.mkv "$stands")" 3
done <<END
castle 16 128
house 118 0
lighthouse 0 128
END
finish
