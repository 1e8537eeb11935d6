"""What the subcommands' arguments have in common."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from minicnn.errors import MiniCNNError
from minicnn.runtime.devices import CPU, Device

__all__ = ["Parser", "add_command", "add_device", "count", "output_folder", "positive", "seed"]


class Parser(argparse.ArgumentParser):
    """A parser that tells a mistake in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """End the program with exit code 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def add_command(commands: Any, name: str, run: Any, summary: str, details: str) -> argparse.ArgumentParser:
    """Declare a subcommand with its one-line summary and its longer help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


def add_device(parser: argparse.ArgumentParser) -> None:
    """Declare --device."""
    parser.add_argument(
        "--device",
        type=_device,
        metavar="NAME",
        default=CPU,
        help="where to compute: cpu, cuda, or cudasim, which runs the CUDA kernels slowly without a GPU (%(default)s)",
    )


def count(text: str) -> int:
    """Read a whole number above zero."""
    return _whole(text, 1)


def seed(text: str) -> int:
    """Read a whole number from zero up."""
    return _whole(text, 0)


def positive(text: str) -> float:
    """Read a number above zero."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return number


def output_folder(text: str) -> Path:
    """Read the name of a folder, which may be there or be created."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is a file; name a folder")
    return path


def _device(text: str) -> Device:
    try:
        return Device.named(text)
    except MiniCNNError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("device: ")) from error


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, got {text}")
    return number
