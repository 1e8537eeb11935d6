// What all kernels share: the element type, a vector of four, and the geometry structs that the wrappers pass by value.
//
// Every file is compiled for one element type at a time, with -DReal=float or -DReal=double on the command line, by
// NVRTC for a GPU and by g++ for the simulator. No system header and no host code: NVRTC has neither.
#pragma once

// Four elements that travel together: one 128-bit load of floats, two of doubles.
struct alignas(16) Vec4 {
    Real x, y, z, w;
};

__device__ __forceinline__ int ceil_div(int a, int b) { return (a + b - 1) / b; }
__device__ __forceinline__ Real infinity() { return Real(1.0 / 0.0); }

// A convolution over three spatial axes; signals and images have leading axes of size 1. Channels and filters are those
// of ONE group; padding is what lies before the first element (what lies after follows from the output size).
struct Conv {
    int batch, groups, channels, filters;
    int input[3], output[3], kernel[3], stride[3], padding[3], dilation[3];
};

// A pooling, likewise; `planes` is batch times channels.
struct Pool {
    int planes;
    int input[3], output[3], kernel[3], stride[3], padding[3], dilation[3];
    int padding_after[3];    // the padding that count_include_pad counts
    int count_include_pad;   // average pooling divides by covered elements and counted padding,
    int divisor_override;    // or by this, if it is not 0
};
