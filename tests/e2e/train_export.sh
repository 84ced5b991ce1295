#!/bin/sh
# The shipped weights as the trainers know them, and exported again: the same files. Every file of
# train/ loads.
. "$(dirname "$0")/steps.sh"
with_shipped mmdit.safetensors
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
python=${PYTHON:-python3}
"$python" -c 'import torch, numpy, safetensors, sentencepiece, PIL, yaml' 2>python.err || {
    echo "skipped: $python: $(tail -n 1 python.err)"
    exit 77
}
train=$SOURCE/train
"$python" - "$train" >loaded.out 2>&1 <<'EOF' || fail "train/ does not load: $(cat loaded.out)"
import importlib, importlib.util, pathlib, sys
sys.path.insert(0, sys.argv[1])
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    if path.stem == "curves" and not importlib.util.find_spec("matplotlib"):
        continue
    importlib.import_module(path.stem)
EOF
"$python" "$train/restore.py" -m "$SOURCE/models/mini" --out out >restored.out 2>&1 ||
    fail "restore.py: $(cat restored.out)"
"$python" "$train/export.py" --out out --to model >exported.out 2>&1 ||
    fail "export.py: $(cat exported.out)"
for file in "$SOURCE"/models/mini/*.safetensors "$SOURCE"/models/mini/*.txt "$SOURCE"/models/mini/*.model; do
    case $file in */preview.safetensors) continue ;; esac
    same "model/${file##*/}" "$file"
done

# What was measured at another scale than the program's is not exported.
echo 1.25 >out/scale_factor.txt
"$python" "$train/export.py" --out out --to other >exported.out 2>&1 &&
    fail "export.py took another scale"
[ ! -e other ] || fail "export.py wrote something with another scale"
finish
