"""PyTorch's address ``torch.nn.modules.upsampling``."""

from minicnn.nn.resize import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]
