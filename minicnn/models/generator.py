"""CNNGenerator: two convolutions and two linear layers that map a 3×32×32 colour patch to 784 grey pixels.

This is a PyTorch program with changed imports. A test trains it from PyTorch's weights to PyTorch's losses. It is a
Sequential, so each convolution runs as one operation with its ReLU and pooling.
"""

from collections import OrderedDict

import minicnn.nn as nn

__all__ = ["CNNGenerator"]


class CNNGenerator(nn.Sequential):
    """Encode patches (N, 3, 32, 32) into 128 numbers, and decode these into 28×28 pixels in (-1, 1): (N, 784).

    Examples
    --------
    >>> import minicnn
    >>> CNNGenerator()(minicnn.zeros(5, 3, 32, 32)).shape
    (5, 784)
    """

    def __init__(self) -> None:
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(3, 32, kernel_size=3, stride=1, padding=1),
                relu1=nn.ReLU(),
                pool1=nn.MaxPool2d(kernel_size=2, stride=2),  # (N, 32, 16, 16)
                conv2=nn.Conv2d(32, 64, kernel_size=3, stride=1, padding=1),
                relu2=nn.ReLU(),
                pool2=nn.MaxPool2d(kernel_size=2, stride=2),  # (N, 64, 8, 8)
                flatten=nn.Flatten(),
                fc1=nn.Linear(64 * 8 * 8, 128),
                relu3=nn.ReLU(),
                fc2=nn.Linear(128, 784),
                tanh=nn.Tanh(),
            )
        )
