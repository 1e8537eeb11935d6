// One axis of a convolution or of its input gradient, split into residue classes and phases (polyphase decomposition).
//
// Both operations read a source and write a result. A tap is one offset k of the kernel window, here along one axis:
//
//     conv              source x, result y     y[o] += w[k] x[o·stride + k·dilation - padding]
//     input gradient    source g, result x     x[i] += w[k] g[(i + padding - k·dilation) / stride]     (if an integer)
//
// Result elements with the same remainder r modulo result_stride form residue class r. Pixel p of class r is result
// element p·result_stride + r. A tap of this class reads source element (p + shift)·source_stride + phase:
//
//     conv              source_stride = stride, result_stride = 1. There is one class. Source elements with the same
//                       remainder modulo the stride form a phase: within a phase, neighbour pixels read neighbours.
//     input gradient    source_stride = 1, result_stride = stride. A class has only the taps that hit a source element:
//                       r + padding - k·dilation must be a multiple of the stride. There is one phase.
#pragma once
#include <vector>

#include "conv_shape.hpp"

struct Tap {
    int64_t k, shift, phase;
};

struct PolyphaseAxis {
    int64_t source_size, result_size, source_stride, result_stride;
    int64_t pixels;                          // of class 0, which is the largest
    std::vector<std::vector<Tap>> classes;   // the taps of each residue class
    std::vector<int64_t> phases;             // the phases that taps read
    int64_t low = 0, high = 0;               // the smallest and the largest shift of all taps

    PolyphaseAxis() = default;
    PolyphaseAxis(const ConvShape& s, int axis, bool input_grad) {
        const int64_t stride = s.stride[axis];
        source_size = input_grad ? s.output[axis] : s.input[axis];
        result_size = input_grad ? s.input[axis] : s.output[axis];
        source_stride = input_grad ? 1 : stride, result_stride = input_grad ? stride : 1;
        pixels = ceil_div(result_size, result_stride);
        classes.resize(size_t(min(result_stride, result_size)));
        std::vector<bool> used(size_t(source_stride), false);
        bool first = true;
        for (int64_t k = 0; k < s.kernel[axis]; ++k) {
            const int64_t forward = k * s.dilation[axis] - s.padding[axis], offset = input_grad ? -forward : forward;
            const int64_t remainder = offset - floor_div(offset, stride) * stride;
            const int64_t r = input_grad ? (stride - remainder) % stride : 0, phase = input_grad ? 0 : remainder;
            if (r >= int64_t(classes.size())) continue;   // no result element has this remainder
            const int64_t shift = (offset + r - phase) / stride;
            classes[size_t(r)].push_back({k, shift, phase});
            used[size_t(phase)] = true;
            low = first ? shift : min(low, shift), high = first ? shift : max(high, shift);
            first = false;
        }
        for (int64_t p = 0; p < source_stride; ++p)
            if (used[size_t(p)]) phases.push_back(p);
    }
    int64_t reach() const { return high - low; }   // positions that a pixel's taps reach over, beyond the first
    int64_t pixels_in_class(int64_t r) const { return ceil_div(result_size - r, result_stride); }
};
