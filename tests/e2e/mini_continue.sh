#!/bin/sh
# With the shipped weights: going on from a clip, the first new frame differs from the last of the clip by at most 1.5 times what
# frames there usually do, for a clip of ours, one that is drawn, and ffmpeg's own. A new prompt changes what a clip of ours shows.
. "$(dirname "$0")/steps.sh"
with_shipped mmdit.safetensors
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

# chroma FILE NAME: of its last second, in the mean.
chroma() {
    ffmpeg -v error -i "$1" -vf "select='gte(n,57)',signalstats,metadata=print:key=lavfi.signalstats.$2:file=-" -f null - |
        sed -n 's/.*AVG=//p' | awk '{ sum += $1 } END { print sum / NR }'
}

# The red ball turns blue: fewer red and more blue in the picture. (3.7 and 2.7 of 255 in f32; 0.04 and -0.06 where nothing leans to the new prompt.)
made continue ours.mp4 --frames 20 -o red.mp4
made continue ours.mp4 --frames 20 -p "a blue ball bounces on a beach at noon" -o blue.mp4
red=$(awk "BEGIN { print $(chroma red.mp4 VAVG) - $(chroma blue.mp4 VAVG) }")
blue=$(awk "BEGIN { print $(chroma blue.mp4 UAVG) - $(chroma red.mp4 UAVG) }")
echo "from red to blue: $red less red, $blue more blue"
awk "BEGIN { exit !($red > 1.3 && $blue > 1.3) }" || fail "the ball did not turn blue: $red less red, $blue more blue"
finish
