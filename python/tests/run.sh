#!/bin/sh
# The binding's tests, where Python has NumPy and pytest; else skipped. PYTHON names another interpreter.
python=${PYTHON:-python3}
"$python" -c 'import numpy, pytest' 2>/dev/null || {
    echo "skipped: $python has no NumPy or no pytest"
    exit 77
}
exec "$python" -m pytest -q -p no:cacheprovider "$(dirname "$0")"
