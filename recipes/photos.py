"""Get the photos on which the shipped models are trained: `python -m recipes.photos FOLDER`.

photos.json names each photo with its package of Debian, author, licence and checksum. Needs a Debian system with
apt-get and dpkg-deb; the packages have 250 MB. The photos are written as PNG files to FOLDER/train and FOLDER/held-out.
Large photos are softer than a camera's: they are reduced by averaging, to at most 1.2 megapixels.
"""

import hashlib
import io
import json
import mmap
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

LIST = Path(__file__).with_name("photos.json")
MAX_PIXELS = 1_200_000
SOURCES = Path("/etc/apt")


def main(folder: Path) -> None:
    """Write all photos that are not there yet."""
    packages = json.loads(LIST.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        for package in packages:
            targets = {photo["file"]: target(folder, package, photo) for photo in package["photos"]}
            if all(path.exists() for path in targets.values()):
                continue
            print(f"{package['package']} {package['version']}", flush=True)
            unpacked = unpack(package, Path(scratch) / package["package"] / package["version"])
            for photo in package["photos"]:
                content = member(unpacked, photo["file"])
                if hashlib.sha256(content).hexdigest() != photo["sha256"]:
                    raise SystemExit(f"{photo['file']} of {package['package']} is not the file that photos.json names")
                path = targets[photo["file"]]
                path.parent.mkdir(parents=True, exist_ok=True)
                reduced(content, photo["scale"]).save(path)


def target(folder: Path, package: dict[str, Any], photo: dict[str, Any]) -> Path:
    """Return the path for a photo. The checksum keeps two photos of one name apart."""
    stem = re.sub(r"\W+", "-", photo["file"].rsplit("/", 1)[-1].split(".edj")[0].rsplit(".", 1)[0]).strip("-")
    part = "held-out" if photo["held_out"] else "train"
    return folder / part / f"{package['package']}-{stem}-{photo['sha256'][:6]}.png"


def reduced(content: bytes, scale: float) -> Image.Image:
    """Return a photo, reduced by averaging."""
    with Image.open(io.BytesIO(content)) as opened:
        image = opened.convert("RGB")
    scale = min(scale, (MAX_PIXELS / (image.width * image.height)) ** 0.5)
    if scale >= 1:
        return image
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BOX)


# --- packages ---------------------------------------------------------------------------------------------------


def unpack(package: dict[str, Any], place: Path) -> Path:
    """Download a package of a suite of Debian with the machine's own mirror, and unpack it."""
    place.mkdir(parents=True)
    lists = place / "lists"
    (lists / "partial").mkdir(parents=True)
    sources = place / "suite.list"
    sources.write_text(f"deb [signed-by={keyring()}] {mirror()} {package['suite']} main\n", encoding="utf-8")
    options = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": lists,
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Get::List-Cleanup": "0",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "download", f"{package['package']}={package['version']}"], cwd=place, check=True)
    (archive,) = place.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", archive, place / "files"], check=True)
    return place / "files"


def mirror() -> str:
    """Return the address of the Debian mirror in the machine's own sources."""
    for path in [
        *SOURCES.glob("sources.list.d/*.sources"),
        *SOURCES.glob("sources.list.d/*.list"),
        SOURCES / "sources.list",
    ]:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?) *(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
        if found:
            return found[1]
    raise SystemExit(f"no Debian mirror is named in {SOURCES}: this needs a Debian system")


def keyring() -> Path:
    """Return Debian's keys."""
    return Path("/usr/share/keyrings/debian-archive-keyring.gpg")


# --- files in files ---------------------------------------------------------------------------------------------


def member(folder: Path, name: str) -> bytes:
    """Return a file of a package; `name` is "path", "path.rcc#path inside" or "path.edj#name inside"."""
    path, _, inner = name.partition("#")
    content = (folder / path).read_bytes() if not inner else b""
    if path.endswith(".rcc"):
        content = qt_resource(folder / path, inner)
    elif path.endswith(".edj"):
        content = eet_entry(folder / path, inner)
    return content


def eet_entry(path: Path, name: str) -> bytes:
    """Return an entry of an Eet file, the format of the Enlightenment desktop: a table of (place, size, name)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        _magic, count, _names = struct.unpack(">3I", data[:12])
        for index in range(count):
            place, size, _, name_place, name_size, _ = struct.unpack(">6I", data[12 + 24 * index : 36 + 24 * index])
            if data[name_place : name_place + name_size].rstrip(b"\0").decode("latin1") == name:
                return data[place : place + size]
    raise SystemExit(f"{path.name} has no entry {name}")


def qt_resource(path: Path, name: str) -> bytes:
    """Return a file in a Qt resource file: a tree of nodes, with places of names and of contents."""
    data = path.read_bytes()
    version, tree, contents, names = struct.unpack(">4I", data[4:20])
    node_size = 14 if version < 2 else 22
    node = 0
    for part in name.split("/"):
        count, first = struct.unpack_from(">2I", data, tree + node * node_size + 6)
        for child in range(first, first + count):
            (offset,) = struct.unpack_from(">I", data, tree + child * node_size)
            (length,) = struct.unpack_from(">H", data, names + offset)
            start = names + offset + 6
            if data[start : start + 2 * length].decode("utf-16-be") == part:
                node = child
                break
        else:
            raise SystemExit(f"{path.name} has no file {name}")
    flags, place = struct.unpack_from(">H4xI", data, tree + node * node_size + 4)
    (size,) = struct.unpack_from(">I", data, contents + place)
    content = data[contents + place + 4 : contents + place + 4 + size]
    return zlib.decompress(content[4:]) if flags & 1 else content


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
