"""Generating pictures: sets of small pictures, the methods, training, and the use of trained generators.

`methods.py` lists the methods, and `learning.py` trains them. The networks are in `models/`.
"""

from minicnn.generation.generators import Generator, load_generator
from minicnn.generation.methods import METHODS, Method
from minicnn.generation.pictures import PictureSet, RandomPictures, load_pictures

__all__ = ["METHODS", "Generator", "Method", "PictureSet", "RandomPictures", "load_generator", "load_pictures"]
