"""Datasets and the loader: image files, folders of images, random patches, Fashion-MNIST, and batches of their samples.

Start with `dataset.py`, the interface of a dataset, and `loader.py`, which makes batches.
"""

from minicnn.data.crops import PatchDataset, random_crop, random_flip
from minicnn.data.dataset import Dataset, Subset, TensorDataset, random_split, random_stream
from minicnn.data.fashion_mnist import FashionMNIST
from minicnn.data.folder import ImageFolder, PairedImageFolder
from minicnn.data.images import read_image, write_image
from minicnn.data.loader import DataLoader, default_collate

__all__ = [
    "DataLoader",
    "Dataset",
    "FashionMNIST",
    "ImageFolder",
    "PairedImageFolder",
    "PatchDataset",
    "Subset",
    "TensorDataset",
    "default_collate",
    "random_crop",
    "random_flip",
    "random_split",
    "random_stream",
    "read_image",
    "write_image",
]
