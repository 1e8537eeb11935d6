"""Runs the command line for `python -m minicnn.cli`."""

import sys

from minicnn.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
