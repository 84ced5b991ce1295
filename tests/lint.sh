#!/bin/sh
# Reads every C file with clang-tidy and cppcheck:  tests/lint.sh [FOLDER...]
# Exit code 1 when either has something to say, 77 when it has not but one of them is missing.
# clang-tidy's checks stand in .clang-tidy; cppcheck's are these.
set -u
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- cli configs kernels media pipeline weights text_encoder tokenizer ar_model mmdit temporal_vae
status=0
missing=''
command -v cppcheck >/dev/null || command -v clang-tidy >/dev/null || { echo "skipped: neither cppcheck nor clang-tidy here"; exit 77; }
if command -v cppcheck >/dev/null; then
    cppcheck --quiet --error-exitcode=1 --std=c11 -D_GNU_SOURCE -I. --enable=warning,performance,portability \
        --inline-suppr --suppress=missingIncludeSystem "$@" || status=1
else
    missing=cppcheck
fi
if command -v clang-tidy >/dev/null; then
    # Files with an instruction set of their own need its flags, those that call a vendor's library its headers.
    find "$@" -name '*.c' ! -name 'avx*' ! -name 'amx*' ! -name 'cublas_*' ! -name 'cudnn_*' -print0 |
        xargs -0 -P "$(nproc)" -n 1 sh -c 'clang-tidy --quiet "$0" -- -std=c11 -D_GNU_SOURCE -DLT_CUDA_BUILT=\"\" -I. -Itests/cuda/host 2>/dev/null || exit 1' ||
        status=1
else
    missing=clang-tidy
fi
[ -z "$missing" ] || echo "skipped in part: no $missing here"
[ $status -ne 0 ] || [ -z "$missing" ] || exit 77
exit $status
