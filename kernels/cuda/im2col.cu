// im2col copies all windows of an image into the columns of a matrix, and col2im adds them back. im2col turns a
// convolution into one matrix product, but needs K times the memory, for K kernel taps.
//
//   im2col  columns[n, c, k, o] = x[n, c, o stride + k dilation - padding], 0 in the padding
//   col2im  x[n, c, i]          = Σ columns[n, c, k, o] over all (k, o) with o stride + k dilation - padding = i
//
//   direct  A thread for each element of the result, 256 per block. im2col: different blocks write the copies for
//           different taps, so the image is read once per tap. col2im: for every tap, a thread finds with two divisions
//           per axis whether a window has its element at this tap.
//   slab    A block works on a slab of a few thousand consecutive places, for all taps. im2col: a thread writes the
//           whole window of an output, so the image is read from memory once and then from the cache. col2im: a thread
//           goes over the windows that contain its element, found by multiplications; every column is read once.
//
// Neighbouring threads have neighbouring outputs or elements for the same tap, so all accesses of a warp are coalesced.
// Each sum runs over the taps in the same order in both rungs: col2im gives the same bits every time, without atomics.
#include "windows.cuh"

__device__ __forceinline__ int volume(const int (&size)[3]) { return size[0] * size[1] * size[2]; }

// The index in `columns` of output `o` (counted over all planes) at a tap.
__device__ __forceinline__ int column_of(int o, int plane, int tap, const Conv& s) {
    return o + (plane * (volume(s.kernel) - 1) + tap) * volume(s.output);
}

extern "C" __global__ void __launch_bounds__(256) im2col_direct(
    const Real* __restrict__ x, Real* __restrict__ columns, int count, Conv s) {
    one_each(count, s.output, [&](int index, Place out) {
        const int taps = volume(s.kernel), tap = out.plane % taps;
        out.plane /= taps;
        const int i = element_at(s, out, place_of(tap, s.kernel));
        columns[index] = i >= 0 ? x[i] : Real(0);
    });
}

extern "C" __global__ void __launch_bounds__(256) im2col_slab(
    const Real* __restrict__ x, Real* __restrict__ columns, Walk walk, Conv s) {
    walk_slab(walk, s.output, [&](int o, const Place& out) {
        auto visit = [&](int tap, int i, bool inside) {
            columns[column_of(o, out.plane, tap, s)] = inside ? x[i] : Real(0);
        };
        if (s.padding[0] == 0 && is_square<3>(s)) each_tap_unrolled<3>(s, out, visit);
        else each_tap(s, out, visit);
    });
}

extern "C" __global__ void __launch_bounds__(256) col2im_direct(
    const Real* __restrict__ columns, Real* __restrict__ x, int count, Conv s) {
    one_each(count, s.input, [&](int i, const Place& p) {
        Real total = 0;
        try_each_tap(s, p, [&](int tap, int o, const Place&) { total += columns[column_of(o, p.plane, tap, s)]; });
        x[i] = total;
    });
}

extern "C" __global__ void __launch_bounds__(256, 4) col2im_slab(
    const Real* __restrict__ columns, Real* __restrict__ x, Walk walk, Cover c, Conv s) {
    walk_slab(walk, s.input, [&](int i, const Place& p) {
        Real total = 0;
        each_window_over(s, c, p, [&](int tap, int o, const Place&) {
            total += columns[column_of(o, p.plane, tap, s)];
        });
        x[i] = total;
    });
}
