"""CNNGenerator: two convolutions and two linear layers that turn a 3×32×32 colour patch into 784 grey pixels.

This is PyTorch code with its imports changed; a test trains it from the same weights to the same losses.
"""

import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.tensor import Tensor

__all__ = ["CNNGenerator"]


class CNNGenerator(nn.Module):
    """Encode a patch into 128 numbers and paint a 28×28 picture with values in (-1, 1) from them.

    Examples
    --------
    >>> import minicnn
    >>> CNNGenerator()(minicnn.zeros(5, 3, 32, 32)).shape
    (5, 784)
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, stride=1, padding=1)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc1 = nn.Linear(64 * 8 * 8, 128)
        self.fc2 = nn.Linear(128, 784)
        self.tanh = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 32, 32) -> (N, 784)."""
        x = self.pool(F.relu(self.conv1(x)))  # (N, 32, 16, 16)
        x = self.pool(F.relu(self.conv2(x)))  # (N, 64, 8, 8)
        x = x.view(-1, 64 * 8 * 8)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return self.tanh(x)  # type: ignore[no-any-return]
