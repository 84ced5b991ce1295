#!/bin/sh
# A list of prompts: one take a line, bad lines told and passed over, the exit code at the end.
. "$(dirname "$0")/steps.sh"

printf 'a red ball\r\n\n# a remark\n{"prompt": "a blue cube", "frames": 9, "seed": 3, "output": "cube.mp4"}\n' >good.txt
made generate --prompts good.txt --output-dir out --frames 17 --steps 2
equal "paths" "$(tr '\n' ' ' <made.out)" "out/0001.mp4 out/cube.mp4 "
equal "files" "$(ls out | tr '\n' ' ')" "0001.mp4 cube.mp4 "
made generate "a red ball" --frames 17 --steps 2 -o ball.mp4
made generate "a blue cube" --frames 9 --seed 3 --steps 2 -o cube.mp4
same ball.mp4 out/0001.mp4
same cube.mp4 out/cube.mp4

made generate --prompts good.txt --output-dir out/ --frames 17 --steps 2
equal "paths in a folder with a slash" "$(tr '\n' ' ' <made.out)" "out/0001.mp4 out/cube.mp4 "

grep -q '^good.txt:4: 2 of 2, out/cube.mp4$' made.err ||
    fail "which line is made is not told: $(cat made.err)"

# What is there already, made from the same request, stays; what is not, or is of another, is made.
touch -d 2020-01-01 out/0001.mp4 out/cube.mp4
made generate --prompts good.txt --output-dir out --frames 17 --steps 2
equal "paths of what is there" "$(tr '\n' ' ' <made.out)" "out/0001.mp4 out/cube.mp4 "
equal "made again" "$(find out -newermt 2021-01-01 -type f)" ""
grep -q '^out/cube.mp4 is there already' made.err ||
    fail "what is passed over is not told: $(cat made.err)"
made generate --prompts good.txt --output-dir out --frames 17 --steps 2 --json
json --lines made.out
equal "frames of what is there" \
    "$(grep -o '"frames":[0-9]*,"fps"' made.out | tr -dc '0-9\n' | tr '\n' ' ')" "17 9 "
printf 'not a video' >out/0001.mp4
made generate --prompts good.txt --output-dir out --frames 17 --steps 2
same ball.mp4 out/0001.mp4
equal "made again" "$(find out -newermt 2021-01-01 -type f)" out/0001.mp4
touch -d 2020-01-01 out/0001.mp4
made generate --prompts good.txt --output-dir out --frames 17 --steps 1
equal "made with other steps" \
    "$(find out -newermt 2021-01-01 -type f | sort | tr '\n' ' ')" "out/0001.mp4 out/cube.mp4 "
touch -d 2020-01-01 out/0001.mp4 out/cube.mp4
made generate --prompts good.txt --output-dir out --frames 17 --steps 1 --fresh
equal "made afresh" \
    "$(find out -newermt 2021-01-01 -type f | sort | tr '\n' ' ')" "out/0001.mp4 out/cube.mp4 "
made generate --prompts good.txt --output-dir out --frames 17 --steps 1 --dry-run --json
equal "all are there" \
    "$(json made.out made) $(json made.out takes) $(json made.out time_seconds)" "2 0 0"
touch -d 2020-01-01 out/0001.mp4 out/cube.mp4
made generate --prompts good.txt --output-dir out --frames 17 --steps 1 --no-metadata --fresh
touch -d 2020-01-01 out/0001.mp4 out/cube.mp4
made generate --prompts good.txt --output-dir out --frames 17 --steps 1 --no-metadata
equal "made again where it does not say how" \
    "$(find out -newermt 2021-01-01 -type f | sort | tr '\n' ' ')" "out/0001.mp4 out/cube.mp4 "

rm out/*
printf '{"prompt": "a"\na red ball\n{"prompt": "b", "output": "b.txt"}\n{"prompt": "c", "output": "0002.y4m"}\n' >bad.txt
refused 1 generate --prompts bad.txt --output-dir out --frames 9 --steps 2 --format y4m
equal "paths of the good lines" "$(cat refused.out)" "out/0002.y4m"
equal "files of the good lines" "$(ls out)" 0002.y4m
# A dry run says the same of every line, makes nothing, and ends the same way.
refused 1 generate --prompts bad.txt --output-dir seen --frames 9 --steps 2 --format y4m --dry-run
[ -e seen ] && fail "a dry run made the folder"
equal "the good line" "$(sed -n 's/  */ /gp' refused.out | grep '^ *2 ')" \
    " 2 1.12 1 $(sed -n 's/.* 1  *\([0-9]* s\|?\) .*/\1/p' refused.out) seen/0002.y4m a red ball"
for line in '^   1  bad.txt:1' '^   3  bad.txt:3: --output' '^   4  bad.txt:4: the output is seen/0002.y4m' '^1 to make, 1.12 s of video'; do
    grep -q "$line" refused.out || fail "no '$line' in: $(cat refused.out)"
done
refused 1 generate --prompts bad.txt --output-dir seen --frames 9 --steps 2 \
    --format y4m --dry-run --json
equal "the bad lines" \
    "$(json refused.out failed) $(json refused.out takes) $(json refused.out lines 1 output)" "3 1 seen/0002.y4m"
refused 1 generate --prompts bad.txt --output-dir out --frames 9 --steps 2 --format y4m --fresh

for place in 'longtake: bad.txt:1' 'longtake: bad.txt:3: --output' 'longtake: bad.txt:4' 'bad.txt: 3 of 4 lines failed'; do
    grep -q "$place" refused.err || fail "no '$place' in: $(cat refused.err)"
done

# The name that a video has while it grows is another file's too, before and behind it.
printf '{"prompt": "a", "output": "ball.part.mp4"}\n{"prompt": "b", "output": "ball.mp4"}\n{"prompt": "c", "output": "ball.part.png"}\n{"prompt": "d", "output": "ball.png"}\n{"prompt": "e", "output": "cube.mkv"}\n{"prompt": "f", "output": "cube.part.mkv"}\n' >grows.txt
for dry in --dry-run ""; do
    refused 1 generate --prompts grows.txt --output-dir grows --frames 2 --steps 2 $dry
    cat refused.out >>refused.err
    for place in 'grows.txt:2: while it grows the output is grows/ball.part.mp4, which is that of line 1' \
        'grows.txt:6: the output is grows/cube.part.mkv, which that of line 5 is while it grows'; do
        grep -q "$place" refused.err || fail "$dry: no '$place' in: $(cat refused.err)"
    done
done
equal "files of the good lines" "$(ls grows | tr '\n' ' ')" \
    "ball-00000.png ball-00001.png ball.part-00000.png ball.part-00001.png ball.part.mp4 cube.mkv "

# What was cut off is made again, and a mark that editors put in front of a file is not a part of
# it.
printf '\357\273\277{"prompt": "a red ball", "output": "first.mp4"}\n' >marked.txt
made generate --prompts marked.txt --output-dir marked --frames 9 --steps 2
equal "a file with a mark" "$(cat made.out)" marked/first.mp4
cp marked/first.mp4 whole.mp4
head -c "$(($(wc -c <whole.mp4) - 100))" whole.mp4 >marked/first.mp4
made generate --prompts marked.txt --output-dir marked --frames 9 --steps 2
same whole.mp4 marked/first.mp4
cp whole.mp4 marked/first.mp4
printf '\377\377\377\377\377\377\377\377' |
    dd of=marked/first.mp4 bs=1 seek="$(($(grep -abo mdat whole.mp4 | head -1 | cut -d: -f1) + 1500))" conv=notrunc 2>dd.err ||
    fail "$(cat dd.err)"
made generate --prompts marked.txt --output-dir marked --frames 9 --steps 2
same whole.mp4 marked/first.mp4
printf '{"prompt": "two\\nlines"}\n' >lines.txt
made generate --prompts lines.txt --output-dir out --frames 9 --dry-run
equal "a prompt of two lines" "$(wc -l <made.out)" 4
printf '\357\273\277a red ball\n' >prompt.txt
made generate -p @prompt.txt --frames 5 --dry-run --json
equal "a prompt with a mark" "$(json made.out settings shots 0 prompt)" "a red ball"

# As events, all that is said is events.
"$PROGRAM" generate --prompts bad.txt --output-dir out --frames 9 --steps 2 --format y4m \
    --model "$MODEL" --progress jsonl >out.txt 2>events.jsonl
json --lines events.jsonl >/dev/null
grep -q '"event":"error","code":3,"message":"bad.txt:1' events.jsonl ||
    fail "no event of line 1: $(cat events.jsonl)"

# Who reads what is there tells of it as reading; each event has its time and the memory so far.
events() { # ARGUMENTS...: events.jsonl
    "$PROGRAM" "$@" --model "$MODEL" --progress jsonl >events.out 2>events.jsonl ||
        fail "$*: $(tail -1 events.jsonl)"
    grep '"event"' events.jsonl | grep '"stage"' | grep -v '"peak_mb":[1-9]' &&
        fail "$*: an event without memory"
}
made generate --prompts lines.txt --output-dir long --frames 480 --steps 1 --cfg-scale 1
events generate --prompts lines.txt --output-dir long --frames 480 --steps 1 --cfg-scale 1
grep '"event":"step"' events.jsonl | grep -v '"stage":"read"' &&
    fail "an event of a stage that is not there"
events generate --prompts lines.txt --output-dir long --frames 480 --steps 1 --dry-run

# A take over the limit of its seams is made, and told; so it is when the list is made again.
printf 'a red ball\n{"prompt": "a blue cube", "frames": 9}\n' >seams.txt
for again in "" again; do
    refused 7 generate --prompts seams.txt --output-dir seams --frames 24 --steps 2 \
        --max-seam 0.0001
    equal "paths beside a limit $again" "$(tr '\n' ' ' <refused.out)" \
        "seams/0001.mp4 seams/0002.mp4 "
    grep -q '^longtake: seams.txt:1: --max-seam: .* allowed is 0.0001$' refused.err ||
        fail "the seam of a line $again: $(cat refused.err)"
    grep -q '^longtake: seams.txt: 1 of 2 lines are made, but over the limit of --max-seam$' \
        refused.err || fail "the end of the list $again: $(cat refused.err)"
done
refused 7 generate --prompts seams.txt --output-dir seams --frames 24 --steps 2 --max-seam 0.0001 \
    --json
json --lines refused.out
equal "reports beside a limit" "$(wc -l <refused.out)" 2
made generate --prompts seams.txt --output-dir seams --frames 24 --steps 2 --max-seam 1000
printf '{"prompt": "a"\n' >>seams.txt
refused 1 generate --prompts seams.txt --output-dir seams --frames 24 --steps 2 --max-seam 0.0001

: >empty.txt
refused 3 generate --prompts empty.txt --output-dir out
refused 3 generate --prompts none.txt --output-dir out
refused 2 generate --prompts good.txt --output-dir nowhere/out
grep -q 'found nowhere/out, which cannot be made: No such file' refused.err ||
    fail "a folder in none: $(cat refused.err)"
refused 2 generate --prompts good.txt --output-dir good.txt
refused 3 generate --prompts none.txt --output-dir unneeded
[ -e unneeded ] && fail "a folder was made for prompts that are not there"
refused 2 generate --prompts good.txt
refused 2 generate --output-dir out a -o a.mp4
refused 2 generate "a prompt" --prompts good.txt --output-dir out
finish
