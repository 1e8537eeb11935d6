"""`minicnn demo`: see in three minutes what this is about."""

import argparse
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_command, output_folder, seed
from minicnn.imaging.demo import run_demo

__all__ = ["add", "run"]

DETAILS = """\
Train two networks on scikit-image's photos and write before-and-after pictures of photos they never saw.

(a) CNNGenerator turns noisy 3x32x32 colour patches into the clean 28x28 grey picture of their centre.
(b) ResidualEditor learns to remove noise from photos of any size.

The folder gets report.md with PSNR and SSIM beside classical denoisers, the pictures, the loss curves and the
models. Takes at most three minutes on two cores. Needs the extras data and viz: pip install 'minicnn[data,viz]'.

example:
  minicnn demo --out runs/demo
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "demo", run, "train two small networks and show what they do", DETAILS)
    parser.add_argument(
        "--out", type=output_folder, default=Path("runs/demo"), metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument("--quick", action="store_true", help="train only a moment, to see that everything works")
    parser.add_argument("--seed", type=seed, metavar="N", default=0, help="the same seed gives the same pictures")


def run(options: argparse.Namespace) -> None:
    """Run it."""
    try:
        run_demo(options.out, quick=options.quick, seed=options.seed)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command begins anew") from None
