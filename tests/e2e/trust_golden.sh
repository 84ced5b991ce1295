#!/bin/sh
# Golden files that are damaged or make no sense: exit code 3 and a message that begins with the
# file's name; never a crash.
. "$(dirname "$0")/steps.sh"
golden=$SOURCE/tests/golden

# blames CAUSE: `longtake check bad.safetensors` must end with 3, one message, the file's name and
# the cause (a pattern).
blames() {
    refused 3 check bad.safetensors
    [ "$(grep -c '' refused.err)" -eq 1 ] || fail "$1: more than a line: $(cat refused.err)"
    grep -q -- "^longtake: bad.safetensors: .*$1" refused.err ||
        fail "$1: '$(cat refused.err)' does not blame the file"
}

# without FILE KEY: a copy of the golden file whose config lacks the key; blanks take its place, so
# that sizes stay.
without() {
    text=$(grep -ao "\\\\\"$2\\\\\": [-0-9.e]*, " "$golden/$1" || grep -ao ", \\\\\"$2\\\\\": [-0-9.e]*" "$golden/$1")
    pattern=$(printf '%s' "$text" | sed 's/[\\.]/\\&/g')
    LC_ALL=C sed "s/$pattern/$(printf '%*s' ${#text} '')/" "$golden/$1" >bad.safetensors
}

# Every key that a component reads must be there.
for file in ar.logits.short ar.sample.guided_top_p tokenizer.decode.partial tokenizer.quantize.ties vae.encode.thirteen vae.decode.five \
    mmdit.joint_block.long text.encode.short; do
    for key in vocab_size heads segment_frames micro_sinusoid codebook_size temporal_size head_width code_dim base_width groups \
        scale_factor mlp_width text_length d_kv; do
        grep -qa "\\\\\"$key\\\\\": " "$golden/$file.safetensors" || continue
        without $file.safetensors $key
        blames "'$key' is missing"
    done
done

# change FILE FROM TO: of the same length.
change() {
    LC_ALL=C sed "s/$2/$3/" "$golden/$1" >bad.safetensors
    cmp -s "$golden/$1" bad.safetensors && fail "$1: '$2' is not there"
}
change ar.sample.guided_top_p.safetensors '\\"temperature\\": 0.9' '\\"temperature\\": 0.0'
blames "temperature is 0"
change ar.logits.short.safetensors '\\"heads\\": 2' '\\"heads\\": 3'
blames "heads"
change ar.logits.short.safetensors 'micro_sinusoid\\": 32' 'micro_sinusoid\\": 31'
blames "'micro_sinusoid' is 31, expected an even number"
change vae.decode.five.safetensors '\\"groups\\": 32' '\\"groups\\": 33'
blames "groups"
change ar.logits.short.safetensors '"component":"ar.logits"' '"component":"ar.logitz"'
blames "ar.logitz"
change ar.logits.short.safetensors 'longtake-golden-1' 'longtake-golden-9'
blames "longtake-golden-1"
change ar.logits.short.safetensors '2.69e-06' 'nan     '
blames "bound.logits"
change ar.logits.short.safetensors 'out.logits"' 'out.log\\n1"'
blames ""

# Kinds of files that are none.
for kind in folder pipe loop zeros; do
    rm -rf bad.safetensors
    case $kind in
    folder) mkdir bad.safetensors ;;
    pipe) mkfifo bad.safetensors ;;
    loop) ln -s bad.safetensors bad.safetensors ;;
    zeros) ln -s /dev/zero bad.safetensors ;;
    esac
    blames ""
done
finish
