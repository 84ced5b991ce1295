#!/bin/bash
# What the program says of itself to shells and to man: they read it, and find every command and
# flag.
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
touch film.yaml "a film.yaml"
completes "longtake run fi" film.yaml
offers "longtake run a"
equal "a name with a blank" "${COMPREPLY[0]}" "a film.yaml"
offers_not "longtake run --p" --prompt
completes "longtake tokens --f" --fit
completes "longtake tokens sc" score

for shell in zsh fish; do
    "$PROGRAM" --completions $shell >$shell.txt || fail "--completions $shell"
    for name in keep-rest output-dir lm-context "cut join score"; do
        grep -q -- "$name" $shell.txt || fail "$shell: no $name"
    done
    if command -v $shell >/dev/null; then
        $shell -n $shell.txt || fail "$shell does not read it"
    else
        missing $shell
    fi
done
# What bash and zsh have alike: quotes in a help text are outside of quotes. An even number of them
# is left on every line.
for shell in zsh; do
    sed "s/'[\\]''//g" $shell.txt | awk -F"'" 'NF % 2 == 0 { exit 1 }' ||
        fail "$shell: a quote too many"
done
if command -v zsh >/dev/null; then
    cat >ask.zsh <<'END'
_arguments() { print -rl -- "$@" }
_describe() { print -rl -- "${(P@)2}" }
ask() { local -a words=("$@"); local CURRENT=$#; source ./zsh.txt }
ask longtake con
ask longtake render --
END
    zsh -f ask.zsh >zsh.out 2>zsh.err || fail "zsh: $(cat zsh.err)"
    equal "zsh says" "$(cat zsh.err)" ""
    grep -q "^continue:" zsh.out || fail "zsh does not offer continue"
    grep -q "^--fps\[.*(default the model's[\\]: another rate plays the same frames faster or slower)\]:F:$" \
        zsh.out ||
        fail "zsh: no --fps of render: $(grep fps zsh.out)"
    grep -q "^--carry\[.*\]:HOW:(latents frames renoise)$" zsh.out ||
        fail "zsh: $(grep carry zsh.out)"
fi
if command -v fish >/dev/null; then
    fish -c 'source fish.txt; complete -C "longtake con"' | grep -q "^continue" ||
        fail "fish does not offer continue"
    fish -c 'source fish.txt; complete -C "longtake generate --fo"' | grep -q "^--format" ||
        fail "fish does not offer --format"
    fish -c 'source fish.txt; complete -C "longtake refine --carry re"' | grep -q "^renoise" ||
        fail "fish does not offer renoise"
    fish -c 'source fish.txt; complete -C "longtake decode --sec"' | grep -q "^--seconds" &&
        fail "fish offers --seconds of decode"
fi

"$PROGRAM" --man >longtake.1 || fail "--man"
if command -v groff >/dev/null; then
    groff -man -Tascii -ww longtake.1 >page.txt 2>groff.err || fail "groff fails"
    equal "groff says" "$(cat groff.err)" ""
else
    missing groff
fi
grep -n '^$' longtake.1 && fail "man page: an empty line"
for command in generate run continue info; do
    grep -q "^.B $command$" longtake.1 || fail "man page: no $command"
done

# Every command's help: how it is called, each of its flags once, nothing of flags that it does not
# take.
for command in $("$PROGRAM" | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v longtake); do
    "$PROGRAM" $command -h >help.txt || fail "$command -h"
    head -1 help.txt | grep -q "^longtake $command.* \[flags\]$" ||
        fail "$command -h begins with $(head -1 help.txt)"
    equal "$command: flags said twice" \
        "$(grep -o '^ .*  --[a-z0-9-]*' help.txt | sort | uniq -d)" ""
    "$PROGRAM" $command --print-config -m "$MODEL" >config.txt 2>refused.err
    case $command in
    encode | refine | decode | render | continue | run) ;; # of a file
    *) grep -q '^pipeline.fps: 8 ' config.txt ||
        fail "$command --print-config: $(cat refused.err)" ;;
    esac
done
"$PROGRAM" --completions tcsh >/dev/null 2>refused.err && fail "tcsh is taken"
finish
