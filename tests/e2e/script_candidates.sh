#!/bin/sh
# Several plans of one prompt and a sheet to choose from: the plans are those of their seeds, the
# sheet shows each of them.
. "$(dirname "$0")/steps.sh"

made tokens -p "a red ball" --frames 37 --seed 7 --candidates 3 --preview sheet.png -o ball.lt
equal "paths" "$(tr '\n' ' ' <made.out)" "ball-7.lt ball-8.lt ball-9.lt sheet.png "
for seed in 7 8 9; do
    made tokens -p "a red ball" --frames 37 --seed $seed -o alone.lt
    same ball-$seed.lt alone.lt
done
made render ball-8.lt --steps 2 -o chosen.y4m
made generate "a red ball" --frames 37 --seed 8 --steps 2 -o plain.y4m
same chosen.y4m plain.y4m

# Eight pictures of 192x128 in each of three rows, 4 pixels between them; the same bytes again.
equal "width" "$(of_video sheet.png width)" $((8 * 196 + 4))
equal "height" "$(of_video sheet.png height)" $((3 * 132 + 4))
made tokens -p "a red ball" --frames 37 --seed 7 --candidates 3 --preview again.png \
    -o ball.lt --threads 1
same sheet.png again.png

# One plan alone keeps its name; a sheet of a take of two semantic frames has two pictures.
made tokens -p "a red ball" --frames 5 --preview one.png -o one.lt
equal "one: width" "$(of_video one.png width)" $((2 * 196 + 4))
equal "one: height" "$(of_video one.png height)" 136
made tokens -p "a red ball" --frames 5 --candidates 2 --preview one.png -o two.lt --dry-run
grep -qx -- '--dry-run: one plan is foreseen, without the others and their sheet' made.err ||
    fail "a dry run of two plans: $(cat made.err)"
[ -e two-42.lt ] && fail "a dry run left a plan"

# A pipe is written with the sheet, and stays one.
mkfifo pipe.png
timeout 60 cat pipe.png >read.png &
made tokens -p "a red ball" --frames 5 --candidates 2 --preview pipe.png -o two.LT
wait
[ -p pipe.png ] || fail "the pipe was replaced by the sheet"
made tokens -p "a red ball" --frames 5 --candidates 2 --preview two.PNG -o two.LT
same two.PNG read.png
# What is written as .LT is read as a plan.
made generate -p "a red ball" --frames 5 --steps 2 -o plain.mp4 --seed 43 --no-metadata
printf 'take: {frames: 5, steps: 2, seed: 43}\nshots:\n  - {prompt: a red ball, plan: two-43.LT}\n' >planned.yaml
made run planned.yaml -o planned.mp4 --no-metadata
same plain.mp4 planned.mp4
made refine two-43.LT --steps 2 -o planned.LATENTS
made generate --recipe planned.LATENTS -o again.mp4 --no-metadata
same plain.mp4 again.mp4
# No plan is written over what it is made from, nor the sheet over a plan.
cp two.PNG picture-43.lt
refused 2 tokens -p x --frames 9 --image picture-43.lt --candidates 2 -o picture.lt
grep -q '^longtake: --output: found picture-43.lt, which this take is made from' refused.err ||
    fail "a plan over a picture: $(cat refused.err)"
same two.PNG picture-43.lt
ln -s two-43.LT linked.png
refused 2 tokens -p x --frames 9 --candidates 2 --preview linked.png -o two.LT
grep -q '^longtake: --preview: found linked.png, a plan' refused.err ||
    fail "a sheet over a plan: $(cat refused.err)"
mkdir filled-43.lt
refused 2 tokens -p x --frames 9 --candidates 2 -o filled.lt
[ -e filled-42.lt ] && fail "a plan was made although the next has no place"

refused 2 tokens -p x --frames 9 --candidates 2 -o -
refused 2 tokens -p x --frames 9 --candidates 0 -o bad.lt
refused 2 tokens -p x --frames 9 --candidates 17 -o bad.lt
refused 2 tokens -p x --frames 9 --candidates 2 --seed 4294967295 -o bad.lt
refused 2 tokens -p x --frames 9 --candidates 2 --preview sheet.mp4 -o bad.lt
refused 2 tokens -p x --frames 9 --candidates 2 --preview nowhere/sheet.png -o bad.lt
refused 2 tokens --frames 9 --candidates 2 -o bad.lt
refused 2 generate x --frames 9 --candidates 2 -o bad.mp4
[ -n "$(ls | grep bad)" ] && fail "a refused command left a file"
# A sheet is drawn from plans in files; and what standard output is by another name takes no word of
# ours.
refused 2 tokens x --frames 9 --preview sheet.png -o -
refused 2 tokens x --frames 9 --preview sheet.png -o /dev/fd/1 --format lt
made tokens x --frames 9 -o named.lt
"$PROGRAM" tokens x --frames 9 --candidates 1 -o - --format lt --model "$MODEL" -q | cat >piped.lt
same named.lt piped.lt
finish
