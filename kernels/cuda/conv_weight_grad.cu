// Weight gradient of a convolution:   w[f,c,k] = Σ_{n,o} g[n,f,o] · x[n, c, o·stride + k·dilation - padding].
//
// This is a matrix product too: rows are the filters f of a group, columns are its channels and taps (c, k), and the
// sum runs over the pixels (n, o) of all images. The result is small and the sum is long, unlike the forward pass.
//
// direct          A thread computes a weight and reads both factors of every product from global memory.
// gemm_tiles      A block computes 64 × 64 weights, a thread 4 × 4 of them, from 16 pixels at a time in shared memory:
//                 the rung of the same name in conv.cu with other indices (see gather_gemm.cuh).
// split_gemm      8 × 8 weights per thread: an element from shared memory is used eight times, and is read in 128-bit
//                 loads. The next 8 pixels are loaded while 8 are multiplied (double buffering). Two ideas are new:
//                 Tables: windows have the same shape in all channels and images. For each output pixel of an image, a
//                 table holds the offset of its window in a channel of x, and a bit mask of the kernel positions along
//                 each axis that fall outside of x. A tap has a mask with its own position along each axis. The tap is
//                 inside iff (mask of the pixel & mask of the tap) == 0: one instruction instead of a dozen divisions.
//                 The image number of a pixel comes from a multiplication instead of a division. In total 85% of the
//                 instructions in the loop are multiply-adds. The loop runs over whole stages, so it tests no pixel; a
//                 second, short loop handles the remaining pixels.
//                 Slices (split-K): few weights would keep few blocks busy, so the pixels are cut into slices, a block
//                 for each. The partial sums go to a workspace, and `sum` adds the slices in order. There are no atomic
//                 additions: the order is fixed, so the result is the same every time. Shorter sums also have smaller
//                 rounding errors.
//                 There are three tile sizes: with few channels (3 · 9 columns in the first layer of a network) a large
//                 tile would be mostly empty. The wrapper takes the tile with the least expected time.
#include "common.cuh"
#include "gather_gemm.cuh"

// The element of x that multiplies g[n, group, ·, o] for a column (c, k) of the result; 0 outside of x.
__device__ __forceinline__ Real seen(const Real* x, const Conv& s, int n, int group, int o, int column) {
    const int taps = volume(s.kernel);
    const int i = element(reads(place(o, s.output), place(column % taps, s.kernel), s), s.input);
    return i < 0 ? Real(0) : x[((n * s.groups + group) * s.channels + column / taps) * volume(s.input) + i];
}

extern "C" __global__ void __launch_bounds__(256) conv_weight_grad_direct(const Real* x, const Real* g, Real* w,
                                                                          Conv s) {
    const long long index = blockIdx.x * 256LL + threadIdx.x;
    const int columns = s.channels * volume(s.kernel), outputs = volume(s.output), filters = s.groups * s.filters;
    if (index >= (long long)filters * columns) return;
    const int f = index / columns;
    Real sum = 0;
    for (int n = 0; n < s.batch; ++n)
        for (int o = 0; o < outputs; ++o)
            sum += g[(n * filters + f) * outputs + o] * seen(x, s, n, f / s.filters, o, index % columns);
    w[index] = sum;
}

extern "C" __global__ void __launch_bounds__(256) conv_weight_grad_gemm_tiles(const Real* x, const Real* g, Real* w,
                                                                              Conv s) {
    const int columns = s.channels * volume(s.kernel), outputs = volume(s.output);
    gemm_tiles(
        s.groups, s.filters, s.batch * outputs, columns,
        [&](int group, int f, int p) {
            return g[((p / outputs * s.groups + group) * s.filters + f) * outputs + p % outputs];
        },
        [&](int group, int p, int column) { return seen(x, s, p / outputs, group, p % outputs, column); },
        [&](int group, int f, int column, Real sum) { w[(group * s.filters + f) * columns + column] = sum; });
}

// --- split_gemm ------------------------------------------------------------------------------------------------------

constexpr int DEPTH = 8;  // pixels per stage

// A table entry for a pixel or a tap: its term of the offset in a channel of x, and its bit mask.
struct alignas(8) Window {
    int start, outside;
};

struct Split {
    int groups, filters, channels, taps;  // filters and channels of one group
    int inputs, outputs;                  // elements of a channel of x, pixels of an image
    int pixels, length;                   // pixels of all images, and of a slice
    int x_image, g_image;                 // elements of an image of x; of an image of g, minus the elements of a filter
    int back;                             // -outputs
    int factor, shift;                    // (p - 1) / outputs = p · factor / 2³² >> shift, see `division` in the wrapper
};

__device__ __forceinline__ void copy(const Vec4& v, Real* to) { to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w; }

// A block computes ROWS × COLUMNS partial sums of a slice, a warp 64 × 32 of them, a lane 8 × 8.
template <int ROWS, int COLUMNS>
__device__ __forceinline__ void split_gemm(const Real* __restrict__ x, const Real* __restrict__ g,
                                           const Window* __restrict__ windows, const Window* __restrict__ taps,
                                           Real* __restrict__ parts, const Split& s) {
    constexpr int STEP = ROWS * COLUMNS / 64 / DEPTH;  // rows (or columns) that the block loads at once,
    constexpr int G = ROWS / STEP, X = COLUMNS / STEP; // and the number of loads per thread
    // Two stages of [pixel][rows, then columns]. The padding of one Vec4 avoids bank conflicts: the 8 pixels × 4 rows
    // that a warp writes at once lie in 32 different banks.
    __shared__ Vec4 stages[2 * DEPTH][(ROWS + COLUMNS) / 4 + 1];

    const int columns = s.channels * s.taps, across = ceil_div(columns, COLUMNS), down = ceil_div(s.filters, ROWS);
    const int group = blockIdx.x / (across * down);
    const int first_row = blockIdx.x / across % down * ROWS, first_column = blockIdx.x % across * COLUMNS;

    // This thread loads one pixel p of each stage, for G rows and X columns. Rows and columns after the last repeat the
    // last; their sums are not stored. Pixels are counted from 1, because the division by multiplication needs it:
    // adding 1 in the loop would cost an instruction, subtracting 1 here costs none.
    const int pixel = threadIdx.x % DEPTH, row = threadIdx.x / DEPTH;
    --windows;
    unsigned g_row[G], x_column[X];
    int bits[X];
#pragma unroll
    for (int i = 0; i < G; ++i)
        g_row[i] = (group * s.filters + min(first_row + row + i * STEP, s.filters - 1)) * s.outputs - 1;
#pragma unroll
    for (int i = 0; i < X; ++i) {
        const int column = min(first_column + row + i * STEP, columns - 1);
        const Window tap = taps[column % s.taps];
        x_column[i] = (group * s.channels + column / s.taps) * s.inputs + tap.start;
        bits[i] = tap.outside;
    }

    const int first = blockIdx.y * s.length;
    unsigned p = first + pixel + 1, g_at, x_at;
    Window window;
    auto look = [&] {  // one stage ahead, because the addresses in x depend on the window
        p = min(p, unsigned(s.pixels));
        const unsigned image = unsigned((unsigned long long)p * unsigned(s.factor) >> 32) >> s.shift;
        window = windows[p + image * s.back];
        g_at = image * s.g_image + p;
        x_at = image * s.x_image;
    };
    Real next[G + X];
    auto fetch = [&] {  // after the last pixel: loads the last again, which is not used
        x_at += window.start;
#pragma unroll
        for (int i = 0; i < G; ++i) next[i] = g[g_row[i] + g_at];
#pragma unroll
        for (int i = 0; i < X; ++i) next[G + i] = window.outside & bits[i] ? Real(0) : x[x_column[i] + x_at];
        p += DEPTH;
        look();
    };
    auto put = [&](int stage) {
#pragma unroll
        for (int i = 0; i < G + X; ++i) reinterpret_cast<Real*>(stages[stage * DEPTH + pixel])[row + i * STEP] = next[i];
    };

    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int my_row = warp % (ROWS / 64) * 64 + lane / 4 * 4;                     // four rows, and four at + 32
    const int my_column = ROWS + warp / (ROWS / 64) * 32 + lane % 4 * 4;           // four columns, and four at + 16
    // Their byte offsets in a row of a stage: bytes need no shift in the loop. The shuffle returns the thread's own
    // value, but the compiler does not know that. Without the shuffle, it would save registers by computing both
    // offsets again from `lane` in every iteration.
    const int row_at = __shfl_sync(0xffffffff, my_row * int(sizeof(Real)), lane);
    const int column_at = __shfl_sync(0xffffffff, my_column * int(sizeof(Real)), lane);
    Real sum[8][8] = {};
    auto multiply = [&](int k) {
        const Vec4* rows = (const Vec4*)((const char*)stages[k] + row_at);
        const Vec4* columns = (const Vec4*)((const char*)stages[k] + column_at);
        Real a[8], b[8];
        copy(rows[0], a), copy(rows[8], a + 4), copy(columns[0], b), copy(columns[4], b + 4);
#pragma unroll
        for (int i = 0; i < 8; ++i)
#pragma unroll
            for (int j = 0; j < 8; ++j) sum[i][j] += a[i] * b[j];
    };
    look();
    fetch();
    put(0);
    __syncthreads();
    int left = min(s.length, s.pixels - first);
    for (; left >= 2 * DEPTH; left -= 2 * DEPTH)  // two stages per iteration: their addresses are constants
#pragma unroll
        for (int stage = 0; stage < 2; ++stage) {
            fetch();
#pragma unroll
            for (int k = 0; k < DEPTH; ++k) multiply(stage * DEPTH + k);
            put(1 - stage);
            __syncthreads();
        }
    fetch();  // fewer than two stages are left; the loop below multiplies these pixels only
    put(1);
    __syncthreads();
#pragma unroll 1
    for (int k = 0; k < left; ++k) multiply(k);

    parts += (long long)blockIdx.y * s.groups * s.filters * columns;
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 8; ++j) {
            const int f = first_row + my_row + i % 4 + i / 4 * 32;
            const int column = first_column + my_column - ROWS + j % 4 + j / 4 * 16;
            if (f < s.filters && column < columns) parts[(group * s.filters + f) * columns + column] = sum[i][j];
        }
}

constexpr int TWO = sizeof(Real) == 4 ? 2 : 1;  // blocks of 256 threads per multiprocessor, limited by its registers

// Grid: (groups × tiles, slices). `windows` and `taps` are arrays of Window.
extern "C" __global__ void __launch_bounds__(256, TWO) conv_weight_grad_split_gemm_128x128(
    const Real* x, const Real* g, const int* windows, const int* taps, Real* parts, Split s) {
    split_gemm<128, 128>(x, g, (const Window*)windows, (const Window*)taps, parts, s);
}

extern "C" __global__ void __launch_bounds__(64, 3 * TWO) conv_weight_grad_split_gemm_64x64(
    const Real* x, const Real* g, const int* windows, const int* taps, Real* parts, Split s) {
    split_gemm<64, 64>(x, g, (const Window*)windows, (const Window*)taps, parts, s);
}

extern "C" __global__ void __launch_bounds__(32, 4 * TWO) conv_weight_grad_split_gemm_64x32(
    const Real* x, const Real* g, const int* windows, const int* taps, Real* parts, Split s) {
    split_gemm<64, 32>(x, g, (const Window*)windows, (const Window*)taps, parts, s);
}

// w = Σ parts: a block sums 32 weights with 8 threads for each; thread i adds the slices i, i + 8, ...
extern "C" __global__ void __launch_bounds__(256) conv_weight_grad_sum(const Real* parts, Real* w, int weights,
                                                                       int slices) {
    __shared__ Real sums[8][32];
    const int lane = threadIdx.x % 32, first = threadIdx.x / 32, i = blockIdx.x * 32 + lane;
    Real sum = 0;
    if (i < weights)
        for (int slice = first; slice < slices; slice += 8) sum += parts[slice * weights + i];
    sums[first][lane] = sum;
    __syncthreads();
    if (first > 0 || i >= weights) return;
    for (int other = 1; other < 8; ++other) sum += sums[other][lane];
    w[i] = sum;
}
