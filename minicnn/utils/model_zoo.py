"""PyTorch's older address of `minicnn.hub.load_state_dict_from_url`."""

from minicnn.hub import load_state_dict_from_url as load_url

__all__ = ["load_url"]
