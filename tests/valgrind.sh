#!/bin/sh
# Unit tests under valgrind's memcheck, by hand:  tests/valgrind.sh [BUILD] [TEST...]     exit code 1 when one has a report.
# test_ops_parity, test_ar_model and test_vae_decoder take many minutes; the sanitizers of .ci/run see them every time.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- $(cd tests/unit && ls test_*.c | sed 's/\.c$//')
status=0
for test in "$@"; do
    log=$(mktemp)
    if valgrind -q --error-exitcode=9 --child-silent-after-fork=yes "$build/tests/$test" >"$log" 2>&1; then
        echo "$test: ok"
    else
        status=1
        cat "$log"
        echo "$test: FAILED"
    fi
    rm -f "$log"
done
exit $status
