"""The command `minicnn`: train networks on photos, edit photos with them, see what is installed.

Each subcommand has a file with `add(commands)`, which declares its arguments, and `run(options)`. Here is what they
share: a user's mistake ends with one line and exit code 2, Ctrl-C with a line and 130, and no traceback in either case.
"""

import os
import sys
from collections.abc import Sequence

from minicnn.cli import bench, demo, edit, info, kernels, train
from minicnn.cli.arguments import Parser
from minicnn.errors import MiniCNNError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = Parser(
        prog="minicnn",
        description="Convolutional neural networks from scratch, for editing photos.",
        epilog="Begin with 'minicnn demo'; 'minicnn COMMAND --help' explains each command with examples.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (demo, train, edit, info, kernels, bench):
        module.add(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads us, as head does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as interrupt:
        print(f"\nminicnn {options.command}: {str(interrupt) or 'stopped'}", file=sys.stderr)
        return 130
    except MiniCNNError as error:
        message = str(error)
    except MemoryError as error:
        message = f"there is not enough memory ({str(error) or 'refused'}); take smaller pictures, patches or batches"
    except OSError as error:
        place = f" '{error.filename}'" if error.filename else ""
        message = f"{error.strerror or error}{place}; check the path, its permissions and the space that is left"
    else:
        return 0
    print(f"minicnn {options.command}: {message}", file=sys.stderr)
    return 2
