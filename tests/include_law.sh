#!/bin/sh
# Who may include whom, where third-party headers may appear, and that a file name occurs once.
#     tests/include_law.sh [SOURCE_DIR]      prints every breach, exit code 1 if there is one
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1
breaches=$(mktemp) || exit 1
trap 'rm -f "$breaches"' EXIT

# Sources under the folders given, one a line. Only folders of ours: a build tree holds generated sources.
sources() {
    for folder in "$@"; do
        [ -e "$folder" ] && find "$folder" -type f \( -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \)
    done
}

# "file:line:header" of every quoted include in the files of standard input.
quoted() {
    xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null |
        sed -E 's/^([^:]*:[0-9]*):[^"]*"([^"]*)".*/\1:\2/'
}

# allow FOLDER PATTERN: headers of ours that files right in FOLDER may include (an extended regular expression).
allow() {
    [ -d "$1" ] || return 0
    sources "$1" | grep -E "^$1/[^/]*$" | quoted | grep -vE ":($2)$" |
        sed "s|\$|   (not allowed in $1/)|" >>"$breaches"
}

core='kernels/core/[a-z0-9_]+\.h'
ops='kernels/ops\.h|kernels/backend\.h'
weights='weights/[a-z0-9_]+\.h'

allow cli               'longtake\.h|cli/[a-z0-9_]+\.h'
allow examples          'longtake\.h'
allow python            'longtake\.h'
allow kernels/core      "$core"
allow kernels           "$core|kernels/[a-z0-9_]+\.h"
for device in reference cpu cuda; do
    allow "kernels/$device" "$core|kernels/backend\.h|kernels/$device/[a-z0-9_]+\.(h|cuh)"
done
allow weights           "$core|kernels/backend\.h|$weights"
allow configs           "$core|configs/[a-z0-9_]+\.h"
allow media             "$core|media/[a-z0-9_]+\.h"

# A stage sees operations, weights, itself and its own configuration; only its check reads a whole configuration.
stage() {
    own="$core|$ops|$weights|$1/[a-z0-9_]+\.h|configs/$2_config\.h"
    [ -d "$1" ] || return 0
    sources "$1" | grep -vE '_check\.c$' | quoted | grep -vE ":($own)$" | sed "s|\$|   (not allowed in $1/)|" >>"$breaches"
    sources "$1" | grep -E '_check\.c$' | quoted | grep -vE ":($own|configs/model_config\.h)$" |
        sed "s|\$|   (not allowed in a check of $1/)|" >>"$breaches"
}
stage text_encoder text
stage tokenizer tokenizer
stage ar_model ar
stage mmdit mmdit
stage temporal_vae vae

ours='cli kernels weights configs text_encoder tokenizer ar_model mmdit temporal_vae media pipeline examples longtake.h'

# What is ours stands in quotes, where the laws above see it.
sources $ours python tests |
    xargs -r grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<(($(echo $ours python tests | sed 's/longtake\.h //; s/ /|/g'))/|longtake\.h)" /dev/null |
    sed 's|$|   (a header of ours in angle brackets)|' >>"$breaches"

# A third-party header appears in one file.
for header in yaml.h zip.h jansson.h cublasLt.h cudnn.h xxhash.h; do
    users=$(sources $ours | xargs -r grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$header[>\"]" /dev/null)
    if [ "$(printf '%s' "$users" | grep -c .)" -gt 1 ]; then
        printf '%s: included by more than one file: %s\n' "$header" "$(echo $users)" >>"$breaches"
    fi
done
# libav in media/ alone.
sources $ours | grep -v '^media/' |
    xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]lib(av|sw)[a-z]*/' /dev/null |
    sed 's|$|   (libav belongs to media/)|' >>"$breaches"

# A file name occurs once in the whole tree.
{ sources $ours tests; find python train -path python/build -prune -o -type f -name '*.py' ! -name '__init__.py' -print 2>/dev/null; } | sed 's|.*/||' | sort | uniq -d |
    sed 's|$|: the name of more than one file|' >>"$breaches"

if [ -s "$breaches" ]; then
    cat "$breaches"
    exit 1
fi
