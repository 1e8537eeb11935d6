"""PyTorch's addresses, such as ``torch.utils.data``, of things that stand elsewhere in minicnn."""

from minicnn.utils import checkpoint, data, model_zoo, tensorboard

__all__ = ["checkpoint", "data", "model_zoo", "tensorboard"]
