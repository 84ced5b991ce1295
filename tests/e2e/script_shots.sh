#!/bin/sh
# Settings of one shot: each changes the film from its shot on and nothing before, is the same said of the shot or of the take, and
# comes back from the file.
. "$(dirname "$0")/steps.sh"

# Segments of the tiny model are 5 semantic frames (20 frames); windows begin at frames 0, 17, 25, 33, ... The second shot is in the
# plan from frame 20 on, in the pictures from window 2 on, and windows 0 and 1 end at frame 24.
# film NAME TAKE FIRST SECOND: settings of the take and of both shots.
film() {
    cat >"$1.yaml" <<END
take: {frames: 57, steps: 2, top_k: 0, temperature: 2${2:+, $2}}
shots:
  - {prompt: "a red ball"${3:+, $3}}
  - {at: 20f, prompt: "a blue ball"${4:+, $4}}
END
    made run "$1.yaml" -o "$1.mp4"
    ffmpeg -v error -i "$1.mp4" -pix_fmt yuv420p -f rawvideo -y "$1.raw"
    head -c $((17 * 96 * 64 * 3 / 2)) "$1.raw" >"$1.head"
}
film plain "" "" ""
for setting in "motion: 0 10" "seed: 5 6" "lm_cfg: 1 3" "lm_cfg: 4 0" "shot_cfg: 0 4" "cfg_scale: 1 5"; do
    set -- $setting
    film own "$1 $2" "" "$1 $3"
    case $1 in
    shot_cfg:) film other "$1 $3" "" "" ;; # the change to the second shot is the only one
    *) film other "$1 $3" "$1 $2" "" ;;
    esac
    film take "$1 $2" "" ""
    same own.raw other.raw
    same own.head take.head
    cmp -s own.raw take.raw && fail "$setting: the second shot's own value changes nothing"
    made generate --recipe own.mp4 -o again.mp4
    same own.mp4 again.mp4
done
# A setting that is not the plan's own leaves the plan as it is.
film own "" "" "cfg_scale: 9"
"$PROGRAM" info own.mp4 --json >own.json
"$PROGRAM" info plain.mp4 --json >plain.json
equal "codes of the plan" "$(grep -o '"tokens":\[[^]]*\]' own.json)" "$(grep -o '"tokens":\[[^]]*\]' plain.json)"

printf 'shots:\n  - {prompt: a, shot_cfg: 2}\n  - {at: 1s, prompt: b}\n' >first.yaml
refused 3 run first.yaml --seconds 2 -o bad.mp4
grep -q "first.yaml:2:5: the first shot has a 'shot_cfg'" refused.err || fail "first.yaml: $(cat refused.err)"
printf 'shots:\n  - {prompt: a}\n  - {at: 1s, prompt: b, lm_cfg: 101}\n' >range.yaml
refused 3 run range.yaml --seconds 2 -o bad.mp4
grep -q "range.yaml:3:33: 'lm_cfg' is 101, expected 0 to 100" refused.err || fail "range.yaml: $(cat refused.err)"
finish
