// Depthwise convolution, with one channel in each group: forward, input gradient and weight gradient.
//
//     y[n, f, o]  = Σ_k w[f, k] x[n, c, o·stride + k·dilation - padding]       c: the channel of filter f
//     dw[f, k]    = Σ_{n,o} g[n, f, o] x[n, c, o·stride + k·dilation - padding]
//
// A pixel of a 3×3 kernel has only 9 products, so reading the input decides the speed. Lines of a plane are copied into a
// patch, in which each tap is one offset for all pixels (depthwise_plan.hpp has the picture, depthwise_patch.hpp copies).
//
// An unaligned load costs as much as two aligned loads. So each vector is loaded once, multiplied by the weights of all
// columns kx of the kernel, and the sums are shifted by kx lanes, not the input. This is done for kernels of width 3, 5
// and 7; other kernels are done one column at a time.
//
// The input gradient is the same correlation over g. In the weight gradient the sum runs over the pixels q: each tap has a
// vector of sums, and g is shifted.
#include "depthwise_patch.hpp"
#include "threads.hpp"

namespace {

inline Vec apply_mask(Vec v, const Real* mask) { return Vec(Indices(v) & Indices(load(mask))); }

// --- forward and input gradient ---------------------------------------------------------------------------------------

// to[q] (+)= Σ over columns c, ..., c + COLUMNS - 1 of the kernel and over its rows, for a run of `length` pixels q. The
// first column, c = 0, overwrites `to`. ROWS is the number of kernel rows in this class, or 0 for any number. Nothing is
// written after the run.
template <int COLUMNS, int ROWS>
void correlate(
    const Plan& plan, const LineClass& lines, int64_t c, const Real* patch, const Real* w, int64_t length, Real* to
) {
    constexpr int AHEAD = COLUMNS > 1;   // a shift also needs the next vector of sums
    const int64_t rows = ROWS ? ROWS : int64_t(lines.offsets.size());
    const int64_t *offset = lines.offsets.data(), *row = lines.weights.data();
    const int64_t next = plan.reversed ? -1 : 1;
    patch += plan.first_column + c * plan.column_step;
    w += plan.reversed ? plan.kernel_columns - 1 - c : c;
    Real copied[ROWS ? ROWS * COLUMNS : 1];   // the weights side by side: a broadcast needs no address computation
    for (int r = 0; r < ROWS; ++r)
        for (int k = 0; k < COLUMNS; ++k) copied[r * COLUMNS + k] = w[row[r] + k * next];
    const auto weight = [&](int64_t r, int k) { return ROWS ? copied[r * COLUMNS + k] : w[row[r] + k * next]; };
    Indices shift[COLUMNS];   // a shuffle of two vectors by shift[k] gives the vector for column k
    for (int k = 0; k < COLUMNS; ++k) shift[k] = iota() + Index(k * plan.column_step);
    Vec last[COLUMNS] = {};   // the sums of the vector before
#pragma GCC unroll 7
    for (int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 7
        for (int k = 0; AHEAD && k < COLUMNS; ++k) last[k] += weight(r, k) * load(patch + offset[r]);
    const Real* mask = plan.masks.data() + c * LANES;
    const Real* const end_of_masks = mask + plan.period * plan.kernel_columns * LANES;
    for (int64_t q = 0; q < length; q += 2 * LANES) {
        Vec sum[2][COLUMNS] = {}, y[2] = {};
#pragma GCC unroll 7
        for (int64_t r = 0; r < rows; ++r) {
            const Real* from = patch + offset[r] + q + AHEAD * LANES;
            const Vec v[2] = {load(from), load(from + LANES)};
#pragma GCC unroll 7
            for (int k = 0; k < COLUMNS; ++k) {
                const Real factor = weight(r, k);
                sum[0][k] += factor * v[0], sum[1][k] += factor * v[1];
            }
        }
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
#pragma GCC unroll 7
            for (int k = 0; k < COLUMNS; ++k) {
                const Vec here = AHEAD ? (i ? sum[0][k] : last[k]) : sum[i][k];
                y[i] += apply_mask(k ? __builtin_shuffle(here, sum[i][k], shift[k]) : here, mask + k * LANES);
            }
            mask += plan.kernel_columns * LANES;
            if (mask == end_of_masks) mask -= plan.period * plan.kernel_columns * LANES;
        }
#pragma GCC unroll 7
        for (int k = 0; k < COLUMNS; ++k) last[k] = sum[1][k];
        const bool whole = q + 2 * LANES <= length;
        if (c) {
            Real before[2 * LANES] = {};
            copy(to + q, min(2 * LANES, length - q), before);
            y[0] += load(before), y[1] += load(before + LANES);
        }
        if (whole) {
            store(to + q, y[0]), store(to + q + LANES, y[1]);
        } else {
            Real end[2 * LANES];
            store(end, y[0]), store(end + LANES, y[1]);
            copy(end, length - q, to + q);
        }
    }
}

template <int COLUMNS>
void correlate(const Plan& plan, const LineClass& lines, const Real* patch, const Real* w, int64_t length, Real* to) {
    // A square kernel has as many rows as columns.
    if (lines.offsets.size() == COLUMNS) correlate<COLUMNS, COLUMNS>(plan, lines, 0, patch, w, length, to);
    else correlate<COLUMNS, 0>(plan, lines, 0, patch, w, length, to);
}

// Computes a block of a plane of y from its patch. `sums` has room for the run of pixels.
void compute_block(const Plan& plan, const Real* patch, const Real* w, int64_t block, Real* y, Real* sums) {
    const PolyphaseAxis &a = plan.outer, &b = plan.middle;
    const int64_t length = plan.run_length(block);
    for (const LineClass& lines : plan.classes) {
        Real* to = plan.in_place() ? y + block * plan.block * plan.result_columns : sums;
        if (!plan.all_columns)
            for (int64_t c = 0; c < plan.kernel_columns; ++c) correlate<1, 0>(plan, lines, c, patch, w, length, to);
        else if (plan.kernel_columns == 3) correlate<3>(plan, lines, patch, w, length, to);
        else if (plan.kernel_columns == 5) correlate<5>(plan, lines, patch, w, length, to);
        else correlate<7>(plan, lines, patch, w, length, to);
        if (plan.in_place()) continue;
        for (int64_t i = 0; i < plan.block_pixels(block); ++i)
            for (int64_t j = 0; j < b.pixels; ++j) {
                const int64_t z = (block * plan.block + i) * a.result_stride + lines.remainder[0];
                const int64_t v = j * b.result_stride + lines.remainder[1];
                if (z < a.result_size && v < b.result_size)
                    take_every(
                        sums + (i * plan.middle_lines + j) * plan.pitch, plan.result_columns, plan.result_spacing,
                        y + (z * b.result_size + v) * plan.result_columns
                    );
            }
    }
}

// Each plane of x gives s.filters planes of y.
void convolve(const Real* x, const Real* w, Real* y, const ConvShape& s, bool input_grad) {
    const Plan plan(s, input_grad);
    const int64_t source_plane = numel(input_grad ? s.output : s.input);
    const int64_t result_plane = numel(input_grad ? s.input : s.output);
    const int64_t blocks = s.batch * s.groups * plan.blocks, share = ceil_div(4 * FILLED, plan.patch_size);
    parallel(ceil_div(blocks, share), [&](int64_t task) {
        Real* sums = scratch(1, plan.block * plan.middle_lines * plan.pitch + 4 * LANES);
        const auto work = [&](int64_t plane, int64_t block, const Real* patch) {
            for (int64_t f = plane * s.filters; f < (plane + 1) * s.filters; ++f)
                compute_block(plan, patch, w + f % (s.groups * s.filters) * plan.taps, block, y + f * result_plane, sums);
        };
        for_patches(plan, x, source_plane, task * share, min((task + 1) * share, blocks), work);
    });
}

// --- weight gradient --------------------------------------------------------------------------------------------------

// sum[r][k] += Σ_q g[q] patch[q + offset[r] + column k], for ROWS rows of the kernel and COLUMNS columns from the c-th on,
// where the masks allow it. The sums of a tap are a vector; its lanes are added at the end.
template <int ROWS, int COLUMNS>
void dot(const Plan& plan, const Real* g, const Real* patch, const int64_t* offset, int64_t c, int64_t length, Real* to) {
    Vec sum[ROWS][COLUMNS];
    const Real* from[ROWS];
    Indices shift[COLUMNS], lane;
    lane = iota();
    for (int k = 0; k < COLUMNS; ++k) shift[k] = iota() + Index(LANES - k * plan.column_step);
    for (int r = 0; r < ROWS; ++r) from[r] = patch + offset[r] + plan.first_column + c * plan.column_step;
#pragma GCC unroll 3
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 7
        for (int k = 0; k < COLUMNS; ++k) sum[r][k] = load(to + (r * plan.kernel_columns + c + k) * LANES);
    Vec last{};
    int64_t phase = 0;   // of the masks
    const auto step = [&](int64_t q, Vec v, bool edge) __attribute__((always_inline)) {
        const Real* mask = plan.masks.data() + (phase * plan.kernel_columns + c) * LANES;
        if (++phase == plan.period) phase = 0;
        Vec x[ROWS];
#pragma GCC unroll 3
        for (int r = 0; r < ROWS; ++r) x[r] = load(from[r] + q);
#pragma GCC unroll 7
        for (int k = 0; k < COLUMNS; ++k) {
            Indices allowed = Indices(load(mask + k * LANES));
            if (edge) {
                const Indices pixel = lane + Index(q - k * plan.column_step);
                allowed &= (pixel >= 0) & (pixel < Index(length));
            }
            const Vec shifted = k ? __builtin_shuffle(last, v, shift[k]) : v;
#pragma GCC unroll 3
            for (int r = 0; r < ROWS; ++r) sum[r][k] += shifted * Vec(Indices(x[r]) & allowed);
        }
        last = v;
    };
    const int64_t end = length + (COLUMNS - 1) * plan.column_step;
    for (int64_t q = 0; q < end; q += LANES) {
        if (q && q + LANES <= length) {
            step(q, load(g + q), false);
        } else {
            Real partial[LANES] = {};
            if (q < length) copy(g + q, min(LANES, length - q), partial);
            step(q, load(partial), true);
        }
    }
#pragma GCC unroll 3
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 7
        for (int k = 0; k < COLUMNS; ++k) store(to + (r * plan.kernel_columns + c + k) * LANES, sum[r][k]);
}

// All rows of the kernel, three at a time.
template <int COLUMNS>
void dot_all_rows(const Plan& plan, const Real* g, const Real* patch, int64_t c, int64_t length, Real* sums) {
    const std::vector<int64_t>& offsets = plan.classes[0].offsets;
    const int64_t rows = int64_t(offsets.size());
    for (int64_t r = 0; r < rows; r += 3) {
        const auto function = rows - r == 1 ? dot<1, COLUMNS> : rows - r == 2 ? dot<2, COLUMNS> : dot<3, COLUMNS>;
        function(plan, g, patch, offsets.data() + r, c, length, sums + r * plan.kernel_columns * LANES);
    }
}

void dot_all_taps(const Plan& plan, const Real* g, const Real* patch, int64_t length, Real* sums) {
    if (!plan.all_columns)
        for (int64_t c = 0; c < plan.kernel_columns; ++c) dot_all_rows<1>(plan, g, patch, c, length, sums);
    else if (plan.kernel_columns == 3) dot_all_rows<3>(plan, g, patch, 0, length, sums);
    else if (plan.kernel_columns == 5) dot_all_rows<5>(plan, g, patch, 0, length, sums);
    else dot_all_rows<7>(plan, g, patch, 0, length, sums);
}

}  // namespace

// --- entry points: shapes are a ConvShape, whose axes are (outer, middle, columns) -------------------------------------

// y (N, F, O) from x (N, C, I) and w (F, 1, K)
extern "C" void depthwise(const Real* x, const Real* w, Real* y, const int64_t* shape) {
    convolve(x, w, y, conv_shape(shape), false);
}

// x (N, C, I) from g (N, C, O) and w (C, 1, K)
extern "C" void depthwise_input_grad(const Real* g, const Real* w, Real* x, const int64_t* shape) {
    convolve(g, w, x, conv_shape(shape), true);
}

// w (F, 1, K) from x (N, C, I) and g (N, F, O)
extern "C" void depthwise_weight_grad(const Real* x, const Real* g, Real* w, const int64_t* shape) {
    const ConvShape& s = conv_shape(shape);
    const Plan plan(s, false, true);
    const int64_t source_plane = numel(s.input), result_plane = numel(s.output);
    const int64_t lines = plan.middle.pixels, sums_of_group = s.filters * plan.taps;
    const int64_t run = plan.block * plan.middle_lines * plan.pitch + 4 * LANES;
    parallel(s.groups, [&](int64_t group) {
        Real* spaced = scratch(1, run);   // g, spaced like the pixels in the patch
        Real* sums = scratch(2, sums_of_group * LANES);
        memset(spaced, 0, size_t(run) * sizeof(Real));
        memset(sums, 0, size_t(sums_of_group * LANES) * sizeof(Real));
        const auto work = [&](int64_t n, int64_t block, const Real* patch) {
            for (int64_t f = 0; f < s.filters; ++f) {
                const Real* from = g + ((n * s.groups + group) * s.filters + f) * result_plane
                                   + block * plan.block * lines * plan.result_columns;
                if (!plan.in_place()) {
                    for (int64_t i = 0; i < plan.block_pixels(block); ++i)
                        for (int64_t j = 0; j < lines; ++j, from += plan.result_columns)
                            spread(from, plan.result_columns, plan.result_spacing,
                                   spaced + (i * plan.middle_lines + j) * plan.pitch);
                    from = spaced;
                }
                dot_all_taps(plan, from, patch, plan.run_length(block), sums + f * plan.taps * LANES);
            }
        };
        for_patches(plan, x + group * source_plane, s.groups * source_plane, 0, s.batch * plan.blocks, work);
        for (int64_t k = 0; k < sums_of_group; ++k) {
            Real sum = 0;
            for (int i = 0; i < LANES; ++i) sum += sums[k * LANES + i];
            w[group * sums_of_group + k] = sum;
        }
    });
}
