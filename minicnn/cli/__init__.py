"""The command `minicnn`: train networks on photos, edit photos, list the available kernels, measure kernels.

Each subcommand is a file with `add(commands)`, which declares its arguments, and `run(options)`, which may return an
exit code. The name of a subcommand has one word or two. `main` handles errors for all of them: a user's mistake prints
a line and gives exit code 2, Ctrl-C prints a line and gives 130. There is no traceback in these cases.
"""

import os
import sys
import warnings
from collections.abc import Sequence

from minicnn.cli import (
    bench,
    demo,
    edit,
    generate,
    info,
    kernels,
    page,
    train,
    train_generate,
    train_pix2pix,
    train_style,
)
from minicnn.cli.arguments import Parser
from minicnn.errors import MiniCNNError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = Parser(
        prog="minicnn",
        description="Convolutional neural networks from scratch, for editing and generating pictures.",
        epilog="Begin with 'minicnn demo'; 'minicnn COMMAND --help' explains each command with examples.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (
        demo,
        train,
        train_pix2pix,
        train_style,
        train_generate,
        edit,
        generate,
        page,
        info,
        kernels,
        bench,
    ):
        module.add(commands)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if " ".join(words[:2]) in commands.choices:
        words[:2] = [" ".join(words[:2])]
    options = parser.parse_args(words)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # about files: errors are enough
            code = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output, for example head, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as interrupt:
        print(f"\nminicnn {options.command}: {str(interrupt) or 'stopped'}", file=sys.stderr)
        return 130
    except MiniCNNError as error:
        message = str(error)
    except MemoryError as error:
        message = f"there is not enough memory ({str(error) or 'refused'}); use smaller images, patches or batches"
    except OSError as error:
        place = f" '{error.filename}'" if error.filename else ""
        message = f"{error.strerror or error}{place}; check the path, its permissions and the free space"
    else:
        return code or 0
    print(f"minicnn {options.command}: {message}", file=sys.stderr)
    return 2
