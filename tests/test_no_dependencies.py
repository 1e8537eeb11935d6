"""Test that minicnn and all its modules can be imported with only the standard library and NumPy."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

PROGRAM = """
import sys

class NumPyAlone:
    '''Found first among the importers: everything else is as if it were not installed.'''

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {"minicnn", "numpy", *sys.stdlib_module_names}:
            raise ModuleNotFoundError(f"{name} is blocked in this test", name=name)

sys.meta_path.insert(0, NumPyAlone())
"""

IMPORT_ALL = """
import importlib, pkgutil, minicnn
for module in pkgutil.walk_packages(minicnn.__path__, "minicnn."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM + program], cwd=ROOT, capture_output=True, text=True)


def test_the_package_imports_with_numpy_alone():
    result = run("import minicnn, minicnn.nn, minicnn.nn.functional, minicnn.optim")
    assert result.returncode == 0, result.stderr


def test_every_module_imports_with_numpy_alone():
    result = run(IMPORT_ALL)
    assert result.returncode == 0, result.stderr
    assert {"minicnn.autograd.tensor", "minicnn.data", "minicnn.cli"} <= set(result.stdout.split())


def test_the_block_works():
    for name in ("PIL", "safetensors", "tqdm", "threadpoolctl", "skimage", "matplotlib", "cupy", "scipy"):
        assert f"ModuleNotFoundError: {name} is blocked" in run(f"import {name}").stderr
