// Matrix products: C = A B for each matrix of a batch, A (n, k), B (k, m), C (n, m),
//
//     C[i, j] = sum over p of A[i, p] B[p, j].
//
// A transposed operand is the same memory read with other strides, so it needs no copy. Every multiplication needs two
// numbers. The rungs differ in where these numbers come from.
//
//   gemm_naive         A thread for each element of C; neighbouring threads have neighbouring ROWS. The 32 threads of a
//                      warp read 32 distant elements of A at a time, each in a memory transaction of its own.
//   gemm_coalesced     Neighbouring threads have neighbouring COLUMNS: a warp reads one element of A and 32 adjacent
//                      elements of B, in few transactions. Still two loads from global memory per multiplication.
//   gemm_shared        A block loads tiles of A and B into shared memory, and uses every number 16 times from there.
//   gemm_registers_1d  A thread computes 8 elements of a column: it keeps a number of B in a register for 8 products.
//                      This needs 9 loads from shared memory for 8 multiplications instead of 16.
//   gemm_registers_2d  A thread computes 8 x 8 elements: 16 loads from shared memory for 64 multiplications. Tiles of
//                      128 x 128.
//   gemm_vec4          gemm_registers_2d with loads of four numbers from global and shared memory: a quarter of the
//                      load instructions. A is transposed on its way into shared memory, so that the 8 rows of a thread
//                      are adjacent. Only for operands that are not transposed.
//   gemm_warp_*        Double buffering: the next tiles are loaded from global memory to registers while the current
//                      tiles are multiplied, and one barrier per tile is enough. A warp computes a compact part of C
//                      (64 x 32), so its threads read few different numbers and there are no bank conflicts. There is
//                      an entry for each layout of A and B (n: as written above, t: transposed). "_odd" loads single
//                      numbers from global memory, for operands whose rows are not a multiple of 4 and so not aligned.
//                      All entries read four numbers at a time from shared memory.
//   gemm_split_*       The code of gemm_warp for a small C (split-K): tiles of 64 x 64, and k is cut into parts for
//                      different blocks, so that more blocks are busy. gemm_sum adds the parts in a fixed order: the
//                      result is the same every time, which atomic additions do not guarantee.
#include "common.cuh"

struct Gemm {
    int batch, n, k, m;
    int a_row, a_column, b_row, b_column;  // strides: elements to the next row and column
    int parts, share;                      // parts of k (split-K), and values of p in each part
};

constexpr int THREADS = 256;

__device__ Real dot(const Real* a, const Real* b, int matrix, int i, int j, Gemm s) {
    a += matrix * (s.n * s.k) + i * s.a_row;
    b += matrix * (s.k * s.m) + j * s.b_column;
    Real sum = 0;
    for (int p = 0; p < s.k; ++p) sum += a[p * s.a_column] * b[p * s.b_row];
    return sum;
}

extern "C" __global__ void __launch_bounds__(256) gemm_naive(const Real* a, const Real* b, Real* c, Gemm s) {
    long long number = (long long)blockIdx.x * THREADS + threadIdx.x;
    int size = s.n * s.m;
    if (number >= (long long)s.batch * size) return;
    int matrix = number / size, i = number % size % s.n, j = number % size / s.n;
    c[matrix * size + i * s.m + j] = dot(a, b, matrix, i, j, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_coalesced(const Real* a, const Real* b, Real* c, Gemm s) {
    long long number = (long long)blockIdx.x * THREADS + threadIdx.x;
    int size = s.n * s.m;
    if (number >= (long long)s.batch * size) return;
    int matrix = number / size, i = number % size / s.m, j = number % size % s.m;
    c[number] = dot(a, b, matrix, i, j, s);
}

// The tile of C that a block computes. Blocks are numbered by tile column (fastest), tile row, matrix and part of k.
struct Tile {
    int i, j, matrix, part;
};

__device__ __forceinline__ Tile tile_of_block(int height, int width, Gemm s) {
    int rows = ceil_div(s.n, height), columns = ceil_div(s.m, width), number = blockIdx.x;
    int row = number / columns, matrix = row / rows;
    return {row % rows * height, number % columns * width, matrix % s.batch, matrix / s.batch};
}

// 16 x 16 threads compute HEIGHT x WIDTH elements each. For 16 values of p at a time, a thread loads HEIGHT numbers of
// A and WIDTH of B, or zeros outside of the matrices.
template <int HEIGHT, int WIDTH>
__device__ void register_tile(const Real* a, const Real* b, Real* c, Gemm s) {
    constexpr int DEPTH = 16;
    __shared__ Real a_tile[16 * HEIGHT][DEPTH], b_tile[DEPTH][16 * WIDTH];
    Tile tile = tile_of_block(16 * HEIGHT, 16 * WIDTH, s);
    a += tile.matrix * (s.n * s.k);
    b += tile.matrix * (s.k * s.m);
    int ty = threadIdx.x / 16, tx = threadIdx.x % 16;
    Real sum[HEIGHT][WIDTH] = {};
    for (int start = 0; start < s.k; start += DEPTH) {
#pragma unroll
        for (int u = 0; u < HEIGHT; ++u) {
            int i = tile.i + ty + 16 * u, p = start + tx;
            a_tile[ty + 16 * u][tx] = i < s.n && p < s.k ? a[i * s.a_row + p * s.a_column] : Real(0);
        }
#pragma unroll
        for (int u = 0; u < WIDTH; ++u) {
            int p = start + ty, j = tile.j + tx + 16 * u;
            b_tile[ty][tx + 16 * u] = p < s.k && j < s.m ? b[p * s.b_row + j * s.b_column] : Real(0);
        }
        __syncthreads();
#pragma unroll
        for (int p = 0; p < DEPTH; ++p) {
            Real x[HEIGHT], y[WIDTH];
            for (int i = 0; i < HEIGHT; ++i) x[i] = a_tile[ty * HEIGHT + i][p];
            for (int j = 0; j < WIDTH; ++j) y[j] = b_tile[p][tx * WIDTH + j];
            for (int i = 0; i < HEIGHT; ++i)
                for (int j = 0; j < WIDTH; ++j) sum[i][j] += x[i] * y[j];
        }
        __syncthreads();
    }
    c += tile.matrix * (s.n * s.m);
#pragma unroll
    for (int u = 0; u < HEIGHT * WIDTH; ++u) {
        int i = tile.i + ty * HEIGHT + u / WIDTH, j = tile.j + tx * WIDTH + u % WIDTH;
        if (i < s.n && j < s.m) c[i * s.m + j] = sum[u / WIDTH][u % WIDTH];
    }
}

extern "C" __global__ void __launch_bounds__(256) gemm_shared(const Real* a, const Real* b, Real* c, Gemm s) {
    register_tile<1, 1>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_registers_1d(const Real* a, const Real* b, Real* c, Gemm s) {
    register_tile<8, 1>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_registers_2d(const Real* a, const Real* b, Real* c, Gemm s) {
    register_tile<8, 8>(a, b, c, s);
}

// Copies a tile from global memory to shared memory; a thread copies four numbers. In shared memory the tile is (DEPTH,
// SIZE). Its long axis is the rows of A or the columns of B; the matrix has `size` of them. In global memory, k
// (ALONG_K) or the long axis is contiguous, and `step` is the stride of the other axis. The first tile begins `skip`
// before the first p, with zeros there. So all later tiles are WHOLE, and the inner loop needs no comparison. Rows or
// columns after `size` repeat the last; their products are not stored.
template <int SIZE, int DEPTH, bool ALONG_K, bool VECTOR>
struct Carrier {
    static constexpr int WIDE = VECTOR ? 4 : 1, LOADS = 4 / WIDE;
    static constexpr int ACROSS = (ALONG_K ? DEPTH : SIZE) / WIDE;  // threads along the contiguous axis
    static constexpr int NEXT = THREADS / ACROSS;                   // from one load to the next along the other axis
    static constexpr int PITCH = SIZE + (ALONG_K ? 4 : 0);          // 4 more avoid bank conflicts in stores across rows

    const Real* from;   // the next number to load
    int p, place, step; // position on k; index in shared memory; stride in global memory
    int row[LOADS];     // offsets of the rows of all loads from the first
    Real value[4];

    __device__ __forceinline__ Carrier(const Real* matrix, int start, int size, int k, int skip)
        : step(ALONG_K ? k : size) {
        int fast = threadIdx.x % ACROSS * WIDE, slow = threadIdx.x / ACROSS;
        int i = ALONG_K ? min(start + slow, size - 1) : min(start + fast, size - WIDE);
        p = (ALONG_K ? fast : slow) - skip;
        place = ALONG_K ? fast * PITCH + slow : slow * PITCH + fast;
        from = matrix + (ALONG_K ? i * step + p : p * step + i);
#pragma unroll
        for (int u = 0; u < LOADS; ++u) row[u] = ALONG_K ? (min(start + slow + u * NEXT, size - 1) - i) * step : 0;
    }

    template <bool WHOLE>
    __device__ __forceinline__ void load() {
#pragma unroll
        for (int u = 0; u < LOADS; ++u) {
            bool inside = WHOLE || p + (ALONG_K ? 0 : u * NEXT) >= 0;
            if constexpr (VECTOR) {
                Vec4 four = inside ? *reinterpret_cast<const Vec4*>(from) : Vec4{0, 0, 0, 0};
                value[0] = four.x, value[1] = four.y, value[2] = four.z, value[3] = four.w;
            } else {
                value[u] = inside ? from[row[u]] : Real(0);
            }
            if (!ALONG_K) from += DEPTH / LOADS * step;
        }
        if (ALONG_K) from += DEPTH;
    }

    __device__ __forceinline__ void store(Vec4* tile) const {
        constexpr int APART = ALONG_K ? (VECTOR ? PITCH : NEXT) : NEXT * PITCH;
        if constexpr (VECTOR && !ALONG_K) {
            tile[place / 4] = {value[0], value[1], value[2], value[3]};
        } else {
#pragma unroll
            for (int u = 0; u < 4; ++u) reinterpret_cast<Real*>(tile)[place + u * APART] = value[u];
        }
    }
};

__device__ __forceinline__ void unpack(Vec4 four, Real* to) {
    to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
}

// The elements of C that a thread computes: Q x Q squares of 4 x 4, DOWN rows and RIGHT columns apart.
template <int Q, int DOWN, int RIGHT>
struct Sums {
    Real sum[4 * Q][4 * Q] = {};

    // Adds the products of two tiles with DEPTH values of p; a pitch is the row stride of a tile in shared memory.
    template <int DEPTH, int A_PITCH, int B_PITCH>
    __device__ __forceinline__ void add(const Vec4* a, const Vec4* b) {
#pragma unroll
        for (int p = 0; p < DEPTH; ++p) {
            Real x[4 * Q], y[4 * Q];
#pragma unroll
            for (int q = 0; q < Q; ++q) {
                unpack(a[(p * A_PITCH + q * DOWN) / 4], x + 4 * q);
                unpack(b[(p * B_PITCH + q * RIGHT) / 4], y + 4 * q);
            }
#pragma unroll
            for (int i = 0; i < 4 * Q; ++i)
#pragma unroll
                for (int j = 0; j < 4 * Q; ++j) sum[i][j] += x[i] * y[j];
        }
    }

    // Writes to C (n, m); `c` points to C[i, j]. VECTOR requires that m is a multiple of 4.
    template <bool VECTOR>
    __device__ __forceinline__ void write(Real* c, int i, int j, int n, int m) const {
#pragma unroll
        for (int u = 0; u < 4 * Q; ++u)
#pragma unroll
            for (int q = 0; q < Q; ++q) {
                int below = u / 4 * DOWN + u % 4, beside = q * RIGHT;
                Real* to = c + below * m + beside;
                const Real* from = sum[u] + 4 * q;
                if constexpr (VECTOR) {
                    if (i + below < n && j + beside < m)
                        *reinterpret_cast<Vec4*>(to) = {from[0], from[1], from[2], from[3]};
                } else {
#pragma unroll
                    for (int v = 0; v < 4; ++v)
                        if (i + below < n && j + beside + v < m) to[v] = from[v];
                }
            }
    }
};

// A and B are not transposed, and all sizes are multiples of 4.
extern "C" __global__ void __launch_bounds__(256) gemm_vec4(const Real* a, const Real* b, Real* c, Gemm s) {
    constexpr int SIZE = 128, DEPTH = 8;
    using Left = Carrier<SIZE, DEPTH, true, true>;
    using Right = Carrier<SIZE, DEPTH, false, true>;
    __shared__ Vec4 a_tile[DEPTH * Left::PITCH / 4], b_tile[DEPTH * Right::PITCH / 4];
    Tile tile = tile_of_block(SIZE, SIZE, s);
    int skip = ceil_div(s.k, DEPTH) * DEPTH - s.k;
    Left left(a + tile.matrix * (s.n * s.k), tile.i, s.n, s.k, skip);
    Right right(b + tile.matrix * (s.k * s.m), tile.j, s.m, s.k, skip);
    int row = threadIdx.x / 16 * 8, column = threadIdx.x % 16 * 8, i = tile.i + row, j = tile.j + column;
    Sums<2, 4, 4> sums;
    for (int start = 0; start < s.k; start += DEPTH) {
        left.template load<false>(), right.template load<false>();
        left.p += DEPTH, right.p += DEPTH;
        left.store(a_tile), right.store(b_tile);
        __syncthreads();
        sums.template add<DEPTH, Left::PITCH, Right::PITCH>(a_tile + row / 4, b_tile + column / 4);
        __syncthreads();
    }
    sums.template write<true>(c + tile.matrix * (s.n * s.m) + i * s.m + j, i, j, s.n, s.m);
}

// 2 x 4 warps compute a tile of 64 Q x 64 Q for a part of k.
template <int Q, bool A_ALONG_K, bool B_ALONG_K, bool VECTOR>
__device__ __forceinline__ void warp_tiles(const Real* a, const Real* b, Real* c, Gemm s) {
    constexpr int SIZE = 64 * Q, DEPTH = 16 / Q;
    using Left = Carrier<SIZE, DEPTH, A_ALONG_K, VECTOR>;
    using Right = Carrier<SIZE, DEPTH, B_ALONG_K, VECTOR>;
    __shared__ Vec4 a_tile[2][DEPTH * Left::PITCH / 4], b_tile[2][DEPTH * Right::PITCH / 4];
    Tile tile = tile_of_block(SIZE, SIZE, s);
    int first = tile.part * s.share, depth = min(s.share, s.k - first);
    int skip = max(ceil_div(depth, DEPTH), 1) * DEPTH - depth;
    Left left(a + tile.matrix * (s.n * s.k) + first * (A_ALONG_K ? 1 : s.n), tile.i, s.n, s.k, skip);
    Right right(b + tile.matrix * (s.k * s.m) + first * (B_ALONG_K ? 1 : s.m), tile.j, s.m, s.k, skip);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int row = warp / 4 * (32 * Q) + lane / 4 * 4, column = warp % 4 * (16 * Q) + lane % 4 * 4;
    int i = tile.i + row, j = tile.j + column;
    c += (tile.part * s.batch + tile.matrix) * (s.n * s.m) + i * s.m + j;
    Sums<Q, 32, 16> sums;
    left.template load<false>(), right.template load<false>();
    left.store(a_tile[0]), right.store(b_tile[0]);
    __syncthreads();
    for (int now = 0; depth > 0; depth -= DEPTH, now ^= 1) {
        if (depth > DEPTH) left.template load<true>(), right.template load<true>();
        sums.template add<DEPTH, Left::PITCH, Right::PITCH>(a_tile[now] + row / 4, b_tile[now] + column / 4);
        left.store(a_tile[now ^ 1]), right.store(b_tile[now ^ 1]);
        __syncthreads();
    }
    sums.template write<VECTOR>(c, i, j, s.n, s.m);
}

extern "C" __global__ void __launch_bounds__(256) gemm_warp_nn(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<2, true, false, true>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_warp_nt(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<2, true, true, true>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_warp_tn(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<2, false, false, true>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_warp_nn_odd(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<2, true, false, false>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_warp_nt_odd(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<2, true, true, false>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_warp_tn_odd(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<2, false, false, false>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_split_nn(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<1, true, false, false>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_split_nt(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<1, true, true, false>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_split_tn(const Real* a, const Real* b, Real* c, Gemm s) {
    warp_tiles<1, false, false, false>(a, b, c, s);
}

extern "C" __global__ void __launch_bounds__(256) gemm_sum(const Real* parts, Real* c, int count, int number) {
    long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= number) return;
    Real sum = 0;
    for (int part = 0; part < count; ++part) sum += parts[part * number + i];
    c[i] = sum;
}
