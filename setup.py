"""Puts the hand-written kernels of kernels/ into the package when it is built; everything else is in pyproject.toml.

Where there is a C++ compiler, a wheel carries the native kernels ready to run; they are taken on processors of the same
model (minicnn/backends/build.py). Elsewhere, or without a compiler, it carries their source alone.
"""

import subprocess
import sys
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

BUILD_ALL = """
import minicnn.backends.native
from minicnn.backends.native.library import build_all
print(*build_all(), sep="\\n")
"""


class BuildWithKernels(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # an editable installation reads the checkout's own folder
            target = Path(self.build_lib) / "minicnn" / "kernels"
            copytree(Path(__file__).parent / "kernels", target, dirs_exist_ok=True, ignore=ignore_patterns("*.md"))
            command = [sys.executable, "-c", BUILD_ALL]
            found = subprocess.run(command, cwd=self.build_lib, stdout=subprocess.PIPE, text=True, check=False)
            (target / "built").mkdir(exist_ok=True)
            for library in found.stdout.split() if found.returncode == 0 else ():
                if not (target / "built" / Path(library).name).exists():
                    copy(library, target / "built")


class WheelOfAPlatform(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        self.root_is_pure = not any(Path(self.bdist_dir).glob("minicnn/kernels/built/*"))
        return ("py3", "none", "any" if self.root_is_pure else super().get_tag()[2])


setup(cmdclass={"bdist_wheel": WheelOfAPlatform, "build_py": BuildWithKernels})
