// Convolution and its input gradient, by three kernels from simple to fast.
//
//     conv             y[n,f,o] = Σ_{c,k} w[f,c,k] · x[n, c, o·stride + k·dilation - padding]     (0 outside of x)
//     conv_input_grad  x[n,c,i] = Σ_{f,k} w[f,c,k] · g[n, f, (i + padding - k·dilation) / stride]    (if an integer)
//
// direct          The equation as loops: one result element after the other.
// gemm_tiles      A matrix product of weights (rows, depth) and windows (depth, pixels). Depth counts the taps of all
//                 channels; a tap is one offset k of the kernel window. The windows of a tile of pixels are gathered, one
//                 index at a time (im2col), and multiplied by all rows of weights.
// implicit_gemm   The windows overlap, so gathering reads the same elements many times. This kernel copies the elements
//                 that a task reads once, with zeros around them. In this copy, neighbour pixels read neighbour elements.
//                 The weights are packed once. See implicit_gemm.hpp and conv_layout.hpp.
//
// The last two end in the micro-kernel of microkernel.hpp. All three can add a bias and apply ReLU.
#include "implicit_gemm.hpp"

// --- direct ----------------------------------------------------------------------------------------------------------

// Returns which element of the source plane result element `pixel` reads through tap `k`; -1 if it reads none.
static int64_t source_index(const ConvShape& s, int64_t pixel, int64_t k, bool input_grad) {
    const int64_t* source_size = input_grad ? s.output : s.input;
    const int64_t* result_size = input_grad ? s.input : s.output;
    int64_t index = 0, pitch = 1;
    for (int axis = 2; axis >= 0; --axis) {
        const int64_t offset = k % s.kernel[axis] * s.dilation[axis] - s.padding[axis];
        int64_t at = pixel % result_size[axis];
        if (input_grad) {
            at -= offset;
            if (at % s.stride[axis]) return -1;
            at /= s.stride[axis];
        } else {
            at = at * s.stride[axis] + offset;
        }
        if (at < 0 || at >= source_size[axis]) return -1;
        index += at * pitch, pitch *= source_size[axis];
        pixel /= result_size[axis], k /= s.kernel[axis];
    }
    return index;
}

static void direct(
    const ConvShape& s, const Real* x, const Real* w, const Real* bias, Real* y, int64_t act, bool input_grad
) {
    const int64_t rows = input_grad ? s.channels : s.filters, source_channels = input_grad ? s.filters : s.channels;
    const int64_t source_plane = numel(input_grad ? s.output : s.input), taps = s.taps();
    const int64_t result_plane = numel(input_grad ? s.input : s.output);
    parallel(s.batch * s.groups * rows, [&](int64_t plane) {
        const int64_t row = plane % rows, group = plane / rows % s.groups;
        const Real* from = x + plane / rows * source_channels * source_plane;
        const Real* weights = w + group * s.filters * s.channels * taps;
        for (int64_t pixel = 0; pixel < result_plane; ++pixel) {
            Real sum = 0;
            for (int64_t c = 0; c < source_channels; ++c)
                for (int64_t k = 0; k < taps; ++k) {
                    const int64_t at = source_index(s, pixel, k, input_grad);
                    const int64_t f = input_grad ? c : row, channel = input_grad ? row : c;
                    if (at >= 0) sum += weights[(f * s.channels + channel) * taps + k] * from[c * source_plane + at];
                }
            if (bias) sum += bias[group * rows + row];
            y[plane * result_plane + pixel] = activate(sum, act);
        }
    });
}

// --- gemm_tiles ------------------------------------------------------------------------------------------------------

static void gemm_tiles(
    const ConvShape& s, const Real* x, const Real* w, const Real* bias, Real* y, int64_t act, bool input_grad
) {
    const int64_t rows = input_grad ? s.channels : s.filters, source_channels = input_grad ? s.filters : s.channels;
    const int64_t source_plane = numel(input_grad ? s.output : s.input), taps = s.taps();
    const int64_t result_plane = numel(input_grad ? s.input : s.output);
    const int64_t depth = source_channels * taps, tiles = ceil_div(result_plane, COLUMNS);
    parallel(s.batch * s.groups * tiles, [&](int64_t task) {
        const int64_t image = task / tiles, group = image % s.groups;   // `image` counts images of one group
        const int64_t first = task % tiles * COLUMNS, columns = min(COLUMNS, result_plane - first);
        Real* windows = scratch(0, depth * COLUMNS);
        for (int64_t k = 0; k < depth; ++k)
            for (int64_t i = 0; i < COLUMNS; ++i) {
                const int64_t at = i < columns ? source_index(s, first + i, k % taps, input_grad) : -1;
                windows[k * COLUMNS + i] = at < 0 ? Real(0) : x[(image * source_channels + k / taps) * source_plane + at];
            }
        Real* panel = scratch(1, depth * ROWS);
        Real tile[ROWS * COLUMNS];
        for (int64_t row = 0; row < rows; row += ROWS) {
            for (int64_t k = 0; k < depth; ++k)
                for (int64_t r = 0; r < ROWS; ++r) {
                    const int64_t f = input_grad ? k / taps : row + r, c = input_grad ? row + r : k / taps;
                    const int64_t from = ((group * s.filters + f) * s.channels + c) * taps + k % taps;
                    panel[k * ROWS + r] = row + r < rows ? w[from] : Real(0);
                }
            microkernel<VECTORS>(panel, depth, [&](int64_t k) { return windows + k * COLUMNS; }, tile, false);
            for (int64_t r = 0; r < min(ROWS, rows - row); ++r)
                for (int64_t i = 0; i < columns; ++i) {
                    const Real sum = tile[r * COLUMNS + i] + (bias ? bias[group * rows + row + r] : Real(0));
                    y[(image * rows + row + r) * result_plane + first + i] = activate(sum, act);
                }
        }
    });
}

// --- entry points: shapes are a ConvShape, bias (rows) may be null -----------------------------------------------------

extern "C" void conv_direct(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* shape, int64_t activation
) {
    direct(conv_shape(shape), x, w, bias, y, activation, false);
}
extern "C" void conv_gemm_tiles(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* shape, int64_t activation
) {
    gemm_tiles(conv_shape(shape), x, w, bias, y, activation, false);
}
extern "C" void conv_implicit_gemm(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* shape, int64_t activation
) {
    implicit_gemm(conv_shape(shape), x, w, bias, y, activation, false);
}
extern "C" void conv_input_grad_direct(
    const Real* g, const Real* w, const Real* bias, Real* x, const int64_t* shape, int64_t activation
) {
    direct(conv_shape(shape), g, w, bias, x, activation, true);
}
extern "C" void conv_input_grad_gemm_tiles(
    const Real* g, const Real* w, const Real* bias, Real* x, const int64_t* shape, int64_t activation
) {
    gemm_tiles(conv_shape(shape), g, w, bias, x, activation, true);
}
extern "C" void conv_input_grad_implicit_gemm(
    const Real* g, const Real* w, const Real* bias, Real* x, const int64_t* shape, int64_t activation
) {
    implicit_gemm(conv_shape(shape), g, w, bias, x, activation, true);
}
