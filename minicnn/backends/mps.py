"""PyTorch's backend for Apple's GPUs, which programs ask for. minicnn has none."""

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """Return False."""
    return False


def is_built() -> bool:
    """Return False."""
    return False
