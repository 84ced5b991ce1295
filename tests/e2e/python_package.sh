#!/bin/sh
# The Python package in a fresh environment: what pip installs carries library, configurations and
# model, and the example of its README works. Needs an index that has NumPy and setuptools.
. "$(dirname "$0")/steps.sh"
[ -e "$SOURCE/models/mini/mmdit.safetensors" ] || {
    echo "skipped: models/mini is not here"
    exit 77
}
if sanitized; then
    echo "skipped: a library with AddressSanitizer does not load into Python"
    exit 77
fi
"${PYTHON:-python3}" -m venv fresh >venv.out 2>&1 || {
    echo "skipped: no venv: $(tail -n 1 venv.out)"
    exit 77
}
fresh/bin/pip install -q 'setuptools>=77' wheel numpy >pip.out 2>&1 || {
    echo "skipped: pip: $(tail -n 1 pip.out)"
    exit 77
}
unset LONGTAKE_LIBRARY
# The tree as a build leaves it; the build tree may lie elsewhere.
mkdir -p tree/build tree/models
cp -r "$SOURCE/python" "$SOURCE/configs" "$SOURCE/LICENSE" "$SOURCE/NOTICE" tree/
cp -r "$SOURCE/models/mini" tree/models/
fresh/bin/pip install -q --no-build-isolation ./tree/python >pip.out 2>&1 &&
    fail "pip install makes a package without a library"
grep -q 'build/liblongtake.so: not there, expected .*LONGTAKE_PURE_PYTHON=1' pip.out ||
    fail "pip install without a library: $(cat pip.out)"
LONGTAKE_PURE_PYTHON=1 fresh/bin/pip wheel -q --no-deps --no-build-isolation -w pure ./tree/python >pip.out 2>&1 ||
    fail "a wheel without the library: $(cat pip.out)"
[ -e pure/longtake-*-py3-none-any.whl ] || fail "a wheel without the library is $(ls pure)"
rm -rf tree/python/build
cp -L "$LIBRARY" tree/build/liblongtake.so
fresh/bin/pip install -q --no-build-isolation ./tree/python >pip.out 2>&1 ||
    fail "pip install: $(cat pip.out)"
rm -r tree
packages=$(fresh/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
(cd "$packages/longtake/models/mini" && sha256sum --quiet -c SHA256) || fail "the model is not whole"
for file in LICENSE NOTICE; do
    same "$SOURCE/$file" "$(find "$packages" -path "*/longtake-*/$file")"
done
sed -n '/^```python$/,/^```$/p' "$SOURCE/python/README.md" | sed '/^```/d' >example.py
fresh/bin/python example.py >example.out 2>&1 || fail "the README's example: $(cat example.out)"
equal "frames of ball.mp4" "$(of_video ball.mp4 nb_read_frames)" 96
finish
