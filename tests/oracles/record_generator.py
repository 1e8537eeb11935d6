"""Record the losses of generator_listing.py with PyTorch 2.13 in generator_losses.json. Run by hand; needs torch."""

import json
from pathlib import Path

import torch
from generator_listing import train
from generator_problem import EPOCHS, problem

torch.set_num_threads(1)
losses = train(*problem(), EPOCHS)
Path(__file__).with_name("generator_losses.json").write_text(json.dumps(losses, indent=0) + "\n")
print(losses[0], losses[-1])
