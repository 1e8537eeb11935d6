"""The parser and the argument types that the subcommands share.

`count`, `seed`, `positive`, `fraction`, `quality` and `output_folder` convert and check the text of an argument, for
argparse's `type=`.
"""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from minicnn.errors import MiniCNNError
from minicnn.runtime.devices import CPU, Device

__all__ = ["Parser", "add_command", "add_device", "count", "fraction", "output_folder", "positive", "quality", "seed"]


class Parser(argparse.ArgumentParser):
    """A parser that prints a single line for a mistake, without the usage text."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with code 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def add_command(commands: Any, name: str, run: Any, summary: str, details: str) -> argparse.ArgumentParser:
    """Declare a subcommand with a summary and a longer help text, and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the argument --device to a parser."""
    parser.add_argument(
        "--device",
        type=_device,
        metavar="NAME",
        default=CPU,
        help="cpu, cuda, or cudasim, which runs the CUDA kernels slowly without a GPU (%(default)s)",
    )


def count(text: str) -> int:
    """Convert a text to an integer >= 1."""
    return _integer(text, 1)


def quality(text: str) -> int:
    """Convert a text to an integer from 1 to 100."""
    number = _integer(text, 1)
    if number > 100:
        raise argparse.ArgumentTypeError(f"must be at most 100, got {text}")
    return number


def seed(text: str) -> int:
    """Convert a text to an integer >= 0."""
    return _integer(text, 0)


def positive(text: str) -> float:
    """Convert a text to a positive, finite float."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return number


def fraction(text: str) -> float:
    """Convert a text to a float in [0, 1]."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text}")
    return number


def output_folder(text: str) -> Path:
    """Convert a text to the path of a folder, which need not exist."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is a file; name a folder")
    return path


def _device(text: str) -> Device:
    try:
        return Device.named(text)
    except MiniCNNError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("device: ")) from error


def _integer(text: str, minimum: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = minimum - 1
    if number < minimum:
        raise argparse.ArgumentTypeError(f"must be an integer of at least {minimum}, got {text}")
    return number
