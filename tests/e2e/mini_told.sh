#!/bin/sh
# With the shipped weights: what of a prompt the language model is told, and what the user.
. "$(dirname "$0")/steps.sh"
with_shipped ar_model.safetensors
# plan NAME PROMPT: the codes of its first half second.
plan() {
    made tokens "$2" --num-frames 1 --seed 7 -o "$1.npy"
}
plan beach "a red ball rests on a beach at noon"
equal "told of a plain prompt" "$(cat made.err)" ""

# Capitals are letters.
plan told "A Red BALL Rests on a Beach at NOON"
same told.npy beach.npy
equal "told of capitals" "$(cat made.err)" ""
plan told "A Scarlet Orb Rests on a Beach at noon"
same told.npy beach.npy

# Refinement alone paints landmarks; where no place is told the landmark's own is.
plan told "a red ball rests on a beach near a castle at noon"
same told.npy beach.npy
plan told "a red ball rests near a lighthouse at noon"
same told.npy beach.npy
equal "told of a landmark" "$(cat made.err)" ""

# One thing is shown of several.
plan told "a red ball and a blue cube rests on a beach at noon"
same told.npy beach.npy
equal "told of two things" "$(cat made.err)" 'warning: the model shows one at a time of "ball" and "cube"'
plan told "a red ball and a blue cube rests on a beach at noon, then a star appears"
equal "told once for all events" "$(cat made.err)" 'warning: the model shows one at a time of "ball" and "cube"'

# Verbs are those of one thing, however they stand.
plan told "balls rest on a beach at noon"
plan rests "ball rests on a beach at noon"
same told.npy rests.npy

# What is left open and usual is said, and told; not where a picture shows it, and not of space.
plan told "a red ball rests on a beach"
plan noon "a red ball rests on a beach, at noon"
same told.npy noon.npy
made tokens "a red ball rests on a beach, then night falls" --seconds 12 --seed 7 --dry-run
equal "told of a beginning" "$(head -n 1 made.err)" 'begins as "a red ball rests on a beach, at noon"'
for prompt in "a red ball rests in space" "red ball, beach, resting, night" "a red ball and a sunset"; do
    made generate "$prompt" --dry-run
    equal "told of $prompt" "$(cat made.err)" ""
done
made generate "a red ball rests on a beach at noon" --frames 1 -o picture.png
mkdir job
made generate "a red ball rests on a beach" --job job --dry-run
equal "notes of a dry run with a job folder" "$(grep -c '^begins as' made.err)" 1
made generate "a red ball rests on a beach" --image picture-00000.png --dry-run
equal "told of a picture" "$(cat made.err)" ""

# A dry run tells the same.
made generate "a red ball and a blue cube rests near an elephant" --dry-run
equal "told of a dry run" "$(cat made.err)" 'begins as "a red ball and a blue cube rests near an elephant, at noon"
warning: the model does not know "elephant"; it makes the nearest scene it was trained on
warning: the model shows one at a time of "ball" and "cube"'
printf 'a red ball\nan elephant\n' >prompts.txt
made generate --prompts prompts.txt --output-dir takes --dry-run
equal "told of a list" "$(cat made.err)" 'prompts.txt:1: begins as "a red ball, at noon"
prompts.txt:2: begins as "an elephant, at noon"
warning: prompts.txt:2: the model does not know "elephant"; it makes the nearest scene it was trained on'

# An event that no window of its own follows is warned of, with the length that has one; then that is so.
longtake tokens "a red ball rests on a beach at noon, then it rains" --seconds 6 --seed 7 --progress plain -o told.npy >made.out 2>made.err
equal "told of a late event" "$(cat made.err)" \
    'warning: "... in the rain" (3.0 s): planned from 2.6 s on, but painted by the plan alone, which may show a part of it: the take ends before its next window (a take of 7 s would show it)'
longtake tokens "a red ball rests on a beach at noon, then it rains" --seconds 7 --seed 7 --progress plain -o told.npy >made.out 2>made.err
equal "told of an event" "$(grep -v step made.err)" '"... in the rain" (3.5 s): planned from 3.1 s on, painted from 6.1 s on'
finish
