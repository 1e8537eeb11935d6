"""The backends: folders with kernels that are faster than the references. `dispatch` imports them on first use."""

__all__: list[str] = []
