#!/bin/sh
# tokens | refine | decode through pipes give the bytes of generate; so do the same steps through
# files.
. "$(dirname "$0")/steps.sh"
prompt="a blue kite over a harbour"

made generate "$prompt" --seconds 4 --seed 7 --no-metadata -o whole.mp4
longtake tokens -p "$prompt" --seconds 4 --seed 7 -o - 2>tokens.err |
    longtake refine - -o - 2>refine.err |
    longtake decode - --no-metadata -o piped.mp4 >decode.out 2>decode.err ||
    fail "decode: $(cat tokens.err refine.err decode.err)"
same whole.mp4 piped.mp4

made tokens -p "$prompt" --seconds 4 --seed 7 -o take.lt
made refine take.lt -o take.latents
made decode take.latents --no-metadata -o stepped.mp4
same whole.mp4 stepped.mp4
made render take.lt --no-metadata -o rendered.mp4
same whole.mp4 rendered.mp4

# The metadata of both ways is the same too.
made generate "$prompt" --seconds 4 --seed 7 -o about_whole.mp4
made decode take.latents -o about_stepped.mp4
same about_whole.mp4 about_stepped.mp4
made render take.lt --scale 2 --fps 12 -o large_whole.mp4
made decode take.latents --scale 2 --fps 12 -o large_stepped.mp4
same large_whole.mp4 large_stepped.mp4

# A rate as broadcasts have it.
made decode take.latents --fps 30000/1001 -o ntsc.mp4
equal "--fps 30000/1001" "$(of_video ntsc.mp4 r_frame_rate)" 30000/1001

# So is what the plan was drawn with, which the token file notes, and what a take that is made again
# from either is drawn with.
drawn="--motion 3 --lm-cfg 2 --temperature 0.7 --top-k 5 --lm-context 1"
made generate "$prompt" --seconds 4 --seed 9 $drawn --overlap 1 -o drawn_whole.mp4
made tokens -p "$prompt" --seconds 4 --seed 9 $drawn --overlap 1 -o drawn.lt
made render drawn.lt --overlap 1 -o drawn_rendered.mp4
same drawn_whole.mp4 drawn_rendered.mp4
made refine drawn.lt --overlap 1 -o drawn.latents
made decode drawn.latents -o drawn_stepped.mp4
same drawn_whole.mp4 drawn_stepped.mp4
made generate --recipe drawn_whole.mp4 --seed 10 -o other_whole.mp4
made generate --recipe drawn_rendered.mp4 --seed 10 -o other_rendered.mp4
same other_whole.mp4 other_rendered.mp4

# What a job folder beside the output holds is another command's, and stays.
made generate "$prompt" --seconds 4 --seed 7 --keep-job -o kept.mp4
ls kept.mp4.job >kept.before
made decode take.latents -o kept.mp4
ls kept.mp4.job >kept.after
same kept.before kept.after
[ -e kept.mp4.decode.job ] && fail "decode left its job folder"

# The release's token file holds the codes and no length: 9 semantic frames are 33 frames.
made tokens -p "$prompt" --seconds 4 --seed 7 -o take.npy
made render take.npy -p "$prompt" --seed 7 -o from_npy.mp4
equal "npy: frames" "$(of_video from_npy.mp4 nb_read_frames)" 33
finish
