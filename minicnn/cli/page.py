"""`minicnn page`: edit photos on a page in the browser."""

import argparse
import webbrowser
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_command, add_device, seed
from minicnn.errors import DataError
from minicnn.imaging.editing import load_editor, trained_models

__all__ = ["add", "run"]

DETAILS = """\
Open a page in the browser to edit photos without a terminal: drop a photo, choose a model, paint a mask, compare before
and after, and save the result at full quality.

The page is served to this computer alone (127.0.0.1), at an address with a random word. Nothing leaves the computer.
All photos are removed when the command ends (Ctrl-C).

examples:
  minicnn page
  minicnn page runs/demo/denoiser.safetensors
  minicnn page models/*.safetensors --no-browser
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "page", run, "edit photos on a page in the browser", DETAILS)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: all trained models")
    parser.add_argument("--port", type=seed, default=0, metavar="N", help="default: a free port")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command until Ctrl-C.

    Raises
    ------
    CheckpointError
        If a model cannot be loaded.
    DataError
        If two models have the same name, or the port is in use.
    """
    from minicnn.page import PageServer

    names = options.models or list(trained_models())
    models = {_name(Path(name)): load_editor(name, options.device) for name in names}
    if not models:
        raise DataError("no trained models come with this installation; name a .safetensors file")
    if len(models) < len(names):
        raise DataError("two models have the same name; rename one of them")
    try:
        server = PageServer(models, options.port)
    except (OSError, OverflowError) as error:
        raise DataError(f"--port: {options.port} cannot be used ({error}); leave it out for a free port") from error
    with server:
        print(f"{server.url}\nopen this address in a browser; Ctrl-C ends the page", flush=True)
        if not options.no_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            raise KeyboardInterrupt("the page is closed") from None


def _name(path: Path) -> str:
    """Return a short name: the file's, or its folder's if the file is called model."""
    return path.resolve().parent.name if path.stem == "model" else path.stem
