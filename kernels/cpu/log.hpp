// log x and log(1 + x) on vectors, within 1 unit in the last place for float and double, with FMA or without.
//
//     x = 2ᵏ m, √½ <= m < √2:   log x = k ln 2 + log m,   f = m - 1,   s = f / (2 + f)
//     log m = log((1 + s) / (1 - s)) = 2 (s + s³/3 + s⁵/5 + ...) = f - s (f - R),   R = 2 (s²/3 + s⁴/5 + ...)
//
// k and m are read from the bits of x. The last form holds because 2 s = f - s f. It is accurate because f is exact and
// the term that is subtracted from f is small.
#pragma once
#include "exp.hpp"

// log |x / 2^scale| - correction, for normal numbers x and a small correction.
static inline Vec log_of_normal(Vec x, Vec scale, Vec correction) {
    constexpr int LAST = SINGLE ? 4 : 10;   // the last term is s^(2 LAST + 1)
    const Indices root = (Indices)broadcast(Real(0.70710678118654752));   // √½
    const Indices above = (Indices)abs(x) - root, k = above >> MANTISSA;  // rounded down
    const Vec m = (Vec)((above & ((Index(1) << MANTISSA) - 1)) + root);
    const Vec f = m - 1, s = f / (2 + f), square = s * s;
    Vec series = broadcast(Real(2) / (2 * LAST + 1));
    for (int i = LAST - 1; i > 0; --i) series = series * square + Real(2) / (2 * i + 1);
    const Vec exponent = (Vec)(k + (Indices)broadcast(ROUND)) - ROUND - scale;
    return exponent * LN_2_HIGH + (f - (s * (f - square * series) - (exponent * LN_2_LOW - correction)));
}

// y where x is positive and finite, and the limits of log x elsewhere: -infinity, infinity or NaN.
static inline Vec with_limits(Vec x, Vec y) {
    y = x > 0 ? y : x == 0 ? broadcast(-Real(INFINITY)) : broadcast(Real(NAN));
    return x < Real(INFINITY) ? y : x;   // NaN stays
}

static inline Vec log(Vec x) {
    constexpr Real SMALLEST_NORMAL = SINGLE ? Real(0x1p-126) : Real(0x1p-1022), SCALE = MANTISSA + 1;
    const Indices subnormal = x < SMALLEST_NORMAL;   // multiplied by 2^SCALE, such a number is normal
    const Vec normal = subnormal ? x * Real(int64_t(1) << (MANTISSA + 1)) : x;
    return with_limits(x, log_of_normal(normal, subnormal ? broadcast(SCALE) : Vec{}, Vec{}));
}

// log(1 + x) = log(u - c) = log u - c / u, where u is 1 + x rounded and c = (u - 1) - x is the rounding error.
static inline Vec log1p(Vec x) {
    const Vec u = 1 + x, y = log_of_normal(u, Vec{}, ((u - 1) - x) / u);
    return abs(x) < NEGLIGIBLE ? x : with_limits(u, y);   // keeps -0
}
