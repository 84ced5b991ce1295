#!/bin/sh
# A take that was killed, stopped, run twice at once or tampered with ends in the bytes of one that
# was left alone.
#     LONGTAKE_KILLS=30 trust_resume.sh      more kills than the suite has time for
. "$(dirname "$0")/steps.sh"
kills=${LONGTAKE_KILLS:-4}
seconds=12
windows=11
steps=4

take() {
    longtake generate "a red ball" --seconds $seconds -o "$@"
}

# start FILE...: in the background, events to events.jsonl.
start() {
    : >events.jsonl
    "$PROGRAM" generate "a red ball" --seconds $seconds --model "$MODEL" --progress jsonl \
        -o "$@" >start.out 2>>events.jsonl &
    run=$!
}

# begin NAME: the take from nothing.
begin() {
    rm -rf "$1".*
    start "$1.mp4"
}

began=$(date +%s%N)
take whole.mp4 >whole.out 2>whole.err || fail "undisturbed: $(cat whole.err)"
took=$(($(date +%s%N) - began))

# ---- SIGKILL at random moments ----
seed=$(($(date +%s) % 100000))
echo "kills $kills, seed $seed, one take $((took / 1000000)) ms"
unfinished=0
for kill in $(seq "$kills"); do
    rm -rf killed.mp4 killed.mp4.job killed.part.mp4
    delay=$(awk "BEGIN { srand($seed + $kill); printf \"%.3f\", rand() * $took / 1e9 }")
    start killed.mp4
    sleep "$delay"
    kill -KILL $run 2>/dev/null && unfinished=$((unfinished + 1))
    wait $run 2>/dev/null
    ready=$(ls killed.mp4.job 2>/dev/null | grep -c '^latents\.[0-9]*\.[0-9a-f]*$')
    take killed.mp4 --json >again.json 2>again.err ||
        fail "kill $kill after $delay s: $(cat again.err)"
    cmp whole.mp4 killed.mp4 || fail "kill $kill after $delay s: other bytes"
    if [ -e killed.part.mp4 ] || [ -e killed.mp4.job ]; then fail "kill $kill: $(ls -d killed*) are left"; fi
    computed=$(json again.json stages refine computed)
    want=$(awk "BEGIN { print ($windows - $ready) * $steps }")
    [ "${computed%.*}" -eq "$want" ] ||
        fail "kill $kill: $computed steps refined again, $ready of $windows windows were ready"
done
echo "$unfinished of $kills kills met a running take"

# ---- Ctrl-C, SIGTERM ----
for signal in INT TERM; do
    [ $signal = INT ] && want=130 || want=143
    stop "$signal" events.jsonl '"event":"window_done"' 2 begin stopped
    equal "SIG$signal: exit code, attempt $attempt" $code $want
    grep -q 'hint: the same command goes on from stopped.mp4.job; what is finished plays as stopped.part.mp4' events.jsonl ||
        fail "SIG$signal: no word on how to go on: $(tail -1 events.jsonl)"
    [ ! -e stopped.mp4 ] || fail "SIG$signal: stopped.mp4 is there"
    frames=$(of_video stopped.part.mp4 nb_read_frames)
    [ "$frames" -ge 17 ] || fail "SIG$signal: $frames frames can be played"
    take stopped.mp4 >again.out 2>again.err || fail "after SIG$signal: $(cat again.err)"
    same whole.mp4 stopped.mp4
done
stop "INT INT" events.jsonl '"stage":"refine"' 1 begin stopped
equal "SIGINT twice: exit code, attempt $attempt" $code 130
take stopped.mp4 >again.out 2>again.err || fail "after SIGINT twice: $(cat again.err)"
same whole.mp4 stopped.mp4

# ---- playable while it grows ----
for attempt in 1 2 3 4 5; do # as `stop`, but to look at it and let it go on
    begin growing
    await events.jsonl '"event":"window_done"' 1
    kill -STOP $run 2>/dev/null
    [ -e growing.mp4 ] || break
    kill -CONT $run 2>/dev/null
    wait $run
done
frames=$(of_video growing.part.mp4 nb_read_frames)
[ "${frames:-0}" -ge 17 ] || fail "growing.part.mp4: $frames frames after the first window"
kill -CONT $run
wait $run
same whole.mp4 growing.mp4

# ---- two at once on one job folder, on one output ----
start one.mp4 --job shared
first=$run
take two.mp4 --job shared >two.out 2>two.err || fail "second on a job folder: $(cat two.err)"
wait $first || fail "first on a job folder: $(tail -2 events.jsonl)"
same whole.mp4 one.mp4
same whole.mp4 two.mp4
start both.mp4
take both.mp4 >two.out 2>two.err || fail "second on an output: $(cat two.err)"
wait $run || fail "first on an output: $(tail -2 events.jsonl)"
same whole.mp4 both.mp4
[ ! -e both.mp4.job ] || fail "both.mp4.job is left"

# ---- tampering ----
# damage FILE: one byte inside is another.
damage() {
    size=$(wc -c <"$1")
    printf 'X' | dd of="$1" bs=1 seek=$((size - 9)) conv=notrunc 2>/dev/null
}
for kind in text.ar text.mmdit tokens latents video; do
    product=$(ls shared/$kind.* | grep -v lock | head -1)
    damage "$product"
    take tampered.mp4 --job shared >again.out 2>again.err || fail "$kind damaged: $(cat again.err)"
    grep -q "$product is damaged; it is made again" again.err ||
        fail "$kind damaged: no word of it: $(cat again.err)"
    same whole.mp4 tampered.mp4
    product=$(ls shared/$kind.* | grep -v lock | head -1)
    truncate -s 70 "$product"
    take tampered.mp4 --job shared >again.out 2>again.err || fail "$kind cut off: $(cat again.err)"
    same whole.mp4 tampered.mp4
done

# Something else under a product's name: not followed, not waited for, replaced.
product=$(ls shared/video.* | grep -v lock | head -1)
mv "$product" "elsewhere"
for thing in "ln -s ../elsewhere" mkfifo "ln -s /dev/zero"; do
    $thing "$product"
    take tampered.mp4 --job shared >again.out 2>again.err || fail "$thing: $(cat again.err)"
    grep -q "$product is damaged; it is made again" again.err ||
        fail "$thing: no word of it: $(cat again.err)"
    same whole.mp4 tampered.mp4
    [ -f "$product" ] && [ ! -L "$product" ] || fail "$thing: $(ls -l "$product")"
    rm "$product"
done

# ---- killed while it wrote the finished file ----
dead=$(sh -c 'echo $$')
for output in left.mp4 left.lt left.npy left.latents; do
    echo half >$output.$dead.part
    echo half >$output.$$.part # of a process that lives
    case $output in
    *.mp4) take $output >again.out 2>again.err || fail "$output: $(cat again.err)" ;;
    *.latents) longtake refine left.lt -o $output >again.out 2>again.err ||
        fail "$output: $(cat again.err)" ;;
    *) longtake tokens x --seconds 2 -o $output >again.out 2>again.err ||
        fail "$output: $(cat again.err)" ;;
    esac
    [ ! -e $output.$dead.part ] || fail "$output: what a killed process left is still there"
    [ -e $output.$$.part ] || fail "$output: what a living process writes is gone"
    rm -f $output.$$.part
done
product=$(ls shared/latents.* | grep -v lock | head -1)
cp "$product" "$product.$dead.part"
take left.mp4 --job shared >again.out 2>again.err || fail "a half-written product: $(cat again.err)"
[ ! -e "$product.$dead.part" ] ||
    fail "a product that a killed process left half-written is still there"

# What a job folder holds that is not ours stays.
mkdir mine
echo precious >mine/Cargo.lock
echo precious >mine/notes.part
take mine.mp4 --job mine --fresh >again.out 2>again.err || fail "folder of others: $(cat again.err)"
take mine.mp4 --job mine --fresh >again.out 2>again.err ||
    fail "folder of others again: $(cat again.err)"
equal "a file of others" "$(cat mine/Cargo.lock mine/notes.part | tr '\n' ' ')" "precious precious "
finish
