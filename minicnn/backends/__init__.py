"""Kernels faster than the references, a folder for each tag; `dispatch` loads them by name on first use."""

__all__: list[str] = []
