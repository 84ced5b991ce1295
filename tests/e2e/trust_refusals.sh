#!/bin/sh
# What makes no sense is refused before a weight is read: exit code, one line with place, found and
# expected, nothing written.
. "$(dirname "$0")/steps.sh"

# says CODE TEXT ARGUMENTS...: refused with that code and a message that holds the text.
says() {
    code=$1
    text=$2
    shift 2
    refused "$code" "$@"
    grep -qF -- "$text" refused.err || fail "longtake $*: '$(cat refused.err)' does not say '$text'"
    [ "$(grep -vc '^hint: ' refused.err)" -eq 1 ] ||
        fail "longtake $*: more than a line and a hint: $(cat refused.err)"
    [ "$(grep -c '^hint: ' refused.err)" -le 1 ] || fail "longtake $*: more than one hint"
    rm -f refused.out refused.err
}

mkdir folder.mp4
printf 'a ball\000b' >zero.txt
printf 'a \377 ball' >latin.txt
head -c 1048577 /dev/zero | tr '\0' 'a' >long.txt

says 2 "nearest is generate"              genrate x --seconds 1 -o a.mp4
says 2 "nearest is --seconds"             generate x --sedonds 1 -o a.mp4
says 2 "--retake is no flag of tokens"    tokens x --seconds 1 --retake 1 -o a.lt
says 2 "expected a number"                generate x --seconds nan -o a.mp4
says 2 "expected a number"                generate x --seconds inf -o a.mp4
says 2 "expected a number"                generate x --seconds 3x -o a.mp4
says 2 "expected 1 to"                    generate x --seconds 0 -o a.mp4
says 2 "expected 1 to"                    generate x --seconds -0 -o a.mp4
says 2 "--seconds: found -1"              generate x --seconds -1 -o a.mp4
says 2 "expected a whole number"          generate x --frames 1.5 -o a.mp4
says 2 "--frames: found 0, expected 1 to" generate x --frames 0 -o a.mp4
says 2 "--num-frames: found 0, expected" generate x --num_frames 0 -o a.mp4
says 2 "--num-frames: found 0, expected" generate x --num-frames 0 -o a.mp4
says 2 "expected one"                     generate x --seconds 1 --frames 9 -o a.mp4
says 2 "--seed: found -2"                 generate x --seconds 1 --seed -2 -o a.mp4
says 2 "--seed: found 4294967296"         generate x --seconds 1 --seed 4294967296 -o a.mp4
says 2 "expected an odd number"           generate x --seconds 1 --overlap 2 -o a.mp4
says 2 "--steps: found 0"                 generate x --seconds 1 --steps 0 -o a.mp4
says 2 "--fps: found 0"                   generate x --seconds 1 --fps 0 -o a.mp4
says 2 "--scale: found 9"                 generate x --seconds 1 --scale 9 -o a.mp4
says 2 "the size this model makes"        generate x --seconds 1 --width 100 -o a.mp4
says 2 "--temperature: found 0"           generate x --seconds 1 --temperature 0 -o a.mp4
says 2 "mmdit.steps"                      generate x --seconds 1 --set mmdit.steps=0 -o a.mp4
says 2 "a multiple of 'mmdit.heads'"      generate x --seconds 1 --set mmdit.heads=3 -o a.mp4
says 2 "unknown key"                      generate x --seconds 1 --set mmdit.stepz=3 -o a.mp4
says 2 'extension "xyz"'                  generate x --seconds 1 -o a.xyz
says 2 'extension ""'                     generate x --seconds 1 -o a
says 2 "they contradict each other"       generate x --seconds 1 --format mp4 -o a.png
says 2 "this command writes lt or npy"    tokens x --seconds 1 -o a.mp4
says 2 "folder nowhere"                   generate x --seconds 1 -o nowhere/a.mp4
says 2 "folder.mp4 is a folder"           generate x --seconds 1 -o folder.mp4
says 2 "--output: found none"             generate x --seconds 1
says 2 "found no words"                   generate "" --seconds 1 -o a.mp4
says 2 "found no words"                   generate "  	 " --seconds 1 -o a.mp4
says 2 "byte 2 (0xff) is not UTF-8"       generate @latin.txt --seconds 1 -o a.mp4
says 2 "--prompt: found none"             generate --seconds 1 -o a.mp4
says 3 "zero.txt: byte 6 is zero"         generate @zero.txt --seconds 1 -o a.mp4
says 3 "long.txt: more than 1048576"      generate @long.txt --seconds 1 -o a.mp4
says 3 "missing.txt: No such file"        generate @missing.txt --seconds 1 -o a.mp4
says 3 "folder.mp4: Is a directory"       generate @folder.mp4 --seconds 1 -o a.mp4
says 3 "missing.lt: No such file"         render missing.lt -p x -o a.mp4
says 3 "missing.latents: No such file"    decode missing.latents -o a.mp4
says 3 "missing.mp4"                      encode missing.mp4 -o a.lt
says 6 'found "cuda:999"'                 generate x --seconds 1 --device cuda:999 -o a.mp4
says 2 'found "cuda:x"'                   generate x --seconds 1 --device cuda:x -o a.mp4
says 2 'found "gpu"'                      generate x --seconds 1 --device gpu -o a.mp4

# A model that is not there, or not whole.
MODEL=./missing/model says 3 "no such folder" generate x --seconds 1 -o a.mp4
MODEL=missing says 3 "no models/missing" generate x --seconds 1 -o a.mp4

rm -r folder.mp4 zero.txt latin.txt long.txt
equal "left behind" "$(ls)" ""
finish
