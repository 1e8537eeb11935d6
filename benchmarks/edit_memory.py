"""Measure time and peak memory of `minicnn edit` on a photo of 12 megapixels.

The limit is 2 GB. The photo is synthetic and the networks are untrained, with the default size; neither changes time or
memory. Each measurement runs in a new process. The peak is the system's maximum resident size of the process. A new
process inherits the peak of its parent, so another process writes the photo.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np

LIMIT = 2.0  # GB
CHILD = """
import resource, sys
from minicnn.cli import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


def write_photo(path: Path, width: int, height: int) -> None:
    """Write a JPEG with large shapes and fine noise."""
    from PIL import Image

    rng = np.random.default_rng(0)
    forms = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    pixels = np.asarray(forms.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    grain = rng.integers(-8, 9, pixels.shape, dtype=np.int16)
    Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)).save(path, quality=92)


def measure(scale: int, width: int, height: int) -> dict[str, float]:
    """Run `minicnn edit` once; return seconds (wall time) and peak GB."""
    import minicnn
    from minicnn.imaging.editing import save_editor
    from minicnn.models import ResidualEditor

    minicnn.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with get_context("spawn").Pool(1) as pool:
            pool.apply(write_photo, (folder / "photo.jpg", width, height))
        save_editor(folder / "model.safetensors", ResidualEditor(scale=scale))
        command = [sys.executable, "-c", CHILD, "edit", "model.safetensors", "photo.jpg", "--out", "edited"]
        start = time.perf_counter()
        run = subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        peak = int(run.stdout.split()[-1])
    return {"seconds": seconds, "gigabytes": peak * 1024 / 1e9}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=4000)
    parser.add_argument("--height", type=int, default=3000)
    parser.add_argument("--scale", type=int, help="one measurement, as JSON")
    options = parser.parse_args()
    if options.scale:
        print(json.dumps(measure(options.scale, options.width, options.height)))
        return
    print(f"minicnn edit, a JPEG of {options.width} x {options.height}, ResidualEditor of the default size:\n")
    print("| | seconds | peak memory |\n|---|---|---|")
    for scale in (1, 2):
        size = ("--width", str(options.width), "--height", str(options.height), "--scale", str(scale))
        run = subprocess.run([sys.executable, __file__, *size], check=True, capture_output=True)
        result = json.loads(run.stdout)
        title = "same size" if scale == 1 else f"enlarged x{scale}"
        print(f"| {title} | {result['seconds']:.0f} | {result['gigabytes']:.2f} GB |")
        if scale == 1 and result["gigabytes"] > LIMIT:
            sys.exit(f"more than {LIMIT} GB")


if __name__ == "__main__":
    main()
