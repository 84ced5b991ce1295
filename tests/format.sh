#!/bin/sh
# Does every file stand on its page as .clang-format says, and ruff.toml where ruff is here? Exit code 1 tells where one does
# not; 77 that nothing was found but a tool is missing: clang-format 14, since each version breaks lines in its own way, or ruff.
#     tests/format.sh [--write]       --write puts them right
set -u
cd "$(dirname "$0")/.."
for format in clang-format-14 clang-format none; do
    "$format" --version 2>/dev/null | grep -q 'version 14\.' && break
done
[ "$format" != none ] || { echo "skipped: no clang-format 14 here; nothing was looked at"; exit 77; }
how='--dry-run -Werror'
[ "${1-}" != --write ] || how=-i
find . -type f \( -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) ! -path './build*' ! -path './.*' -print0 |
    xargs -0 -P "$(nproc)" -n 40 "$format" $how || exit 1
if command -v ruff >/dev/null; then
    [ "${1-}" = --write ] || set -- --check --diff
    [ "$1" != --write ] || shift
    ruff format --quiet "$@" python tests train || exit 1
else
    echo "skipped in part: no ruff here; Python was not looked at"
    exit 77
fi
