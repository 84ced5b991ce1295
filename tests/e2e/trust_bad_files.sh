#!/bin/sh
# Files that are damaged, cut off, of another kind, version or model: refused with the exit code,
# the file's name and the cause, quickly, and nothing is written. Files that are only unusual are
# read.
. "$(dirname "$0")/steps.sh"

# bad FILE CAUSE ARGUMENTS...: exit code 3 and a message that begins with the file and holds the
# cause (a pattern).
bad() {
    named=$1
    cause=$2
    shift 2
    began=$(date +%s%N)
    refused 3 "$@"
    took=$((($(date +%s%N) - began) / 1000000))
    tr '\n' ' ' <refused.err | grep -q -- "^longtake: [^ ]*$named.*$cause" ||
        fail "longtake $*: '$(cat refused.err)' says not: $named ... $cause"
    [ "$(grep -vc '^hint: \|^  ' refused.err)" -eq 1 ] ||
        fail "longtake $*: more than a line, a list and a hint: $(cat refused.err)"
    # a second, on a machine that does nothing else
    [ "$took" -lt 10000 ] || fail "longtake $*: took $took ms"
    [ -z "$(ls -d out.* 2>/dev/null | grep -v '\.job$\|\.part\.')" ] ||
        fail "longtake $*: $(ls -d out.*) is left"
    rm -rf out.* refused.out refused.err
}

# flip FILE AT: one byte becomes another.
flip() {
    printf '\377' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# cut FILE BYTES NEW
cut_off() {
    head -c "$2" "$1" >"$3"
}

bytes() {
    wc -c <"$1"
}

# ---- videos ----
film() {
    ffmpeg -v error -nostdin -y "$@" || fail "ffmpeg $*"
}
source="-f lavfi -i testsrc=size=64x48:rate=10:duration=2"
film $source -c:v libx264 -pix_fmt yuv420p -movflags +faststart good.mp4
film -f lavfi -i sine=duration=1 -c:a aac audio.mp4
cut_off good.mp4 40 head.mp4
cut_off good.mp4 $(($(bytes good.mp4) * 2 / 3)) half.mp4
film $source -c:v libx264 -pix_fmt yuv420p end.mp4
cut_off end.mp4 $(($(bytes end.mp4) / 2)) no_index.mp4
film $source -frames:v 0 -c:v libx264 -pix_fmt yuv420p zero.mp4 2>/dev/null
: >empty.mp4
head -c 5000 /dev/urandom >noise.mp4
echo "this is no video" >text.mp4
mkdir folder.mp4
made generate x --frames 9 -o whole.webp
cut_off whole.webp $(($(bytes whole.webp) / 2)) half.webp
bad half.webp "animated WebP, damaged or cut off after" info half.webp
bad half.webp "animated WebP, damaged or cut off after" encode half.webp -o out.lt
bad whole.webp "no pictures can be read" encode whole.webp -o out.lt
rm whole.webp half.webp
bad audio.mp4 "" encode audio.mp4 -o out.lt
for video in head half no_index zero empty noise text folder missing; do
    bad $video.mp4 "" encode $video.mp4 -o out.lt
done
rm -r folder.mp4

# read FILE: unusual, but a video.
read_video() {
    made encode "$1" -o read.lt
    rm -f read.lt
}
film $source -frames:v 1 -c:v libx264 -pix_fmt yuv420p one.mp4
film $source -c:v libx264 -pix_fmt yuv420p10le deep.mp4
# FFmpeg 7 has not the second way any more, 5.1 not yet the first.
if ffmpeg -h long 2>/dev/null | grep -q display_rotation; then
    film -display_rotation 90 -i good.mp4 -c copy turned.mp4
else
    film -i good.mp4 -c copy -metadata:s:v:0 rotate=90 turned.mp4
fi
film $source -vf "setpts='PTS+0.05*mod(N,3)/TB'" -fps_mode vfr -c:v libx264 \
    -pix_fmt yuv420p uneven.mp4
film -f lavfi -i testsrc=size=33x31:rate=10:duration=1 -c:v libx264 -pix_fmt yuv444p odd.mp4
film -f lavfi -i testsrc=size=16x2000:rate=5:duration=1 -c:v libx264 -pix_fmt yuv420p tall.mp4
printf 'rgb' >dot.rgb
film -f rawvideo -pix_fmt rgb24 -video_size 1x1 -i dot.rgb -c:v ffv1 -pix_fmt bgr0 dot.mkv
film -f lavfi -i testsrc=size=7680x4320:rate=1:duration=1 -frames:v 1 -c:v mjpeg \
    -pix_fmt yuvj420p huge.mkv
for video in good.mp4 one.mp4 deep.mp4 turned.mp4 uneven.mp4 odd.mp4 tall.mp4 dot.mkv huge.mkv; do
    read_video $video
done

# ---- token files ----
made tokens "a red ball" --seconds 4 -o good.lt
made tokens "a red ball" --seconds 4 -o good.npy
size=$(bytes good.lt)
for n in 0 1 7 8 100 $((size / 2)) $((size - 1)); do
    cut_off good.lt $n cut.lt
    bad cut.lt "" render cut.lt -p x -o out.mp4
done
for at in 0 3 7 8 20 60 100 150; do
    cp good.lt flipped.lt
    flip flipped.lt $at
    bad flipped.lt "" render flipped.lt -p x -o out.mp4
done
cp good.lt range.lt
flip range.lt $((size - 1))
bad range.lt "token .* expected 0 to 63" render range.lt -p x -o out.mp4
cp good.lt other.lt # one code is another
printf "\\$(printf %o $(($(od -An -t u1 -j $((size - 2)) -N 1 good.lt) ^ 1)))" |
    dd of=other.lt bs=1 seek=$((size - 2)) conv=notrunc 2>/dev/null
made render other.lt -o other.mp4
grep -q 'warning: other.lt: is not as it was written: its checksum' made.err ||
    fail "a changed code is rendered in silence: $(cat made.err)"
sed 's/longtake-tokens-1/longtake-tokens-9/' good.lt >version.lt
bad version.lt "longtake-tokens-9, expected longtake-tokens-1" render version.lt -p x -o out.mp4
cat good.lt good.lt >longer.lt
bad longer.lt "" render longer.lt -p x -o out.mp4
bad good.mp4 "" render good.mp4 -p x -o out.mp4
bad "$MODEL/ar_model.safetensors" "" render "$MODEL/ar_model.safetensors" -p x -o out.mp4
for n in 0 5 9 20 127 $(($(bytes good.npy) - 1)); do
    cut_off good.npy $n cut.npy
    bad cut.npy "" render cut.npy -p x -o out.mp4
done
cp good.npy range.npy
flip range.npy $(($(bytes good.npy) - 1))
bad range.npy "" render range.npy -p x -o out.mp4

# ---- latents ----
made refine good.lt -o good.latents
size=$(bytes good.latents)
for n in 0 4 8 200 $((size / 2)) $((size - 1)); do
    cut_off good.latents $n cut.latents
    bad cut.latents "" decode cut.latents -o out.mp4
done
for at in 0 5 7 8 20 100 300; do
    cp good.latents flipped.latents
    flip flipped.latents $at
    bad flipped.latents "" decode flipped.latents -o out.mp4
done
sed 's/longtake-latents-1/longtake-latents-7/' good.latents >version.latents
bad version.latents "longtake-latents-7, expected longtake-latents-1" decode \
    version.latents -o out.mp4
cp good.latents nan.latents
flip nan.latents $((size - 1))
flip nan.latents $((size - 2))
bad nan.latents "not finite" decode nan.latents -o out.mp4
sed 's/\\"steps\\":4/\\"steps\\":0/' good.latents >steps.latents
bad steps.latents "metadata" decode steps.latents -o out.mp4
bad good.lt "" decode good.lt -o out.mp4

# ---- configurations ----
config=$MODEL/config.yaml
head -c 700 "$config" >cut.yaml
bad cut.yaml "" generate x --seconds 1 --config cut.yaml -o out.mp4
sed 's/^  overlap: .*/  overlaps: 3/' "$config" >key.yaml
bad key.yaml ":[0-9]*:[0-9]*: unknown key" generate x --seconds 1 --config key.yaml -o out.mp4
sed 's/^  overlap: .*/  overlap: many/' "$config" >kind.yaml
bad kind.yaml ":[0-9]*:[0-9]*:" generate x --seconds 1 --config kind.yaml -o out.mp4
sed 's/^  overlap: .*/  overlap: 99/' "$config" >value.yaml
bad value.yaml "" generate x --seconds 1 --config value.yaml -o out.mp4
printf 'a: [1, 2\n' >broken.yaml
bad broken.yaml ":[0-9]*:[0-9]*:" generate x --seconds 1 --config broken.yaml -o out.mp4
printf 'a: &a [*a]\n' >loop.yaml
bad loop.yaml "" generate x --seconds 1 --config loop.yaml -o out.mp4
bad good.mp4 "" generate x --seconds 1 --config good.mp4 -o out.mp4
bad none.yaml "No such file" generate x --seconds 1 --config none.yaml -o out.mp4

# ---- models ----
# model: a fresh copy to damage.
model() {
    rm -rf model
    cp -r "$MODEL" model
}
for file in text_encoder ar_model tokenizer mmdit temporal_vae; do
    weights=$file.safetensors
    model
    rm model/$weights
    MODEL=./model bad model/$weights "No such file" generate x --seconds 1 -o out.mp4
    for n in 0 6 500 $(($(bytes "$MODEL/$weights") - 1)); do
        cut_off "$MODEL/$weights" $n model/$weights
        MODEL=./model bad model/$weights "" generate x --seconds 1 -o out.mp4
    done
    for at in 0 4 9 30; do
        cp "$MODEL/$weights" model/$weights
        flip model/$weights $at
        MODEL=./model bad model/$weights "" generate x --seconds 1 -o out.mp4
    done
    # Numbers that are none.
    begin=$((8 + $(od -An -t u8 -N 8 "$MODEL/$weights")))
    cp "$MODEL/$weights" model/$weights
    head -c 400 /dev/zero | tr '\0' '\377' |
        dd of=model/$weights bs=1 seek=$begin conv=notrunc 2>/dev/null
    MODEL=./model bad model/$weights "not finite" generate x --seconds 1 -o out.mp4
    # Weights of another network.
    other=mmdit
    [ $file = mmdit ] && other=tokenizer
    cp "$MODEL/$other.safetensors" model/$weights
    MODEL=./model bad model/$weights "is missing, expected" generate x --seconds 1 -o out.mp4
done
for n in 0 50 $(($(bytes "$MODEL/spiece.model") / 2)); do
    model
    cut_off "$MODEL/spiece.model" $n model/spiece.model
    MODEL=./model bad model/spiece.model "" generate x --seconds 1 -o out.mp4
done
model
head -c 3000 /dev/urandom >model/spiece.model
MODEL=./model bad model/spiece.model "" generate x --seconds 1 -o out.mp4
rm -r model

# A prompt beyond what the encoder reads is cut, as the release does, with a word of it.
long=$(head -c 3000 /dev/zero | tr '\0' 'w')
made generate "$long" --frames 1 -o long.mp4
grep -q 'prompt is longer than the' made.err ||
    fail "a long prompt is cut in silence: $(cat made.err)"

# No memory: an error, not a crash. Of the libraries that are loaded first, then of the program
# itself, just below what is enough. That x264 had no memory libav does not say: code 1.
unmet=0
# within KIB OUTPUT: is that enough?
within() {
    (
        ulimit -v "$1" &&
            longtake generate x --seconds 4 --threads 1 --device cpu -o "$2" >limit.out 2>limit.err
    )
    code=$?
    unlike=none
    case $code in
    0 | 5) ;;
    127) unlike='error while loading shared libraries' ;;
    1) unlike='error while loading shared libraries\|^longtake: video: .*external library' ;;
    *) fail "ulimit -v $1: exit code $code: $(cat limit.err)" ;;
    esac
    [ "$unlike" = none ] || grep -q "$unlike" limit.err ||
        fail "ulimit -v $1: exit code $code: $(cat limit.err)"
    [ $code -ne 5 ] || grep -q '^longtake: libav: ' limit.err || unmet=$((unmet + 1))
    [ $code -eq 0 ] || [ ! -e "$2" ] || fail "ulimit -v $1: $2 is there"
    rm -rf out.*
    [ $code -eq 0 ]
}
if ! sanitized; then
    for little in 60000 90000 120000 160000; do within $little out.mp4; done
    for output in out.mp4 out.y4m; do
        little=60000
        enough=8000000
        within $enough $output || fail "ulimit -v $enough, $output: $(cat limit.err)"
        while [ $((enough - little)) -gt 1000 ]; do
            middle=$(((little + enough) / 2))
            if within $middle $output; then enough=$middle; else little=$middle; fi
        done
        for step in 1 2 3 4 5 6 7 8; do
            within $((little - step * 2000)) $output
        done
        echo "$output: $enough KiB are enough"
    done
    [ $unmet -gt 0 ] || fail "no limit met memory of the program itself"
fi
finish
