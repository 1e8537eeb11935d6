"""Tests of the build: the compiler, the cache of built libraries, and the folder of the kernels."""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from minicnn.backends import build
from minicnn.backends.native import library
from minicnn.errors import KernelError

ROOT = Path(__file__).parents[2]
with_compiler = pytest.mark.skipif(bool(library.missing()), reason=library.missing())
FIND = "from minicnn.backends.build import kernel_folder; print(kernel_folder())"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "minicnn"


@pytest.fixture
def fresh_compiler():
    build.compiler.cache_clear()
    yield
    build.compiler.cache_clear()


def found_from(folder: Path, path: Path) -> Path:
    """Return the kernel folder that a new process finds if `path` is its package path."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    result = subprocess.run(
        [sys.executable, "-c", FIND], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return Path(result.stdout.strip())


def test_kernels_are_found_in_an_editable_installation_or_a_checkout(tmp_path):
    assert build.kernel_folder() == ROOT / "kernels"
    assert found_from(tmp_path, ROOT) == ROOT / "kernels"
    shutil.copytree(ROOT / "minicnn", tmp_path / "checkout" / "minicnn", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "kernels", tmp_path / "checkout" / "kernels")
    assert found_from(tmp_path, tmp_path / "checkout") == tmp_path / "checkout" / "kernels"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the content of a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    ignore = shutil.ignore_patterns(".git", ".venv*", "*.egg-info", "build", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, folder / "source", ignore=ignore)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), str(folder / "source")]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl") == bool(library.missing())
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.long
def test_kernels_are_found_in_a_wheel(installed, tmp_path):
    folder = found_from(tmp_path, installed)
    assert folder == installed / "minicnn" / "kernels"
    sources = {p.relative_to(ROOT / "kernels") for p in (ROOT / "kernels").rglob("*.[ch]*") if p.suffix != ".md"}
    assert {p.relative_to(folder) for p in folder.rglob("*.*") if p.suffix != ".so"} == sources


NATIVE = """
from pathlib import Path
read = Path.read_text
Path.read_text = lambda p, **kw: read(p, **kw).replace(*({change} if str(p) == "/proc/cpuinfo" else ("", "")))
import minicnn
x = minicnn.ones(100_000)
assert minicnn.relu(x).sum().item() == 100_000
print("native/one_step: taken" in minicnn.explain("relu", x))
"""


@with_compiler
@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="no /proc/cpuinfo")
@pytest.mark.parametrize(
    ("change", "taken"),
    [
        (("", ""), True),
        (("model name", "model name: another"), platform.machine() == "x86_64"),
        (("avx512f", "none"), platform.machine() == "x86_64"),
        (("avx2", "none"), platform.machine() != "x86_64"),
    ],
)
def test_a_wheel_brings_native_kernels_for_a_family_of_processors(installed, tmp_path, change, taken):
    """Without a compiler, the libraries of the wheel run. On other processors, NumPy runs without a warning."""
    environment = {name: value for name, value in os.environ.items() if name != "CXX"}
    environment |= {"PATH": "", "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", NATIVE.format(change=change)]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (result.stdout.strip(), result.stderr) == (str(taken), "")
    assert not list(tmp_path.rglob("*.so"))


@with_compiler
@pytest.mark.skipif(platform.machine() != "x86_64", reason="levels of x86-64")
def test_a_wheel_brings_each_level(installed):
    """For each level, the wheel has the files with the names that the loader computes."""
    code = """
import minicnn.backends.native
from minicnn.backends import build
from minicnn.backends.native import library
for level in library.LEVELS:
    library.target = lambda: level
    for source in library.Source.all:
        for real in ("float", "double"):
            name, text, flags, _ = source._build_arguments(real)
            assert f"-march={level}" in flags
            key = [__import__("sys").platform, __import__("platform").machine(), *flags, text]
            assert len(list((build.kernel_folder() / "built").glob(f"{build._digest(key)}-*.so"))) == 1, (level, name)
    library._pool_and_path.cache_clear()
    assert library._pool_path().parent == build.kernel_folder() / "built", level
"""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    subprocess.run([sys.executable, "-c", code], cwd=installed, env=environment, check=True)


def test_kernels_that_are_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "__file__", str(tmp_path / "minicnn" / "backends" / "build.py"))
    with pytest.raises(KernelError, match=r"kernels: found neither .*kernels; install minicnn again"):
        build.kernel_folder.__wrapped__()


@with_compiler
def test_a_library_is_built_once(cache, monkeypatch):
    text = 'extern "C" int answer() { return 42; }\n'
    first = build.shared_library("answer.cpp", text, ["-O1"])
    assert first.parent == cache
    monkeypatch.setattr(build.subprocess, "run", None)  # any compilation would fail now
    assert build.shared_library("answer.cpp", text, ["-O1"]) == first
    monkeypatch.undo()
    assert list(cache.iterdir()) == [first]  # no sources, no unfinished files


@with_compiler
@pytest.mark.parametrize("terminal", [True, False])
def test_a_person_is_told_once_why_the_first_call_takes_long(cache, monkeypatch, capsys, terminal):
    build._announce.cache_clear()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    for name in ("a", "b"):
        build.shared_library(f"{name}.cpp", f'extern "C" int {name}() {{ return 42; }}\n', ["-O1"])
    assert capsys.readouterr().err.count("minicnn: building kernels for this processor, only this once") == terminal


@with_compiler
def test_what_cannot_be_loaded_is_built_anew(cache, tmp_path, monkeypatch):
    text = 'extern "C" int answer() { return 42; }\n'
    build.shared_library("answer.cpp", text, ["-O1"]).write_bytes(b"half of it")
    library, path = build.loaded("answer.cpp", text, ["-O1"])
    assert (library.answer(), path.parent) == (42, cache)
    shipped = tmp_path / "built" / path.name  # from a wheel that needs a newer system
    shipped.parent.mkdir()
    shipped.write_bytes(b"unknown")
    monkeypatch.setattr(build, "kernel_folder", lambda: tmp_path)
    assert build.shared_library("answer.cpp", text, ["-O1"]) == shipped
    library, path = build.loaded("answer.cpp", text, ["-O1"])
    assert (library.answer(), path.parent) == (42, cache)
    assert shipped.exists()


@with_compiler
def test_source_flags_and_compiler_are_part_of_the_key(cache, monkeypatch):
    text = 'extern "C" int answer() { return 42; }\n'
    paths = {
        build.shared_library("a", text, ["-O1"]),
        build.shared_library("a", text, ["-O2"]),
        build.shared_library("a", text.replace("42", "43"), ["-O1"]),
    }
    program, version = build.compiler()
    monkeypatch.setattr(build, "compiler", lambda: (program, version + " of another day"))
    paths.add(build.shared_library("a", text, ["-O1"]))
    assert len(paths) == 4


@with_compiler
def test_a_source_that_is_refused_leaves_nothing(cache):
    with pytest.raises(KernelError, match=r"^wrong\.cpp: .* cannot compile it:\n(.|\n)*nonsense"):
        build.shared_library("wrong.cpp", "nonsense", [])
    assert list(cache.iterdir()) == []


def test_an_interrupt_leaves_nothing(cache):
    def interrupted(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build.cached(["key"], ".so", interrupted)
    assert list(cache.iterdir()) == []


def test_no_compiler(monkeypatch, fresh_compiler):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KernelError, match=r"no C\+\+ compiler was found \(\$CXX, g\+\+, c\+\+\); install one"):
        build.compiler()


def test_the_users_compiler_comes_first(monkeypatch, fresh_compiler, tmp_path):
    own = tmp_path / "own"
    own.write_text("#!/bin/sh\necho my compiler 1.0\n")
    own.chmod(0o755)
    monkeypatch.setenv("CXX", str(own))
    assert build.compiler() == (str(own), "my compiler 1.0")


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    folder = build.cache_folder()
    assert folder.is_dir()
    assert tmp_path not in folder.parents
    assert build.cache_folder() == folder


def test_headers_are_put_in_once_and_lines_keep_their_numbers(tmp_path):
    (tmp_path / "a.cuh").write_text("#pragma once\nint a;\n")
    (tmp_path / "b.cuh").write_text('#pragma once\n#include "a.cuh"\nint b;\n')
    (tmp_path / "k.cu").write_text('#include "a.cuh"\n#include "b.cuh"\nint k;\n')
    text = build.flattened(tmp_path / "k.cu")
    assert text.count("int a;") == text.count("int b;") == text.count("int k;") == 1
    assert "#pragma once" not in text
    assert '#line 3 "k.cu"\nint k;' in text
    assert '#line 3 "b.cuh"\nint b;' in text


def test_headers_of_the_project_are_found_from_anywhere_and_others_are_missed(tmp_path):
    (tmp_path / "k.cu").write_text('#include "common.cuh"\nint k;\n')
    assert "struct alignas(16) Vec4" in build.flattened(tmp_path / "k.cu")
    (tmp_path / "k.cu").write_text('int k;\n#include "nothing.cuh"\n')
    with pytest.raises(KernelError, match=r"^k\.cu:2: nothing\.cuh is neither here nor in .*cuda$"):
        build.flattened(tmp_path / "k.cu")


def test_a_compiler_may_speak_any_encoding(monkeypatch, fresh_compiler, tmp_path):
    own = tmp_path / "own"
    own.write_bytes(b"#!/bin/sh\nprintf '\\377 compiler\\n'\n")
    own.chmod(0o755)
    monkeypatch.setenv("CXX", str(own))
    assert build.compiler() == (str(own), "\ufffd compiler")
