// Normalization of channels whose rows are shorter than a vector: lanes are columns of neighbour channels.
//
// A task takes a strip of up to STRIP vectors of columns, from the first row to the last. Each column of a channel has
// its own sum; these are added at the end.
#pragma once
#include "norm_sums.hpp"

constexpr int STRIP = 4;        // vectors
constexpr int64_t ROWS = 64;    // rows with sums of their own, so that many rows lose no more digits than few

// One number for each column of a strip.
struct Columns {
    Real numbers[STRIP * LANES];
    Vec get(int k) const { return load(numbers + k * LANES); }   // vector k
    double sum(int64_t from, int64_t n) const {
        double s = 0;
        for (int64_t i = from; i < from + n; ++i) s += numbers[i];
        return s;
    }
    void fill(int64_t from, int64_t n, Real value) {
        for (int64_t i = from; i < from + n; ++i) numbers[i] = value;
    }
};

struct FactorColumns {
    Columns mean{}, scale{}, shift{}, mean_g{}, slope{};
    void fill(int64_t from, int64_t n, const Factors& f) {
        mean.fill(from, n, f.mean), scale.fill(from, n, f.scale), shift.fill(from, n, f.shift);
        mean_g.fill(from, n, f.mean_g), slope.fill(from, n, f.slope);
    }
};

template <bool GRADIENT>
struct Strip {
    const View v;
    const Real *x, *g;
    const int64_t first, channels;   // its channels

    int64_t width() const { return channels * v.inner; }
    int64_t pitch() const { return v.channels * v.inner; }
    int64_t start() const { return first * v.inner; }
    Vec load_x(int64_t at, int64_t n, Vec fill = Vec{}) const { return load_first(x + at, n, x + v.size(), fill); }
    Vec load_g(int64_t at, int64_t n) const { return load_first(g + at, n, g + v.size()); }

    // For each row and each vector k of the strip, f(k, at, n, sums) adds numbers to sums[i]; the n elements of the
    // vector begin at `at`. totals[i] is the sum over all rows.
    template <int N, class F>
    void sum_rows(F f, Columns (&totals)[N]) const {
        memset(&totals, 0, sizeof totals);
        for (int64_t top = 0; top < v.outer; top += ROWS)
            for (int k = 0; k * LANES < width(); ++k) {
                Vec sums[N]{};
                for (int64_t row = top; row < min(v.outer, top + ROWS); ++row)
                    f(k, row * pitch() + start() + k * LANES, width() - k * LANES, sums);
                for (int i = 0; i < N; ++i) store(totals[i].numbers + k * LANES, totals[i].get(k) + sums[i]);
            }
    }

    // The mean of each channel, in all of its columns. It is rounded, and serves as the shift of the next sums.
    Columns means() const {
        Columns sums[1], mean{};
        sum_rows([&](int, int64_t at, int64_t n, Vec* s) { s[0] += load_x(at, n); }, sums);
        for (int64_t c = 0; c < channels; ++c)
            mean.fill(c * v.inner, v.inner, Real(sums[0].sum(c * v.inner, v.inner) / double(v.count())));
        return mean;
    }

    template <class MakeFactors>
    FactorColumns factors(MakeFactors make_factors) const {
        const Columns shift = means();
        Columns sums[GRADIENT ? 4 : 2];
        sum_rows([&](int k, int64_t at, int64_t n, Vec* s) {
            const Vec d = load_x(at, n, shift.get(k)) - shift.get(k);
            s[0] += d, s[1] += d * d;
            if (GRADIENT) {
                const Vec v = load_g(at, n);
                s[2] += v, s[3] += v * d;
            }
        }, sums);
        FactorColumns result;
        for (int64_t c = 0; c < channels; ++c) {
            const int64_t from = c * v.inner, n = v.inner;
            const Sums s = sums_about_shift(
                double(v.count()), shift.numbers[from], sums[0].sum(from, n), sums[1].sum(from, n),
                GRADIENT ? sums[2].sum(from, n) : 0, GRADIENT ? sums[3].sum(from, n) : 0
            );
            result.fill(from, n, make_factors(first + c, s));
        }
        return result;
    }

    void write(const FactorColumns& f, Real* out) const {
        for (int64_t row = 0; row < v.outer; ++row)
            for (int k = 0; k * LANES < width(); ++k) {
                const int64_t at = row * pitch() + start() + k * LANES, n = width() - k * LANES;
                const Vec d = load_x(at, n) - f.mean.get(k);
                const Vec y = GRADIENT ? (load_g(at, n) - f.mean_g.get(k)) * f.scale.get(k) - d * f.slope.get(k)
                                       : d * f.scale.get(k) + f.shift.get(k);
                store_first(out + at, y, n);
            }
    }
};

// Calls make_factors(channel, sums) for each channel, and writes its output with the result. `out` may be null.
template <bool GRADIENT, class MakeFactors>
static void over_columns(View v, const Real* x, const Real* g, Real* out, MakeFactors make_factors) {
    const int64_t share = STRIP * LANES / v.inner;   // channels of a strip
    parallel(ceil_div(v.channels, share), [&](int64_t task) {
        const int64_t first = task * share;
        const Strip<GRADIENT> strip{v, x, g, first, min(share, v.channels - first)};
        const FactorColumns factors = strip.factors(make_factors);
        if (out) strip.write(factors, out);
    });
}
