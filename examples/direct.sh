#!/bin/sh
# direct.sh - a take that is directed while it grows: a line of standard input is the prompt of the next six seconds.
#
#     direct.sh NAME [FLAGS OF longtake run]
#
# NAME.yaml is the film so far and NAME.mp4 its video, complete after every line. NAME.job holds what is finished, so each line
# costs its own six seconds and no more. In a terminal: look at the video, type the next prompt. LONGTAKE names the program.
set -eu
name=$1
shift

# The first window of mini and of the released model makes 49 frames, every later one 24: ends that lie there are never made again.
frames=0
end=49
printf 'take: {seed: 7}\nshots:\n' >"$name.yaml"
while IFS= read -r prompt; do
    quoted=$(printf '%s' "$prompt" | sed 's/[\\"]/\\&/g')
    printf '  - {at: %df, prompt: "%s"}\n' "$frames" "$quoted" >>"$name.yaml"
    "${LONGTAKE:-longtake}" run "$name.yaml" --frames "$end" --job "$name.job" -o "$name.mp4" "$@"
    frames=$end
    end=$((end + 48))
done
