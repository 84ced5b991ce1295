#!/bin/sh
# Several processes refine the windows of one take in one job folder: the same bytes as one, each
# window made once, and a killed one takes nothing with it.
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
"$PROGRAM" refine ball.lt --model "$MODEL" --progress none --steps 40 --window 4 --job killed &
run=$!
until [ -e killed/latents.000.lock ] || ! kill -0 "$run" 2>/dev/null; do
    sleep 0.02
done
kill -9 "$run" || fail "killed: was over before the signal"
wait "$run" 2>/dev/null
made refine ball.lt --steps 2 --windows 0-2 --job killed
equal "output" "$(cat made.out)" killed
made refine ball.lt --steps 2 --job killed -o after.latents
same alone.latents after.latents

# A signal ends the wait for a window that another process makes.
if command -v flock >/dev/null; then
    mkdir held
    : >held.events
    (flock 9 && exec sleep 300) 9>held/latents.000.lock &
    other=$!
    while flock -n held/latents.000.lock true; do
        sleep 0.02
    done
    "$PROGRAM" refine ball.lt --model "$MODEL" --steps 2 --job held --progress jsonl \
        -o held.latents 2>held.events &
    run=$!
    until grep -q 'is being made by another process' held.events || ! kill -0 "$run" 2>/dev/null; do
        sleep 0.02
    done
    kill -INT "$run"
    wait "$run"
    equal "held: exit code" $? 130
    kill -0 "$other" 2>/dev/null || fail "held: the other process was waited for"
    grep -q 'stopped while another process made it' held.events ||
        fail "held: $(tail -n 1 held.events)"
    kill "$other"
    wait "$other" 2>/dev/null
else
    missing flock
fi

refused 2 refine ball.lt --window 1
refused 2 refine ball.lt --window 1 --job shared -o some.latents
refused 2 refine ball.lt --windows 2-9 --job shared
refused 2 refine ball.lt --windows 3-1 --job shared

# From the prompt on: two processes, three windows each; the whole take goes on from there.
words="a red ball over a hill"
made generate "$words" --frames 48 --steps 2 --no-metadata -o alone.mp4
longtake generate "$words" --frames 48 --steps 2 --windows 0-2 --job prompted -q &
longtake generate "$words" --frames 48 --steps 2 --windows 2-4 --job prompted -q &
wait
equal "windows of generate" "$(ls prompted | grep '^latents' | grep -vc lock)" 5
equal "videos of generate" "$(ls prompted | grep -c '^video')" 0
made generate "$words" --frames 48 --steps 2 --job prompted --json --no-metadata -o together.mp4
equal "refined again" "$(json made.out stages refine computed)" 0
equal "planned again" "$(json made.out stages tokens computed)" 0
same alone.mp4 together.mp4

# The same of a film, and of a take that begins with a picture.
printf 'take: {frames: 48}\nshots:\n- {at: 0s, prompt: a red ball}\n- {at: 3s, prompt: a blue ball}\n' >film.yaml
made run film.yaml --steps 2 --no-metadata -o film.mp4
made run film.yaml --steps 2 --window 3 --job filmed
made run film.yaml --steps 2 --job filmed --no-metadata -o filmed.mp4
same film.mp4 filmed.mp4
made decode alone.latents -o shown_%04d.png
picture=$(ls shown_*.png | head -n 1)
made generate "$words" --image "$picture" --frames 48 --steps 2 --no-metadata -o pictured.mp4
made generate "$words" --image "$picture" --frames 48 --steps 2 --window 2 --job begun
equal "windows behind a picture" "$(ls begun | grep '^latents' | grep -vc lock)" 3
made generate "$words" --image "$picture" --frames 48 --steps 2 --job begun \
    --no-metadata -o whole.mp4
same pictured.mp4 whole.mp4

refused 2 generate "$words" --frames 48 --window 1
refused 2 generate "$words" --frames 48 --window 1 --job new -o some.mp4
refused 2 generate "$words" --frames 48 --windows 2-9 --job new
[ -e new ] && fail "a refused span made a job folder"
refused 2 generate --prompts "$0" --output-dir . --window 1 --job new
refused 2 render ball.lt --window 1 --job new
finish
