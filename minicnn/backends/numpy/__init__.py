"""NumPy kernels for the CPU."""
