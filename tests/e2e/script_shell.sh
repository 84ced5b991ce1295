#!/bin/bash
# What the program says of itself to shells and to man: they read it, and find every command and flag.
. "$(dirname "$0")/steps.sh"

"$PROGRAM" --completions bash >completion || fail "--completions bash"
. ./completion || fail "bash does not read it"

# offers LINE: fills COMPREPLY with what is offered where the cursor stands behind LINE.
offers() {
    COMP_WORDS=($1)
    [ "${1% }" = "$1" ] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _longtake
}

completes() {
    offers "$1"
    [[ " ${COMPREPLY[*]} " = *" $2 "* ]] || fail "'$1' offers '${COMPREPLY[*]}', want $2"
}

offers_not() {
    offers "$1"
    [[ " ${COMPREPLY[*]} " = *" $2 "* ]] && fail "'$1' offers $2"
}

completes "longtake " generate
completes "longtake con" continue
completes "longtake generate --se" --seconds
completes "longtake generate --format " mkv
completes "longtake continue --fr" --from
completes "longtake refine --carry re" renoise
offers_not "longtake decode --s" --seconds
offers_not "longtake generate --c" --completions
touch film.yaml
completes "longtake run fi" film.yaml

for shell in zsh fish; do
    "$PROGRAM" --completions $shell >$shell.txt || fail "--completions $shell"
    for name in keep-rest output-dir lm-context; do
        grep -q -- "$name" $shell.txt || fail "$shell: no $name"
    done
    command -v $shell >/dev/null && { $shell -n $shell.txt || fail "$shell does not read it"; }
done

"$PROGRAM" --man >longtake.1 || fail "--man"
if command -v groff >/dev/null; then
    groff -man -Tascii -ww longtake.1 >page.txt 2>groff.err || fail "groff fails"
    equal "groff says" "$(cat groff.err)" ""
fi
for command in generate run continue info; do
    grep -q "^.B $command$" longtake.1 || fail "man page: no $command"
done
"$PROGRAM" --completions tcsh >/dev/null 2>refused.err && fail "tcsh is taken"
finish
