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
finish
