#!/bin/sh
# With the shipped weights and default settings: where a prompt tells of rain or snow, something falls. It is seen in how much light changes from frame to frame
# while the object rests. As an event it begins with the first window that is made after it is due: here at frame 49.
. "$(dirname "$0")/steps.sh"
with_shipped mmdit.safetensors
# change FILE FIRST LAST: mean absolute change of luminance, of 255, from the frame before to each of these.
change() {
    ffmpeg -v error -i "$1" -vf "format=yuv444p,signalstats,metadata=print:key=lavfi.signalstats.YDIF:file=-" -f null - |
        sed -n 's/^lavfi.signalstats.YDIF=//p' |
        awk -v a="$2" -v b="$3" 'NR > a && NR <= b + 1 { sum += $1; n++ } END { printf "%.2f\n", sum / n }'
}
scene="a red ball rests on a beach at noon"
made generate "$scene" --seconds 2 --seed 7 -o dry.mkv
dry=$(change dry.mkv 4 15)
made generate "$scene in the rain" --seconds 2 --seed 7 -o rain.mkv
made generate "$scene in falling snow" --seconds 2 --seed 7 -o snow.mkv
times_less "mean change, dry and in the rain" "$dry" "$(change rain.mkv 4 15)" 2
times_less "mean change, dry and in falling snow" "$dry" "$(change snow.mkv 4 15)" 2
made generate "$scene, then it starts to rain" --seconds 8 --seed 7 -o event.mkv
times_less "mean change before and after it rains" "$(change event.mkv 4 27)" "$(change event.mkv 40 63)" 2
finish
