#!/bin/sh
# What cmake --install puts somewhere works there: the program finds its data, a customer finds the
# library.
. "$(dirname "$0")/steps.sh"

cmake --install "$BUILD" --prefix "$work/usr" >install.out 2>&1 ||
    fail "install: $(tail -3 install.out)"
for file in bin/longtake include/longtake.h share/longtake/configs/landiff.yaml share/longtake/configs/mini.yaml \
            share/man/man1/longtake.1 share/bash-completion/completions/longtake \
            share/zsh/site-functions/_longtake \
            share/fish/vendor_completions.d/longtake.fish; do
    [ -e "usr/$file" ] || fail "$file is not there"
done
# Of the models the one that ships, whole, and none that lies beside it.
equal "models" "$(ls usr/share/longtake/models)" mini
(cd usr/share/longtake/models/mini && sha256sum --quiet -c SHA256) || fail "models/mini is not whole"
cp -r "$MODEL" usr/share/longtake/models/small
usr/bin/longtake generate "a red ball" --seconds 2 -o take.mp4 --model small \
    --progress none >out 2>err ||
    fail "$(cat err)"
equal "frames" "$(of_video take.mp4 nb_read_frames)" 16
usr/bin/longtake generate x --seconds 2 -o x.mp4 --model landiff --dry-run --json >out 2>err ||
    fail "landiff: $(cat err)"

pc=$(dirname "$(find usr -name longtake.pc)")
flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs longtake) ||
    fail "pkg-config does not know longtake"
"$CC" -std=c11 "$SOURCE/examples/minimal_generate.c" $flags -o customer ||
    fail "a customer does not build"
LD_LIBRARY_PATH=$(dirname "$pc") ./customer small "a red ball" 2 mine.mp4 >out 2>err ||
    fail "customer: $(cat err)"
same take.mp4 mine.mp4

# The same with the static library, whose data lies where the program's does.
flags=$(PKG_CONFIG_PATH=$pc pkg-config --static --cflags --libs longtake | sed 's/-llongtake/-l:liblongtake.a/') ||
    fail "pkg-config --static"
"$CC" -std=c11 "$SOURCE/examples/minimal_generate.c" $flags -o usr/bin/alone ||
    fail "a customer of the static library does not build"
usr/bin/alone small "a red ball" 2 alone.mp4 >out 2>err || fail "static customer: $(cat err)"
same take.mp4 alone.mp4

# Both libraries show what longtake.h declares and nothing else.
names() {
    nm "$@" | awk 'NF == 3 { print $3 }' | sed 's/@.*//' | sort
}
names -g --defined-only "$(find usr -name liblongtake.a)" >static.txt
names -D --defined-only "$(find usr -name liblongtake.so)" | grep -v '^LONGTAKE_' >shared.txt
same static.txt shared.txt
equal "other names" "$(grep -v '^longtake_' static.txt)" ""
finish
