// Convolution with 3 × 3 kernels, stride 1, by Winograd's minimal filtering (Lavin and Gray, arXiv 1509.09308).
//
// Two outputs y_i = Σ_k w_k x_{i+k} of a filter with three taps need four multiplications instead of six:
//
//     m0 = (x0 - x2) w0                   m1 = (x1 + x2) (w0 + w1 + w2) / 2
//     m3 = (x1 - x3) w2                   m2 = (x2 - x1) (w0 - w1 + w2) / 2
//     y0 = m0 + m1 + m2                   y1 = m1 - m2 - m3
//
// In matrix form, y = Aᵀ [(G w) ⊙ (Bᵀ x)] with
//
//          1  0 -1  0             1   0   0
//     Bᵀ = 0  1  1  0        G = 1/2 1/2 1/2       Aᵀ = 1  1  1  0
//          0 -1  1  0            1/2 -1/2 1/2           0  1 -1 -1
//          0  1  0 -1             0   0   1
//
// Applied along both axes, this is F(2×2, 3×3). A tile of 2 × 2 outputs needs 16 multiplications instead of 36, from
// the 4 × 4 inputs d:
//
//     U = G w Gᵀ        V = Bᵀ d B        M_ij = Σ_c U_ij V_ij        y = Aᵀ M A.
//
// Most of the work is the sum over channels c: 16 independent matrix products, filters × channels by channels × tiles.
// F(4×4, 3×3) needs 36 multiplications instead of 144 for a tile of 4 × 4 outputs, from 6 × 6 inputs, with
//
//          4  0 -5  0  1  0            6  0  0
//          0 -4 -4  1  1  0           -4 -4 -4           1  1  1  1  1  0
//     Bᵀ = 0  4 -4 -1  1  0    24 G = -4  4 -4      Aᵀ = 0  1 -1  2 -2  0
//          0 -2 -1  2  1  0            1  2  4           0  1  1  4  4  0
//          0  2 -1 -2  1  0            1 -2  4           0  1 -1  8 -8  1
//          0  4  0 -5  0  1            0  0 24
//
// Its rounding errors are larger. Tiles that extend over the border are padded with zeros. An infinity or a NaN spreads
// over its tile. The input gradient is a convolution of g with the weights rotated by 180°, with filters and channels
// exchanged and padding 2 - p; `turned` selects this order of the weights.
//
// fused           F(2×2) in one kernel; only x, w and y are in global memory. A block computes 32 filters × 32 tiles.
//                 For 8 channels at a time (4 in double), its threads transform weights and tiles in registers and
//                 store U and V in shared memory. Then each thread multiplies 8 filters × 8 tiles of one of the 16
//                 products. At the end the products go through shared memory, for Aᵀ M A. A block transforms all its
//                 weights and tiles, although other blocks do the same work.
// 4x4             F(4×4) in four kernels: 36 products are too many for the shared memory of a block, so U, V and M are
//                 in global memory, and every weight and tile is transformed once. U, V and M are padded with zeros to
//                 whole tiles of the product, so the product checks no bounds and loads only Vec4.
#include "common.cuh"

struct Winograd {
    int batch, channels, filters;  // channels of the input, filters of the result
    int height, width, top, left;  // size of an input plane; its padding, which may be negative
    int rows, columns;             // size of an output plane
    int down, across;              // tiles along the two axes of an output plane
    int turned;                    // whether w is (channels, filters, 3, 3) and rotated by 180°
};

__device__ __forceinline__ void copy(const Vec4& v, Real* to) { to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w; }

// --- F(2×2), fused ---------------------------------------------------------------------------------------------------

// Bᵀ d, G w and Aᵀ m along one axis; the arguments step, from and to are strides.
__device__ __forceinline__ void input_transform(Real* d, int step) {
    const Real d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    d[0] = d0 - d2, d[step] = d1 + d2, d[2 * step] = d2 - d1, d[3 * step] = d1 - d3;
}
__device__ __forceinline__ void weight_transform(const Real* w, int from, Real* u, int to) {
    const Real ends = Real(0.5) * (w[0] + w[2 * from]), middle = Real(0.5) * w[from];
    u[0] = w[0], u[to] = ends + middle, u[2 * to] = ends - middle, u[3 * to] = w[2 * from];
}
__device__ __forceinline__ void output_transform(const Real* m, int from, Real* y, int to) {
    const Real sum = m[from] + m[2 * from], difference = m[from] - m[2 * from];
    y[0] = m[0] + sum, y[to] = difference - m[3 * from];
}

constexpr int DEPTH = sizeof(Real) == 4 ? 8 : 4;  // channels per stage
constexpr int TWO = sizeof(Real) == 4 ? 2 : 1;    // blocks per multiprocessor
constexpr int SIDE = 32;                          // filters and tiles of a block
constexpr int ROW = SIDE + 4;                     // stride of a channel, stride of a product: with these pads, the
constexpr int PLANE = DEPTH * ROW + 16;           // writes and reads of a warp are in 32 different banks

extern "C" __global__ void __launch_bounds__(256, TWO) winograd_fused(const Real* __restrict__ x,
                                                                      const Real* __restrict__ w,
                                                                      Real* __restrict__ y, Winograd s) {
    __shared__ Vec4 memory[2 * 16 * PLANE / 4];  // U and V: [16][channel][filter or tile]; then M
    Real *u = reinterpret_cast<Real*>(memory), *v = u + 16 * PLANE;
    const int tiles = s.batch * s.down * s.across, first_filter = blockIdx.x % ceil_div(s.filters, SIDE) * SIDE;
    const int first_tile = blockIdx.x / ceil_div(s.filters, SIDE) * SIDE, thread = threadIdx.x;

    // In each stage a thread transforms a channel of a filter and of a tile; in double, half of the threads do.
    const bool works = thread < SIDE * DEPTH;
    const int u_channel = thread % DEPTH, u_filter = thread / DEPTH, v_channel = thread / SIDE, v_tile = thread % SIDE;
    const int tile = first_tile + v_tile, image = tile / (s.down * s.across);
    const int top = tile / s.across % s.down * 2 - s.top, left = tile % s.across * 2 - s.left;
    int inside = 0;  // bit mask of the tile's rows, then columns, that are not padding
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        inside |= (tile < tiles && 0 <= top + i && top + i < s.height) << i;
        inside |= (0 <= left + i && left + i < s.width) << (4 + i);
    }

    const int product = thread / 16, row = thread % 16 / 4 * 4, column = thread % 4 * 4;  // and + 16
    Real sum[8][8] = {};
    for (int c = 0; c < s.channels; c += DEPTH) {
        if (works) {
            const int f = first_filter + u_filter, channel = c + u_channel;
            const bool there = f < s.filters && channel < s.channels;
            const Real* filter = w + (s.turned ? channel * s.filters + f : f * s.channels + channel) * 9;
            Real g[9], half[12], all[16];
#pragma unroll
            for (int k = 0; k < 9; ++k) g[k] = there ? filter[s.turned ? 8 - k : k] : Real(0);
#pragma unroll
            for (int k = 0; k < 3; ++k) weight_transform(g + k, 3, half + k, 3);
#pragma unroll
            for (int i = 0; i < 4; ++i) weight_transform(half + 3 * i, 1, all + 4 * i, 1);
#pragma unroll
            for (int i = 0; i < 16; ++i) u[i * PLANE + u_channel * ROW + u_filter] = all[i];
        }
        if (works) {
            const Real* plane = x + ((image * s.channels + c + v_channel) * s.height + top) * s.width + left;
            const int bits = c + v_channel < s.channels ? inside : 0;
            Real d[16];
#pragma unroll
            for (int i = 0; i < 16; ++i)
                d[i] = bits >> i / 4 & bits >> (4 + i % 4) & 1 ? plane[i / 4 * s.width + i % 4] : Real(0);
#pragma unroll
            for (int i = 0; i < 4; ++i) input_transform(d + i, 4);
#pragma unroll
            for (int i = 0; i < 4; ++i) input_transform(d + 4 * i, 1);
#pragma unroll
            for (int i = 0; i < 16; ++i) v[i * PLANE + v_channel * ROW + v_tile] = d[i];
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < DEPTH; ++k) {
            const Vec4* us = memory + (product * PLANE + k * ROW + row) / 4;
            const Vec4* vs = memory + ((16 + product) * PLANE + k * ROW + column) / 4;
            Real a[8], b[8];
            copy(us[0], a), copy(us[4], a + 4), copy(vs[0], b), copy(vs[4], b + 4);
#pragma unroll
            for (int i = 0; i < 8; ++i)
#pragma unroll
                for (int j = 0; j < 8; ++j) sum[i][j] += a[i] * b[j];
        }
        __syncthreads();
    }

    // Aᵀ M A for 8 filters at a time: rows 2 h and 2 h + 1 of each thread. A thread computes one tile of one filter.
    const int out_row = tile / s.across % s.down * 2, out_column = tile % s.across * 2;
#pragma unroll
    for (int h = 0; h < 4; ++h) {
        Vec4* m = memory + (product * 8 + row / 2) * (SIDE / 4) + column / 4;  // [16][8 filters][32 tiles]
#pragma unroll
        for (int i = 0; i < 2; ++i)
#pragma unroll
            for (int j = 0; j < 2; ++j) {
                const Real* from = sum[2 * h + i] + 4 * j;
                m[i * (SIDE / 4) + 4 * j] = {from[0], from[1], from[2], from[3]};
            }
        __syncthreads();
        const int eighth = thread / SIDE;  // number of the filter, 0 to 7: row / 4 * 2 + i
        const int f = first_filter + eighth / 2 * 4 + h / 2 * 16 + h % 2 * 2 + eighth % 2;
        Real half[8], out[4];
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            Real four[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) four[i] = u[(4 * i + j) * 8 * SIDE + thread];
            output_transform(four, 1, half + j, 4);
        }
#pragma unroll
        for (int i = 0; i < 2; ++i) output_transform(half + 4 * i, 1, out + 2 * i, 1);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int r = out_row + i / 2, c = out_column + i % 2;
            if (tile < tiles && f < s.filters && r < s.rows && c < s.columns)
                y[((image * s.filters + f) * s.rows + r) * s.columns + c] = out[i];
        }
        __syncthreads();
    }
}

// --- F(4×4) in four kernels ------------------------------------------------------------------------------------------

struct Padded {
    int channels, filters, tiles;  // multiples of STAGE, TILE and TILE
};

constexpr int STAGE = 8, TILE = 64;  // channels per stage; filters and tiles per block of the product

__device__ __forceinline__ void input_transform_6(Real* d, int step) {
    const Real d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const Real even = d4 - 4 * d2, odd = d3 - 4 * d1, near = d4 - d2, twice = 2 * (d3 - d1);
    d[0] = 4 * d0 - 5 * d2 + d4, d[step] = even + odd, d[2 * step] = even - odd;
    d[3 * step] = near + twice, d[4 * step] = near - twice, d[5 * step] = 4 * d1 - 5 * d3 + d5;
}
__device__ __forceinline__ void weight_transform_6(const Real* w, int from, Real* u, int to) {
    const Real w0 = w[0], w1 = w[from], w2 = w[2 * from];
    const Real ends = (w0 + w2) / -6, far = w0 / 24 + w2 / 6;
    u[0] = w0 / 4, u[to] = ends - w1 / 6, u[2 * to] = ends + w1 / 6;
    u[3 * to] = far + w1 / 12, u[4 * to] = far - w1 / 12, u[5 * to] = w2;
}
__device__ __forceinline__ void output_transform_6(const Real* m, int from, Real* y, int to) {
    const Real s1 = m[from] + m[2 * from], d1 = m[from] - m[2 * from];
    const Real s2 = m[3 * from] + m[4 * from], d2 = m[3 * from] - m[4 * from];
    y[0] = m[0] + s1 + s2, y[to] = d1 + 2 * d2, y[2 * to] = s1 + 4 * s2, y[3 * to] = d1 + 8 * d2 + m[5 * from];
}

// U [36][channels][filters]: a thread transforms a channel of a filter.
extern "C" __global__ void __launch_bounds__(256) winograd_4x4_weight(const Real* w, Real* u, Winograd s, Padded p) {
    const long long index = blockIdx.x * 256LL + threadIdx.x;
    if (index >= (long long)p.channels * p.filters) return;
    const int f = int(index) % p.filters, channel = int(index) / p.filters;
    const bool there = f < s.filters && channel < s.channels;
    const Real* filter = w + (s.turned ? channel * s.filters + f : f * s.channels + channel) * 9;
    Real g[9], half[18], all[36];
#pragma unroll
    for (int k = 0; k < 9; ++k) g[k] = there ? filter[s.turned ? 8 - k : k] : Real(0);
#pragma unroll
    for (int k = 0; k < 3; ++k) weight_transform_6(g + k, 3, half + k, 3);
#pragma unroll
    for (int i = 0; i < 6; ++i) weight_transform_6(half + 3 * i, 1, all + 6 * i, 1);
#pragma unroll
    for (int i = 0; i < 36; ++i) u[i * p.channels * p.filters + index] = all[i];
}

// V [36][channels][tiles]: a thread transforms a channel of a tile.
extern "C" __global__ void __launch_bounds__(256) winograd_4x4_input(const Real* x, Real* v, Winograd s, Padded p) {
    const long long index = blockIdx.x * 256LL + threadIdx.x;
    if (index >= (long long)p.channels * p.tiles) return;
    const int tile = int(index) % p.tiles, channel = int(index) / p.tiles, image = tile / (s.down * s.across);
    const int top = tile / s.across % s.down * 4 - s.top, left = tile % s.across * 4 - s.left;
    const bool there = image < s.batch && channel < s.channels;
    const Real* plane = x + (image * s.channels + channel) * s.height * s.width;
    Real d[36];
#pragma unroll
    for (int i = 0; i < 36; ++i) {
        const int r = top + i / 6, c = left + i % 6;
        d[i] = there && 0 <= r && r < s.height && 0 <= c && c < s.width ? plane[r * s.width + c] : Real(0);
    }
#pragma unroll
    for (int i = 0; i < 6; ++i) input_transform_6(d + i, 6);
#pragma unroll
    for (int i = 0; i < 6; ++i) input_transform_6(d + 6 * i, 1);
#pragma unroll
    for (int i = 0; i < 36; ++i) v[i * p.channels * p.tiles + index] = d[i];
}

// M [36][filters][tiles] = U V: a block computes TILE × TILE of one product, each of its two warps 32 × 64, a thread
// 8 × 8. Double buffering: the next channels of U and V are loaded while the current channels are multiplied.
extern "C" __global__ void __launch_bounds__(64) winograd_4x4_product(const Real* __restrict__ u,
                                                                      const Real* __restrict__ v,
                                                                      Real* __restrict__ m, Padded p) {
    constexpr int FOURS = TILE / 4;  // Vec4s per row
    __shared__ Vec4 us[2][STAGE][FOURS], vs[2][STAGE][FOURS];
    const int down = p.filters / TILE, across = p.tiles / TILE, product = blockIdx.x / (down * across);
    const int filter = blockIdx.x % down * TILE, tile = blockIdx.x / down % across * TILE, thread = threadIdx.x;
    const int channel = thread / FOURS, four = thread % FOURS;  // loads this channel (0-3) and channel + 4
    const Vec4* u_next = (const Vec4*)(u + (product * p.channels + channel) * p.filters + filter) + four;
    const Vec4* v_next = (const Vec4*)(v + (product * p.channels + channel) * p.tiles + tile) + four;
    const int u_row = p.filters, v_row = p.tiles;  // stride of four channels, in Vec4
    Vec4 next[4];
    auto fetch = [&] {
        next[0] = u_next[0], next[1] = u_next[u_row], next[2] = v_next[0], next[3] = v_next[v_row];
        u_next += 2 * u_row, v_next += 2 * v_row;
    };
    auto put = [&](int stage) {
        us[stage][channel][four] = next[0], us[stage][channel + 4][four] = next[1];
        vs[stage][channel][four] = next[2], vs[stage][channel + 4][four] = next[3];
    };
    const int row = thread / 32 * 8 + thread % 32 / 8, column = thread % 8;  // in Vec4; also row + 4 and column + 8
    Real sum[8][8] = {};
    fetch();
    put(0);
    __syncthreads();
    int stage = 0;
    for (int c = STAGE; c <= p.channels; c += STAGE) {
        if (c < p.channels) fetch();
#pragma unroll
        for (int k = 0; k < STAGE; ++k) {
            Real a[8], b[8];
            copy(us[stage][k][row], a), copy(us[stage][k][row + 4], a + 4);
            copy(vs[stage][k][column], b), copy(vs[stage][k][column + 8], b + 4);
#pragma unroll
            for (int i = 0; i < 8; ++i)
#pragma unroll
                for (int j = 0; j < 8; ++j) sum[i][j] += a[i] * b[j];
        }
        stage ^= 1;
        put(stage);
        __syncthreads();
    }
    Vec4* out = (Vec4*)(m + (product * p.filters + filter) * p.tiles + tile);
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 8; j += 4) {
            const int r = 4 * row + i % 4 + i / 4 * 16;
            out[r * (p.tiles / 4) + column + 2 * j] = {sum[i][j], sum[i][j + 1], sum[i][j + 2], sum[i][j + 3]};
        }
}

// y: a thread computes a tile of a filter.
extern "C" __global__ void __launch_bounds__(256) winograd_4x4_output(const Real* m, Real* y, Winograd s, Padded p) {
    const long long index = blockIdx.x * 256LL + threadIdx.x;
    if (index >= (long long)s.filters * p.tiles) return;
    const int tile = int(index) % p.tiles, f = int(index) / p.tiles, image = tile / (s.down * s.across);
    if (image >= s.batch) return;
    Real half[24], out[16];
#pragma unroll
    for (int j = 0; j < 6; ++j) {
        Real six[6];
#pragma unroll
        for (int i = 0; i < 6; ++i) six[i] = m[((6 * i + j) * p.filters + f) * p.tiles + tile];
        output_transform_6(six, 1, half + j, 6);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) output_transform_6(half + 6 * i, 1, out + 4 * i, 1);
    const int top = tile / s.across % s.down * 4, left = tile % s.across * 4;
    Real* plane = y + (image * s.filters + f) * s.rows * s.columns;
#pragma unroll
    for (int i = 0; i < 16; ++i) {
        const int r = top + i / 4, c = left + i % 4;
        if (r < s.rows && c < s.columns) plane[r * s.columns + c] = out[i];
    }
}
