#!/bin/sh
# What runs in several threads, under ThreadSanitizer:  tests/threads.sh      exit code 1 when there is a report.
# Builds in build-threads/: the pool, every operation in one and three threads, the networks whose tests use several, a window decoded beside the next, and takes from prompt to file and back.
set -u
cd "$(dirname "$0")/.."
cmake -B build-threads -DLONGTAKE_CUDA=OFF -DLONGTAKE_SANITIZE=thread >build-threads.log 2>&1 || { cat build-threads.log; exit 1; }
rm -f build-threads.log
cmake --build build-threads -j"$(nproc)" --target longtake make_tiny_model test_threads test_ops_parity \
    test_take_beside test_take_memory test_job_folder test_temporary_file test_vae_encoder test_vae_decoder test_ar_model test_tokenizer test_dit_sampler >/dev/null || exit 1
TSAN_OPTIONS="halt_on_error=1 exitcode=66 suppressions=$PWD/tests/threads.supp"
export TSAN_OPTIONS
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

# clean NAME COMMAND...
clean() {
    name=$1
    shift
    if "$@" >"$scratch/log" 2>&1; then
        echo "$name: ok"
    else
        status=1
        cat "$scratch/log"
        echo "$name: FAILED"
    fi
}

program=$(find build-threads -maxdepth 1 -name longtake)
make_tiny=$(find build-threads -name make_tiny_model -type f)
tiny=$scratch/tiny
clean pool build-threads/tests/test_threads
for network in vae_encoder vae_decoder ar_model tokenizer dit_sampler; do
    clean $network build-threads/tests/test_$network
done
clean "a window beside the next" build-threads/tests/test_take_beside
clean "how networks share a device" build-threads/tests/test_take_memory
clean "products of two engines" build-threads/tests/test_job_folder
clean "names of two threads" build-threads/tests/test_temporary_file
clean "operations, f32" build-threads/tests/test_ops_parity cpu-f32
clean "operations, bf16" build-threads/tests/test_ops_parity cpu-bf16
clean model "$make_tiny" configs/tiny.yaml "$tiny" "$scratch/release"
clean take "$program" generate "a red ball" --seconds 8 -t 4 -m "$tiny" --progress none -o "$scratch/take.mp4"
clean encode "$program" encode "$scratch/take.mp4" -t 4 -m "$tiny" --progress none -o "$scratch/take.lt"
clean render "$program" render "$scratch/take.lt" -p "a red ball" -t 3 --carry frames -m "$tiny" --progress none -o "$scratch/again.mp4"
exit $status
