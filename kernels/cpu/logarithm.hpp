// log x and log(1 + x) on vectors, within 1 unit in the last place of float and of double, with FMA or without.
//
//     x = 2^k m, sqrt(1/2) <= m < sqrt 2:   log x = k ln 2 + log m,   f = m - 1,   s = f / (2 + f)
//     log m = log((1 + s) / (1 - s)) = 2 (s + s^3/3 + s^5/5 + ...) = f - s (f - R),   R = 2 (s^2/3 + s^4/5 + ...)
//
// since 2 s = f - s f: f is exact, and what is subtracted from it is small.
#pragma once
#include "exponential.hpp"

// log |x / 2^scale| - less: x is a normal number, `less` small
static inline Vec log_of_size(Vec x, Vec scale, Vec less) {
    constexpr int LAST = SINGLE ? 4 : 10;   // the last term is s^(2 LAST + 1)
    const Indices root = (Indices)all(Real(0.70710678118654752));
    const Indices above = (Indices)magnitude(x) - root, k = above >> MANTISSA;   // rounded down
    const Vec m = (Vec)((above & ((Index(1) << MANTISSA) - 1)) + root);
    const Vec f = m - 1, s = f / (2 + f), square = s * s;
    Vec series = all(Real(2) / (2 * LAST + 1));
    for (int i = LAST - 1; i > 0; --i) series = series * square + Real(2) / (2 * i + 1);
    const Vec whole = (Vec)(k + (Indices)all(ROUND)) - ROUND - scale;
    return whole * LN_2_HIGH + (f - (s * (f - square * series) - (whole * LN_2_LOW - less)));
}

// y, the logarithm of a positive and finite x, or what it is of another
static inline Vec with_limits(Vec x, Vec y) {
    y = x > 0 ? y : x == 0 ? all(-Real(INFINITY)) : all(Real(NAN));
    return x < Real(INFINITY) ? y : x;   // NaN stays
}

static inline Vec logarithm(Vec x) {
    constexpr Real LEAST = SINGLE ? Real(0x1p-126) : Real(0x1p-1022), SCALE = MANTISSA + 1;
    const Indices small = x < LEAST;   // subnormal: made normal
    const Vec normal = small ? x * Real(int64_t(1) << (MANTISSA + 1)) : x;
    return with_limits(x, log_of_size(normal, small ? all(SCALE) : Vec{}, Vec{}));
}

// log(u - c) = log u - c / u, for u = 1 + x rounded and c = (u - 1) - x
static inline Vec logarithm_of_1_plus(Vec x) {
    const Vec u = 1 + x, y = log_of_size(u, Vec{}, ((u - 1) - x) / u);
    return magnitude(x) < NEGLIGIBLE ? x : with_limits(u, y);   // -0 stays
}
