// Convolution, forward pass, in four kernels from the simplest to the fastest (the rungs of a ladder):
//
//     y[n,f,o] = Σ_{c,k} w[f,c,k] · x[n, c, o·stride + k·dilation - padding]        (x is 0 outside of the image)
//
// for each image n, filter f and output pixel o, over the C channels c and the K kernel taps k.
//
// direct          A thread computes an element of y. For each of its C·K products it reads one element of x and one of
//                 w from global memory.
// tiled           A block computes a tile of 256 pixels for four filters. For each channel, it loads the part of x
//                 under the tile (the patch) into shared memory once; neighbouring pixels read the same elements, up to
//                 K times. A thread uses each element from shared memory for four filters.
// gemm_tiles      The matrix product of w (F, C·K) and the windows (C·K, pixels of all images) in tiles of 64 × 64. The
//                 matrix of windows is never stored as a whole (implicit GEMM): a block builds tiles of it in shared
//                 memory. An element from global memory is used 64 times. A thread computes 4 × 4 results.
// implicit_gemm   The product of gemm_tiles with 8 × 8 results per thread: an element from shared memory is used eight
//                 times, and is read in 128-bit loads. The next tile is loaded while this tile is multiplied
//                 (double buffering). gemm_tiles needs a dozen divisions for the index of each element; this kernel
//                 reads indices from small tables instead. There are five tile sizes, for many filters, few filters and
//                 small problems. The input gradient runs the same kernels with other tables.
#include "common.cuh"
#include "gather_gemm.cuh"

extern "C" __global__ void __launch_bounds__(256) conv_direct(const Real* x, const Real* w, Real* y, Conv s) {
    const long long index = blockIdx.x * 256LL + threadIdx.x;
    const int pixels = volume(s.output), inputs = volume(s.input), taps = volume(s.kernel);
    const int filters = s.groups * s.filters;
    if (index >= (long long)s.batch * filters * pixels) return;
    const int f = index / pixels % filters, image = index / pixels / filters * s.groups + f / s.filters;
    const Place o = place(index % pixels, s.output);
    const Real* weight = w + f * s.channels * taps;
    Real sum = 0;
    for (int c = 0; c < s.channels; ++c)
        for (int kz = 0; kz < s.kernel[0]; ++kz)
            for (int ky = 0; ky < s.kernel[1]; ++ky)
                for (int kx = 0; kx < s.kernel[2]; ++kx) {
                    const int i = element(reads(o, {kz, ky, kx}, s), s.input);
                    sum += *weight++ * (i >= 0 ? x[(image * s.channels + c) * inputs + i] : Real(0));
                }
    y[index] = sum;
}

// The box of 256 output pixels that a block computes.
struct Tile {
    int size[3];
};

extern "C" __global__ void __launch_bounds__(256) conv_tiled(const Real* x, const Real* w, Real* y, Conv s, Tile t) {
    constexpr int PATCH = 4096, TAPS = 256;   // capacities; `_fits_patch` in the wrapper checks them
    __shared__ Real patch[PATCH];             // one channel of x under the tile
    __shared__ Vec4 weights[TAPS];            // the weights of four filters for that channel
    const int tiles[3] = {ceil_div(s.output[0], t.size[0]), ceil_div(s.output[1], t.size[1]),
                          ceil_div(s.output[2], t.size[2])};
    const int size[3] = {(t.size[0] - 1) * s.stride[0] + (s.kernel[0] - 1) * s.dilation[0] + 1,
                         (t.size[1] - 1) * s.stride[1] + (s.kernel[1] - 1) * s.dilation[1] + 1,
                         (t.size[2] - 1) * s.stride[2] + (s.kernel[2] - 1) * s.dilation[2] + 1};
    const int taps = volume(s.kernel), inputs = volume(s.input), fours = ceil_div(s.filters, 4);
    const int image = blockIdx.x / volume(tiles) / fours, first = blockIdx.x / volume(tiles) % fours * 4;
    const int group = image % s.groups, filters = s.filters - first;
    const Place tile = place(blockIdx.x % volume(tiles), tiles), mine = place(threadIdx.x, t.size);
    const Place begin = {tile.z * t.size[0], tile.y * t.size[1], tile.x * t.size[2]};
    const Place corner = reads(begin, {0, 0, 0}, s);
    Vec4 sum = {0, 0, 0, 0};
    for (int c = 0; c < s.channels; ++c) {
        for (int i = threadIdx.x; i < volume(size); i += 256) {
            const Place p = place(i, size);
            const int from = element({corner.z + p.z, corner.y + p.y, corner.x + p.x}, s.input);
            patch[i] = from >= 0 ? x[(image * s.channels + c) * inputs + from] : Real(0);
        }
        for (int i = threadIdx.x; i < 4 * taps; i += 256) {
            const int f = i / taps, k = i % taps;
            const int row = (group * s.filters + first + f) * s.channels + c;
            reinterpret_cast<Real*>(weights)[4 * k + f] = f < filters ? w[row * taps + k] : Real(0);
        }
        __syncthreads();
        int k = 0;
        for (int kz = 0; kz < s.kernel[0]; ++kz)
            for (int ky = 0; ky < s.kernel[1]; ++ky) {
                const int z = mine.z * s.stride[0] + kz * s.dilation[0], y = mine.y * s.stride[1] + ky * s.dilation[1];
                const Real* row = patch + (z * size[1] + y) * size[2] + mine.x * s.stride[2];
                for (int kx = 0; kx < s.kernel[2]; ++kx) {
                    const Real value = row[kx * s.dilation[2]];
                    const Vec4 weight = weights[k++];
                    sum.x += weight.x * value, sum.y += weight.y * value;
                    sum.z += weight.z * value, sum.w += weight.w * value;
                }
            }
        __syncthreads();
    }
    const int o = element({begin.z + mine.z, begin.y + mine.y, begin.x + mine.x}, s.output), pixels = volume(s.output);
    if (o < 0) return;
    Real* to = y + (image * s.filters + first) * pixels + o;
    if (0 < filters) to[0] = sum.x;
    if (1 < filters) to[pixels] = sum.y;
    if (2 < filters) to[2 * pixels] = sum.z;
    if (3 < filters) to[3 * pixels] = sum.w;
}

extern "C" __global__ void __launch_bounds__(256) conv_gemm_tiles(const Real* x, const Real* w, Real* y, Conv s) {
    const int taps = volume(s.kernel), depth = s.channels * taps, pixels = volume(s.output), inputs = volume(s.input);
    gemm_tiles(
        s.groups, s.filters, depth, s.batch * pixels,
        [&](int group, int f, int k) { return w[(group * s.filters + f) * depth + k]; },
        [&](int group, int k, int column) {
            const int i = element(reads(place(column % pixels, s.output), place(k % taps, s.kernel), s), s.input);
            const int channel = (column / pixels * s.groups + group) * s.channels + k / taps;
            return i >= 0 ? x[channel * inputs + i] : Real(0);
        },
        [&](int group, int f, int column, Real sum) {
            y[((column / pixels * s.groups + group) * s.filters + f) * pixels + column % pixels] = sum;
        });
}

// --- implicit_gemm ---------------------------------------------------------------------------------------------------
//
// y[m, column] = Σ_k a[k, m] · x[base(column) + offset(k)]. The index tables depend on the sizes only.
// backends/cuda/conv.py builds them once:
//
// taps        for each k: offset(k), and `bits`: one bit for the position of the tap along each kernel axis
// positions   for each axis and each pixel position along it: its term of base; the mask `blocked`, with one bit for
//             each kernel position that would read outside of the image; its term of the index in y
// classes     a class is a set of pixels that use the same taps. Forward: one class of all pixels. Input gradient: one
//             class for each remainder of the pixel's position divided by the stride
//
// A tap is inside the image iff (blocked & bits) == 0. This test is one instruction for any padding, stride and
// dilation. k is padded to whole tiles with taps that are blocked everywhere,
// and the weights are packed into panels of BM rows, padded with zeros. So the inner loop checks no bounds.

struct alignas(16) Int4 {
    int x, y, z, w;
};
struct alignas(16) Class {
    int tap, steps;   // the first k, and the number of tiles of k
    int first[3];     // for each axis: the first entry in `positions`,
    int size[3];      // and the number of entries
};
struct Gather {
    int groups, panels, tiles;   // panels of a group; tiles of columns in the largest class
    int depth, rows;             // values of k in a panel; rows m of a group
    int batch, x_group, y_row;   // elements of a group of one image of x; elements of a row of y
    int fours;                   // whether columns 4i ... 4i + 3 are adjacent in y, at a multiple of four
};

// Packs weights into panels of `width` rows m: out[group][panel][k][m] = w[group][m][source[k]], 0 for a source of -1.
// A tile is transposed in shared memory, so reads (along k) and writes (along m) are both coalesced.
struct Panels {
    int groups, panels, depth, width, rows;
    int group, row;   // elements of a group of w, and from one row to the next
};

extern "C" __global__ void __launch_bounds__(256) conv_pack(const Real* w, Real* out, const int* source, Panels s) {
    __shared__ Real tile[32][32 + 1];   // +1: no bank conflicts along rows or columns
    const int across = ceil_div(s.depth, 32), down = ceil_div(s.panels * s.width, 32);
    const int first_k = blockIdx.x % across * 32, first_m = blockIdx.x / across % down * 32;
    const int group = blockIdx.x / across / down, lane = threadIdx.x % 32;
    for (int i = threadIdx.x / 32; i < 32; i += 8) {
        const int k = first_k + lane, m = first_m + i, from = k < s.depth && m < s.rows ? source[k] : -1;
        tile[i][lane] = from >= 0 ? w[group * s.group + m * s.row + from] : Real(0);
    }
    __syncthreads();
    for (int i = threadIdx.x / 32; i < 32; i += 8) {
        const int k = first_k + i, m = first_m + lane, panel = group * s.panels + m / s.width;
        if (k < s.depth && m < s.panels * s.width) out[(panel * s.depth + k) * s.width + m % s.width] = tile[lane][i];
    }
}

__device__ __forceinline__ void unpack(Vec4 v, Real* to) { to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w; }

// A block computes BM rows × BN columns, a warp LANES_M·TM × LANES_N·TN of them, a thread TM × TN in registers, in
// steps of BK values of k. Double buffering: while a step is multiplied, the next step is loaded from global memory
// into registers and then stored in the other half of the shared tiles. So one barrier per step is enough.
//
// In shared memory the four columns of a thread are adjacent, for 128-bit loads. With `fours` they are adjacent in y
// too. Otherwise the columns are interleaved: of 32 columns, lane l of eight takes l, l + 8, l + 16 and l + 24, so the
// eight lanes store neighbours in y together. In both layouts the 32 lanes that fill a tile write to different banks.
template <int WARPS_M, int WARPS_N, int LANES_M, int TM, int TN, int BK>
__device__ __forceinline__ void gather_gemm(const Real* __restrict__ weights, const Real* __restrict__ x,
                                            Real* __restrict__ y, const int* __restrict__ taps,
                                            const int* __restrict__ positions, const int* __restrict__ classes,
                                            const Gather& s) {
    constexpr int LANES_N = 32 / LANES_M, THREADS = 32 * WARPS_M * WARPS_N;
    constexpr int BM = WARPS_M * LANES_M * TM, BN = WARPS_N * LANES_N * TN;
    constexpr int COLUMNS = BN > THREADS ? BN / THREADS : 1;   // columns that a thread loads,
    constexpr int DEEP = BK * BN / THREADS / COLUMNS;          // values of k for each column,
    constexpr int FOURS = BK * BM / 4;                         // and Vec4s of weights in a tile
    constexpr int LOADS = (FOURS + THREADS - 1) / THREADS;
    __shared__ Vec4 a[2][FOURS], b[2][BK * BN / 4];
    __shared__ Int4 target[BN / 4];   // index in y of row 0 of each column; -1 after the last column

    const int thread = threadIdx.x, warp = thread / 32, lane = thread % 32;
    const Vec4* panels = reinterpret_cast<const Vec4*>(weights);
    const Int4* places = reinterpret_cast<const Int4*>(positions);
    int block = blockIdx.x;
    const int panel = block % s.panels, group = (block /= s.panels) % s.groups, tile = (block /= s.groups) % s.tiles;
    const Class c = reinterpret_cast<const Class*>(classes)[block / s.tiles];
    const int pixels = c.size[0] * c.size[1] * c.size[2];
    const int columns = s.batch * pixels - tile * BN;   // from this tile on
    if (columns <= 0) return;

    unsigned base[COLUMNS];
    int blocked[COLUMNS], slot[COLUMNS];
#pragma unroll
    for (int i = 0; i < COLUMNS; ++i) {
        const int n = thread % BN + i * THREADS;
        slot[i] = s.fours ? n : n / 32 * 32 + n % 8 * 4 + n % 32 / 8;
        base[i] = 0, blocked[i] = -1;
        int to = -1;
        if (n < columns) {
            const int image = (tile * BN + n) / pixels * s.groups + group;
            const Place p = place((tile * BN + n) % pixels, c.size);
            const Int4 pz = places[c.first[0] + p.z];
            const Int4 py = places[c.first[1] + p.y];
            const Int4 px = places[c.first[2] + p.x];
            base[i] = image * s.x_group + pz.x + py.x + px.x;
            blocked[i] = pz.y | py.y | px.y;
            to = image * s.rows * s.y_row + pz.z + py.z + px.z;
        }
        if (thread < BN) reinterpret_cast<int*>(target)[slot[i]] = to;
    }

    const int k0 = thread / BN * DEEP;   // the first k that this thread loads in each tile
    unsigned panel_next = ((group * s.panels + panel) * s.depth + c.tap) * (BM / 4) + thread;
    const Int4* tap_next = reinterpret_cast<const Int4*>(taps) + (c.tap + k0) / 2;   // an Int4 holds two taps
    Vec4 a_next[LOADS];
    Real b_next[COLUMNS][DEEP];
    auto fetch = [&]() {
#pragma unroll
        for (int i = 0; i < LOADS; ++i)
            if (FOURS % THREADS == 0 || thread + i * THREADS < FOURS) a_next[i] = panels[panel_next + i * THREADS];
#pragma unroll
        for (int k = 0; k < DEEP; k += 2) {
            const Int4 two = tap_next[k / 2];
#pragma unroll
            for (int i = 0; i < COLUMNS; ++i) {
                b_next[i][k] = blocked[i] & two.y ? Real(0) : x[base[i] + two.x];
                b_next[i][k + 1] = blocked[i] & two.w ? Real(0) : x[base[i] + two.z];
            }
        }
        panel_next += FOURS, tap_next += BK / 2;
    };
    auto put = [&](int half) {
#pragma unroll
        for (int i = 0; i < LOADS; ++i)
            if (FOURS % THREADS == 0 || thread + i * THREADS < FOURS) a[half][thread + i * THREADS] = a_next[i];
#pragma unroll
        for (int i = 0; i < COLUMNS; ++i)
#pragma unroll
            for (int k = 0; k < DEEP; ++k) reinterpret_cast<Real*>(b[half])[(k0 + k) * BN + slot[i]] = b_next[i][k];
    };

    const int row = warp / WARPS_N * LANES_M * (TM / 4) + lane / LANES_N;      // first four rows,
    const int column = warp % WARPS_N * LANES_N * (TN / 4) + lane % LANES_N;   // and columns of the thread, in Vec4
    Real sum[TM][TN] = {};
    fetch();
    put(0);
    __syncthreads();
    int half = 0;
    for (int step = 0; step < c.steps; ++step) {
        fetch();   // after the last step: loads the next class or the padding, which is not used
#pragma unroll
        for (int k = 0; k < BK; ++k) {
            Real p[TM], q[TN];
#pragma unroll
            for (int i = 0; i < TM; i += 4) unpack(a[half][k * (BM / 4) + row + i / 4 * LANES_M], p + i);
#pragma unroll
            for (int j = 0; j < TN; j += 4) unpack(b[half][k * (BN / 4) + column + j / 4 * LANES_N], q + j);
#pragma unroll
            for (int i = 0; i < TM; ++i)
#pragma unroll
                for (int j = 0; j < TN; ++j) sum[i][j] += p[i] * q[j];
        }
        half ^= 1;
        put(half);
        __syncthreads();
    }

#pragma unroll
    for (int j = 0; j < TN; j += 4) {
        const Int4 to = target[column + j / 4 * LANES_N];
#pragma unroll
        for (int i = 0; i < TM; ++i) {
            const int m = panel * BM + 4 * (row + i / 4 * LANES_M) + i % 4;
            if (m >= s.rows) continue;
            const Real* from = sum[i] + j;
            if (s.fours) {
                if (to.x >= 0) *reinterpret_cast<Vec4*>(y + to.x + m * s.y_row) = {from[0], from[1], from[2], from[3]};
            } else {
                if (to.x >= 0) y[to.x + m * s.y_row] = from[0];
                if (to.y >= 0) y[to.y + m * s.y_row] = from[1];
                if (to.z >= 0) y[to.z + m * s.y_row] = from[2];
                if (to.w >= 0) y[to.w + m * s.y_row] = from[3];
            }
        }
    }
}

// Blocks per multiprocessor, limited by its registers: a double needs two registers, a float one.
constexpr int TWO = sizeof(Real) == 4 ? 2 : 1, THREE = sizeof(Real) == 4 ? 3 : 1;

extern "C" __global__ void __launch_bounds__(256, TWO) conv_implicit_gemm_128x128(
    const Real* weights, const Real* x, Real* y, const int* taps, const int* positions, const int* classes, Gather s) {
    gather_gemm<4, 2, 4, 8, 8, 8>(weights, x, y, taps, positions, classes, s);
}

extern "C" __global__ void __launch_bounds__(128, THREE) conv_implicit_gemm_64x128(
    const Real* weights, const Real* x, Real* y, const int* taps, const int* positions, const int* classes, Gather s) {
    gather_gemm<2, 2, 4, 8, 8, 8>(weights, x, y, taps, positions, classes, s);
}

extern "C" __global__ void __launch_bounds__(128, THREE) conv_implicit_gemm_32x256(
    const Real* weights, const Real* x, Real* y, const int* taps, const int* positions, const int* classes, Gather s) {
    gather_gemm<1, 4, 4, 8, 8, 8>(weights, x, y, taps, positions, classes, s);
}

extern "C" __global__ void __launch_bounds__(128, THREE) conv_implicit_gemm_8x512(
    const Real* weights, const Real* x, Real* y, const int* taps, const int* positions, const int* classes, Gather s) {
    gather_gemm<1, 4, 1, 8, 4, 4>(weights, x, y, taps, positions, classes, s);
}

extern "C" __global__ void __launch_bounds__(256) conv_implicit_gemm_64x64(
    const Real* weights, const Real* x, Real* y, const int* taps, const int* positions, const int* classes, Gather s) {
    gather_gemm<4, 2, 4, 4, 4, 16>(weights, x, y, taps, positions, classes, s);
}
