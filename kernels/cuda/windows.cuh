// Windows that slide over planes, for pooling and im2col: how a block walks over its slab of an array, which elements a
// window holds, and which windows hold an element. `Shape` is Pool or Conv.
#pragma once
#include "common.cuh"

// Where an element lies: in which plane, and where on its three axes.
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

// --- which elements a thread works on ------------------------------------------------------------------------------

// Calls work(index, place) for one of `count` elements a thread.
template <class Work>
__device__ __forceinline__ void one_each(int count, const int (&size)[3], Work work) {
    const long long index = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (index < count) work(int(index), place_of(int(index), size));
}

// A block owns `slab` of `count` elements; `step` is the place (plane and axes) of element number blockDim.x.
struct Walk {
    int count, slab, step[4];
};

// Calls work(index, place) for the elements of the block's slab, neighbours by neighbouring threads. From one element
// to its next, blockDim.x further on, a place moves as an odometer does, with carries: no division, which costs some 20
// instructions.
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

// Calls visit(tap, index, inside) for the taps of the window of output `out`, in row-major order; `index` counts in the
// whole input.
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

// The index of the element at tap k (a place in the kernel) of the window of output `out`; -1 in the padding.
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

// Whether these are windows of K × K over images. For them each_tap_unrolled does the same as each_tap, with all loads
// under way together, where each_tap waits for one before it asks for the next. It takes a window to begin in its image:
// whoever may have padding along the first axis, as pooling may not here, asks for that too.
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

// --- from an element to the windows that hold it ------------------------------------------------------------------

// Calls visit(tap, output) for the windows over the element at p, in row-major order of the taps at which they hold it:
// for every tap it asks whether there is such a window.
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

// What finds these windows without a division, worked out by the host: a window reaches back · stride + rest beyond its
// first element, and reciprocal is ⌊(2³² - 1) / stride⌋ in the bits of an int.
struct Cover {
    int back[3], rest[3], reciprocal[3];
};

// The outputs that may have windows over element `at`, counted from the start of the padding: from first to last.
struct Range {
    int first, last;
};

template <class Shape>
__device__ __forceinline__ Range above(const Shape& s, const Cover& c, int axis, int at) {
    // at / stride; exact while at · stride < 2³², since the rounding of the reciprocal then adds less than 1 / stride.
    const int quotient = int((unsigned long long)at * (unsigned(c.reciprocal[axis]) + 1ull) >> 32);
    const int first = quotient - c.back[axis] + (at - quotient * s.stride[axis] > c.rest[axis]);
    return {max(first, 0), min(quotient, s.output[axis] - 1)};
}

// The tap at which a window holds the element `offset` after its first; negative between two taps of a dilated window.
__device__ __forceinline__ int tap_at(int offset, int dilation) {
    if (dilation == 1) return offset;
    return offset % dilation ? -1 : offset / dilation;
}

// The same windows in the same order as try_each_tap, going over the windows themselves, from the last to the first.
// Its kernels ask for 4 blocks a multiprocessor, which allows 64 registers: left alone, the compiler may spill some to
// fit more blocks.
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
                if ((kd | kh | kw) < 0) continue;   // one of them is negative
                visit((kd * s.kernel[1] + kh) * s.kernel[2] + kw, index_of(out, s.output), out);
            }
        }
    }
}
