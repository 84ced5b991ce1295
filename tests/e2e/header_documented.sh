#!/bin/sh
# Doxygen finds every function, struct, field, value and macro of longtake.h documented, and nothing
# wrong in it.
. "$(dirname "$0")/steps.sh"
command -v doxygen >/dev/null || {
    echo "skipped: doxygen is not here"
    exit 77
}
cat >Doxyfile <<END_OF_FILE
INPUT = $SOURCE/longtake.h
GENERATE_HTML = NO
GENERATE_LATEX = NO
GENERATE_XML = YES
QUIET = YES
JAVADOC_AUTOBRIEF = YES
OPTIMIZE_OUTPUT_FOR_C = YES
TYPEDEF_HIDES_STRUCT = YES
MACRO_EXPANSION = YES
EXPAND_ONLY_PREDEF = YES
PREDEFINED = LONGTAKE_API=
END_OF_FILE
doxygen Doxyfile >doxygen.out 2>&1 || fail "doxygen: exit code $?"
equal "what doxygen says" "$(cat doxygen.out)" ""
finish
