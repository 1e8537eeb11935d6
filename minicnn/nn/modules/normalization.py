"""PyTorch's address ``torch.nn.modules.normalization``."""

from minicnn.nn.norm import GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm

__all__ = ["GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]
