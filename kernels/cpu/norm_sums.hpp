// Normalization: the sums of a channel, how two of them are merged, and the factors of the output.
#pragma once
#include "masked.hpp"
#include "threads.hpp"

constexpr int64_t TASK = 16384;   // elements: less work does not repay a task

// x as three axes; the mean of each channel is taken over outer and inner.
struct View {
    int64_t outer, channels, inner;
    int64_t count() const { return outer * inner; }   // elements of a channel
    int64_t size() const { return outer * channels * inner; }
};

// The first n elements at `from`; the other lanes are `fill`. No element from `end` on is read.
static inline Vec load_first(const Real* from, int64_t n, const Real* end, Vec fill = Vec{}) {
    if (n >= LANES) return load(from);
    Vec v{};
    if (end - from >= LANES) v = load(from);
    else memcpy(&v, from, n * sizeof(Real));
    return iota() < Index(n) ? v : fill;
}
static inline void store_first(Real* to, Vec v, int64_t n) {
    if (n >= LANES) store(to, v);
    else LaneMask(0, int(n)).store(to, v);
}

// The sum of all lanes of n vectors. Lanes are added in double precision.
static inline double sum_of_lanes(const Vec* vectors, int n) {
    typedef Real Half __attribute__((vector_size(VECTOR_BYTES / 2)));
    typedef double Doubles __attribute__((vector_size(LANES / 2 * sizeof(double))));
    Vec lanes = vectors[0];
    for (int i = 1; i < n; ++i) lanes += vectors[i];
    Half halves[2];
    memcpy(halves, &lanes, sizeof lanes);
    Doubles sum = __builtin_convertvector(halves[0], Doubles) + __builtin_convertvector(halves[1], Doubles);
    for (int left = LANES / 4; left; left /= 2)
        for (int i = 0; i < left; ++i) sum[i] += sum[i + left];
    return sum[0];
}

// For n elements: their mean, and the sums of (x - mean)², of g and of g (x - mean).
struct Sums {
    double n = 0, mean = 0, squares = 0, g = 0, g_x = 0;

    // Moves g_x to another mean. The caller updates `squares`.
    void move(double to) {
        g_x += (mean - to) * g;
        mean = to;
    }
    void merge(Sums other) {
        if (!other.n) return;
        const double away = other.mean - mean, all = n + other.n, to = mean + away * other.n / all;
        squares += other.squares + away * away * n * other.n / all;
        move(to), other.move(to);
        n = all, g += other.g, g_x += other.g_x;
    }
};

// Makes Sums from sums about a shift: of x - shift, of (x - shift)², of g and of g (x - shift).
static inline Sums sums_about_shift(double n, double shift, double away, double squares, double g, double g_x) {
    Sums s;
    s.n = n, s.mean = shift;
    s.squares = squares - away * away / n;
    s.g = g, s.g_x = g_x;
    s.move(shift + away / n);
    return s;
}

// The output is (x - mean) scale + shift forward, and (g - mean_g) scale - (x - mean) slope in the gradient.
struct Factors {
    Real mean, scale, shift, mean_g, slope;
    Factors(const Sums& s, Real eps, Real weight = 1, Real bias = 0) {
        const double r = 1 / sqrt(s.squares / s.n + eps);
        mean = Real(s.mean), scale = Real(r * weight), shift = bias;
        mean_g = Real(s.g / s.n), slope = Real(r * r * r * s.g_x / s.n * weight);
    }
};
