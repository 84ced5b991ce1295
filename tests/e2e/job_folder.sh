#!/bin/sh
# What lies in the job folder is used when it is whole and made again when it is not.
. "$(dirname "$0")/steps.sh"

take() {
    "$PROGRAM" generate "a red ball" --seconds 6 --job job -o "$1" --model "$MODEL" \
        --progress jsonl "$2" 2>events >out ||
        fail "generate: exit code $?: $(tail -1 events)"
}
refined() { grep -c '"event":"step","stage":"refine"' events; }

# hold FOLDER: another process, $holder, works in it.
hold() {
    rm -f holding
    (
        flock -s 9
        touch holding
        exec sleep 60
    ) 9<"$1" &
    holder=$!
    while [ ! -e holding ]; do sleep 0.1; done
}

take first.mp4 -v
computed=$(refined)
[ "$computed" -gt 0 ] || fail "no step was told"
take second.mp4 -v
same first.mp4 second.mp4
equal "steps when all is there" "$(refined)" 0
take third.mp4 --fresh
same first.mp4 third.mp4
equal "steps when all is forgotten" "$(refined)" "$computed"

# One byte in the middle of every kind of product.
for product in text.ar.000 text.mmdit.000 tokens.000 latents.001 video.001; do
    file=$(ls job/$product.*[0-9a-f])
    printf '\125\252\125\252' |
        dd of="$file" bs=1 seek=$(($(wc -c <"$file") / 2)) conv=notrunc 2>/dev/null
done
made info job
grep -q '"whole": *false' made.out || fail "info does not see the damage"
take mended.mp4 -v
same first.mp4 mended.mp4
grep -q 'is damaged; it is made again' events || fail "the damage is not told"

# A product cut short, one that is gone, one that another program left there.
for file in job/latents.000.*[0-9a-f]; do head -c 100 "$file" >cut; cp cut "$file"; done
rm job/tokens.001.*[0-9a-f]
echo hello >job/notes.txt
take again.mp4 -v
same first.mp4 again.mp4
[ -e job/notes.txt ] || fail "a file that is not ours was taken away"

# Another seed finds nothing of use and spoils nothing.
made generate "a red ball" --seconds 6 --seed 1 --job job -o other.mp4
cmp -s first.mp4 other.mp4 && fail "seed 1 gives what seed 42 gives"
take last.mp4 -v
same first.mp4 last.mp4
equal "steps after another seed" "$(refined)" 0

# Of the last window nothing is decoded behind the take's end, and no state is left where nothing
# can go on from it: it would be the largest file of the folder.
made generate "a red ball" --frames 17 -o whole.y4m --job short
made generate "a red ball" --frames 5 -o part.y4m --job short --json
equal "latents decoded for 5 frames" "$(json made.out stages decode units)" 3
cmp -n "$(wc -c <part.y4m)" part.y4m whole.y4m || fail "5 frames are not the first of 17"
state=$(wc -c "$(ls short/state.*)" | cut -d ' ' -f 1)
(
    ulimit -f $((state / 1024)) # in KiB, or in half ones
    longtake generate "a red ball" --frames 5 -o alone.y4m >made.out 2>made.err
) || fail "a take of one window: $(cat made.err)"
same alone.y4m part.y4m

# A take that fails before its first product takes its folder away, unless another one holds it.
cp -r "$MODEL" damaged
head -c 100 "$MODEL/text_encoder.safetensors" >damaged/text_encoder.safetensors
kept=$MODEL
MODEL=damaged
refused 3 generate "a red ball" --frames 5 -o none.mp4
[ -e none.mp4.job ] && fail "an empty job folder stays"
mkdir held.mp4.job
hold held.mp4.job
refused 3 generate "a red ball" --frames 5 -o held.mp4
[ -d held.mp4.job ] || fail "the job folder of another take went"
kill $holder 2>/dev/null
MODEL=$kept

# Latents that begin with frames are those of the VAE that decoded or encoded them: with another one
# the folder holds none of use.
cp -r "$MODEL" other
printf '\000\000\040\101' | # 10, in place of the encoder's last weight
    dd of=other/temporal_vae.safetensors bs=1 \
        seek=$(($(wc -c <"$MODEL/temporal_vae.safetensors") - 4)) conv=notrunc 2>/dev/null
ffmpeg -v error -f lavfi -i testsrc=size=96x64 -frames:v 1 picture.png
for way in "--carry frames" "--image picture.png"; do
    made generate "a red ball" --frames 33 --steps 2 $way --job vaes -o one.y4m
    MODEL=other
    made generate "a red ball" --frames 33 --steps 2 $way --job vaes -o two.y4m
    made generate "a red ball" --frames 33 --steps 2 $way -o alone.y4m
    MODEL=$kept
    same two.y4m alone.y4m
    cmp -s one.y4m two.y4m && fail "$way: the VAE's weight tells nothing"
done

# Without such frames they are those of any VAE.
made generate "a red ball" --frames 33 --steps 2 --job plain -o one.y4m
MODEL=other
made generate "a red ball" --frames 33 --steps 2 --job plain -o two.y4m --json
MODEL=$kept
equal "windows refined again for another VAE" "$(json made.out stages refine computed)" 0

# A link that leads nowhere is no folder, and is not waited for.
ln -s nowhere loose
for link in loose loose/ loose//; do
    timeout -s KILL 60 "$PROGRAM" generate x --frames 5 --job $link -o loose.mp4 \
        --model "$MODEL" >out 2>loose.err
    equal "a link that leads nowhere, as $link" $? 2
    grep -q '^longtake: job folder' loose.err || fail "$link: $(cat loose.err)"
done
# Where another process works in the folder, a command that starts over says what helps: not every
# one has --job.
made tokens x --seconds 2 -o busy.lt
made refine busy.lt --steps 1 -o busy.latents
mkdir busy.mp4.decode.job busy.mp4.job
for folder in busy.mp4.decode.job busy.mp4.job; do
    hold $folder
    case $folder in
    *.decode.job) refused 1 decode busy.latents -o busy.mp4
        want="hint: another --output names another folder" ;;
    *) refused 1 render busy.lt --steps 1 --fresh -o busy.mp4
        want="hint: --job names another folder" ;;
    esac
    grep -q "job folder $folder: another process works in it" refused.err ||
        fail "$folder is held: $(cat refused.err)"
    equal "$folder is held" "$(tail -1 refused.err)" "$want"
    kill $holder
done
finish
