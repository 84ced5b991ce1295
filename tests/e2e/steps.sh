# steps.sh - what the end-to-end scripts share. CTest gives the places in the environment:
#     PROGRAM (longtake)  MODEL (tiny model)  RELEASE (the same as a release)  TOOLS, EXAMPLES (folders of programs)
#     SOURCE, BUILD (trees)  LIBRARY (liblongtake.so)  CC, CXX (compilers)
# A script runs in a folder of its own, says what it saw with `fail`, and ends with `finish`.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
XDG_CACHE_HOME=$work/.cache # speeds of earlier runs are not those of this one
export XDG_CACHE_HOME

# fail WORDS...: counts in $(...) too, where a variable of the script cannot be set and standard
# output is a value.
fail() {
    echo "FAILED: $*" >&2
    echo "$*" >>"$work/.failed" || exit 1
}

# Is the program built with AddressSanitizer? Then its memory is not its own.
sanitized() {
    grep -q __asan_init "$PROGRAM"
}

# missing PROGRAM: a part that needs it was not looked at; the script is skipped unless another part
# fails.
missing() {
    echo "skipped in part: $1 is not here"
    : >"$work/.skipped"
}

finish() {
    [ ! -e "$work/.failed" ] || exit 1
    [ ! -e "$work/.skipped" ] || exit 77
    exit 0
}

# longtake ARGUMENTS...: on the tiny model, without progress.
longtake() {
    "$PROGRAM" "$@" --model "$MODEL" --progress none
}

# with_shipped FILE: from here on the model is the one that ships, of which FILE is wanted; else the
# script is skipped.
with_shipped() {
    MODEL=$SOURCE/models/mini
    [ -e "$MODEL/$1" ] || {
        echo "skipped: models/mini/$1 is not here"
        exit 77
    }
}

# made ARGUMENTS...: longtake must succeed.
made() {
    longtake "$@" >made.out 2>made.err || fail "longtake $*: exit code $?: $(cat made.err)"
}

# refused CODE ARGUMENTS...: longtake must end with that code and one message.
refused() {
    wanted=$1
    shift
    longtake "$@" >refused.out 2>refused.err
    code=$?
    [ "$code" -eq "$wanted" ] ||
        fail "longtake $*: exit code $code, want $wanted: $(cat refused.err)"
    grep -q '^longtake: ' refused.err || fail "longtake $*: no message"
}

# same A B: the same bytes.
same() {
    cmp "$1" "$2" || fail "$1 and $2 differ"
}

# times_less WHAT A B TIMES: A, times that, is below B.
times_less() {
    echo "$1: $2 and $3"
    awk "BEGIN { exit !($2 * $4 < $3) }" || fail "$1: $2 times $4 is not below $3"
}

# equal WHAT GOT WANT
equal() {
    [ "$2" = "$3" ] || fail "$1: got '$2', want '$3'"
}

# of_video FILE ENTRY: one field of the video stream, as ffprobe counts it.
of_video() {
    ffprobe -v error -count_frames -select_streams v:0 -show_entries "stream=$2" \
        -of default=nw=1:nk=1 "$1"
}

# json FILE KEY...: a member of a JSON document.
json() {
    "$TOOLS/json_value" "$@" || fail "json_value $*"
}

# likeness A B [FRAMES]: PSNR of two videos of mini's size, means of 8x8 pixels, in dB; FRAMES:
# which frames of B, as ffmpeg's select has it.
likeness() {
    ffmpeg -v info -i "$1" -i "$2" -lavfi "[0]setpts=N/TB,scale=24:16:flags=area,format=gbrp[a];
        [1]select='${3:-1}',setpts=N/TB,scale=24:16:flags=area,format=gbrp[b];[a][b]psnr" -f null - 2>&1 | sed -n 's/.*average:\([0-9.]*\).*/\1/p'
}

# await FILE TEXT COUNT: until so many lines of FILE hold TEXT, or the process $run is over.
await() {
    while kill -0 "$run" 2>/dev/null && [ "$(grep -c "$2" "$1")" -lt "$3" ]; do
        sleep 0.01
    done
}

# await_handlers: until $run takes SIGINT and SIGTERM itself, or is over. Before that the first is
# lost on a process in the background, and the second ends any program.
await_handlers() {
    [ -r /proc/self/status ] || sleep 1
    while [ -r /proc/self/status ] && kill -0 "$run" 2>/dev/null; do
        caught=$(sed -n 's/^SigCgt:.*\(....\)$/\1/p' "/proc/$run/status" 2>/dev/null)
        [ $((0x${caught:-0} & 0x4002)) -eq $((0x4002)) ] && return
        sleep 0.01
    done
}

# stop SIGNALS FILE TEXT COUNT BEGIN...: BEGIN starts the process $run, with nothing left of an
# earlier one; the signals come when FILE holds TEXT in so many lines, which on a busy machine may
# be too late: then once more. $code is how the last one ended.
stop() {
    signals=$1
    events=$2
    text=$3
    count=$4
    shift 4
    for attempt in 1 2 3 4 5; do
        "$@"
        await "$events" "$text" "$count"
        for one in $signals; do kill -"$one" "$run" 2>/dev/null; done
        wait "$run" 2>/dev/null
        code=$?
        [ $code -eq 0 ] || break
    done
}
