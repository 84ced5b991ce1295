#!/bin/sh
# An output that cannot be written: a message, the exit code, nothing half-written under a final
# name.
. "$(dirname "$0")/steps.sh"
[ -e /dev/full ] || { echo "skipped: there is no /dev/full"; exit 77; }

made tokens x --seconds 4 -o take.lt
made refine take.lt -o take.latents

# into CODE TARGET ARGUMENTS...: standard output is `full` or `closed`.
into() {
    wanted=$1
    target=$2
    shift 2
    case $target in
    full) longtake "$@" >/dev/full 2>into.err ;;
    closed) longtake "$@" >&- 2>into.err ;;
    esac
    code=$?
    [ "$code" -eq "$wanted" ] ||
        fail "longtake $* into $target: exit code $code, want $wanted: $(cat into.err)"
    grep -q '^longtake: standard output: ' into.err ||
        fail "longtake $* into $target: no message: $(cat into.err)"
}

for target in full closed; do
    [ $target = full ] && code=5 || code=1
    into $code $target tokens x --seconds 2 -o -
    into $code $target generate x --seconds 2 -o -
    into $code $target generate x --seconds 2 --format y4m -o -
    into $code $target refine take.lt -o -
    into $code $target decode take.latents -o -
    into $code $target info take.lt
    into $code $target devices
    into $code $target generate x --frames 1 --json -o json.mp4
done

# A reader that goes away is an error, not a crash. What fits into the pipe is written without one,
# so the reader is gone before the command begins.
for command in "tokens x --seconds 4" "generate x --seconds 4" "refine take.lt" "decode take.latents"; do
    {
        until [ -e gone ]; do sleep 0.1; done
        longtake $command -o - 2>pipe.err
        echo $? >pipe.code
    } | { exec <&- && : >gone; }
    rm gone
    equal "longtake $command into a closed pipe: exit code" "$(cat pipe.code)" 1
    grep -q '^longtake: standard output: .*Broken pipe' pipe.err ||
        fail "longtake $command: $(cat pipe.err)"
done
rm -f into.err pipe.err pipe.code json.mp4

# Neither is a file that may not grow so large.
for output in take.mp4 take.y4m large.latents; do
    command="generate x --seconds 4"
    [ $output = large.latents ] && command="refine take.lt"
    (ulimit -f 8 && longtake $command -o $output 2>limit.err)
    equal "$output beyond the limit of a file: exit code" $? 5
    grep -q '^longtake: .*File too large' limit.err || fail "$output: $(cat limit.err)"
    [ ! -e $output ] || fail "$output is there"
    rm -rf $output.job limit.err
done

# What is no plain file is written, not replaced.
for output in take.lt take.npy take.latents; do
    case $output in
    *.latents) set -- refine take.lt ;;
    *) set -- tokens x --seconds 4 ;;
    esac
    made "$@" -o plain-$output
    mkfifo pipe-$output
    timeout 60 cat pipe-$output >read-$output &
    made "$@" -o pipe-$output
    wait
    [ -p pipe-$output ] || fail "$output: the pipe was replaced"
    same plain-$output read-$output
    mknod full-$output c 1 7 2>/dev/null || continue
    (: >full-$output) 2>/dev/null || continue # a file system without devices
    refused 5 "$@" -o full-$output
    [ -c full-$output ] || fail "$output: the device was replaced"
done
rm -rf plain-* pipe-* read-* full-*

# A growing file takes the place of one that a take left, and of nothing else: not of a finished
# take, nor of a link.
made generate x --frames 9 -o plain.mp4
echo precious >user.mp4
for kind in mp4 mov webm mkv; do
    made generate x --frames 9 -o c.part.$kind
    cp c.part.$kind before
    for there in "cp before" "ln -s user.mp4" "ln user.mp4" "ln -s nowhere"; do
        rm -f c.part.$kind
        $there c.part.$kind
        ls -li c.part.$kind >listed
        refused 2 generate x --frames 9 -o c.$kind
        grep -q "^longtake: --output: found c.part.$kind, expected no such file" refused.err ||
            fail "$there c.part.$kind: $(cat refused.err)"
        grep -q '^hint: give the output another name' refused.err ||
            fail "$there c.part.$kind: no hint: $(cat refused.err)"
        ls -li c.part.$kind | cmp listed - || fail "$there c.part.$kind: is another one"
        if [ -e c.$kind ] || [ -e c.$kind.job ]; then fail "$there c.part.$kind: left $(ls -d c.*)"; fi
        refused 2 generate x --frames 9 --dry-run -o c.$kind
    done
    equal "what c.part.$kind led to" "$(cat user.mp4)" precious
    rm c.part.$kind before
    : >c.part.$kind # left by a run that was killed before its first byte
    made generate x --frames 9 -o c.$kind
    [ -e c.part.$kind ] && fail "c.part.$kind is left"
done
same plain.mp4 c.mp4
rm listed c.*
mkdir d.part.mp4
refused 2 generate x --frames 9 -o d.mp4
grep -q '^longtake: --output: d.part.mp4 is a folder' refused.err ||
    fail "a folder where a video grows: $(cat refused.err)"
mkfifo e.part.mp4
refused 2 generate x --frames 9 -o e.mp4
[ -p e.part.mp4 ] || fail "a pipe where a video grows was replaced"
# Nor is what the output's own link leads to: the file takes the place of the link.
ln -s user.mp4 f.mp4
made generate x --frames 9 -o f.mp4
[ -L f.mp4 ] && fail "f.mp4 is a link still"
equal "what f.mp4 led to" "$(cat user.mp4)" precious
same plain.mp4 f.mp4
# What a picture of a sequence would replace at the end is looked at in the beginning.
mkdir g-00001.png
refused 2 generate x --frames 3 -o g.png
rm -rf user.mp4 ?.mp4 ?.part.mp4 g-*

# An open file by a name of /proc: a pipe is written, a plain file refused, and the link stays.
if [ -e /proc/self/fd/1 ]; then
    ln -s /proc/self/fd/1 out.mp4
    ln -s /proc/self/fd fd
    made tokens x --seconds 4 -o plain.lt
    made refine take.lt -o plain.latents
    longtake generate x --frames 9 --format mp4 -o - 2>out.err >stream.mp4
    rm out.err
    : >piped
    ls >before
    # through WANTED ARGUMENTS...: standard output is a pipe, and what comes out of it begins with
    # what is in WANTED.
    through() {
        wanted=$1
        shift
        { longtake "$@" 2>out.err || echo "exit code $?"; } | cat >piped
        head -c "$(wc -c <"$wanted")" piped | cmp - "$wanted" ||
            fail "longtake $* into a pipe: $(cat out.err; tail -n 1 piped)"
        rm out.err
        ls | cmp before - || fail "longtake $* into a pipe: left $(ls)"
    }
    for output in out.mp4 fd/1; do
        through stream.mp4 generate x --frames 9 --format mp4 -o $output
    done
    through plain.lt tokens x --seconds 4 --format lt -o fd/1
    through plain.latents refine take.lt --format latents -o fd/1
    for output in out.mp4 fd/1; do
        refused 2 generate x --frames 9 --format mp4 -o $output
        grep -q '^hint: -o - writes to standard output' refused.err ||
            fail "$output: no hint: $(cat refused.err)"
        equal "$output: written to the file" "$(cat refused.out)" ""
    done
    refused 2 tokens x --seconds 4 --format lt -o fd/1
    refused 2 refine take.lt --format latents -o fd/1
    refused 2 generate x --frames 9 --format png -o fd/1
    refused 2 generate x --frames 9 --preview out.mp4 -o new.mp4
    [ -L out.mp4 ] || fail "out.mp4 was replaced"
    rm -rf out.mp4 fd plain.lt plain.latents stream.mp4 piped before
fi
rm -f plain.mp4

# A folder that takes no files, whatever its permissions say: as any other output that cannot be.
if [ -d /proc/self ]; then
    refused 2 tokens x --seconds 4 -o /proc/take.lt
    refused 2 generate x --seconds 4 -o /proc/take.mp4
    refused 2 refine take.lt -o /proc/take.latents
    refused 2 decode take.latents -o /proc/take.mp4
    made decode take.latents -o small.mp4
    refused 2 encode small.mp4 -o /proc/take.lt
    rm -f small.mp4
fi

# A name that is not UTF-8 is shown as well as JSON can.
odd=$(printf 'odd\377.mp4')
made generate x --frames 1 --json -o "$odd"
grep -q '"output": *"odd?.mp4"' made.out || fail "a name that is not UTF-8: $(cat made.out)"
made info "$odd"
rm -f "$odd"

# A full disk, where we may mount one; the job folder lies elsewhere so that only the output meets
# it.
mkdir disk
if mount -t tmpfs -o size=64k longtake-test disk 2>/dev/null; then
    for output in take.mp4 take.mov take.webm take.mkv take.y4m take.webp take.png take.lt take.npy take.latents; do
        rm -f disk/*
        head -c 65536 /dev/zero >disk/fill 2>/dev/null
        case $output in
        *.lt | *.npy) refused 5 tokens x --seconds 4 -o disk/$output ;;
        *.latents) refused 5 refine take.lt --job job -o disk/$output ;;
        *) refused 5 generate x --seconds 4 --job job -o disk/$output ;;
        esac
        grep -q 'disk/.*No space left on device' refused.err || fail "$output: $(cat refused.err)"
        rm -rf disk/*.job
        equal "$output: left on the full disk" "$(ls disk)" fill
    done
    # The same command goes on once there is room.
    rm -f disk/fill
    made generate x --seconds 4 --job job -o after.mp4
    made generate x --seconds 4 -o whole.mp4
    same after.mp4 whole.mp4
    # A job folder on the full disk.
    refused 5 generate x --seconds 12 -o disk/take.mp4
    [ ! -e disk/take.mp4 ] || fail "take.mp4 is there although the disk was full"
    umount disk
    # A folder that nobody may write to, root included.
    mount -t tmpfs -o ro longtake-test disk || fail "a folder that is read-only cannot be made"
    for output in take.mp4 take.png take.latents; do
        case $output in
        *.latents) refused 2 refine take.lt -o disk/$output ;;
        *) refused 2 generate x --seconds 1 -o disk/$output ;;
        esac
        grep -q 'folder disk: Read-only file system' refused.err ||
            fail "$output: $(cat refused.err)"
    done
    umount disk
fi
finish
