// Pooling, one value for each window: y[j] = op over taps t of x[offset[t] + j·stride].
//
// LANES neighbour windows are computed together: one load gives tap t of all of them. With stride 2 it takes two loads and
// a shuffle. Rows that read padding, or that end at the end of the array, are first copied into a small buffer with their
// padding around them. All other rows are read where they lie.
#pragma once
#include "pool_shape.hpp"

// A vector of outputs.
struct OutputVector {
    int64_t at, room;     // its first element in the output, and how many elements may be stored from there on
    int64_t column;       // of its first element
    int64_t slice, row;
};

// The input that a run of output rows reads: its address, and the distances of rows and slices there.
struct InputRows {
    const Real* from;
    int64_t pitch, slice_pitch;
};

// Copies `height` rows of each slice that a run reads, with `fill` in the padding. `deep` and `top` are the first slice and
// row; both may lie in the padding. A row gets `width` elements.
static InputRows copy_padded(
    const PoolShape& p, const Real* x, int64_t plane, int64_t deep, int64_t top, int64_t height, int64_t width, Real fill
) {
    const PoolAxis &d = p.depth, &r = p.row, &c = p.column;
    Real* const memory = scratch(0, d.kernel * height * width);
    Real* to = memory;
    const int64_t n = max(min(c.input, width - c.padding), 0);
    for (int64_t k = 0; k < d.kernel; ++k)
        for (int64_t h = 0; h < height; ++h, to += width) {
            const int64_t z = deep + k * d.dilation, y = top + h;
            const bool inside = z >= 0 && z < d.input && y >= 0 && y < r.input;
            const int64_t before = inside ? min(c.padding, width) : width, copied = inside ? n : 0;
            for (int64_t i = 0; i < before; ++i) to[i] = fill;
            memcpy(to + before, x + ((plane * d.input + z) * r.input + y) * c.input, copied * sizeof(Real));
            for (int64_t i = before + copied; i < width; ++i) to[i] = fill;
        }
    return {memory, width, height * width};
}

// A run of output rows [begin, end) of one slice.
struct OutputRows {
    int64_t slice, begin, end;
    int64_t at, room;   // the first element in the output, and how many elements may be stored from there on
};

// Calls op(value, taps, vector) for every vector of a run. value(t) returns tap t of each window. TAPS and STRIDE are 0 if
// they are known only at run time. Not inlined: in one function with the code around it, the inner loop has too few
// registers.
template <int TAPS, int STRIDE, class Op>
static __attribute__((noinline)) void for_vectors(const PoolShape& p, InputRows input, OutputRows output, Op op) {
    const PoolAxis &r = p.row, &c = p.column;
    const int64_t stride = STRIDE ? STRIDE : c.stride, taps = TAPS ? TAPS : p.taps(), columns = c.output;
    const int64_t row_step = r.stride * input.pitch;
    int64_t known[TAPS ? TAPS : 1];
    std::vector<int64_t> allocated;
    if (!TAPS) allocated.resize(taps);
    int64_t* const offset = TAPS ? known : allocated.data();
    for (int64_t t = 0; t < taps; ++t)
        offset[t] = t / (r.kernel * c.kernel) * input.slice_pitch + t / c.kernel % r.kernel * r.dilation * input.pitch +
                    t % c.kernel * c.dilation;
    const Real* from = input.from;
    int64_t at = output.at, room = output.room;
    for (int64_t row = output.begin; row < output.end; ++row, from += row_step, at += columns, room -= columns)
        for (int64_t j = 0; j < columns; j += LANES)
            op([&](int64_t t) { return load_strided<STRIDE>(from + j * stride + offset[t], stride); }, taps,
               OutputVector{at + j, room - j, j, output.slice, row});
}

// Calls op for every vector of the output; the padding is `fill`.
template <int TAPS, int STRIDE, class Op>
static void for_outputs(const PoolShape& p, const Real* x, Real fill, Op op) {
    const PoolAxis &d = p.depth, &r = p.row, &c = p.column;
    const int64_t width = c.stride * (round_up(c.output, LANES) - 1) + c.reach() + 1;   // read by the vectors of a row
    const int64_t size = p.planes * d.input * r.input * c.input;
    const bool columns_inside = c.padding == 0 && c.stride * (c.output - 1) + c.reach() < c.input;
    for_row_runs(p.planes, d.output, r.output, c.input * r.stride, [&](int64_t plane, int64_t slice, int64_t begin,
                                                                       int64_t end, int64_t rows_after) {
        const int64_t deep = slice * d.stride - d.padding, top = begin * r.stride - r.padding;
        const int64_t height = (end - 1 - begin) * r.stride + r.reach() + 1;
        const int64_t first = (plane * d.input + deep) * r.input * c.input + top * c.input;
        InputRows input{x + first, c.input, d.dilation * r.input * c.input};
        const int64_t last = first + (d.kernel - 1) * input.slice_pitch + (height - 1) * input.pitch + width;
        const bool inside =
            columns_inside && deep >= 0 && deep + d.reach() < d.input && top >= 0 && top + height <= r.input;
        if (!inside || last > size) input = copy_padded(p, x, plane, deep, top, height, width, fill);
        const int64_t at = ((plane * d.output + slice) * r.output + begin) * c.output;
        const int64_t room = (end - begin + rows_after) * c.output;
        for_vectors<TAPS, STRIDE>(p, input, {slice, begin, end, at, room}, op);
    });
}

template <class Op>
static void over_outputs(const PoolShape& p, const Real* x, Real fill, Op op) {
    const int64_t taps = p.taps(), stride = p.column.stride;
    if (taps == 4 && stride == 2) for_outputs<4, 2>(p, x, fill, op);
    else if (taps == 9 && stride == 2) for_outputs<9, 2>(p, x, fill, op);
    else if (taps == 9 && stride == 1) for_outputs<9, 1>(p, x, fill, op);
    else if (stride == 1) for_outputs<0, 1>(p, x, fill, op);
    else if (stride == 2) for_outputs<0, 2>(p, x, fill, op);
    else for_outputs<0, 0>(p, x, fill, op);
}
