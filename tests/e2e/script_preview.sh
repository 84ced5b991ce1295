#!/bin/sh
# Previews come while a window is refined, change no byte of the take, and give way to the window's
# own frames.
. "$(dirname "$0")/steps.sh"
mkdir windows

made generate "a red ball" --frames 25 --steps 6 -o plain.mp4
"$PROGRAM" generate "a red ball" --frames 25 --steps 6 --preview windows -o shown.mp4 -m "$MODEL" \
    --progress jsonl >made.out 2>events ||
    fail "preview: $(tail -1 events)"
same plain.mp4 shown.mp4
equal "files" "$(ls windows | tr '\n' ' ')" "window-000.mp4 window-001.mp4 "
equal "frames of window 1, its own" "$(of_video windows/window-001.mp4 nb_read_frames)" 8
previews=$(grep -c '"event":"preview"' events)
equal "previews: every second of six steps, and the window's own frames" \
    "$previews" $((2 * (3 + 1)))

# The latents alone: the preview stays, one picture a latent.
made tokens -p "a red ball" --frames 25 -o ball.lt
made generate "a red ball" --frames 9 --preview made/ -o made.mp4
[ -s made/window-000.mp4 ] || fail "no preview in a new folder: $(ls made)"
made generate "a red ball" --frames 9 --preview foreseen/ -o made.mp4 --dry-run
[ ! -e foreseen ] || fail "--dry-run makes the folder of previews"
made generate "a red ball" --frames 25 --keep-job -o kept.mp4
made generate "a red ball" --frames 25 --keep-job -o kept.mp4 --preview found/
[ -s found/window-001.mp4 ] || fail "no previews of windows that were there: $(ls found)"
made refine ball.lt --steps 6 --preview now.mp4 -o ball.latents
equal "pictures" "$(of_video now.mp4 nb_read_frames)" 5
equal "rate" "$(of_video now.mp4 r_frame_rate)" "2/1"

# spares MESSAGE ARGUMENTS...: no preview is written over what the take is made from or another file
# of its.
spares() {
    message=$1
    shift
    refused 2 "$@"
    equal "$*" "$(grep '^longtake: ' refused.err)" "longtake: $message, expected another file"
}
mkdir pd
cp plain.mp4 pd/window-000.mp4
cp plain.mp4 old.mp4
ln -s ../old.mp4 pd/window-001.mp4
spares "--preview: found pd/window-000.mp4, which this take is made from" continue \
    pd/window-000.mp4 --frames 5 -o bad.mp4 --preview pd
spares "--preview: found pd/window-000.mp4, the output" generate x --frames 9 \
    -o pd/window-000.mp4 --preview pd
spares "--preview: found pd/window-001.mp4, the output" generate x --frames 25 \
    -o old.mp4 --preview pd/
spares "--preview: found pd/window-001.mp4, which this take is made from" continue old.mp4 \
    --frames 25 -o bad.mp4 --preview pd
spares "--preview: found pd/../bad.mp4, the output" generate x --frames 9 -o bad.mp4 \
    --preview pd/../bad.mp4
spares "--preview: found bad.part.mp4, the output while it grows" generate x --frames 9 -o bad.mp4 \
    --preview bad.part.mp4
spares "--job: found bad.mp4, the output" generate x --frames 9 -o bad.mp4 --job bad.mp4
same plain.mp4 pd/window-000.mp4
same plain.mp4 old.mp4
rm pd/window-001.mp4
mkdir pd/window-001.mp4
refused 2 generate x --frames 25 --preview pd -o bad.mp4
made generate x --frames 9 --preview CAPITAL.MP4 -o made.mp4
[ -s CAPITAL.MP4 ] || fail "no preview in CAPITAL.MP4"
mkdir folder.mp4
made generate x --frames 9 --preview folder.mp4 -o made.mp4
equal "previews in a folder with the name of a file" "$(ls folder.mp4)" window-000.mp4

# The map to colours: an import writes it, a folder without it is served too, and says so in one
# line; results do not know of it.
cp -r "$RELEASE" release
"$PROGRAM" import release -o model --config "$SOURCE/configs/tiny.yaml" \
    --progress none 2>import.err ||
    fail "import: $(cat import.err)"
"$PROGRAM" info model >info.json
grep -q '"file": *"preview.safetensors"' info.json ||
    fail "info of a model does not name preview.safetensors"
"$PROGRAM" info model/preview.safetensors >info.json
equal "kind" "$(json info.json kind)" preview
vae=$(json info.json metadata vae)
MODEL=./model
# shown NAME: previews of the plan to NAME.mp4, the latents to NAME.latents, what was told to
# NAME.told.
shown() {
    "$PROGRAM" refine ball.lt --steps 6 --preview "$1.mp4" -o "$1.latents" -m ./model \
        --progress plain >made.out 2>"$1.told" ||
        fail "$1: $(cat "$1.told")"
}
made tokens -p "a red ball" --frames 25 -o ball.lt
shown own
grep -q "preview:" own.told && fail "told of a map that is there: $(grep preview: own.told)"
mv model/preview.safetensors kept
shown fitted
equal "lines about the missing map" \
    "$(grep -c "^preview: .*preview.safetensors is not there" fitted.told)" 1
same own.mp4 fitted.mp4
made import --preview-map
same model/preview.safetensors kept

# map_of VAE: a map that makes every latent red.
map_of() {
    header='{"__metadata__":{"format":"longtake-preview-1","vae":"'$1'"},"bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"weight":{"dtype":"F32","shape":[3,4],"data_offsets":[12,60]}}'
    {
        printf "\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header"
        printf '\0\0\177\103' # 255
        head -c 56 /dev/zero
    } >model/preview.safetensors
}
# mean Y, U, V of the first picture
colour() {
    ffmpeg -v error -i "$1" -frames:v 1 -vf "signalstats,metadata=print:file=-" -f null - |
        sed -n 's/^lavfi.signalstats.[YUV]AVG=//p' | paste -sd' '
}
map_of "$vae"
shown red
equal "a red map (BT.709: Y 63, U 102, V 240)" \
    "$(colour red.mp4 | awk '{ print ($1 > 60 && $1 < 66 && $2 > 99 && $2 < 105 && $3 > 236) }')" 1
same own.latents red.latents
made generate "a red ball" --frames 9 -o red_map.mp4
map_of 0123456789abcdef0123456789abcdef
shown other
equal "lines about the map of another VAE" "$(grep -c "^preview: .*is of another VAE" other.told)" 1
same own.mp4 other.mp4
rm model/preview.safetensors
made generate "a red ball" --frames 9 -o no_map.mp4
same red_map.mp4 no_map.mp4
echo rubbish >model/preview.safetensors
refused 3 refine ball.lt --preview now.mp4 -o bad.latents
grep -q "model/preview.safetensors: " refused.err || fail "no word of the file: $(cat refused.err)"
made generate "a red ball" --frames 9 -o unseen.mp4
same red_map.mp4 unseen.mp4
refused 2 import release --preview-map
"$PROGRAM" import --preview-map 2>refused.err
equal "a preview map of no model" "$? $(cat refused.err)" \
    "2 longtake: --preview-map: found no model, expected -m MODEL, which it is written into"
refused 2 import --preview-map -o out

refused 2 generate x --frames 9 --preview made.mp4/ -o bad.mp4
refused 2 generate x --frames 9 --preview nowhere/made/ -o bad.mp4
refused 2 generate x --frames 9 --preview nowhere -o bad.mp4
refused 2 generate x --frames 9 --preview a.png -o bad.mp4
refused 2 generate x --frames 9 --preview nowhere/now.mp4 -o bad.mp4
refused 2 generate x --frames 9 --preview bad.mp4 -o bad.mp4
[ -e shown.mp4.job ] && fail "a job folder is left: $(ls shown.mp4.job)"
[ -e bad.mp4 ] && fail "a refused command left a file"
finish
