#!/bin/sh
# The binding's tests, where Python has NumPy and pytest; else skipped. PYTHON names another interpreter.
python=${PYTHON:-python3}
"$python" -c 'import numpy, pytest' 2>/dev/null || {
    echo "skipped: $python has no NumPy or no pytest"
    exit 77
}
grep -q __asan_init "${LONGTAKE_LIBRARY:-/dev/null}" && {
    echo "skipped: a library with AddressSanitizer does not load into Python"
    exit 77
}
exec "$python" -m pytest -q -p no:cacheprovider "$(dirname "$0")"
