"""Datasets and the loader: image files, folders of images, random patches, Fashion-MNIST, and batches of their samples.

Start with `dataset.py`, the interface of a dataset, and `loader.py`, which makes batches.
"""

from minicnn.data.crops import PatchDataset, random_crop, random_flip
from minicnn.data.dataset import Dataset, Subset, TensorDataset, random_split, random_stream
from minicnn.data.fashion_mnist import FashionMNIST
from minicnn.data.folder import ImageFolder, PairedImageFolder
from minicnn.data.frames import picture_suffixes
from minicnn.data.images import read_image, write_image
from minicnn.data.loader import DataLoader, default_collate
from minicnn.data.photo import Photo, read_photo
from minicnn.data.samples import Frame
from minicnn.data.write_photo import PHOTO_SUFFIXES, check_writable, write_photo

__all__ = [
    "PHOTO_SUFFIXES",
    "DataLoader",
    "Dataset",
    "FashionMNIST",
    "Frame",
    "ImageFolder",
    "PairedImageFolder",
    "PatchDataset",
    "Photo",
    "Subset",
    "TensorDataset",
    "check_writable",
    "default_collate",
    "picture_suffixes",
    "random_crop",
    "random_flip",
    "random_split",
    "random_stream",
    "read_image",
    "read_photo",
    "write_image",
    "write_photo",
]
