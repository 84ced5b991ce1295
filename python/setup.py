"""What pyproject.toml cannot say: a wheel built inside the source tree carries the library, the
configurations and the shipped model, where they are there, so that it works in a fresh
environment."""

import shutil
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

TREE = Path(__file__).resolve().parent.parent
LIBRARY = TREE / "build" / "liblongtake.so"


class CarryLibrary(build_py):
    def run(self):
        super().run()
        package = Path(self.build_lib) / "longtake"
        if LIBRARY.exists() and not self.editable_mode:
            shutil.copyfile(LIBRARY, package / LIBRARY.name)
            for folder in ("configs", "models/mini"):
                if (TREE / folder).is_dir():
                    shutil.copytree(
                        TREE / folder,
                        package / folder,
                        dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.c", "*.h", "*.md"),
                    )


class PerMachine(Distribution):
    def has_ext_modules(self):
        return LIBRARY.exists()


setup(cmdclass={"build_py": CarryLibrary}, distclass=PerMachine)
