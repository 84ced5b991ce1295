#!/bin/sh
# The bytes depend on what was asked for, and on nothing else.
. "$(dirname "$0")/steps.sh"

for threads in 1 2 3; do
    made generate "a red ball" --seconds 3 --threads $threads -o threads_$threads.mp4
done
same threads_1.mp4 threads_2.mp4
same threads_1.mp4 threads_3.mp4

# Another folder, another job folder, another time zone and locale.
mkdir elsewhere
export TZ=Asia/Tokyo LC_ALL=C
made generate "a red ball" --seconds 3 --job elsewhere/job -o elsewhere/other.mp4
unset TZ LC_ALL
same threads_1.mp4 elsewhere/other.mp4
[ -d elsewhere/job ] || fail "an explicit job folder is kept"

# 42 is the default seed; 0 is a seed of its own.
made generate "a red ball" --seconds 3 --seed 42 -o seed_42.mp4
same threads_1.mp4 seed_42.mp4
made generate "a red ball" --seconds 3 --seed 0 -o seed_0.mp4
cmp -s seed_0.mp4 seed_42.mp4 && fail "seed 0 gives what seed 42 gives"

# A seed that is drawn is told, and gives the same again.
made generate "a red ball" --seconds 3 --seed -1 -o drawn.mp4
drawn=$(sed -n 's/^seed //p' made.err)
made generate "a red ball" --seconds 3 --seed "$drawn" -o told.mp4
same drawn.mp4 told.mp4

# Products in integers of 8 bits are another take, and just as steady.
for threads in 1 3; do
    made generate "a red ball" --seconds 3 --precision int8 --threads $threads \
        --json -o int8_$threads.mp4
    grep -q '"precision": *"int8"' made.out || fail "the report does not say int8"
done
same int8_1.mp4 int8_3.mp4
cmp -s int8_1.mp4 threads_1.mp4 && fail "int8 gives what f32 gives"

made generate "a blue ball" --seconds 3 -o blue.mp4 --no-metadata
made generate "a red ball" --seconds 3 -o red.mp4 --no-metadata
cmp -s blue.mp4 red.mp4 && fail "two prompts give the same"
finish
