// The sizes of a convolution, as Python passes them: conv_shape.py fills the same struct.
//
// There are always three axes: depth, height, width. An axis that the convolution does not have has input, output, kernel
// and stride 1 and padding 0. Padding is the number of zeros before the first element of an axis. The zeros after the
// last element follow from the output size.
#pragma once
#include "integers.hpp"

struct ConvShape {
    int64_t batch, groups, channels, filters;   // channels and filters of one group
    int64_t input[3], output[3], kernel[3], stride[3], padding[3], dilation[3];

    int64_t taps() const { return numel(kernel); }   // a tap is one offset of the kernel window
};

static inline const ConvShape& conv_shape(const int64_t* numbers) { return *reinterpret_cast<const ConvShape*>(numbers); }
