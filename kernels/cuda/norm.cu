// Normalisation: x is read as (outer, channels, inner). Mean and variance of a channel are over outer and inner.
//
//     y = (x - mean) rstd,   rstd = 1 / sqrt(variance + eps),   variance = mean of (x - mean)^2.
//
// Batch norm has outer = N and channels = C. Instance, layer and group norm have outer = 1 and a channel for each group
// of numbers. Where the mean is large compared to the deviation, the sum of squares minus the square of the sum loses
// its digits. So all rungs subtract the first element of the channel first. All but the lowest keep count, mean and sum
// of squared deviations (Welford, Technometrics 4, 1962). Two of these triples can be merged exactly (Chan, Golub and
// LeVeque, 1979): in a warp, in a block and between blocks, always in the same order.
//
//   norm_two_pass  A thread for each channel reads it twice, for the mean and for the variance. With norm_apply, x is
//                  read 3 times. Neighbouring threads read distant elements, and few channels keep few threads busy.
//   norm_block     A block for each channel reads it once, neighbouring threads read neighbouring elements. With
//                  norm_apply, x is read twice.
//   norm_warp      Like norm_block with a warp for each channel: for short channels, where most of a block would be
//                  idle.
//   norm_columns   For inner < 8 (batch norm after a linear layer), where the elements of a channel are far apart:
//                  neighbouring threads have neighbouring columns of the (outer, channels inner) matrix. Different
//                  blocks work on different parts of the rows, and norm_combine merges the parts.
//   norm_split_*   For few channels with many elements: several blocks for each channel, merged by norm_combine. Reads
//                  four numbers at a time where the size of a plane allows it (_vec4).
//
// norm_apply computes y after each of these rungs: it reads x again and writes y once. It handles four numbers at a
// time, wherever planes begin, and single numbers only where the four cross a plane boundary. A warp works on one piece
// of memory, so it rarely changes the channel and keeps mean and rstd in registers.
#include "common.cuh"

struct Norm {
    int outer, channels, inner;
    int parts, share;  // parts of a channel; elements (rows in norm_columns) in each part
};

constexpr int THREADS = 256, WARPS = THREADS / 32;
constexpr int PIECE = 4;  // vectors of four per thread in norm_apply

struct Moments {
    Real count, mean, squares;  // squares: the sum of squared deviations from the mean
};

__device__ __forceinline__ void include(Moments& m, Real value) {
    Real before = value - m.mean;
    m.count += Real(1);
    m.mean += before / m.count;
    m.squares += before * (value - m.mean);
}

__device__ __forceinline__ Moments merge(Moments a, Moments b) {
    Real count = a.count + b.count, weight = count > 0 ? b.count / count : Real(0), apart = b.mean - a.mean;
    return {count, a.mean + apart * weight, a.squares + b.squares + apart * (a.count * weight) * apart};
}

// Lane 0 returns the moments of all lanes.
__device__ __forceinline__ Moments merge_warp(Moments m) {
#pragma unroll
    for (int by = 16; by; by /= 2)
        m = merge(m, {__shfl_down_sync(0xffffffff, m.count, by), __shfl_down_sync(0xffffffff, m.mean, by),
                      __shfl_down_sync(0xffffffff, m.squares, by)});
    return m;
}

// Thread 0 returns the moments of all threads.
__device__ __forceinline__ Moments merge_block(Moments m) {
    __shared__ Moments warps[WARPS];
    m = merge_warp(m);
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = m;
    __syncthreads();
    m = {0, 0, 0};
    if (threadIdx.x < WARPS) m = warps[threadIdx.x];
    return threadIdx.x < 32 ? merge_warp(m) : m;
}

// The moments of every LANES-th element of begin ... end - 1 of a channel, minus `shift`. `begin` and `end` are
// multiples of WIDE and count through all planes of the channel. The loop finds the next plane without a division.
template <int LANES, int WIDE>
__device__ __forceinline__ Moments moments(const Real* x, int channel, int lane, int begin, int end, Real shift,
                                           Norm s) {
    int inner = s.inner / WIDE, row = (begin / WIDE + lane) / inner, i = (begin / WIDE + lane) % inner;
    const int rows = LANES / inner, rest = LANES % inner;
    Moments m = {0, 0, 0};
    for (unsigned n = begin / WIDE + lane; n < unsigned(end) / WIDE; n += LANES) {
        const Real* from = x + (row * s.channels + channel) * s.inner + i * WIDE;
        if constexpr (WIDE == 4) {
            Vec4 four = *reinterpret_cast<const Vec4*>(from);
            include(m, four.x - shift), include(m, four.y - shift);
            include(m, four.z - shift), include(m, four.w - shift);
        } else {
            include(m, *from - shift);
        }
        row += rows, i += rest;
        if (i >= inner) i -= inner, ++row;
    }
    return m;
}

__device__ __forceinline__ void finish(Moments m, int channel, Real shift, Real* mean, Real* rstd, Real eps) {
    mean[channel] = shift + m.mean;
    rstd[channel] = Real(1) / sqrt(m.squares / m.count + eps);
}

extern "C" __global__ void __launch_bounds__(256) norm_two_pass(const Real* x, Real* mean, Real* rstd, Norm s,
                                                                Real eps) {
    int channel = blockIdx.x * THREADS + threadIdx.x;
    if (channel >= s.channels) return;
    x += channel * s.inner;
    const Real shift = *x, count = s.outer * s.inner;
    const int pitch = s.channels * s.inner;
    Real sum = 0, squares = 0;
    for (int o = 0; o < s.outer; ++o)
        for (int i = 0; i < s.inner; ++i) sum += x[o * pitch + i] - shift;
    for (int o = 0; o < s.outer; ++o)
        for (int i = 0; i < s.inner; ++i) {
            Real apart = x[o * pitch + i] - shift - sum / count;
            squares += apart * apart;
        }
    finish({count, sum / count, squares}, channel, shift, mean, rstd, eps);
}

extern "C" __global__ void __launch_bounds__(256) norm_block(const Real* x, Real* mean, Real* rstd, Norm s, Real eps) {
    int channel = blockIdx.x;
    Real shift = x[channel * s.inner];
    Moments m = merge_block(moments<THREADS, 1>(x, channel, threadIdx.x, 0, s.outer * s.inner, shift, s));
    if (threadIdx.x == 0) finish(m, channel, shift, mean, rstd, eps);
}

extern "C" __global__ void __launch_bounds__(256) norm_warp(const Real* x, Real* mean, Real* rstd, Norm s, Real eps) {
    int channel = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (channel >= s.channels) return;  // true for a whole warp, so shuffles are safe
    Real shift = x[channel * s.inner];
    Moments m = merge_warp(moments<32, 1>(x, channel, lane, 0, s.outer * s.inner, shift, s));
    if (lane == 0) finish(m, channel, shift, mean, rstd, eps);
}

// parts: array (channels, s.parts) of Moments
template <int WIDE>
__device__ __forceinline__ void split(const Real* x, Real* parts, Norm s) {
    int channel = blockIdx.x / s.parts, begin = blockIdx.x % s.parts * s.share;
    int end = min(begin + s.share, s.outer * s.inner);
    Real shift = x[channel * s.inner];
    Moments m = merge_block(moments<THREADS, WIDE>(x, channel, threadIdx.x, begin, end, shift, s));
    if (threadIdx.x == 0) reinterpret_cast<Moments*>(parts)[blockIdx.x] = m;
}

extern "C" __global__ void __launch_bounds__(256) norm_split(const Real* x, Real* parts, Norm s) {
    split<1>(x, parts, s);
}

extern "C" __global__ void __launch_bounds__(256) norm_split_vec4(const Real* x, Real* parts, Norm s) {
    split<4>(x, parts, s);
}

// A block has 32 columns by 8 rows of threads. parts: array (channels, s.parts, inner) of Moments
extern "C" __global__ void __launch_bounds__(256) norm_columns(const Real* x, Real* parts, Norm s) {
    __shared__ Moments rows[WARPS][32];
    int columns = s.channels * s.inner, part = blockIdx.x % s.parts;
    int tx = threadIdx.x % 32, ty = threadIdx.x / 32;
    int column = blockIdx.x / s.parts * 32 + tx, channel = column / s.inner;
    Moments m = {0, 0, 0};
    if (column < columns) {
        Real shift = x[channel * s.inner];
        int end = min((part + 1) * s.share, s.outer);
        for (int row = part * s.share + ty; row < end; row += WARPS) include(m, x[row * columns + column] - shift);
    }
    rows[ty][tx] = m;
    __syncthreads();
    if (ty > 0 || column >= columns) return;
    for (int other = 1; other < WARPS; ++other) m = merge(m, rows[other][tx]);
    reinterpret_cast<Moments*>(parts)[(channel * s.parts + part) * s.inner + column % s.inner] = m;
}

// A warp merges the `count` parts of a channel.
extern "C" __global__ void __launch_bounds__(256) norm_combine(const Real* parts, const Real* x, Real* mean, Real* rstd,
                                                               int count, Norm s, Real eps) {
    int channel = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (channel >= s.channels) return;  // true for a whole warp, so shuffles are safe
    Moments m = {0, 0, 0};
    for (int part = lane; part < count; part += 32)
        m = merge(m, reinterpret_cast<const Moments*>(parts)[channel * count + part]);
    m = merge_warp(m);
    if (lane == 0) finish(m, channel, x[channel * s.inner], mean, rstd, eps);
}

extern "C" __global__ void __launch_bounds__(256) norm_apply(const Real* x, const Real* mean, const Real* rstd, Real* y,
                                                             Norm s) {
    const int size = s.outer * s.channels * s.inner, lane = threadIdx.x % 32;
    const long long first = ((long long)blockIdx.x * WARPS + threadIdx.x / 32) * (PIECE * 128);  // of the warp
    auto one = [&](long long at) {
        if (at >= size) return;
        int channel = int(at) / s.inner % s.channels;
        y[at] = (x[at] - mean[channel]) * rstd[channel];
    };
    if (s.inner < 4) {
#pragma unroll
        for (int u = 0; u < PIECE * 4; ++u) one(first + u * 32 + lane);
        return;
    }
    int channel = -1;
    Real m, r;
#pragma unroll
    for (int u = 0; u < PIECE; ++u) {
        const long long at = first + u * 128 + lane * 4;
        if (at + 4 <= size && int(at) % s.inner + 4 <= s.inner) {  // all four in one channel
            int c = int(at) / s.inner % s.channels;
            if (c != channel) channel = c, m = mean[c], r = rstd[c];
            Vec4 four = *reinterpret_cast<const Vec4*>(x + at);
            *reinterpret_cast<Vec4*>(y + at) = {(four.x - m) * r, (four.y - m) * r, (four.z - m) * r, (four.w - m) * r};
        } else {
            for (int i = 0; i < 4; ++i) one(at + i);
        }
    }
}
