"""Puts the hand-written kernels of kernels/ into the package when it is built; everything else is in pyproject.toml."""

from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithKernels(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # an editable installation reads the checkout's own folder
            target = Path(self.build_lib) / "minicnn" / "kernels"
            copytree(Path(__file__).parent / "kernels", target, dirs_exist_ok=True, ignore=ignore_patterns("*.md"))


setup(cmdclass={"build_py": BuildWithKernels})
