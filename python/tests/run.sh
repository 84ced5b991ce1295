#!/bin/sh
# The binding's tests, with the first Python that has NumPy and pytest: that of PYTHON, else the one in PATH, else the system's.
for python in ${PYTHON:-python3 /usr/bin/python3}; do
    "$python" -c 'import numpy, pytest' 2>/dev/null && break
    python=
done
[ -n "$python" ] || {
    echo "skipped: no Python with NumPy and pytest"
    exit 77
}
grep -q __asan_init "${LONGTAKE_LIBRARY:-/dev/null}" && {
    echo "skipped: a library with AddressSanitizer does not load into Python"
    exit 77
}
exec "$python" -m pytest -q -p no:cacheprovider "$(dirname "$0")"
