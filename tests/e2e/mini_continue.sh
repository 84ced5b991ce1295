#!/bin/sh
# With the shipped weights: going on from a clip, the first new frame differs from the last of the clip by at most 1.5 times what
# frames there usually do, for a clip of ours, one that is drawn, and ffmpeg's own.
. "$(dirname "$0")/steps.sh"
MODEL=$SOURCE/models/mini
[ -e "$MODEL/mmdit.safetensors" ] || {
    echo "skipped: models/mini is not here"
    exit 77
}
prompt="a red ball bounces on a beach at noon"

made generate "$prompt" --frames 49 --seed 5 -o ours.mp4
ffmpeg -v error -f lavfi -i testsrc2=size=192x128:rate=8:duration=5 -pix_fmt yuv420p -y ffmpeg.mp4
ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=25:duration=4 -pix_fmt yuv420p -y slow.mp4
ffmpeg -v error -f lavfi -i color=c=0x90c8f0:size=192x128:rate=8:duration=5 -f lavfi -i color=c=red:size=28x28:rate=8:duration=5 \
    -filter_complex "[0][1]overlay=x=10+n*4:y=60" -pix_fmt yuv420p -y drawn.mp4
for clip in ours ffmpeg slow drawn; do
    made continue $clip.mp4 --frames 9 -p "$prompt" -o $clip.y4m
    last=$(($(of_video $clip.y4m nb_read_frames) - 9 - 1))
    # Mean differences between neighbours, in grey levels, in order.
    ffmpeg -v error -i $clip.y4m -vf "tblend=all_mode=difference,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-" \
        -f null - | sed -n 's/.*YAVG=//p' >$clip.change
    # tblend has one picture less: the k-th line is between frames k - 1 and k.
    seam=$(sed -n "$((last + 1))p" $clip.change)
    usual=$(head -n "$last" $clip.change | sort -g | sed -n "$(((last + 1) / 2))p")
    awk "BEGIN { exit !($seam <= 1.5 * $usual) }" || fail "$clip: the seam is $seam, frames usually differ by $usual"
    echo "$clip: seam $seam, usual $usual"
done
finish
