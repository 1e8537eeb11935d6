"""PyTorch's address ``torch.nn.modules.sparse``."""

from minicnn.nn.embedding import Embedding, EmbeddingBag

__all__ = ["Embedding", "EmbeddingBag"]
