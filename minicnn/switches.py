"""Switches that programs of PyTorch set. minicnn is deterministic and exact to float32 with any setting."""

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_float32_matmul_precision",
    "set_float32_matmul_precision",
    "use_deterministic_algorithms",
]

_settings = {"deterministic": False, "precision": "highest"}


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Note the mode; all operations are deterministic anyway."""
    _settings["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """Return the mode that `use_deterministic_algorithms` noted."""
    return bool(_settings["deterministic"])


def set_float32_matmul_precision(precision: str) -> None:
    """Note the precision; products of matrices have the precision of float32 anyway."""
    _settings["precision"] = precision


def get_float32_matmul_precision() -> str:
    """Return the precision that `set_float32_matmul_precision` noted."""
    return str(_settings["precision"])
