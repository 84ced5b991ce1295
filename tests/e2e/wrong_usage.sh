#!/bin/sh
# Wrong usage ends with 2 before anything is loaded, bad input with 3, an absent device with 6; each
# says why.
. "$(dirname "$0")/steps.sh"

# A model that has a configuration and no weights: whoever asks for a weight gets exit code 3.
mkdir empty
cp "$MODEL/config.yaml" empty/
weights=$MODEL
MODEL=$PWD/empty
usage() { refused 2 "$@"; }

usage paint "a red ball"
equal "a word like no command" "$(tail -1 refused.err)" "hint: longtake help lists them"
usage redner ball.lt
equal "a word like a command" "$(tail -1 refused.err)" "hint: the nearest is render"
usage generate x -o a.mp4 --secnds 3
grep -q 'nearest is --seconds' refused.err || fail "no nearest flag: $(cat refused.err)"
usage generate x -o a.mp4 --secs 3
equal "a flag cut short" "$(tail -1 refused.err)" "hint: the nearest is --seconds"
# Names that other programs have.
while read -r flag hint; do
    usage generate x -o a.mp4 "$flag" 3
    equal "$flag" "$(tail -1 refused.err)" "hint: here it is $hint"
done <<end
--duration --seconds
--length --seconds
--resolution --width and --height, or --scale
-n --candidates, of tokens
end
usage tokens x -o a.lt -n 3
equal "-n of tokens" "$(tail -1 refused.err)" "hint: here it is --candidates"
usage decode a.latents -o a.mp4 --resolution 4
equal "--resolution of decode" "$(tail -1 refused.err)" "hint: here it is --scale"

# No output, and a file where a prompt is expected.
usage generate x
equal "no output" "$(tail -1 refused.err)" "hint: add -o ball.mp4"
usage refine x.lt
equal "no output of refine" "$(tail -1 refused.err)" "hint: add -o ball.latents"
touch forgotten.lt "a red ball.txt"
usage tokens forgotten.lt -o a.lt
equal "a forgotten verb" "$(cat refused.err)" \
    "longtake: tokens: found the file forgotten.lt, expected a prompt
hint: say tokens cut, join or score"
usage generate forgotten.lt -o a.mp4
equal "a plan as a prompt" "$(tail -1 refused.err)" "hint: longtake render forgotten.lt"
usage generate "a red ball.txt" -o a.mp4
equal "a file as a prompt" "$(tail -1 refused.err)" "hint: -p @a red ball.txt reads it from there"
made generate -p forgotten.lt --dry-run
rm made.out made.err forgotten.lt "a red ball.txt"
usage "a red ball bounces" -o ball.mp4
equal "a prompt and no command" "$(tail -1 refused.err)" \
    'hint: longtake generate "a red ball bounces" ...'
usage generate x -o a.mp4 -qv
equal "letters in a row" "$(cat refused.err)" \
    'longtake: -q: found "v" behind it, a switch takes none'
usage generate x -o a.mp4 --seconds 96f
equal "seconds in frames" "$(tail -1 refused.err)" "hint: --frames 96"
usage generate x -o a.mp4 --seconds 1:75
grep -q 'expected a number of seconds such as 10, 10s or 1:05' refused.err ||
    fail "seconds: $(cat refused.err)"
usage generate x -o a --seconds 3
equal "no extension" "$(tail -1 refused.err)" "hint: a.mp4, or --format mp4"
usage tokens x -o a --seconds 3
equal "no extension of a plan" "$(tail -1 refused.err)" "hint: a.lt, or --format lt"
for flags in "--seconds 30" -q --print-config "-o a.mp4"; do
    "$PROGRAM" $flags >refused.out 2>refused.err
    equal "$flags alone: exit code" $? 2
    equal "$flags alone" "$(head -1 refused.err)" \
        "longtake: found flags and no command, expected a command"
done
mkdir folder
usage generate x -o folder --seconds 3
grep -q 'folder is a folder, expected a file' refused.err ||
    fail "a folder as output: $(cat refused.err)"
rmdir folder
usage decode x -o a.mp4 --secnds 3
equal "the nearest is a flag of generate" "$(tail -1 refused.err)" \
    "hint: longtake decode -h lists them"
usage generate x -o a.mp4 -y
equal "an unknown letter" "$(tail -1 refused.err)" "hint: longtake generate -h lists them"
"$TOOLS/pseudo_terminal" 80 "$PROGRAM" generate x -o - --seconds 3 >screen.txt
equal "a video on a terminal: exit code" $? 2
grep -q '^row: longtake: --output -: found a terminal' screen.txt ||
    fail "a video on a terminal: $(cat screen.txt)"
rm screen.txt
usage generate x -o a.mp4 --seconds 1e8
grep -q 'a length of 800000000 frames, expected 1 to 691200' refused.err ||
    fail "a length: $(cat refused.err)"
usage generate x -o a.mp4 --seconds three
usage generate x -o a.mp4 --seconds nan
usage generate x -o a.mp4 --seconds inf
usage generate x -o a.mp4 --seconds -1
usage generate x -o a.mp4 --seconds 0
usage generate x -o a.mp4 --frames 0
usage generate x -o a.mp4 --frames 2.5
usage generate x -o a.mp4 --frames 9 --seconds 3
usage generate -o a.mp4 --seconds 3
usage generate x y -o a.mp4 --seconds 3
usage generate x --seconds 3
usage generate x -o a.xyz --seconds 3
usage generate x -o a --seconds 3
usage generate x -o a.png --format mp4 --seconds 3
usage generate x -o a.lt --seconds 3
usage generate x -o nowhere/a.mp4 --seconds 3
usage generate x -o a.mp4 --seconds 3 --seed 4294967296
usage generate x -o a.mp4 --seconds 3 --seed -2
usage generate x -o a.mp4 --seconds 3 --threads -1
usage generate x -o a.mp4 --seconds 3 --steps 0
usage generate x -o a.mp4 --seconds 3 --temperature 0
usage generate x -o a.mp4 --seconds 3 --overlap 2
usage generate x -o a.mp4 --seconds 3 --overlap 5
usage generate x -o a.mp4 --seconds 3 --carry pigeon
usage generate x -o a.mp4 --seconds 3 --precision f64
usage generate x -o a.mp4 --seconds 3 --device abacus
usage generate x -o a.mp4 --seconds 3 --device reference --precision int8
grep -q 'found int8, expected auto or f32 on the reference device' refused.err ||
    fail "int8 there: $(cat refused.err)"
usage generate x -o a.mp4 --seconds 3 --device cuda --precision int8
usage generate x -o a.mp4 --seconds 3 --device cpu --precision fp8
usage bench --stage lm --precision int8
usage generate x -o a.mp4 --seconds 3 --fit cover --stage lm
usage generate x -o a.mp4 --seconds 3 --set mmdit.stepz=3
usage generate x -o a.mp4 --seconds 3 --set mmdit.steps
usage generate x -o a.mp4 --seconds 3 --set mmdit.steps=many
usage generate x -o a.mp4 --seconds 3 --width 100
usage generate x -o a.mp4 --seconds 3 --quiet=yes
# What a shell makes of a variable that is not set.
for flags in "-o --format=mp4" "-o a.mp4 --job" "-o a.mp4 --preview" "-o a.mp4 --image" "-o a.mp4 --config" \
    "-o a.mp4 -m"; do
    case $flags in
    "-o --format=mp4") set -- -o "" --format mp4 ;;
    *) set -- $flags "" ;;
    esac
    "$PROGRAM" generate x --seconds 3 "$@" --progress none >refused.out 2>refused.err
    equal "an empty text: $flags" "$?" 2
    grep -q '^longtake: --[a-z]*: found an empty text, expected ' refused.err ||
        fail "an empty text: $flags: $(cat refused.err)"
done
usage tokens cut a.lt 0s-2s -o ""
usage import release --output=
usage generate --prompts prompts.txt --output-dir ""
usage tokens cut a.lt 0s-999999999999999999999999999s -o b.lt
equal "a span beyond a day" "$(cat refused.err)" \
    'longtake: tokens cut: found "0s-999999999999999999999999999s", expected a span up to 86400 s, a day'
usage tokens -p x -o a.mp4 --seconds 3
usage encode -o a.lt
usage decode a.latents -o a.mp4 --fps 0
for rate in 30000/ /1001 30/0 30/-1 -30/1 30/1/1 1e4/1001 thirty; do
    usage decode a.latents -o a.mp4 --fps=$rate
    equal "--fps=$rate" "$(cat refused.err)" \
        "longtake: --fps: found \"$rate\", expected a rate such as 24 or 30000/1001"
done
usage decode a.latents -o a.mp4 --fps 1/1001
# What only pictures have means nothing where none are made.
usage tokens x -o a.lt --seconds 3 --fps 24
usage refine a.lt -o a.latents --fps 24
usage refine a.lt -o a.latents --scale 2
usage refine a.lt -o a.latents --max-seam 2
equal "a flag of what is decoded" "$(tail -1 refused.err)" \
    "hint: it belongs to: generate render continue run decode"
usage generate x --frames 1 --keep-job -o -
usage tokens -p x -o - --seconds 3 --json
equal "a report behind a stream" "$(wc -c <refused.out)" 0
usage tokens cut a.lt 0s-3s -o - --json
usage tokens cut a.lt 0s-3s -o b.lt --dry-run
equal "a flag that only some uses of a command have" \
    "$(tail -1 refused.err)" "hint: its own are: output"
usage tokens join a.lt a.lt -o b.lt --seed 3
usage tokens score a.lt --seconds 3
usage info
usage devices cuda
usage bench t5
grep -q 'hint: --stage t5' refused.err || fail "bench t5: $(cat refused.err)"
usage check
usage import "$RELEASE"
export LONGTAKE_SECONDS=soon
usage generate x -o a.mp4
unset LONGTAKE_SECONDS
grep -q LONGTAKE_SECONDS refused.err || fail "the environment is not named: $(cat refused.err)"
equal "written by wrong usage" "$(ls | grep -v -e refused -e empty)" ""

bad() { refused 3 "$@"; }
bad generate x -o a.mp4 --seconds 3
grep -q 'empty/' refused.err || fail "the missing file is not named: $(cat refused.err)"
MODEL=no_such_model
bad generate x -o a.mp4 --seconds 3
MODEL=$weights
refused 6 generate x -o a.mp4 --seconds 3 --device cuda:999
bad render no_such.lt -p x -o a.mp4
bad decode no_such.latents -o a.mp4
bad encode no_such.mp4 -o a.lt
bad info no_such_file
bad generate -p @no_such_prompt -o a.mp4 --seconds 3
echo 'mmdit: {stepz: 3}' >bad.yaml
bad generate x -o a.mp4 --seconds 3 --config bad.yaml
grep -q 'bad.yaml:1:9' refused.err || fail "no file:line:column: $(cat refused.err)"
for bytes in 0 7 8 100; do
    head -c $bytes "$MODEL/mmdit.safetensors" >broken
    cp broken broken.mp4 && bad encode broken.mp4 -o a.lt
    cp broken broken.lt && bad render broken.lt -p x -o a.mp4
    cp broken broken.latents && bad decode broken.latents -o a.mp4
    cp broken broken.safetensors && bad check broken.safetensors
done

# Weights cut short, or of other sizes, or with a number that is not finite.
for file in text_encoder tokenizer ar_model mmdit temporal_vae; do
    rm -rf damaged && cp -r "$MODEL" damaged
    head -c 100000 "$MODEL/$file.safetensors" >damaged/$file.safetensors
    "$PROGRAM" generate x -o a.mp4 --seconds 3 --progress none --model damaged 2>damaged.err
    equal "$file cut short" $? 3
    grep -q "$file" damaged.err || fail "$file is not named: $(cat damaged.err)"
    rm -rf a.mp4.job # what was made before the damage was met
done
bad generate x -o a.mp4 --seconds 3 --set ar_model.layers=3
equal "written by bad input" "$(ls a.mp4 a.lt 2>/dev/null)" ""

# Asking is no error.
"$PROGRAM" >help || fail "longtake alone: exit code $?"
grep -q 'generate' help || fail "no help"
"$PROGRAM" --version | grep -q '^longtake [0-9]' || fail "no version"
for command in generate tokens encode refine decode render continue run info import check bench devices; do
    "$PROGRAM" $command -h >help || fail "$command -h: exit code $?"
    grep -q "^  longtake $command" help || fail "$command -h: no example"
    [ "$(grep -c ':$' help)" -eq "$(grep ':$' help | sort -u | wc -l)" ] ||
        fail "$command -h: a group of flags comes twice"
    grep -q -- '--json' help || fail "$command -h: no flags"
done
made devices
json made.out >/dev/null

usage bench --stage lm --ceilings
usage import "$RELEASE" -o imported --set mmdit.carry=renoise
equal "values of an import" "$(tail -1 refused.err)" \
    "hint: --config FILE gives the model other values"
usage import "$RELEASE" -o imported --config "$SOURCE/configs/tiny.yaml" --t5 nowhere
grep -q -- '--t5: found nowhere, expected none' refused.err ||
    fail "--t5 of one text encoder: $(cat refused.err)"
usage import "$RELEASE" -o nowhere/imported
grep -q 'output: folder nowhere: No such file' refused.err ||
    fail "an import into no folder: $(cat refused.err)"

# How a picture is taken up means nothing where none is.
for flags in "--fit pad" "--codes picture"; do
    usage generate x --frames 5 -o a.mp4 $flags
    grep -q 'found no --image, expected one' refused.err ||
        fail "$flags without a picture: $(cat refused.err)"
done

# The environment gives what no flag says; of the length, which has three flags, all or nothing.
export LONGTAKE_SECONDS=long
made devices # has no length
"$PROGRAM" --help >made.out 2>made.err || fail "--help: $(cat made.err)"
"$PROGRAM" generate --help >made.out 2>made.err || fail "generate --help: $(cat made.err)"
made generate --version
export LONGTAKE_SECONDS=0:01
made generate x --dry-run --json -o a.mp4
equal "a time of the environment" "$(json made.out frames)" 8
made generate x --seconds 3s --dry-run --json -o a.mp4
equal "seconds as a time" "$(json made.out frames)" 24
made generate x --seconds 0:02.5 --dry-run --json -o a.mp4
equal "minutes and seconds" "$(json made.out frames)" 20
made tokens x --seconds 1:02:03 --dry-run --json -o a.lt
equal "hours too" "$(json made.out frames)" 29784
# as tests/unit/test_take_moment.c has them for films
for time in 1:60 1:2:3:4 1.5:05 12ss 0x10 1:05s -0:01 :05 1: ""; do
    usage continue a.mp4 -p x -o b.mp4 --from "$time"
    usage generate x -o a.mp4 --retake "$time-9s" --retake-seed 1
done
export LONGTAKE_SECONDS=1
made generate x --dry-run --json -o a.mp4
equal "seconds of the environment" "$(json made.out frames)" 8
made generate x --frames 9 --dry-run --json -o a.mp4
equal "frames of a flag" "$(json made.out frames)" 9
export LONGTAKE_FRAMES=3
refused 2 generate x --dry-run -o a.mp4
equal "lengths of the environment" "$(head -1 refused.err)" \
    "longtake: found 2 lengths in the environment, expected one: LONGTAKE_SECONDS LONGTAKE_FRAMES"
export LONGTAKE_SECONDS=long
refused 2 generate x --dry-run -o a.mp4
grep -q '^hint: it came from the environment, LONGTAKE_SECONDS' refused.err ||
    fail "environment: $(cat refused.err)"
unset LONGTAKE_SECONDS LONGTAKE_FRAMES

# So of the two that cut off the tail of a draw.
export LONGTAKE_TOP_K=5
made generate x --top-p 0.5 --frames 5 --dry-run --json
equal "--top-p beside the environment's top_k" \
    "$(json made.out settings top_k) $(json made.out settings top_p)" "0 0.5"
made generate x --frames 5 --dry-run --json
equal "top_k of the environment" "$(json made.out settings top_k)" 5
unset LONGTAKE_TOP_K

# What is in the environment for other commands does no harm.
export LONGTAKE_FIT=pad LONGTAKE_CODES=scene LONGTAKE_QUIET=1
made generate x --frames 5 --dry-run -o a.mp4
refused 3 info no_such_file
grep -q LONGTAKE refused.err &&
    fail "variables that have nothing to do with it are named: $(cat refused.err)"
unset LONGTAKE_FIT LONGTAKE_CODES LONGTAKE_QUIET

# What the environment asks for is named where it is refused.
export LONGTAKE_DEVICE=abacus
refused 2 generate x --frames 5 --dry-run -o a.mp4
equal "a device of the environment" "$(tail -1 refused.err)" \
    "hint: in the environment: LONGTAKE_DEVICE"
refused 2 generate x --frames 5 --dry-run -o a.mp4 --device harp
grep -q LONGTAKE_DEVICE refused.err && fail "what is not in force is named: $(cat refused.err)"
unset LONGTAKE_DEVICE

# And only where it can matter.
export LONGTAKE_THREADS=2
for line in "2 generate x -o a.jpeg" "3 encode no_such.mp4 -o a.lt" "3 info no_such_file" "2 generate x --image no_such.png --frames 0 -o a.mp4"; do
    refused $line
    grep -q LONGTAKE refused.err && fail "longtake $line: $(cat refused.err)"
done
"$PROGRAM" generate x --frames 5 -o a.mp4 --model nosuch >refused.out 2>refused.err
grep -q LONGTAKE refused.err && fail "a model that is not there: $(cat refused.err)"
export LONGTAKE_SECONDS=1
refused 2 generate x --dry-run --retake 12s-18s --retake-seed 1
equal "a short take" "$(tail -1 refused.err)" "hint: in the environment: LONGTAKE_SECONDS"
unset LONGTAKE_SECONDS LONGTAKE_THREADS
export LONGTAKE_MODEL=nosuch
"$PROGRAM" generate x --frames 5 -o a.mp4 >refused.out 2>refused.err
equal "a model of the environment" "$(tail -1 refused.err)" \
    "hint: in the environment: LONGTAKE_MODEL"
unset LONGTAKE_MODEL

# A prompt in words too; and how errors are told is heard of wherever it stands.
export LONGTAKE_PROMPT="a red ball"
made generate "a blue ball" --frames 5 --dry-run --json
equal "a prompt in words" "$(json made.out settings shots 0 prompt)" "a blue ball"
made generate --frames 5 --dry-run --json
equal "the environment's prompt" "$(json made.out settings shots 0 prompt)" "a red ball"
unset LONGTAKE_PROMPT
"$PROGRAM" generate --nosuch x --progress jsonl >refused.out 2>refused.err
grep -q '^{.*"event":"error","code":2' refused.err ||
    fail "an error before --progress: $(cat refused.err)"
refused 2 generate -p @ -o bad.mp4

export LONGTAKE_JSON=false
refused 2 generate x --dry-run -o a.mp4
equal "a switch of the environment" "$(head -n 1 refused.err)" \
    'longtake: --json: found "false", expected 0 or 1'
export LONGTAKE_JSON=0
made generate x --seconds 1 --dry-run -o a.mp4
[ "$(wc -l <made.out)" -gt 1 ] || fail "LONGTAKE_JSON=0 gives one line"
export LONGTAKE_JSON=1
made generate x --seconds 1 --dry-run -o a.mp4
equal "lines with LONGTAKE_JSON=1" "$(wc -l <made.out)" 1
unset LONGTAKE_JSON
export LONGTAKE_VERSION=1.0 # somebody's own
made generate x --seconds 1 --dry-run --json -o a.mp4
equal "LONGTAKE_VERSION" "$(json made.out command)" generate
unset LONGTAKE_VERSION

# More earlier segments than the language model has positions for are refused before a weight is
# read, by a run as by a plan of one; that counts the rows of the prompt at hand (2 of 16), so
# twenty others and one fit into 512 positions: 3 + 2 + 21 * 24.
positions() {
    grep -q "language model: $1 positions, the model has 512" refused.err ||
        fail "positions: $(cat refused.err)"
}
cp "$weights/spiece.model" empty/
for way in "-o a.lt" "--dry-run"; do
    refused 2 tokens a --seconds 60 --lm-context 64 $way
    positions "24 earlier segments and 2 prompt rows need 589"
    refused 2 tokens "a red ball" --seconds 60 --lm-context 20 $way
    positions "20 earlier segments and 9 prompt rows need 516"
done
made tokens a --seconds 60 --lm-context 20 --dry-run
MODEL=$weights
made tokens a --seconds 60 --lm-context 20 --max-memory 4G -o a.lt
MODEL=$PWD/empty
refused 2 tokens score a.lt -p "a red ball" --lm-context 20
positions "20 earlier segments and 9 prompt rows need 516"
rm empty/spiece.model a.lt
refused 2 tokens a --seconds 60 --lm-context 64 --dry-run
positions "24 earlier segments and 1 prompt rows need 588"

# Help, as everybody asks for it.
"$PROGRAM" -h >asked
"$PROGRAM" help >help
same asked help
"$PROGRAM" help help >help
same asked help
"$PROGRAM" generate -h >asked
"$PROGRAM" help generate >help
same asked help
finish
