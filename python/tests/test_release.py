"""A release becomes a model folder."""

import shutil
from pathlib import Path

import pytest

import longtake
from tiny import CONFIG, RELEASE


def dtypes_of(file):
    return {tensor["dtype"] for tensor in longtake.info(file)["tensors"]}


def test_import(imported, tmp_path):
    seen = []
    longtake.import_release(
        RELEASE,
        tmp_path / "small",
        config=CONFIG,
        dtype="bf16",
        quantize="q8",
        progress=seen.append,
    )
    assert dtypes_of(imported / "mmdit.safetensors") == {"f32"}
    assert dtypes_of(tmp_path / "small" / "mmdit.safetensors") == {"bf16", "f16", "q8"}
    steps = [event for event in seen if event.kind == "step"]
    assert [seen[0].kind, seen[-1].kind] == ["stage", "done"] and seen[0].stage == "import"
    assert [event.step for event in steps] == list(range(1, steps[-1].steps + 1)) and steps[
        0
    ].message.endswith(".safetensors")
    with longtake.Engine(tmp_path / "small") as engine:
        assert engine.video("a red ball", frames=9, steps=1).shape == (9, 64, 96, 3)

    def refused(code, **request):
        request = {"release": RELEASE, "output": tmp_path / "bad", "config": CONFIG, **request}
        with pytest.raises(longtake.LongtakeError) as caught:
            longtake.import_release(**request)
        assert caught.value.code == code

    refused(longtake.Status.USAGE, output=tmp_path / "small")
    refused(longtake.Status.USAGE, quantize="q3")
    refused(longtake.Status.USAGE, dtype="q8")
    refused(longtake.Status.INPUT, release=tmp_path / "none")
    refused(longtake.Status.INPUT, theia=tmp_path / "none")
    with pytest.raises(ZeroDivisionError):
        longtake.import_release(
            RELEASE, tmp_path / "bad", config=CONFIG, progress=lambda _event: 1 / 0
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]


def test_import_of_a_network_from_elsewhere(imported, tmp_path):
    shutil.copytree(RELEASE, tmp_path / "release")
    (tmp_path / "release" / "theiainstitute").rename(tmp_path / "elsewhere")
    (theia,) = (tmp_path / "elsewhere").iterdir()
    longtake.import_release(tmp_path / "release", tmp_path / "model", config=CONFIG, theia=theia)
    name = "tokenizer.safetensors"
    assert (tmp_path / "model" / name).read_bytes() == (imported / name).read_bytes()
    told = []
    longtake.import_release(
        tmp_path / "release", tmp_path / "without", config=CONFIG, progress=told.append
    )
    assert [event.kind for event in told if "holds no Theia" in (event.message or "")] == [
        "warning"
    ]
    assert (tmp_path / "without" / name).stat().st_size < (imported / name).stat().st_size


def test_preview_map(imported, tmp_path):
    shutil.copytree(imported, tmp_path / "model")
    kept = imported / "preview.safetensors"
    (tmp_path / "model" / "preview.safetensors").unlink()
    with longtake.Engine(tmp_path / "model") as engine:
        path = engine.write_preview_map()
        assert (
            path == str(tmp_path / "model" / "preview.safetensors")
            and Path(path).read_bytes() == kept.read_bytes()
        )
        (tmp_path / "model" / "temporal_vae.safetensors").unlink()
    with (
        longtake.Engine(tmp_path / "model") as engine,
        pytest.raises(longtake.LongtakeError) as caught,
    ):
        engine.write_preview_map()
    assert caught.value.code == longtake.Status.INPUT
