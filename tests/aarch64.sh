#!/bin/sh
# Everything for 64-bit Arm, by Debian's cross compiler, and unit tests, operations, golden files and parsers under an emulator.
#
#     tests/aarch64.sh [BUILD [CTEST_ARGUMENT...]]     BUILD is build-aarch64 unless it is named; -R unit.test_philox runs one test
#
# Needs gcc-aarch64-linux-gnu, g++-aarch64-linux-gnu and qemu-user-static (77: skipped). Libraries for Arm are unpacked
# by apt and dpkg-deb into BUILD/sysroot, beside the host's packages, not among them; another folder is taken from SYSROOT.
# Without them, as without a network, kernels/ alone are built and their operations tested. Networks take a hundred times as
# long under the emulator, so five unit tests and a golden file that run many of them are left out; the rest takes some
# twenty minutes on two busy cores, and says nothing about speed.
set -eu
cd "$(dirname "$0")/.."
source=$(pwd)
build=${1-build-aarch64}
[ $# -eq 0 ] || shift
for tool in aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ qemu-aarch64-static cmake; do
    command -v $tool >/dev/null || { echo "skipped: no $tool here"; exit 77; }
done
mkdir -p "$build"
build=$(cd "$build" && pwd)

# Lists and packages of arm64 in folders of their own: the host's dpkg learns of nothing.
unpack_libraries() {
    apt=$build/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    for step in update 'install --download-only --no-install-recommends libavcodec-dev libavformat-dev libavutil-dev libswscale-dev
                        libcmocka-dev libjansson-dev libxxhash-dev libyaml-dev'; do
        # shellcheck disable=SC2086
        apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::status="$apt/status" \
            -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" \
            $step >"$apt/log" 2>&1 || return 1
    done
    for package in "$apt"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$build/sysroot.part" || return 1
    done
    mv "$build/sysroot.part" "$build/sysroot"
    rm -rf "$apt"
}
if [ -z "${SYSROOT-}" ] && command -v apt-get >/dev/null && command -v pkg-config >/dev/null; then
    [ -d "$build/sysroot" ] || unpack_libraries || rm -rf "$build/sysroot.part"
    [ ! -d "$build/sysroot" ] || SYSROOT=$build/sysroot
fi
kernels_only=OFF
if [ -n "${SYSROOT-}" ]; then
    export SYSROOT
else
    echo "no libraries for arm64 here (apt's words are in $build/apt/log): kernels/ alone"
    kernels_only=ON
fi

cmake -S "$source" -B "$build" -DCMAKE_TOOLCHAIN_FILE="$source/tests/aarch64.cmake" -DLONGTAKE_WERROR=ON -DLONGTAKE_CUDA=OFF \
    -DLONGTAKE_KERNELS_ONLY=$kernels_only >"$build/configure.log" || { cat "$build/configure.log"; exit 1; }
cmake --build "$build" -j "$(nproc)" >"$build/build.log" 2>&1 || { cat "$build/build.log"; exit 1; }
cd "$build"
long='vae.reference|test_(ar_model|import_release|public_faults|take_beside|take_memory|vae_decoder)$'
exec ctest --output-on-failure -j "$(nproc)" --timeout 3600 -R '^(parity|unit|golden|fuzz)\.' -E "cuda_host|$long" "$@"
