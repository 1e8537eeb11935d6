// Implicit GEMM: a convolution as a matrix product whose right matrix is gathered from an image and never stored.
//
//     y[m, column] = Σ_k a[k, m] · x[base(column) + offset(k)]        (x is 0 outside of the image)
//
// A column is a pixel of the result of one image; k runs over channels and kernel taps. Forward: m is a filter, base is
// the corner of the pixel's window, and offset is the position of a channel's tap in the window. Input gradient: m is a
// channel of x, k runs over filters and taps, and the image is g; see conv_input_grad.cu.
//
// This file has the simple form, the rung gemm_tiles of conv.cu, conv_input_grad.cu and conv_weight_grad.cu, and the
// index functions of all convolution kernels. The fast form, implicit_gemm, is in conv.cu.
#pragma once
#include "common.cuh"

struct Place {
    int z, y, x;
};

// For a box of this size: the coordinates of an element; the index of the element at coordinates, or -1 outside; the
// number of elements.
__device__ __forceinline__ Place place(int index, const int (&size)[3]) {
    return {index / (size[1] * size[2]), index / size[2] % size[1], index % size[2]};
}
__device__ __forceinline__ int element(Place p, const int (&size)[3]) {
    const bool inside = 0 <= p.z && p.z < size[0] && 0 <= p.y && p.y < size[1] && 0 <= p.x && p.x < size[2];
    return inside ? (p.z * size[1] + p.y) * size[2] + p.x : -1;
}
__device__ __forceinline__ int volume(const int (&size)[3]) { return size[0] * size[1] * size[2]; }

// The coordinates in x that output o reads through tap k.
__device__ __forceinline__ Place reads(Place o, Place k, const Conv& s) {
    return {o.z * s.stride[0] + k.z * s.dilation[0] - s.padding[0],
            o.y * s.stride[1] + k.y * s.dilation[1] - s.padding[1],
            o.x * s.stride[2] + k.x * s.dilation[2] - s.padding[2]};
}

// Multiplies with tiles in shared memory: 16 values of k by 64 rows or columns. A thread computes 4 × 4 results, so
// each element that it reads from shared memory is used four times. The arguments weight, value and store are functions
// that read a weight, read an image element, and write a result. They compute indices by division for every element.
template <class Weight, class Value, class Store>
__device__ __forceinline__ void gemm_tiles(int groups, int rows, int depth, int columns, Weight weight, Value value,
                                           Store store) {
    __shared__ Real a[16][64 + 1], b[16][64];   // +1: no bank conflicts in writes along k
    const int panels = ceil_div(rows, 64), tile = blockIdx.x / panels;
    const int group = tile % groups, first_row = blockIdx.x % panels * 64, first_column = tile / groups * 64;
    const int across = threadIdx.x % 16, down = threadIdx.x / 16;
    Real sum[4][4] = {};
    for (int first_k = 0; first_k < depth; first_k += 16) {
        for (int i = threadIdx.x; i < 16 * 64; i += 256) {
            int k = i % 16, m = i / 16;   // neighbouring threads read neighbouring weights
            a[k][m] = first_k + k < depth && m < rows - first_row ? weight(group, first_row + m, first_k + k) : Real(0);
            k = i / 64, m = i % 64;   // and neighbouring pixels
            b[k][m] = first_k + k < depth && m < columns - first_column ? value(group, first_k + k, first_column + m)
                                                                        : Real(0);
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < 16; ++k)
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int j = 0; j < 4; ++j) sum[i][j] += a[k][down + 16 * i] * b[k][across + 16 * j];
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const int m = first_row + down + 16 * i, n = across + 16 * j;
            if (m < rows && n < columns - first_column) store(group, m, first_column + n, sum[i][j]);
        }
}
