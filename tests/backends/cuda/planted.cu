// Small kernels for the tests of the launcher and the simulator: correct kernels, and one for each kind of bug.
#include "../../../kernels/cuda/common.cuh"

struct Three {
    int first, second;
    int third[1];
};

// --- correct ---------------------------------------------------------------------------------------------------------

template <int B>
__device__ __forceinline__ Real next_of(const Real* x, int n) {
    __shared__ Real tile[B];
    int i = threadIdx.x;
    tile[i] = i < n ? x[i] : Real(0);
    __syncthreads();
    return tile[(i + 1) % B];
}

extern "C" __global__ void __launch_bounds__(64) right_rotate(const Real* x, Real* y, int n) {
    Real v = next_of<64>(x, n);
    if (threadIdx.x < n) y[threadIdx.x] = v;
}

extern "C" __global__ void __launch_bounds__(64)
    right_sum(const Real* __restrict__ x, Real* __restrict__ y, Real scale, Three t) {
    Real v = x[threadIdx.x];
    for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(0xffffffff, v, d);
    __shared__ Real part[2];
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    y[blockIdx.x * 64 + threadIdx.x] = (part[0] + part[1]) * scale + t.third[0];
}

// Within a warp, a warp barrier is enough.
extern "C" __global__ void __launch_bounds__(64) right_warps(const Real* x, Real* y) {
    __shared__ Real tile[64];
    int i = threadIdx.x, warp = i / 32 * 32;
    for (int round = 0; round < 3; ++round) {
        tile[i] = x[i] + round;
        __syncwarp();
        y[i] = tile[warp + (i + 1) % 32];
        __syncwarp();
    }
}

extern "C" __global__ void __launch_bounds__(32) right_shuffles(const Real* x, Real* y, int* votes) {
    int i = threadIdx.x;
    y[i] = __shfl_sync(0xffffffff, x[i], 5);
    y[32 + i] = __shfl_up_sync(0xffffffff, x[i], 3);
    y[64 + i] = __shfl_down_sync(0xffffffff, x[i], 3);
    y[96 + i] = __shfl_xor_sync(0xffffffff, x[i], 1);
    y[128 + i] = __shfl_down_sync(0xffffffff, x[i], 3, 8);
    votes[i] = int(__ballot_sync(0xffffffff, i % 3 == 0));
    votes[32 + i] = __any_sync(0xffffffff, i == 7) + 2 * __all_sync(0xffffffff, i == 7);
}

extern "C" __global__ void right_table(Real* const* tables, const Real* const* others, int n) {
    for (int k = 0; k < n; ++k) tables[k][threadIdx.x] += others[k][threadIdx.x];
}

extern "C" __global__ void right_types(const Real* x, int* a, unsigned char* b, long long* c, long long large) {
    a[0] = blockIdx.x + blockIdx.y + blockIdx.z, b[0] = gridDim.x * gridDim.y * gridDim.z, c[0] = large;
}

// The lanes of a warp are `step` elements apart: in shared memory for bank conflicts, in global memory for sectors.
extern "C" __global__ void __launch_bounds__(32) right_strided(const Real* x, Real* y, int step) {
    __shared__ Real tile[32 * 32];
    tile[threadIdx.x * step] = x[threadIdx.x * step];
    __syncthreads();
    y[threadIdx.x] = tile[threadIdx.x * step];
}

extern "C" __global__ void __launch_bounds__(32) right_vectors(const Real* x, Real* y) {
    alignas(16) __shared__ Real tile[128];
    reinterpret_cast<Vec4*>(tile)[threadIdx.x] = reinterpret_cast<const Vec4*>(x)[threadIdx.x];
    __syncthreads();
    reinterpret_cast<Vec4*>(y)[threadIdx.x] = reinterpret_cast<Vec4*>(tile)[threadIdx.x];
}

// --- wrong ------------------------------------------------------------------------------------------------------------

extern "C" __global__ void __launch_bounds__(64) wrong_barrier(const Real* x, Real* y) {
    __shared__ Real tile[64];
    tile[threadIdx.x] = 0;
    __syncthreads();
    tile[threadIdx.x] = x[threadIdx.x];  // a barrier is missing after this
    y[threadIdx.x] = tile[(threadIdx.x + 1) % 64];
}

extern "C" __global__ void __launch_bounds__(64) wrong_write_after_read(const Real* x, Real* y) {
    __shared__ Real tile[64];
    for (int round = 0; round < 2; ++round) {
        tile[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        y[threadIdx.x] = tile[(threadIdx.x + 1) % 64];  // and after this
    }
}

extern "C" __global__ void __launch_bounds__(64) wrong_warp_barrier(const Real* x, Real* y) {
    __shared__ Real tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    __syncwarp();  // not enough: the neighbour may be in another warp
    y[threadIdx.x] = tile[(threadIdx.x + 1) % 64];
}

extern "C" __global__ void __launch_bounds__(32) wrong_shuffle_as_barrier(const Real* x, Real* y) {
    __shared__ Real tile[32];
    tile[threadIdx.x] = 0;
    __syncthreads();
    tile[threadIdx.x] = __shfl_xor_sync(0xffffffff, x[threadIdx.x], 1);  // a shuffle orders no memory
    y[threadIdx.x] = tile[(threadIdx.x + 1) % 32];
}

extern "C" __global__ void __launch_bounds__(64) wrong_blocks(const Real* x, Real* y) {
    y[threadIdx.x] = x[threadIdx.x] * blockIdx.x;
}

extern "C" __global__ void __launch_bounds__(64) wrong_global(const Real* x, Real* y) {
    y[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] += y[(threadIdx.x + 1) % 64];
}

extern "C" __global__ void __launch_bounds__(64) wrong_outside(const Real* x, Real* y, int by) {
    y[threadIdx.x] = x[threadIdx.x + by];
}

extern "C" __global__ void __launch_bounds__(64) wrong_outside_shared(const Real* x, Real* y, int by) {
    __shared__ Real tile[64];
    Real* p = tile;
    p[threadIdx.x + by] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = p[threadIdx.x + by];
}

extern "C" __global__ void __launch_bounds__(64) wrong_alignment(const Real* x, Real* y) {
    Vec4 v = *reinterpret_cast<const Vec4*>(x + 1);
    if (threadIdx.x == 0) *reinterpret_cast<Vec4*>(y) = v;
}

extern "C" __global__ void __launch_bounds__(64) wrong_divergent(const Real* x, Real* y) {
    if (threadIdx.x < 63) __syncthreads();
    y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void __launch_bounds__(64) wrong_two_barriers(const Real* x, Real* y) {
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
    y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void __launch_bounds__(64) wrong_return(const Real* x, Real* y, int n) {
    if (threadIdx.x >= n) return;
    __syncthreads();
    y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void __launch_bounds__(64) wrong_lane(const Real* x, Real* y) {
    Real v = x[threadIdx.x];
    if (threadIdx.x != 3) v += __shfl_xor_sync(0xffffffff, v, 1);
    y[threadIdx.x] = v;
}

extern "C" __global__ void __launch_bounds__(64) wrong_mask(const Real* x, Real* y) {
    y[threadIdx.x] = __shfl_xor_sync(0x0000ffff, x[threadIdx.x], 1);
}

extern "C" __global__ void __launch_bounds__(64) wrong_unset(const Real* x, Real* y) {
    __shared__ Real tile[64];
    if (threadIdx.x < 63) tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = tile[threadIdx.x];
}

// --- random programs of accesses and barriers, to test the race checker ----------------------------------------------

// In each step a warp runs no barrier (0), a warp barrier (1) or a block barrier (2). A thread writes (a > 0) or reads
// (a < 0) element |a| - 1 of y, or does neither.
extern "C" __global__ void __launch_bounds__(64) program(Real* y, const int* access, const int* barrier, int steps) {
    int me = blockIdx.x * 64 + threadIdx.x, warp = me / 32;
    Real v = 0;
    for (int i = 0; i < steps; ++i) {
        int b = barrier[warp * steps + i], a = access[me * steps + i];
        if (b == 1) __syncwarp();
        if (b == 2) __syncthreads();
        if (a > 0) y[a - 1] = v;
        if (a < 0) v += y[-a - 1];
    }
}

extern "C" __global__ void __launch_bounds__(64) stack_of(const Real* x, Real* y) {
    Real large[40000];
    for (int i = 0; i < 40000; ++i) large[i] = x[(i + threadIdx.x) % 64];
    y[threadIdx.x] = large[39999];
}
