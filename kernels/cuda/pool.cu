// Pooling reduces each window to one number. The linear maps below send a gradient through it, in both directions.
//
//   max_pool             y[o] = max over taps k of x[o stride + k dilation - padding];  winner[o] = that k
//   max_unpool           x[i] = Σ g[o] over the windows o whose winner is element i
//   pick                 y[o] = x[the winner of window o]
//   avg_pool             y[o] = (Σ over taps x[o stride + k - padding]) / divisor[o]
//   avg_pool_input_grad  x[i] = Σ g[o] / divisor[o] over the windows o that contain element i
//
// Padding never wins, and NaN always does. Among equal elements the first in row-major order wins. There is no scatter:
// each input element gathers from the windows that contain it, so every sum has a fixed order and needs no atomics.
// There is little arithmetic. The time depends on memory: each byte should be read once, in whole sectors of 32 bytes.
//
//   direct  A thread for each output, 256 per block. Elements in overlapping windows of two blocks are read twice (3×3
//           at stride 2 on 112×112: 9% more), and each output costs a few integer divisions.
//   slab    A block computes a few thousand consecutive outputs, a multiple of 32, so it writes whole sectors and
//           shares few of its inputs with other blocks. Threads step through their outputs without divisions. Windows
//           of 2×2 and 3×3 are unrolled: all their loads are in flight together.
//   warp    For large windows that do not overlap: a warp for each window. With a thread for each window, threads would
//           read addresses a whole window apart. Here the 32 lanes read adjacent elements of one window, and combine
//           their results by shuffles.
#include "windows.cuh"

// The largest element of a window so far, and its tap. The tap is NONE before the first element.
struct Best {
    Real value;
    int tap;
};

constexpr int NONE = 1 << 30;

__device__ __forceinline__ void take(Best& best, Real value, int tap) {
    if (value > best.value || value != value || best.tap == NONE) best = {value, tap};
}

__device__ __forceinline__ void put(const Best& best, int o, Real* y, unsigned char* winner) {
    y[o] = best.value;
    winner[o] = best.tap == NONE ? 0 : best.tap;
}

extern "C" __global__ void __launch_bounds__(256) max_pool_direct(
    const Real* __restrict__ x, Real* __restrict__ y, unsigned char* __restrict__ winner, int count, Pool s) {
    one_each(count, s.output, [&](int o, const Place& out) {
        Best best = {-infinity(), NONE};
        each_tap(s, out, [&](int tap, int i, bool inside) {
            if (inside) take(best, x[i], tap);
        });
        put(best, o, y, winner);
    });
}

extern "C" __global__ void __launch_bounds__(256, 4) max_pool_slab(
    const Real* __restrict__ x, Real* __restrict__ y, unsigned char* __restrict__ winner, Walk walk, Pool s) {
    walk_slab(walk, s.output, [&](int o, const Place& out) {
        Best best = {-infinity(), NONE};
        auto visit = [&](int tap, int i, bool inside) {
            const Real value = inside ? x[i] : -infinity();
            if (inside) take(best, value, tap);
        };
        if (is_square<2>(s)) each_tap_unrolled<2>(s, out, visit);
        else if (is_square<3>(s)) each_tap_unrolled<3>(s, out, visit);
        else each_tap(s, out, visit);
        put(best, o, y, winner);
    });
}

// --- a warp for each window ----------------------------------------------------------------------------------------

// Calls work(o, place) with a whole warp for each of the block's 32 windows. Their winners fill a sector of 32 bytes.
template <class Work>
__device__ __forceinline__ void one_warp_each(int count, const Pool& s, Work work) {
    for (int i = threadIdx.x / 32; i < 32; i += blockDim.x / 32) {
        const long long o = 32ll * blockIdx.x + i;
        if (o < count) work(int(o), place_of(int(o), s.output));
    }
}

// Calls visit(tap, index) for the taps inside the input; a lane visits every 32nd tap.
template <class Visit>
__device__ __forceinline__ void every_32nd_tap(const Pool& s, const Place& out, Visit visit) {
    const int taps = s.kernel[0] * s.kernel[1] * s.kernel[2];
    for (int tap = threadIdx.x % 32; tap < taps; tap += 32) {
        const int i = element_at(s, out, place_of(tap, s.kernel));
        if (i >= 0) visit(tap, i);
    }
}

// Returns the maximum that a single pass in row-major order would keep: the first of equal elements, the last of NaNs.
__device__ __forceinline__ Best better(Best a, Best b) {
    const bool nan_a = a.value != a.value, nan_b = b.value != b.value;
    if (nan_a || nan_b) return nan_a && (!nan_b || a.tap > b.tap) ? a : b;
    return a.value > b.value || (a.value == b.value && a.tap < b.tap) ? a : b;
}

extern "C" __global__ void __launch_bounds__(256) max_pool_warp(
    const Real* __restrict__ x, Real* __restrict__ y, unsigned char* __restrict__ winner, int count, Pool s) {
    one_warp_each(count, s, [&](int o, const Place& out) {
        Best best = {-infinity(), NONE};
        every_32nd_tap(s, out, [&](int tap, int i) { take(best, x[i], tap); });
        for (int lanes = 16; lanes; lanes /= 2) {
            const Real value = __shfl_xor_sync(0xffffffff, best.value, lanes);
            best = better(best, {value, __shfl_xor_sync(0xffffffff, best.tap, lanes)});
        }
        if (threadIdx.x % 32 == 0) put(best, o, y, winner);
    });
}

// --- linear maps for known winners ---------------------------------------------------------------------------------

extern "C" __global__ void __launch_bounds__(256) max_unpool_direct(
    const Real* __restrict__ g, const unsigned char* __restrict__ winner, Real* __restrict__ x, int count, Pool s) {
    one_each(count, s.input, [&](int i, const Place& p) {
        Real total = 0;
        try_each_tap(s, p, [&](int tap, int o, const Place&) { total += winner[o] == tap ? g[o] : Real(0); });
        x[i] = total;
    });
}

extern "C" __global__ void __launch_bounds__(256, 4) max_unpool_slab(
    const Real* __restrict__ g, const unsigned char* __restrict__ winner, Real* __restrict__ x, Walk walk, Cover c,
    Pool s) {
    walk_slab(walk, s.input, [&](int i, const Place& p) {
        Real total = 0;
        each_window_over(s, c, p, [&](int tap, int o, const Place&) {
            const Real value = g[o];   // loaded always, so that it does not wait for the winner
            total += winner[o] == tap ? value : Real(0);
        });
        x[i] = total;
    });
}

extern "C" __global__ void __launch_bounds__(256) pick_direct(
    const Real* __restrict__ x, const unsigned char* __restrict__ winner, Real* __restrict__ y, int count, Pool s) {
    one_each(count, s.output, [&](int o, const Place& out) {
        const int i = element_at(s, out, place_of(winner[o], s.kernel));
        y[o] = i >= 0 ? x[i] : Real(0);
    });
}

extern "C" __global__ void __launch_bounds__(256) pick_slab(
    const Real* __restrict__ x, const unsigned char* __restrict__ winner, Real* __restrict__ y, Walk walk, Pool s) {
    walk_slab(walk, s.output, [&](int o, const Place& out) {
        const int i = element_at(s, out, place_of(winner[o], s.kernel));
        y[o] = i >= 0 ? x[i] : Real(0);
    });
}

// --- averages ------------------------------------------------------------------------------------------------------

// The divisor of window `out`: the number of elements that it covers, with or without the padding.
__device__ __forceinline__ Real divisor(const Place& out, const Pool& s) {
    if (s.divisor_override) return Real(s.divisor_override);
    int count = 1;
#pragma unroll
    for (int axis = 0; axis < 3; ++axis) {
        const int begin = out.at[axis] * s.stride[axis] - s.padding[axis];
        const int low = s.count_include_pad ? -s.padding[axis] : 0;
        const int high = s.input[axis] + (s.count_include_pad ? s.padding_after[axis] : 0);
        count *= min(begin + s.kernel[axis], high) - max(begin, low);
    }
    return Real(count);
}

extern "C" __global__ void __launch_bounds__(256) avg_pool_direct(
    const Real* __restrict__ x, Real* __restrict__ y, int count, Pool s) {
    one_each(count, s.output, [&](int o, const Place& out) {
        Real total = 0;
        each_tap(s, out, [&](int, int i, bool inside) { total += inside ? x[i] : Real(0); });
        y[o] = total / divisor(out, s);
    });
}

extern "C" __global__ void __launch_bounds__(256) avg_pool_slab(
    const Real* __restrict__ x, Real* __restrict__ y, Walk walk, Pool s) {
    walk_slab(walk, s.output, [&](int o, const Place& out) {
        Real total = 0;
        auto visit = [&](int, int i, bool inside) { total += inside ? x[i] : Real(0); };
        if (is_square<2>(s)) each_tap_unrolled<2>(s, out, visit);
        else if (is_square<3>(s)) each_tap_unrolled<3>(s, out, visit);
        else each_tap(s, out, visit);
        y[o] = total / divisor(out, s);
    });
}

extern "C" __global__ void __launch_bounds__(256) avg_pool_warp(
    const Real* __restrict__ x, Real* __restrict__ y, int count, Pool s) {
    one_warp_each(count, s, [&](int o, const Place& out) {
        Real total = 0;
        every_32nd_tap(s, out, [&](int, int i) { total += x[i]; });
        for (int lanes = 16; lanes; lanes /= 2) total += __shfl_xor_sync(0xffffffff, total, lanes);
        if (threadIdx.x % 32 == 0) y[o] = total / divisor(out, s);
    });
}

extern "C" __global__ void __launch_bounds__(256) avg_pool_input_grad_direct(
    const Real* __restrict__ g, Real* __restrict__ x, int count, Pool s) {
    one_each(count, s.input, [&](int i, const Place& p) {
        Real total = 0;
        try_each_tap(s, p, [&](int, int o, const Place& out) { total += g[o] / divisor(out, s); });
        x[i] = total;
    });
}

extern "C" __global__ void __launch_bounds__(256, 4) avg_pool_input_grad_slab(
    const Real* __restrict__ g, Real* __restrict__ x, Walk walk, Cover c, Pool s) {
    walk_slab(walk, s.input, [&](int i, const Place& p) {
        Real total = 0;
        each_window_over(s, c, p, [&](int, int o, const Place& out) { total += g[o] / divisor(out, s); });
        x[i] = total;
    });
}
