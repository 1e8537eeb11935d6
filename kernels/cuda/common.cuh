// Shared by all kernels: the element type, a vector of four elements, and the structs with the sizes of a convolution
// and of a pooling, which the Python wrappers pass by value.
//
// Every file is compiled for one element type at a time, with -DReal=float or -DReal=double on the command line: by
// NVRTC for a GPU, by g++ for the simulator. No file uses a system header or host code, because NVRTC has neither.
#pragma once

// Four elements that are loaded or stored together: one 128-bit access for float, two for double.
struct alignas(16) Vec4 {
    Real x, y, z, w;
};

__device__ __forceinline__ int ceil_div(int a, int b) { return (a + b - 1) / b; }
__device__ __forceinline__ Real infinity() { return Real(1.0 / 0.0); }

// The sizes of a convolution over three spatial axes. Signals and images have leading axes of size 1. `channels` and
// `filters` count ONE group. `padding` is the padding before the first element; the output size implies the rest.
struct Conv {
    int batch, groups, channels, filters;
    int input[3], output[3], kernel[3], stride[3], padding[3], dilation[3];
};

// The sizes of a pooling, over the same axes. `planes` is batch times channels.
struct Pool {
    int planes;
    int input[3], output[3], kernel[3], stride[3], padding[3], dilation[3];
    int padding_after[3];    // padding after the last element
    int count_include_pad;   // whether the divisor of average pooling counts the padding
    int divisor_override;    // the divisor, if not 0
};
