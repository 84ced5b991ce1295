#!/bin/sh
# Unit tests under valgrind's memcheck:  tests/valgrind.sh [BUILD] [TEST...]     exit code 1 when one has a report.
# test_ar_model and test_vae_decoder take minutes; test_ops_parity, by hand only, takes hours: the sanitizers of .ci/run see it every time.
set -eu
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "skipped: no valgrind here"; exit 77; }
build=${1:-${BUILD:-build}}
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
