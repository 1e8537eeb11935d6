// Index functions for pooling and im2col, where windows slide over planes: the elements that a thread works on, the
// elements in a window, and the windows that contain an element. `Shape` is Pool or Conv.
#pragma once
#include "common.cuh"

// The coordinates of an element: its plane, and its position along the three axes of the plane.
struct Place {
    int plane, at[3];
};

__device__ __forceinline__ Place place_of(int index, const int (&size)[3]) {
    Place p;
#pragma unroll
    for (int axis = 2; axis >= 0; --axis) {
        p.at[axis] = index % size[axis];
        index /= size[axis];
    }
    p.plane = index;
    return p;
}

__device__ __forceinline__ int index_of(const Place& p, const int (&size)[3]) {
    return ((p.plane * size[0] + p.at[0]) * size[1] + p.at[1]) * size[2] + p.at[2];
}

__device__ __forceinline__ bool within(int i, int size) { return unsigned(i) < unsigned(size); }

// --- the elements that a thread works on ---------------------------------------------------------------------------

// Calls work(index, place) for one element per thread, `count` in total.
template <class Work>
__device__ __forceinline__ void one_each(int count, const int (&size)[3], Work work) {
    const long long index = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (index < count) work(int(index), place_of(int(index), size));
}

// A block works on a slab: `slab` of `count` elements. `step` is the place (plane and axes) of element blockDim.x.
struct Walk {
    int count, slab, step[4];
};

// Calls work(index, place) for the elements of the block's slab; neighbouring threads have neighbouring elements. The
// next element of a thread is blockDim.x further. An addition with carries gives its place, because a division costs
// about 20 instructions.
template <class Work>
__device__ __forceinline__ void walk_slab(const Walk& walk, const int (&size)[3], Work work) {
    const int begin = int(blockIdx.x) * walk.slab, length = min(walk.slab, walk.count - begin);
    int i = threadIdx.x;
    if (i >= length) return;
    Place p = place_of(begin + i, size);
    for (; i < length; i += blockDim.x) {
        work(begin + i, p);
        int carry = 0;
#pragma unroll
        for (int axis = 2; axis >= 0; --axis) {
            p.at[axis] += walk.step[axis + 1] + carry;
            carry = p.at[axis] >= size[axis];
            p.at[axis] -= carry ? size[axis] : 0;
        }
        p.plane += walk.step[0] + carry;
    }
}

// --- from an output to the elements in its window -----------------------------------------------------------------

// Calls visit(tap, index, inside) for the taps of the window of output `out`, in row-major order. `index` counts over
// the whole input.
template <class Shape, class Visit>
__device__ __forceinline__ void each_tap(const Shape& s, const Place& out, Visit visit) {
    int tap = 0;
    for (int kd = 0; kd < s.kernel[0]; ++kd) {
        const int d = out.at[0] * s.stride[0] - s.padding[0] + kd * s.dilation[0];
        for (int kh = 0; kh < s.kernel[1]; ++kh) {
            const int h = out.at[1] * s.stride[1] - s.padding[1] + kh * s.dilation[1];
            for (int kw = 0; kw < s.kernel[2]; ++kw) {
                const int w = out.at[2] * s.stride[2] - s.padding[2] + kw * s.dilation[2];
                const bool inside = within(d, s.input[0]) && within(h, s.input[1]) && within(w, s.input[2]);
                visit(tap++, index_of({out.plane, {d, h, w}}, s.input), inside);
            }
        }
    }
}

// The index of the element at tap k (a place in the kernel) in the window of output `out`; -1 in the padding.
template <class Shape>
__device__ __forceinline__ int element_at(const Shape& s, const Place& out, const Place& k) {
    Place p = {out.plane, {}};
    bool inside = true;
#pragma unroll
    for (int axis = 0; axis < 3; ++axis) {
        p.at[axis] = out.at[axis] * s.stride[axis] - s.padding[axis] + k.at[axis] * s.dilation[axis];
        inside = inside && within(p.at[axis], s.input[axis]);
    }
    return inside ? index_of(p, s.input) : -1;
}

// Whether the windows are K × K over images. For these, each_tap_unrolled does the same as each_tap, but with all loads
// in flight together; each_tap waits for a load before it starts the next. each_tap_unrolled ignores padding along the
// first axis. A pooling with is_square has none; a convolution must check it.
template <int K, class Shape>
__device__ __forceinline__ bool is_square(const Shape& s) {
    return s.input[0] == 1 && s.output[0] == 1 && s.kernel[0] == 1 && s.kernel[1] == K && s.kernel[2] == K;
}

template <int K, class Shape, class Visit>
__device__ __forceinline__ void each_tap_unrolled(const Shape& s, const Place& out, Visit visit) {
    const int h0 = out.at[1] * s.stride[1] - s.padding[1], w0 = out.at[2] * s.stride[2] - s.padding[2];
#pragma unroll
    for (int tap = 0; tap < K * K; ++tap) {
        const int h = h0 + tap / K * s.dilation[1], w = w0 + tap % K * s.dilation[2];
        const bool inside = within(h, s.input[1]) && within(w, s.input[2]);
        visit(tap, (out.plane * s.input[1] + h) * s.input[2] + w, inside);
    }
}

// --- from an element to the windows that contain it ---------------------------------------------------------------

// Calls visit(tap, output, place) for the windows that contain the element at p, in row-major order of its taps in
// them. It tests for every tap whether there is a window.
template <class Shape, class Visit>
__device__ __forceinline__ void try_each_tap(const Shape& s, const Place& p, Visit visit) {
    int tap = 0;
    for (int kd = 0; kd < s.kernel[0]; ++kd) {
        for (int kh = 0; kh < s.kernel[1]; ++kh) {
            for (int kw = 0; kw < s.kernel[2]; ++kw, ++tap) {
                const int k[3] = {kd, kh, kw};
                Place out = {p.plane, {}};
                bool exists = true;
#pragma unroll
                for (int axis = 0; axis < 3; ++axis) {
                    const int begin = p.at[axis] + s.padding[axis] - k[axis] * s.dilation[axis];
                    out.at[axis] = begin / s.stride[axis];
                    exists = exists && begin >= 0 && begin % s.stride[axis] == 0 && out.at[axis] < s.output[axis];
                }
                if (exists) visit(tap, index_of(out, s.output), out);
            }
        }
    }
}

// Numbers that the host computes to find these windows without a division. The last element of a window is
// back · stride + rest after its first. `reciprocal` is ⌊(2³² - 1) / stride⌋, stored in the bits of an int.
struct Cover {
    int back[3], rest[3], reciprocal[3];
};

// The outputs, first to last, whose windows may contain element `at`, counted from the start of the padding.
struct Range {
    int first, last;
};

template <class Shape>
__device__ __forceinline__ Range above(const Shape& s, const Cover& c, int axis, int at) {
    // at / stride; exact for at · stride < 2³², because the reciprocal's rounding then adds less than 1 / stride.
    const int quotient = int((unsigned long long)at * (unsigned(c.reciprocal[axis]) + 1ull) >> 32);
    const int first = quotient - c.back[axis] + (at - quotient * s.stride[axis] > c.rest[axis]);
    return {max(first, 0), min(quotient, s.output[axis] - 1)};
}

// The tap of the element `offset` after the first of its window; negative between two taps of a dilated window.
__device__ __forceinline__ int tap_at(int offset, int dilation) {
    if (dilation == 1) return offset;
    return offset % dilation ? -1 : offset / dilation;
}

// Visits the same windows in the same order as try_each_tap, but loops over the windows, from the last to the first.
// Its kernels have a launch bound of 4 blocks per multiprocessor, which allows 64 registers: without it the compiler
// may spill some to fit more blocks.
template <class Shape, class Visit>
__device__ __forceinline__ void each_window_over(const Shape& s, const Cover& c, const Place& p, Visit visit) {
    const int d = p.at[0] + s.padding[0], h = p.at[1] + s.padding[1], w = p.at[2] + s.padding[2];
    const Range ds = above(s, c, 0, d), hs = above(s, c, 1, h), ws = above(s, c, 2, w);
    for (int od = ds.last; od >= ds.first; --od) {
        const int kd = tap_at(d - od * s.stride[0], s.dilation[0]);
        for (int oh = hs.last; oh >= hs.first; --oh) {
            const int kh = tap_at(h - oh * s.stride[1], s.dilation[1]);
            for (int ow = ws.last; ow >= ws.first; --ow) {
                const int kw = tap_at(w - ow * s.stride[2], s.dilation[2]);
                const Place out = {p.plane, {od, oh, ow}};
                if ((kd | kh | kw) < 0) continue;   // at least one is negative
                visit((kd * s.kernel[1] + kh) * s.kernel[2] + kw, index_of(out, s.output), out);
            }
        }
    }
}
