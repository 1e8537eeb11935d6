"""Get pictures of emoji, to train a generator: `python -m recipes.emoji FOLDER`.

They come from two packages of npm (needs the command npm; the packages have 140 MB):

    emoji-datasource-google    Noto Emoji, Google, Apache License 2.0
    emoji-datasource-twitter   Twemoji, Twitter and other contributors, CC BY 4.0

Each picture is put on a white background and written to FOLDER/<vendor>-<group>/<code points>.png. Skin tones are left
out: they would be half of all pictures.
"""

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

VERSION = "16.0.0"
COUNT = 1906  # pictures of a vendor
CHECKSUMS = {
    "google": "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
    "twitter": "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
}


def main(folder: Path) -> None:
    """Write all pictures of each vendor that are not all there yet."""
    for vendor, checksum in CHECKSUMS.items():
        if len(list(folder.glob(f"{vendor}-*/*.png"))) == COUNT:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            package = f"emoji-datasource-{vendor}@{VERSION}"
            print(package, flush=True)
            command = ["npm", "pack", package, "--silent", "--pack-destination", scratch]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            (archive,) = Path(scratch).glob("*.tgz")
            if hashlib.sha256(archive.read_bytes()).hexdigest() != checksum:
                raise SystemExit(f"{package} is not the package that this recipe names")
            write(archive, vendor, folder)


def write(archive: Path, vendor: str, folder: Path) -> None:
    """Write the pictures of a package to a folder for each group."""
    with tarfile.open(archive) as package:

        def content(name: str) -> bytes:
            file = package.extractfile(f"package/{name}")
            assert file is not None
            return file.read()

        emoji: list[dict[str, Any]] = json.loads(content("emoji.json"))
        for one in emoji:
            if not one[f"has_img_{vendor}"] or one["category"] == "Component":
                continue
            group = re.sub(r"\W+", "-", one["category"].lower())
            path = folder / f"{vendor}-{group}" / one["image"]
            path.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(io.BytesIO(content(f"img/{vendor}/64/{one['image']}"))) as opened:
                picture = opened.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            Image.alpha_composite(white, picture).convert("RGB").save(path)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("npm"):
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
