"""Fixtures: a small file of kernels, and a skip if NVIDIA's wheels are not installed."""

from importlib import metadata
from pathlib import Path

import pytest

from minicnn.backends.build import kernel_folder

TOY = """\
// Doubling, and a product of matrices by tiles.
//
//   toy_double   one thread an element
//   toy_tiled    tiles in shared memory; every number loaded is used 16 times
#include "common.cuh"

extern "C" __global__ void __launch_bounds__(256) toy_double(const Real* x, Real* y, int n) {
    int i = blockIdx.x * 256 + threadIdx.x;
    if (i < n) y[i] = 2 * x[i];
}

extern "C" __global__ void __launch_bounds__(256)
toy_tiled(const Real* __restrict__ a, const Real* __restrict__ b, Real* __restrict__ c, int n) {
    __shared__ Real as[16][16], bs[16][16];
    int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
    Real sum = Real(0);
#pragma unroll 1
    for (int k = 0; k < n; k += 16) {
        as[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
        bs[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 16; i++) sum = fma(as[threadIdx.y][i], bs[i][threadIdx.x], sum);
        __syncthreads();
    }
    c[row * n + column] = sum;
}
"""
WHEELS = ("nvidia-cuda-nvrtc-cu12", "nvidia-cuda-cuobjdump", "nvidia-cuda-nvdisasm")


def _installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="session")
def wheels() -> None:
    """Skip the test if the wheels are not installed; there are none for macOS."""
    missing = [package for package in WHEELS if not _installed(package)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A small .cu file in a folder with the shared header."""
    (tmp_path / "common.cuh").write_text((kernel_folder() / "cuda" / "common.cuh").read_text())
    (tmp_path / "toy.cu").write_text(TOY)
    return tmp_path / "toy.cu"
