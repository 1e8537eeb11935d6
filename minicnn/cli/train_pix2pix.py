"""`minicnn train pix2pix`: train a network on pairs of pictures, against a discriminator.

`train.py` has the arguments, and writes the results. `imaging/pix2pix.py` trains.
"""

import argparse
from pathlib import Path
from types import MappingProxyType
from typing import Any

from minicnn.cli.arguments import add_command
from minicnn.cli.train import Method, add_network, exit_code, train
from minicnn.cli.training import add_settings
from minicnn.errors import DataError
from minicnn.imaging import pix2pix
from minicnn.imaging.tasks import PatchRecipe, Task
from minicnn.models import EditingUNet, PatchDiscriminator

__all__ = ["add", "run"]

DETAILS = """\
Train a network on two folders of images with the same names: the inputs, and the targets that it learns to produce.
A second network, the discriminator, learns to tell results from targets, and the first one learns to deceive it
(pix2pix, Isola et al. 2017). Choose it where an input has many possible targets, for example to make photos from
drawings: 'minicnn train --inputs DIR --targets DIR' then gives their blurred mean, and this command gives sharp
pictures. Their details are made up. For faithful restoration, use 'minicnn train'.

The folder --out gets the same files as that of 'minicnn train'. After Ctrl-C there is a checkpoint; the same command
with --resume continues from it. The last network is kept, because a sharp result has larger errors than a blurred one:
look at samples/, and train longer if they still improve.

examples:
  minicnn train pix2pix --inputs drawings --targets photos --out runs/drawings
  minicnn train pix2pix --inputs day --targets night --minutes 30 --out runs/night
  minicnn edit runs/night/model.safetensors street.jpg
"""
TASK = Task(
    "pix2pix",
    "learn from pairs, against a discriminator",
    lambda clean, rng: (clean, clean),
    network=EditingUNet,
    arguments=MappingProxyType({"levels": 3}),
    recipe=PatchRecipe(batch_size=4, patch=64, learning_rate=5e-4),  # with 1e-3 the loss has spikes
)
METHOD = Method(
    pix2pix.trainer_for,
    pix2pix.fit,
    MappingProxyType({"L1": "l1", "generator": "generator", "discriminator": "discriminator"}),
)


def add(commands: Any) -> None:
    """Declare the command."""
    parser = add_command(commands, "train pix2pix", run, "train a network on pairs, against a discriminator", DETAILS)
    parser.add_argument("--inputs", type=Path, required=True, metavar="DIR", help="folder of inputs")
    parser.add_argument("--targets", type=Path, required=True, metavar="DIR", help="folder of targets, same names")
    add_settings(parser, TASK.recipe)
    add_network(parser, TASK.network)


def run(options: argparse.Namespace) -> int:
    """Run the command; errors as in `train`. Return 1 if the network has learned nothing, otherwise 0."""
    smallest = PatchDiscriminator().smallest
    if options.patch is not None and options.patch < smallest:
        raise DataError(f"--patch: the discriminator needs at least {smallest} pixels a side, got {options.patch}")
    model, inputs = train(options, TASK, METHOD)
    pairs: Any = inputs.held_out or inputs.patches.images
    noun = "held-out" if inputs.held_out else "training"
    before, after = pix2pix.absolute_errors(model, pairs)
    print(f"mean absolute error of {len(pairs)} {noun} images: {before:.4f} before, {after:.4f} edited")
    return exit_code(options, learned=after < before)
