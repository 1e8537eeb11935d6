"""What CUDA kernels are made of, and how good they can be: with a GPU and, mostly, without one."""

__all__: list[str] = []
