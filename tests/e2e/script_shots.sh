#!/bin/sh
# Settings of one shot: each changes the film from its shot on and nothing before, is the same said
# of the shot or of the take, and comes back from the file.
. "$(dirname "$0")/steps.sh"

# Segments of the tiny model are 5 semantic frames (20 frames); windows begin at frames 0, 17, 25,
# 33, ... The second shot is in the plan from frame 20 on, in the pictures from window 2 on, and
# windows 0 and 1 end at frame 24.
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
equal "codes of the plan" "$(grep -o '"tokens":\[[^]]*\]' own.json)" \
    "$(grep -o '"tokens":\[[^]]*\]' plain.json)"

printf 'shots:\n  - {prompt: a, shot_cfg: 2}\n  - {at: 1s, prompt: b}\n' >first.yaml
refused 3 run first.yaml --seconds 2 -o bad.mp4
grep -q "first.yaml:2:5: the first shot has a 'shot_cfg'" refused.err ||
    fail "first.yaml: $(cat refused.err)"
printf 'shots:\n  - {prompt: a}\n  - {at: 1s, prompt: b, lm_cfg: 101}\n' >range.yaml
refused 3 run range.yaml --seconds 2 -o bad.mp4
grep -q "range.yaml:3:33: 'lm_cfg' is 101, expected 0 to 100" refused.err ||
    fail "range.yaml: $(cat refused.err)"

# What a shot tells is spread over it, as a prompt's events over its take, where the model spreads
# events; its plan reaches over them.
made tokens -p "a blue cube" --frames 57 -o cube.lt
cat >told.yaml <<'END'
take: {frames: 140, steps: 1, top_k: 0, temperature: 2}
shots:
  - {prompt: "a red ball, then it turns blue"}
  - {at: 60f, prompt: "a cube, then a star appears, then it rains", seed: 5, cfg_scale: 2, plan: cube.lt}
END
cat >by_hand.yaml <<'END'
take: {frames: 140, steps: 1, top_k: 0, temperature: 2}
shots:
  - {prompt: "a red ball"}
  - {at: 30f, prompt: "a red ball, then it turns blue", shot_cfg: 0}
  - {at: 60f, prompt: "a cube", seed: 5, cfg_scale: 2}
  - {at: 86f, prompt: "a cube, then a star appears", seed: 5, cfg_scale: 2, shot_cfg: 0}
  - {at: 113f, prompt: "a cube, then a star appears, then it rains", seed: 5, cfg_scale: 2, shot_cfg: 0}
END
spread="--set pipeline.events=spread"
made run told.yaml --dry-run --json $spread
equal "shots of a dry run" "$(grep -o '"plan_from_frame"' made.out | wc -l)" 5
made run told.yaml $spread --job job -o told.mp4
made run told.yaml -o whole.mp4 # a model that takes a prompt as one text
"$PROGRAM" info told.mp4 --json >told.json
"$PROGRAM" info whole.mp4 --json >whole.json
"$PROGRAM" info cube.lt --json >cube.json
equal "shots of one text each" "$(grep -o '"at_frame"' whole.json | wc -l)" 2
for shot in "0 0 a red ball" "1 30 a red ball, then it turns blue" "2 60 a cube" "3 86 a cube, then a star appears" \
    "4 113 a cube, then a star appears, then it rains"; do
    index=${shot%% *} rest=${shot#* }
    equal "shot $index: frame" \
        "$(json told.json about settings shots "$index" at_frame)" "${rest%% *}"
    equal "shot $index: prompt" \
        "$(json told.json about settings shots "$index" prompt)" "${rest#* }"
done
# Segments are 14 codes: that of frame 60 is the fourth, that of frame 86 the sixth, in which the
# third of the plan's is.
for i in 0 13 14 27 28 41; do
    equal "code $i of the plan" "$(json told.json about tokens $((42 + i)))" \
        "$(json cube.json segments $((i / 14)) tokens $((i % 14)))"
done
sed 's/, plan: cube.lt//' told.yaml >no_plan.yaml
made run no_plan.yaml $spread -o no_plan.y4m
made run by_hand.yaml -o by_hand.y4m
same no_plan.y4m by_hand.y4m
# Its shots are told already: a recipe is not spread a second time, nor is a retake.
for way in "" "$spread"; do
    made generate --recipe told.mp4 $way -o again.mp4
    same told.mp4 again.mp4
    made generate --recipe told.mp4 --retake 3 --retake-seed 9 $way -o "retake$way.mp4"
done
same retake.mp4 "retake$spread.mp4"
cmp -s retake.mp4 told.mp4 && fail "a retake changes nothing"
made run told.yaml $spread --job job -o gone_on.mp4
same told.mp4 gone_on.mp4
finish
