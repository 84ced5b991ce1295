#!/bin/sh
# What programs and the Python binding were compiled against: sizes and offsets of every struct of
# longtake.h, values of every enum and macro, prototypes and symbol versions. public_abi.txt holds
# them and the version that they belong to; a change needs another version:
#
#     public_abi.sh --write       after LONGTAKE_VERSION and the project's VERSION were raised
cd "$(dirname "$0")" || exit 1
abi=$PWD/public_abi.txt
header=$(cd ../.. && pwd)/longtake.h
if [ "${1:-}" = --write ]; then
    write=1 work=$(mktemp -d)
    CC=${CC:-cc}
    trap 'rm -rf "$work"' EXIT
    cd "$work" || exit 1
else
    write=0
    . ./steps.sh
fi

version_of() {
    sed -n 's/^#define LONGTAKE_VERSION "\(.*\)"/\1/p' "$1"
}

# abi_of HEADER: one line a version, field, size, value and prototype.
abi_of() {
    grep -v '^#' "$1" | tr '\n\t' '  ' |
        sed -e 's:/\*\([^*]\|\*\+[^*/]\)*\*\+/: :g' -e 's/  */ /g' >one_line
    {
        echo '#include <stddef.h>'
        echo '#include <stdio.h>'
        echo "#include \"$1\""
        echo 'int main(void) {'
        grep -oE 'typedef struct \{[^}]*\} [a-z_]+;' one_line |
            sed 's/typedef struct {\(.*\)} \([a-z_]*\);/\2;\1/' |
            awk -F';' '{
                printf "printf(\"struct %s: %%zu bytes\\n\", sizeof(%s));\n", $1, $1
                for (i = 2; i < NF; i++) {
                    field = $i
                    sub(/\[.*/, "", field)
                    sub(/.*[ *]/, "", field)
                    if (field != "") {
                        printf "printf(\"%s.%s: at %%zu, %%zu bytes\\n\", offsetof(%s, %s), ", $1, field, $1, field
                        printf "sizeof(((%s *)0)->%s));\n", $1, field
                    }
                }
            }'
        grep -oE 'typedef enum \{[^}]*\}' one_line | grep -oE '\bLONGTAKE_[A-Z_]+' |
            sed 's/.*/printf("&: %d\\n", (int)&);/'
        # Macros that are numbers; LONGTAKE_VERSION is the version's line.
        sed -n 's/^#define \(LONGTAKE_[A-Z_]*\) *(.*/\1/p' "$1" |
            sed 's/.*/printf("macro &: %lld\\n", (long long)&);/'
        echo 'return 0; }'
    } >abi.c
    "$CC" -std=c11 -o abi abi.c || return 1
    echo "version $(version_of "$1")"
    ./abi
    grep -oE 'LONGTAKE_API [^;]*;' one_line | sed 's/LONGTAKE_API //' | sort
}

abi_of "$header" >seen || exit 1
if [ "$write" = 1 ]; then
    if [ -e "$abi" ] && [ "$(head -n 1 "$abi")" = "$(head -n 1 seen)" ] && ! cmp -s "$abi" seen; then
        echo "the interface changed and LONGTAKE_VERSION is still $(version_of "$header")"
        exit 1
    fi
    cp seen "$abi"
    exit 0
fi

[ "$(getconf LONG_BIT)" = 64 ] || {
    echo "skipped: offsets are written down for 64 bits"
    exit 77
}
diff "$abi" seen >difference ||
    fail "longtake.h is no longer what public_abi.txt says (<): raise the version, then public_abi.sh --write
$(cat difference)"
equal "version of the build" \
    "$(sed -n 's/^project(longtake VERSION \([0-9.]*\).*/\1/p' "$SOURCE/CMakeLists.txt")" "$(version_of "$header")"
# Soname and symbols have the part of it under which the interface stays.
case $(version_of "$header") in
    0.*) interface=$(version_of "$header" | cut -d. -f1,2) ;;
    *) interface=$(version_of "$header" | cut -d. -f1) ;;
esac
equal "soname" "$(objdump -p "$LIBRARY" | sed -n 's/^ *SONAME *//p')" "liblongtake.so.$interface"
equal "symbols without their version" \
    "$(nm -D --defined-only "$LIBRARY" | grep ' longtake_' | grep -v "@@LONGTAKE_$interface\$")" ""
equal "version of the Python package" \
    "$(sed -n 's/^version = "\(.*\)"/\1/p' "$SOURCE/python/pyproject.toml")" "$(version_of "$header")"
equal "version that the binding expects" \
    "$(sed -n 's/^VERSION = "\(.*\)"/\1/p' "$SOURCE/python/longtake/_library.py")" "$(version_of "$header")"

# Each kind of change is seen.
changed() { # WHAT, then what sed does to the header
    sed "$2" "$header" >changed.h
    cmp -s "$header" changed.h && fail "$1: no such place in longtake.h"
    abi_of ./changed.h >with_change || fail "$1: does not compile"
    cmp -s seen with_change && fail "$1 would not be noticed"
}
changed "a field more" 's/^    double fps;/    double more; double fps;/'
changed "a field of another size" 's/^    int profile;/    int64_t profile;/'
changed "fields in another order" '/^    int width; .*pixels;/{h;d};/^    int height;$/G'
changed "a value between others" \
    's/^    LONGTAKE_EVENT_STAGE, /    LONGTAKE_EVENT_MORE, LONGTAKE_EVENT_STAGE, /'
changed "another value of a macro" \
    's/^#define LONGTAKE_SEED_UNSET (-2)/#define LONGTAKE_SEED_UNSET (-3)/'
changed "a macro gone" 's/^#define LONGTAKE_UNSET .*/typedef int longtake_gone;/'
changed "an argument more" 's/^LONGTAKE_API double longtake_fps(/&int more, /'
changed "a function gone" '/^LONGTAKE_API double longtake_fps(/d'
finish
