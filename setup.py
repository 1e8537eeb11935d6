"""Puts the hand-written kernels of kernels/ into the package when it is built; everything else is in pyproject.toml.

Where there is a C++ compiler, a wheel carries the native kernels ready to run: on x86-64 for processors with AVX2 or
AVX-512 (minicnn/backends/native/library.py), elsewhere for processors of the same model. Without a compiler, it carries
their source alone.
"""

import subprocess
import sys
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

BUILD_ALL = """
import sys
import minicnn.backends.native
from minicnn.backends.native import library
levels = list(library.LEVELS) if library.target() in library.LEVELS else [library.target()]
level = levels[int(sys.argv[1])] if int(sys.argv[1]) < len(levels) else sys.exit()
library.target = lambda: level
library._pool_and_path.cache_clear()  # the import above has loaded the thread pool of this processor's level
print(*library.build_all(), sep="\\n")
"""


class BuildWithKernels(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # an editable installation reads the checkout's own folder
            target = Path(self.build_lib) / "minicnn" / "kernels"
            copytree(Path(__file__).parent / "kernels", target, dirs_exist_ok=True, ignore=ignore_patterns("*.md"))
            (target / "built").mkdir(exist_ok=True)
            for level in ("0", "1"):  # in a process of its own: the first level is loaded with the thread pool
                command = [sys.executable, "-c", BUILD_ALL, level]
                found = subprocess.run(command, cwd=self.build_lib, stdout=subprocess.PIPE, text=True, check=False)
                for library in found.stdout.split() if found.returncode == 0 else ():
                    if not (target / "built" / Path(library).name).exists():
                        copy(library, target / "built")


class WheelOfAPlatform(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        self.root_is_pure = not any(Path(self.bdist_dir).glob("minicnn/kernels/built/*"))
        return ("py3", "none", "any" if self.root_is_pure else super().get_tag()[2])


setup(cmdclass={"bdist_wheel": WheelOfAPlatform, "build_py": BuildWithKernels})
