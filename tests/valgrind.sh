#!/bin/sh
# Unit tests and operations under valgrind's memcheck:  tests/valgrind.sh [BUILD] [TEST[:BACKEND]...]     exit code 1 when one has a report.
# As many at a time as there are processors. Minutes: test_vae_decoder 100 s, test_vae_encoder and test_ar_model 45 s, a backend's operations 20 to 40 s, the
# others a few seconds each (processor time, Zen 3).
# Without test_take_beside and test_take_memory: whole takes in several threads, which take turns here, are not done in seven minutes; threads.sh has it.
set -u
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "skipped: no valgrind here"; exit 77; }
build=${1:-${BUILD:-build}}
[ $# -gt 0 ] && shift
if [ $# -eq 0 ]; then # the longest first
    set -- test_vae_decoder test_vae_encoder test_ar_model
    for backend in reference cpu-f32 cpu-bf16 cpu-mixed generic-f32 generic-bf16; do
        set -- "$@" "test_ops_parity:$backend"
    done
    for test in $(cd tests/unit && ls test_*.c | sed 's/\.c$//' | grep -v -x 'test_vae_decoder\|test_vae_encoder\|test_ar_model\|test_take_beside\|test_take_memory'); do
        set -- "$@" "$test"
    done
fi
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh -c '
    log=$(mktemp)
    backend=$(expr "$1" : ".*:\(.*\)")
    valgrind -q --error-exitcode=9 --child-silent-after-fork=yes "$0/tests/${1%%:*}" $backend >"$log" 2>&1
    case $? in
    0) echo "$1: ok" ;;
    77) echo "$1: skipped" ;;
    *) cat "$log"
       echo "$1: FAILED"
       failed=yes ;;
    esac
    rm -f "$log"
    [ -z "$failed" ]' "$build" || exit 1
