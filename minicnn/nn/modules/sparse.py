"""PyTorch's address ``torch.nn.modules.sparse``."""

from minicnn.nn.embedding import Embedding

__all__ = ["Embedding"]
