#!/bin/sh
# Lines of our C files that the test suite runs, by gcov:  tests/coverage.sh [CTEST ARGUMENTS...]      all but the long ones unless told
# Builds in build-coverage/ and prints a line a folder, then the files below 90 %.
set -eu
cd "$(dirname "$0")/.."
command -v gcov >/dev/null || { echo "skipped: no gcov here"; exit 77; }
cmake -B build-coverage -DLONGTAKE_CUDA=OFF -DCMAKE_C_FLAGS="--coverage -O1" -DCMAKE_C_FLAGS_RELEASE= -DCMAKE_CXX_FLAGS=--coverage \
    -DCMAKE_EXE_LINKER_FLAGS=--coverage -DCMAKE_SHARED_LINKER_FLAGS=--coverage >build-coverage.log 2>&1 || { cat build-coverage.log; exit 1; }
rm -f build-coverage.log
cmake --build build-coverage -j"$(nproc)" >/dev/null
[ $# -gt 0 ] || set -- -LE long
(cd build-coverage && ctest -j"$(nproc)" "$@" | tail -n 20)
find build-coverage -path '*CMakeFiles/l*.dir/*' -name '*.gcda' -exec gcov -n {} + 2>/dev/null | awk -v root="$PWD/" '
    /^File/ { file = $0; sub(/^File ./, "", file); sub(/.$/, "", file); sub(root, "", file); next }
    /^Lines executed/ && file ~ /^[a-z_\/]*[^\/]*\.c$/ && file !~ /^(tests|build|examples)/ {
        split($0, part, /[:% ]+/)
        share = part[3]
        lines = part[5]
        folder = file
        sub(/\/[^\/]*$/, "", folder)
        all[folder] += lines
        run[folder] += lines * share / 100
        total += lines
        reached += lines * share / 100
        if (share < 90)
            low[file] = sprintf("%5.1f %%  %s (%d lines)", share, file, lines)
        file = "" # the last of its lines sums up everything, headers too
    }
    END {
        for (folder in all)
            printf "%5.1f %%  of %5d  %s\n", 100 * run[folder] / all[folder], all[folder], folder | "sort -k4"
        close("sort -k4")
        printf "%5.1f %%  of %5d  in all\n", 100 * reached / total, total
        print "below 90 %:"
        for (file in low)
            print low[file] | "sort -n"
    }'
