#!/bin/sh
# longtake.h alone is valid C11 and C++17, and the shared library shows its names and no others.
. "$(dirname "$0")/steps.sh"

strict="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only -I$SOURCE"
echo '#include "longtake.h"' >header.c
cp header.c header.cpp
"$CC" -std=c11 $strict -Wstrict-prototypes header.c || fail "not C11"
"$CXX" -std=c++17 $strict -Wold-style-cast header.cpp || fail "not C++17"

nm -D --defined-only "$LIBRARY" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort >seen
grep '^LONGTAKE_API' "$SOURCE/longtake.h" | grep -oE 'longtake_[a-z0-9_]+\(' | tr -d '(' |
    sort >declared
equal "names that are not ours" "$(grep -v '^longtake_' seen)" ""
equal "shown and not declared" "$(comm -23 seen declared)" ""
equal "declared and not there" "$(comm -13 seen declared)" ""
finish
