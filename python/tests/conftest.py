import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture(scope="session")
def engine():
    import longtake

    with longtake.Engine(os.environ["MODEL"]) as opened:
        yield opened


@pytest.fixture(scope="session")
def imported(tmp_path_factory):
    """The tiny model's release, which its maker leaves beside it, as a model folder."""
    import longtake

    release = Path(os.environ["MODEL"]).parent / "release"
    model = tmp_path_factory.mktemp("imported") / "model"
    longtake.import_release(
        release, model, config=Path(__file__).resolve().parents[2] / "configs" / "tiny.yaml"
    )
    return model
