"""PyTorch's address ``torch.nn.modules.transformer``."""

from minicnn.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
from minicnn.nn.transformer_layer import TransformerDecoderLayer, TransformerEncoderLayer

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]
