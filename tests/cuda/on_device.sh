#!/bin/sh
# Everything that only a GPU can show, on a bare machine with nvcc, gcc and CMake, within ten minutes:
#     tests/cuda/on_device.sh OUT
# builds for the card at hand, runs the parity table in f32 (TF32 off), bf16 and mixed, the golden
# files, a take and a clip at the released sizes where the libraries for them are there,
# compute-sanitizer over the table, and the measurements. OUT/report.json has every step with its
# seconds and verdict (ok, failed, skipped, timeout) and is whole after each of them, whoever stops
# this; OUT/failed_cases.txt has the lines of what failed, OUT/STEP.log the rest.
# Exit code 0: nothing failed. 77: no device.
set -u
[ $# -eq 1 ] || { echo "usage: $0 OUT" >&2; exit 2; }
mkdir -p "$1" || exit 1
out=$(CDPATH='' cd -- "$1" && pwd)
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=$out/build
began=$(date +%s)
budget=570 # seconds; a step that does not listen has five more, and ten minutes may be all
: >"$out/failed_cases.txt"
steps=
failures=0
kind=none

# Text as the inside of a JSON string.
escaped() {
    tr -d '\000-\010\013-\037' | sed 's/\\/\\\\/g; s/"/\\"/g; s/	/ /g' | awk '{ printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }'
}

record() { # NAME VERDICT SECONDS TEXT
    [ -z "$steps" ] || steps="$steps,"
    steps="$steps
    {\"step\": \"$1\", \"verdict\": \"$2\", \"seconds\": $3, \"says\": \"$(printf '%s' "$4" | escaped)\"}"
    printf '%-28s %-8s %4ss\n' "$1" "$2" "$3"
    report
}

# step NAME LIMIT COMMAND...: no longer than LIMIT seconds, nor than what is left of the ten minutes.
step() {
    name=$1
    limit=$2
    shift 2
    start=$(date +%s)
    left=$((began + budget - start))
    [ "$limit" -le "$left" ] || limit=$left
    if [ "$limit" -le 0 ]; then
        record "$name" skipped 0 "no time left"
        return 1
    fi
    timeout -k 5 "$limit" "$@" >"$out/$name.log" 2>&1
    code=$?
    case $code in
    0) verdict=ok ;;
    77) verdict=skipped ;;
    124 | 137) verdict=timeout ;;
    *) verdict=failed ;;
    esac
    grep -hE '^FAILED|FAILED$|ERROR SUMMARY: [1-9]|Invalid |Race reported' "$out/$name.log" | sed "s/^/$name: /" >>"$out/failed_cases.txt"
    case $verdict in failed | timeout) failures=$((failures + 1)) ;; esac
    record "$name" $verdict $(($(date +%s) - start)) "$(tail -n 12 "$out/$name.log")"
    [ $verdict = ok ]
}

report() {
    {
        printf '{\n  "commit": "%s",\n  "card": "%s",\n' "$commit" "$card"
        printf '  "toolkit": "%s",\n' "$toolkit"
        printf '  "build": "%s",\n' "$kind"
        printf '  "failures": %d,\n  "seconds": %d,\n' "$failures" $(($(date +%s) - began))
        printf '  "failed_cases": "%s",\n' "$(head -n 200 "$out/failed_cases.txt" | escaped)"
        printf '  "steps": [%s\n  ]\n}\n' "$steps"
    } >"$out/report.json.part" && mv "$out/report.json.part" "$out/report.json"
}

PATH=$PATH:/usr/local/cuda/bin
# as nvidia-smi counts: of several cards the first is built for and run on
export CUDA_DEVICE_ORDER=PCI_BUS_ID
commit=$(git -C "$source" rev-parse HEAD 2>/dev/null || echo unknown)
card=$(nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap \
    --format=csv,noheader 2>&1 | escaped)
toolkit=$(nvcc --version 2>&1 | tail -n 2 | escaped)

# cuBLASLt and cuDNN, where the loader does not know them: the toolkit has the one, packages of Python have both, with headers.
# NAME OF A FILE -> the folder of the first one that is found, or nothing.
folder_of() {
    for folder in /usr/local/cuda/lib64 /usr/local/cuda/include "$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null)/nvidia"; do
        found=$(find -L "$folder" -maxdepth 4 -name "$1" 2>/dev/null | head -n 1)
        [ -z "$found" ] || { dirname "$found"; return; }
    done
}
for library in libcublasLt.so libcudnn.so; do
    if ! ldconfig -p 2>/dev/null | grep -q "$library\.[0-9]"; then
        folder=$(folder_of "$library.[0-9]*")
        [ -z "$folder" ] || LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    fi
done
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}"
headers=
for header in LONGTAKE_CUBLASLT_HEADER:cublasLt.h LONGTAKE_CUDNN_HEADER:cudnn_version.h; do
    folder=$(folder_of "${header#*:}")
    [ -z "$folder" ] || headers="$headers -D${header%%:*}=$folder"
done
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. ')
if [ -z "$capability" ]; then
    record device skipped 0 "$(nvidia-smi 2>&1 | head -n 3)"
    exit 77
fi

architecture=$capability-real
[ "$capability" != 90 ] || architecture=90a-real

# The whole program where its libraries are there, else the kernels alone.
configure() {
    # shellcheck disable=SC2086 # several arguments
    cmake -S "$source" -B "$build" -DLONGTAKE_CUDA=ON -DLONGTAKE_CUDA_ARCHITECTURES="$architecture" $headers "$@"
}
kind=whole
if ! configure >"$out/configure.log" 2>&1; then
    kind=kernels
    record whole-program skipped 0 \
        "$(grep -A 4 'CMake Error' "$out/configure.log" | head -n 12)"
    rm -rf "$build"
    configure -DLONGTAKE_KERNELS_ONLY=ON >"$out/configure-kernels.log" 2>&1
fi
step build 300 cmake --build "$build" -j "$(nproc)" || exit 1

parity=$build/tests/test_ops_parity
step parity-f32 60 "$parity" cuda-f32
step parity-bf16 60 "$parity" cuda-bf16
step parity-mixed 60 "$parity" cuda-mixed
step streamed-weights 60 "$build/tests/test_cuda_stream_card"
step recorded-passes 60 "$build/tests/test_cuda_record_card"
step e4m3 60 "$build/tests/test_cuda_e4m3_card"
if [ $kind = whole ]; then
    step golden-f32 90 sh -c "cd '$build' && ctest --output-on-failure -R 'golden.*cuda.f32'"
    step golden-bf16 60 sh -c "cd '$build' && ctest --output-on-failure -R 'golden.*cuda.bf16'"
    for stage in text:text ar:ar dit:mmdit; do
        step "golden-${stage%%:*}-from-host" 45 "$build/tests/check_${stage%%:*}" --device cuda --precision bf16 --home host \
            "$source"/tests/golden/"${stage#*:}".*.safetensors
    done
    if [ "$capability" -ge 89 ]; then
        step golden-dit-fp8 45 "$build/tests/check_dit" --device cuda --precision fp8 \
            "$source"/tests/golden/mmdit.*.safetensors
    else
        record golden-dit-fp8 skipped 0 "compute capability below 8.9"
    fi
    set -- generate "a red ball bounces past a lighthouse" --seconds 3 --seed 7 --device cuda
    step take 60 "$build/longtake" "$@" -o "$out/take.y4m"
    # A byte less is allowed than the plan before needs, until matrices come from the host. Then the same bytes come out.
    allowed=
    while step "plan${allowed:+-$allowed}" 30 "$build/longtake" "$@" --dry-run --json ${allowed:+--max-memory "$allowed"} -o "$out/small.y4m" &&
        ! grep -q '"streamed": *{"' "$out/$name.log"; do
        allowed=$(($(sed -n 's/.*"device_bytes": *\([0-9]*\).*/\1/p' "$out/$name.log" | head -n 1) - 1))
    done
    step take-small-card 60 "$build/longtake" "$@" --max-memory "${allowed:-1}" --json -o "$out/small.y4m" &&
        step came-from-host 5 grep '"streamed": *{"' "$out/take-small-card.log" && step same-bytes 10 cmp "$out/small.y4m" "$out/take.y4m"
    # Of several windows one is decoded while the next one is refined, unless a single thread is asked for: the same bytes.
    step take-at-once 60 "$build/longtake" generate "a red ball bounces past a lighthouse" --seconds 20 --seed 7 --device cuda --json -o "$out/beside.y4m" &&
        step chose-at-once 5 grep '"networks": *"at once"' "$out/take-at-once.log"
    step take-in-order 60 "$build/longtake" generate "a red ball bounces past a lighthouse" --seconds 20 --seed 7 --device cuda -t 1 --json -o "$out/in_order.y4m" &&
        step same-bytes-at-once 10 cmp "$out/beside.y4m" "$out/in_order.y4m"
    if [ "$capability" -ge 89 ]; then
        step take-fp8 60 "$build/longtake" generate "a red ball bounces past a lighthouse" --seconds 3 --seed 7 --device cuda --precision fp8 -o "$out/fp8.y4m"
    fi
fi
if [ $kind = whole ]; then
    # The released model's sizes with random weights: 29 GB on disk, and a clip of six seconds.
    full=$out/full
    if [ "$(df -Pk "$out" | awk 'NR == 2 { print $4 }')" -gt 33000000 ]; then
        step model-full 120 "$build/tests/e2e/make_tiny_model" "$source/configs/landiff.yaml" "$full" &&
            step clip-full 150 "$build/longtake" generate "a red ball bounces past a lighthouse" -m "$full" --seconds 6 --seed 7 --device cuda --json \
                -o "$out/clip.y4m"
        rm -rf "$full"
    else
        record clip-full skipped 0 "less than 33 GB free in $out"
    fi
    step bench-stages 240 "$build/longtake" bench --device cuda --json
fi
step bench-ops-bf16 60 "$build/tests/bench_ops" --device cuda --precision bf16 --seconds 0.2
step bench-ops-f32 45 "$build/tests/bench_ops" --device cuda --precision f32 --seconds 0.1
[ "$capability" -lt 89 ] || step bench-e4m3 45 "$build/tests/bench_e4m3"
if command -v compute-sanitizer >/dev/null; then
    step memcheck-f32 90 compute-sanitizer --tool memcheck --leak-check full --error-exitcode 1 "$parity" cuda-f32
    step memcheck-bf16 90 compute-sanitizer --tool memcheck --error-exitcode 1 "$parity" cuda-bf16
    step racecheck-f32 200 compute-sanitizer --tool racecheck --error-exitcode 1 "$parity" cuda-f32
    step racecheck-bf16 200 compute-sanitizer --tool racecheck --error-exitcode 1 "$parity" cuda-bf16
    step initcheck-f32 60 compute-sanitizer --tool initcheck --error-exitcode 1 "$parity" cuda-f32
else
    record compute-sanitizer skipped 0 "not on this machine"
fi

[ "$failures" -eq 0 ]
