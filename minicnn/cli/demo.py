"""`minicnn demo`: train two small networks in three minutes and write a report of the results."""

import argparse
from pathlib import Path
from typing import Any

from minicnn.cli.arguments import add_command, output_folder, seed
from minicnn.imaging.demo import run_demo

__all__ = ["add", "run"]

DETAILS = """\
Train two networks on scikit-image's photos, and show their results on photos that were not used for training.

(a) CNNGenerator maps noisy 3x32x32 colour patches to the clean 28x28 grey image of their centre.
(b) ResidualEditor learns to remove noise from photos of any size.

The folder gets report.md with PSNR and SSIM of the networks and of classical denoisers, the images, the loss curves and
the models. Takes at most three minutes on two cores. Needs the extras data and viz: pip install 'minicnn[data,viz]'.

example:
  minicnn demo --out runs/demo
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "demo", run, "train two small networks and show their results", DETAILS)
    parser.add_argument(
        "--out", type=output_folder, default=Path("runs/demo"), metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument("--quick", action="store_true", help="train only briefly, as a test that all parts work")
    parser.add_argument("--seed", type=seed, metavar="N", default=0, help="the same seed gives the same images")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    try:
        run_demo(options.out, quick=options.quick, seed=options.seed)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command starts from the beginning") from None
