#!/bin/sh
# Fuzzes every parser for SECONDS each with clang's libFuzzer:  tests/fuzz/run.sh [SECONDS] [TARGET...]
# Builds in build-fuzz/, starts from tests/fuzz/corpus/, keeps what it finds in build-fuzz/found/. Exit code 1 when a target fails.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
cmake -B build-fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DLONGTAKE_FUZZ=ON >build-fuzz.log 2>&1 || { cat build-fuzz.log; exit 1; }
rm -f build-fuzz.log
cmake --build build-fuzz -j"$(nproc)" --target fuzz_targets
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/fuzz_\(.*\)\.c/\1/')
status=0
for target in "$@"; do
    mkdir -p "build-fuzz/found/$target" "build-fuzz/grown/$target"
    echo "== $target"
    longest=65536
    case $target in spiece | video | wording) longest=4096 ;; esac # longer inputs are slower and reach nothing else
    build-fuzz/tests/fuzz_"$target" -max_total_time="$seconds" -max_len=$longest -rss_limit_mb=2048 -malloc_limit_mb=2560 -timeout=10 \
        -print_final_stats=1 \
        -artifact_prefix="build-fuzz/found/$target/" "build-fuzz/grown/$target" "tests/fuzz/corpus/$target" 2>build-fuzz/"$target".log || status=1
    grep -E "stat::(number_of_executed_units|peak_rss_mb)|ERROR|SUMMARY|Test unit" build-fuzz/"$target".log || true
done
exit $status
