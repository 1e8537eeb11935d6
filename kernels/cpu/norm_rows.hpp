// Normalization of channels whose elements lie in rows of at least a vector.
//
// A channel is cut into blocks. Each block is summed about a shift near its mean, and its sums are merged into the sums of
// the channel (norm.cpp says why). A task takes some channels or, if there are few channels, a piece of a channel.
#pragma once
#include <vector>

#include "norm_sums.hpp"

constexpr int64_t BLOCK = 4096;        // elements: few enough that a lane's sum loses no digits
constexpr int64_t FEW_CHANNELS = 16;   // fewer are cut into pieces, so that all threads have work

// A part of a channel: `rows` rows of `length` elements each, `pitch` apart.
struct Block {
    int64_t start, length, rows, pitch;

    // Calls f(at, k, n) for every vector: n elements at `at`. k is 0, 1, 2 or 3, different for neighbours and known at
    // compile time: each k has a sum of its own. With OVERLAP the last vector of a row is whole, and overlaps the
    // vector before it.
    template <bool OVERLAP, class F>
    inline void for_vectors(F f) const {
        for (int64_t row = 0, at = start; row < rows; ++row, at += pitch) {
            int64_t i = 0;
            for (; i + 4 * LANES <= length; i += 4 * LANES) {
                f(at + i, 0, LANES), f(at + i + LANES, 1, LANES);
                f(at + i + 2 * LANES, 2, LANES), f(at + i + 3 * LANES, 3, LANES);
            }
            if (i + LANES <= length) f(at + i, 0, LANES), i += LANES;
            if (i + LANES <= length) f(at + i, 1, LANES), i += LANES;
            if (i + LANES <= length) f(at + i, 2, LANES), i += LANES;
            if (i == length) continue;
            if (OVERLAP && length >= LANES) f(at + length - LANES, 3, LANES);
            else f(at + i, 3, length - i);
        }
    }
};

// The blocks of one channel: each is a part of a row, or several rows.
struct Blocks {
    View v;
    int64_t blocks_of_row, rows;   // one of the two is 1
    explicit Blocks(View view)
        : v(view), blocks_of_row(ceil_div(v.inner, BLOCK)), rows(blocks_of_row > 1 ? 1 : BLOCK / v.inner) {}
    int64_t count() const { return ceil_div(v.outer, rows) * blocks_of_row; }
    Block operator()(int64_t channel, int64_t i) const {
        const int64_t row = i / blocks_of_row * rows, column = i % blocks_of_row * BLOCK;
        return {(row * v.channels + channel) * v.inner + column, min(BLOCK, v.inner - column), min(rows, v.outer - row),
                v.channels * v.inner};
    }
};

template <bool GRADIENT>
static Sums sums_of_block(Real shift, const Block& b, const Real* x, const Real* g, const Real* end, const Real* end_g) {
    Vec away[4]{}, squares[4]{}, sum_g[4]{}, sum_g_x[4]{};
    b.for_vectors<false>([&](int64_t at, int k, int64_t n) {
        const Vec d = load_first(x + at, n, end, broadcast(shift)) - shift;
        away[k] += d, squares[k] += d * d;
        if (GRADIENT) {
            const Vec v = load_first(g + at, n, end_g);
            sum_g[k] += v, sum_g_x[k] += v * d;
        }
    });
    return sums_about_shift(double(b.rows * b.length), shift, sum_of_lanes(away, 4), sum_of_lanes(squares, 4),
                            GRADIENT ? sum_of_lanes(sum_g, 4) : 0, GRADIENT ? sum_of_lanes(sum_g_x, 4) : 0);
}

// The shift is the mean of the first vector. If it is far from the block's mean, the block is summed again.
template <bool GRADIENT>
static Sums sums_of_block(const Block& b, const Real* x, const Real* g, const Real* end, const Real* end_g) {
    const int64_t n = min(b.length, LANES);
    const Vec first = load_first(x + b.start, n, end);
    const Real shift = Real(sum_of_lanes(&first, 1) / n);
    const Sums s = sums_of_block<GRADIENT>(shift, b, x, g, end, end_g);
    const double away = s.mean - shift;
    return away * away * s.n > 3 * s.squares ? sums_of_block<GRADIENT>(Real(s.mean), b, x, g, end, end_g) : s;
}

template <bool GRADIENT>
static void write_block(
    const Block& b, const Real* x, const Real* g, Real* out, const Real* end, const Real* end_g, Factors f
) {
    b.for_vectors<true>([&](int64_t at, int, int64_t n) {
        const Vec d = load_first(x + at, n, end) - f.mean;
        const Vec y = GRADIENT ? (load_first(g + at, n, end_g) - f.mean_g) * f.scale - d * f.slope : d * f.scale + f.shift;
        store_first(out + at, y, n);
    });
}

// Calls make_factors(channel, sums) for each channel, and writes its output with the result. `out` may be null.
template <bool GRADIENT, class MakeFactors>
static void over_rows(View v, const Real* x, const Real* g, Real* out, MakeFactors make_factors) {
    const Blocks blocks(v);
    const Real *const end = x + v.size(), *const end_g = g + v.size();
    const int64_t count = blocks.count();
    const auto write = [&](int64_t channel, int64_t from, int64_t to, const Factors& f) {
        for (int64_t i = from; i < to && out; ++i) write_block<GRADIENT>(blocks(channel, i), x, g, out, end, end_g, f);
    };
    const auto sum = [&](int64_t channel, int64_t from, int64_t to) {
        Sums s;
        for (int64_t i = from; i < to; ++i) s.merge(sums_of_block<GRADIENT>(blocks(channel, i), x, g, end, end_g));
        return s;
    };
    if (v.channels >= FEW_CHANNELS || count == 1) {   // a task takes some channels
        const int64_t share = max(TASK / v.count(), 1);
        parallel(ceil_div(v.channels, share), [&](int64_t task) {
            const int64_t first = task * share, last = min(v.channels, first + share);
            std::vector<Factors> factors;   // two loops: the sums of a channel do not wait for another's output
            for (int64_t c = first; c < last; ++c) factors.push_back(make_factors(c, sum(c, 0, count)));
            for (int64_t c = first; c < last; ++c) write(c, 0, count, factors[c - first]);
        });
        return;
    }
    // A task takes a piece of a channel.
    const int64_t share = max(TASK / BLOCK, ceil_div(count, FEW_CHANNELS)), pieces = ceil_div(count, share);
    std::vector<Sums> sums(v.channels * pieces);
    const auto for_pieces = [&](auto work) {
        parallel(v.channels * pieces, [&](int64_t i) {
            work(i, i / pieces, i % pieces * share, min(count, (i % pieces + 1) * share));
        });
    };
    for_pieces([&](int64_t i, int64_t channel, int64_t from, int64_t to) { sums[i] = sum(channel, from, to); });
    std::vector<Factors> factors;
    for (int64_t c = 0; c < v.channels; ++c) {
        for (int64_t i = 1; i < pieces; ++i) sums[c * pieces].merge(sums[c * pieces + i]);
        factors.push_back(make_factors(c, sums[c * pieces]));
    }
    for_pieces([&](int64_t, int64_t channel, int64_t from, int64_t to) { write(channel, from, to, factors[channel]); });
}
