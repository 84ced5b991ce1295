#!/bin/sh
# direct.sh - a take that is directed while it grows: a line of standard input is the prompt of the
# next six seconds.
#
#     direct.sh NAME [FLAGS OF longtake run]
#
# NAME.yaml is the film so far and NAME.mp4 its video, complete after every line. NAME.job holds what
# is finished, so each line costs its own six seconds and no more. In a terminal: look at the video,
# type the next prompt. A film that is there goes on. LONGTAKE names the program.
set -eu
[ $# -gt 0 ] || {
    echo "usage: direct.sh NAME [FLAGS OF longtake run]" >&2
    exit 2
}
name=$1
shift

[ -e "$name.yaml" ] || printf 'take: {seed: 7}\nshots:\n' >"$name.yaml"
shots=$(grep -c '^  - {at: ' "$name.yaml" || true)
[ "$shots" -eq 0 ] || echo "$name.yaml has $shots shots: it goes on" >&2

while IFS= read -r prompt || [ -n "$prompt" ]; do
    case $prompt in *[![:space:]]*) ;; *) continue ;; esac
    # The first window of mini and of the released model makes 49 frames, every later one 24: ends
    # that lie there are never made again.
    at=$((shots > 0 ? 48 * shots + 1 : 0))
    end=$((48 * shots + 49))
    quoted=$(printf '%s' "$prompt" | sed 's/[\\"]/\\&/g')
    next=$name.next.yaml
    { cat "$name.yaml" && printf '  - {at: %df, prompt: "%s"}\n' "$at" "$quoted"; } >"$next"
    # A line that fails, or is stopped, leaves the film as it was.
    "${LONGTAKE:-longtake}" run "$next" --frames "$end" --job "$name.job" -o "$name.mp4" "$@"
    mv "$next" "$name.yaml"
    shots=$((shots + 1))
done
