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
