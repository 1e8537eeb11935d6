"""Datasets and the loader: image files, folders of images, random patches, Fashion-MNIST, and batches of their samples.

Start with `dataset.py`, the interface of a dataset, and `loader.py`, which makes batches.
"""

from minicnn.data.collate import default_collate, default_convert
from minicnn.data.crops import PatchDataset, random_crop, random_flip
from minicnn.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
    random_stream,
)
from minicnn.data.fashion_mnist import FashionMNIST
from minicnn.data.folder import ImageFolder, PairedImageFolder
from minicnn.data.frames import picture_suffixes
from minicnn.data.images import read_image, write_image
from minicnn.data.loader import DataLoader, get_worker_info
from minicnn.data.photo import Photo, read_photo
from minicnn.data.sampler import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from minicnn.data.samples import Frame
from minicnn.data.write_photo import PHOTO_SUFFIXES, check_writable, write_photo

__all__ = [
    "PHOTO_SUFFIXES",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "FashionMNIST",
    "Frame",
    "ImageFolder",
    "IterableDataset",
    "PairedImageFolder",
    "PatchDataset",
    "Photo",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "check_writable",
    "default_collate",
    "default_convert",
    "get_worker_info",
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
