"""Fixtures that run the command line in the test's process, and that make small folders of photos."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

import minicnn
from minicnn.cli import main
from minicnn.imaging.editing import save_editor
from minicnn.models import ResidualEditor

TINY = ("--width", "4", "--blocks", "1", "--patch", "8", "--batch-size", "2", "--steps", "3")


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run `minicnn ARGUMENTS` and return exit code, stdout and stderr."""

    def run(*arguments: Any) -> Result:
        capsys.readouterr()
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as end:  # argparse exits with SystemExit
            code = end.code
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def mistake(run: Callable[..., Result]) -> Callable[..., str]:
    """Run `minicnn ARGUMENTS`, assert exit code 2 and a single error line, and return the line."""

    def mistake(*arguments: Any) -> str:
        result = run(*arguments)
        assert result.code == 2
        assert result.err.count("\n") == 1
        assert result.err.startswith("minicnn")
        assert "Traceback" not in result.out
        return result.err.strip()

    return mistake


def photo(seed: int, height: int = 24, width: int = 32) -> Image.Image:
    """Return an image of large shapes in random colours."""
    rng = np.random.default_rng(seed)
    forms = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    return forms.resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def make_photos() -> Callable[..., Path]:
    """Fill a folder with `count` photos of a size, and return it."""

    def make(folder: Path, count: int = 6, height: int = 24, width: int = 32) -> Path:
        folder.mkdir(parents=True)
        for i in range(count):
            photo(i, height, width).save(folder / f"{i}.png")
        return folder

    return make


@pytest.fixture
def photos(tmp_path: Path, make_photos: Callable[..., Path]) -> Path:
    """A folder of six photos."""
    return make_photos(tmp_path / "photos")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file with a small untrained editor, which changes an image slightly."""
    minicnn.manual_seed(0)
    save_editor(tmp_path / "model.safetensors", ResidualEditor(width=4, blocks=1), task="denoise")
    return tmp_path / "model.safetensors"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Arguments of `minicnn train` for a very short training. It need not learn anything."""
    monkeypatch.setattr("minicnn.cli.train.exit_code", lambda options, learned: 0)
    return TINY
