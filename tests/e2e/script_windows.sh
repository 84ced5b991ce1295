#!/bin/sh
# Several processes refine the windows of one take in one job folder: the same bytes as one, each window made once, and a
# killed one takes nothing with it.
. "$(dirname "$0")/steps.sh"

made tokens -p "a red ball" --frames 48 -o ball.lt
made refine ball.lt --steps 2 -o alone.latents

# What a shell loop over processes or machines looks like.
for c in 0 1 2 3 4; do
    longtake refine ball.lt --steps 2 --window $c --job shared -q &
done
wait
equal "windows" "$(ls shared | grep '^latents' | grep -vc lock)" 5
made refine ball.lt --steps 2 --job shared --json -o together.latents
equal "computed again" "$(json made.out stages refine computed)" 0
same alone.latents together.latents

# A process that dies leaves no lock behind.
longtake refine ball.lt --steps 40 --window 4 --job killed &
sleep 0.3
kill -9 $! 2>/dev/null
wait
made refine ball.lt --steps 2 --windows 0-2 --job killed
equal "output" "$(cat made.out)" killed
made refine ball.lt --steps 2 --job killed -o after.latents
same alone.latents after.latents

refused 2 refine ball.lt --window 1
refused 2 refine ball.lt --window 1 --job shared -o some.latents
refused 2 refine ball.lt --windows 2-9 --job shared
refused 2 refine ball.lt --windows 3-1 --job shared
finish
