"""What pyproject.toml cannot say: a wheel built inside the source tree carries the library, the
configurations and the shipped model, so that it works in a fresh environment. Where the library is
not there, nothing is built, unless LONGTAKE_PURE_PYTHON=1 asks for a wheel without it."""

import os
import shutil
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

HERE = Path(__file__).resolve().parent
TREE = HERE.parent
LIBRARY = Path(os.environ.get("LONGTAKE_LIBRARY") or TREE / "build" / "liblongtake.so")
PURE = os.environ.get("LONGTAKE_PURE_PYTHON", "") not in ("", "0")


class CarryLibrary(build_py):
    def run(self):
        super().run()
        if PURE or self.editable_mode:
            return
        for needed in (LIBRARY, TREE / "configs"):
            if not needed.exists():
                raise SetupError(
                    f"{needed}: not there, expected a source tree with a build in build/ or its "
                    "library in LONGTAKE_LIBRARY; LONGTAKE_PURE_PYTHON=1 makes a wheel without the "
                    "library, the configurations and the model"
                )
        package = Path(self.build_lib) / "longtake"
        shutil.copyfile(LIBRARY, package / "liblongtake.so")
        shutil.copytree(
            TREE / "configs",
            package / "configs",
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("*.c", "*.h", "*.md"),
        )
        model = TREE / "models" / "mini"
        if model.is_dir():  # whole: its SHA256 names every file
            shutil.copytree(model, package / "models" / "mini", dirs_exist_ok=True)


class PerMachine(Distribution):
    def has_ext_modules(self):
        return not PURE


setup(cmdclass={"build_py": CarryLibrary}, distclass=PerMachine)
