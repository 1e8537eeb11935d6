"""PyTorch's address of questions about its compiler. minicnn has none."""

__all__ = ["is_compiling"]


def is_compiling() -> bool:
    """Return False."""
    return False
