"""The package of this tree, and what several files of tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture(scope="session")
def engine():
    import longtake
    from tiny import MODEL

    with longtake.Engine(MODEL) as opened:
        yield opened


@pytest.fixture(scope="session")
def imported(tmp_path_factory):
    """The tiny model's release as a model folder."""
    import longtake
    from tiny import CONFIG, RELEASE

    model = tmp_path_factory.mktemp("imported") / "model"
    longtake.import_release(RELEASE, model, config=CONFIG)
    return model
