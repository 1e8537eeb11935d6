"""Fashion-MNIST: 60,000 + 10,000 grey images of clothes, 28 × 28, and their labels.

`FashionMNIST` reads the IDX files, for example from Debian's package. Nothing is downloaded.
"""

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minicnn.data.dataset import Dataset
from minicnn.errors import DataError

__all__ = ["FashionMNIST"]

_DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_REPAIR = "apt-get install dataset-fashion-mnist, or pass root= with the folder that holds the IDX files"


class FashionMNIST(Dataset[Any]):
    """Pairs (image, label): float32 (1, 28, 28) in [0, 1], and an int from 0 to 9.

    Parameters
    ----------
    root : folder of the IDX files, compressed (.gz) or not
        Default: the folder of Debian's package.
    train : bool
        True: the 60,000 training images. False: the 10,000 test images.

    Attributes
    ----------
    data : uint8 array (N, 28, 28)
    targets : int64 array (N,)
    classes : tuple of the names of the labels

    Raises
    ------
    DataError
        If a file is missing or damaged.

    References
    ----------
    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv 1708.07747. The format: Y. LeCun, the MNIST database.
    """

    classes = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip

    def __init__(self, root: str | os.PathLike[str] | None = None, train: bool = True) -> None:
        folder = _DEBIAN_FOLDER if root is None else Path(root)
        part = "train" if train else "t10k"
        self.data = _read_idx(folder, f"{part}-images-idx3-ubyte", 3)
        labels = _read_idx(folder, f"{part}-labels-idx1-ubyte", 1)
        self.targets = labels.astype(np.int64)
        if self.data.shape[1:] != (28, 28) or len(self.data) == 0:
            raise DataError(f"FashionMNIST: the images must be (N, 28, 28), got {self.data.shape}; {_REPAIR}")
        if len(labels) != len(self.data):
            raise DataError(
                f"FashionMNIST: every image needs a label, got {len(self.data)} images and {len(labels)} labels; "
                f"{_REPAIR}"
            )
        if labels.max() >= len(self.classes):
            raise DataError(f"FashionMNIST: labels must lie in [0, 9], got {labels.max()}; {_REPAIR}")

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], int]:
        return self.data[index][None].astype(np.float32) / np.float32(255), int(self.targets[index])


def _read_idx(folder: Path, name: str, ndim: int) -> npt.NDArray[np.uint8]:
    """Read an IDX file of bytes: 0, 0, 8 (the type), the number of axes, their lengths (uint32, big-endian), values."""
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
    if path is None:
        raise DataError(f"FashionMNIST: there is no file '{folder / name}' or '{folder / name}.gz'; {_REPAIR}")
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"FashionMNIST: '{path}' cannot be read or unpacked ({error}); {_REPAIR}") from error
    magic = bytes([0, 0, 8, ndim])
    header = content[:4]
    if header != magic:
        raise DataError(
            f"FashionMNIST: '{path}' must begin with the bytes {magic.hex(' ')}, got '{header.hex(' ')}'; {_REPAIR}"
        )
    start = 4 + 4 * ndim
    if len(content) < start:
        raise DataError(f"FashionMNIST: '{path}' ends within its header of {start} bytes; {_REPAIR}")
    shape = [int(length) for length in np.frombuffer(content, ">u4", ndim, 4)]
    if len(content) - start != math.prod(shape):
        raise DataError(
            f"FashionMNIST: '{path}' must hold {math.prod(shape)} values for its shape {tuple(shape)}, got "
            f"{len(content) - start}; {_REPAIR}"
        )
    return np.frombuffer(content, np.uint8, -1, start).reshape(shape)
