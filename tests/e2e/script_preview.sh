#!/bin/sh
# Previews come while a window is refined, change no byte of the take, and give way to the window's own frames.
. "$(dirname "$0")/steps.sh"
mkdir windows

made generate "a red ball" --frames 25 --steps 6 -o plain.mp4
"$PROGRAM" generate "a red ball" --frames 25 --steps 6 --preview windows -o shown.mp4 -m "$MODEL" --progress jsonl >made.out 2>events ||
    fail "preview: $(tail -1 events)"
same plain.mp4 shown.mp4
equal "files" "$(ls windows | tr '\n' ' ')" "window-000.mp4 window-001.mp4 "
equal "frames of window 1, its own" "$(of_video windows/window-001.mp4 nb_read_frames)" 8
previews=$(grep -c '"event":"preview"' events)
[ "$previews" -ge 6 ] || fail "told of $previews previews, want three a window at least"

# The latents alone: the preview stays, one picture a latent.
made tokens -p "a red ball" --frames 25 -o ball.lt
made refine ball.lt --steps 6 --preview now.mp4 -o ball.latents
equal "pictures" "$(of_video now.mp4 nb_read_frames)" 5
equal "rate" "$(of_video now.mp4 r_frame_rate)" "2/1"

refused 2 generate x --frames 9 --preview nowhere -o bad.mp4
refused 2 generate x --frames 9 --preview a.png -o bad.mp4
[ -e shown.mp4.job ] && fail "a job folder is left: $(ls shown.mp4.job)"
[ -e bad.mp4 ] && fail "a refused command left a file"
finish
