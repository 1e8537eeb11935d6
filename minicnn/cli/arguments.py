"""What the subcommands' arguments have in common."""

import argparse
from typing import Any

__all__ = ["add_command", "count", "positive"]


def add_command(commands: Any, name: str, run: Any, summary: str, details: str) -> argparse.ArgumentParser:
    """Declare a subcommand with its one-line summary and its longer help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


def count(text: str) -> int:
    """Read a whole number above zero."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return number


def positive(text: str) -> float:
    """Read a number above zero."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return number
