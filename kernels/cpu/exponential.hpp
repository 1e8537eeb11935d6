// On vectors, in units in the last place of float and of double, with FMA or without, within
//
//     1.1 of e^x, 1.3 of e^x - 1, 2.4 of 1 / (1 + e^-x), 2.7 of tanh x
//
//     x = k ln 2 + r, |r| <= ln 2 / 2:   e^x = 2^k e^r,   e^r = 1 + r + r^2 (1/2! + r/3! + r^2/4! + ...)
//
// ln 2 is subtracted in two parts, the first so short that k times it is exact.
#pragma once
#include "simd.hpp"

constexpr bool SINGLE = sizeof(Real) == 4;
constexpr int MANTISSA = SINGLE ? 23 : 52, BIAS = SINGLE ? 127 : 1023, TERMS = SINGLE ? 6 : 12;
constexpr Real LN_2_HIGH = SINGLE ? Real(0x1.62e4p-1) : Real(0x1.62e42fefa38p-1);
constexpr Real LN_2_LOW = SINGLE ? Real(0x1.7f7d1cf8p-20) : Real(0x1.ef35793c7673p-45);
constexpr Real ROUND = Real(1.5) * Real(int64_t(1) << MANTISSA);   // to this added, an integer stands in the last bits
constexpr Real NEGLIGIBLE = SINGLE ? Real(0x1p-25) : Real(0x1p-54);   // below it x + x^2 / 2 is x

static inline Vec power_of_2(Indices k) { return (Vec)((k + BIAS) << MANTISSA); }

static inline Vec magnitude(Vec x) { return (Vec)((Indices)x & ~(Indices)all(-Real(0))); }
static inline Vec with_sign(Vec size, Vec x) { return (Vec)((Indices)size | ((Indices)x & (Indices)all(-Real(0)))); }

struct Reduced {
    Vec r, lost;   // x = k ln 2 + r + lost, what r is too short for
    Indices k;
};

static inline Reduced reduced(Vec x) {
    constexpr Real LOG2_E = Real(1.4426950408889634);
    const Vec rounded = x * LOG2_E + ROUND, whole = rounded - ROUND;
    const Vec high = x - whole * LN_2_HIGH, r = high - whole * LN_2_LOW;
    return {r, (high - r) - whole * LN_2_LOW, (Indices)rounded - (Indices)all(ROUND)};
}

static inline Vec square_terms(Vec r) {   // of e^r, over r^2
    Real factor = 1;
    for (int i = 2; i <= TERMS + 1; ++i) factor /= i;
    Vec series = all(factor);   // 1 / (TERMS + 1)!
    for (int i = TERMS + 1; i > 2; --i) {
        factor *= i;
        series = series * r + factor;
    }
    return series;
}

static inline Vec exponential(Vec x) {
    // Where it is infinity, and where both powers of 2 are 0: products that become 0 cost a hundred cycles.
    constexpr Real LOWEST = SINGLE ? -176 : -1418, HIGHEST = SINGLE ? 90 : 711;
    x = x < LOWEST ? all(LOWEST) : x;   // NaN stays
    x = x > HIGHEST ? all(HIGHEST) : x;
    const auto [r, lost, k] = reduced(x);
    const Indices half = k >> 1;   // 2^k itself may be too large or too small
    return (1 + (r + r * r * square_terms(r))) * power_of_2(half) * power_of_2(k - half);
}

static inline Vec logistic(Vec x) { return 1 / (1 + exponential(-x)); }

// e^x - 1 = 2^k (e^r - 1) + (2^k - 1), 2^k r + (2^k - 1) added up without loss. By halves: 2^k may be too large.
static inline Vec exponential_minus_1(Vec x) {
    constexpr Real LOWEST = SINGLE ? -20 : -40, HIGHEST = SINGLE ? 89 : 710;   // where it is -1 and infinity
    const Vec given = x;
    x = x < LOWEST ? all(LOWEST) : x;   // NaN stays
    x = x > HIGHEST ? all(HIGHEST) : x;
    const auto [r, lost, k] = reduced(x);
    const Vec power = power_of_2(k - 1), first = power - Real(0.5), second = power * r, sum = first + second;
    const Vec rest = ((first - sum) + second) + power * (r * r * square_terms(r) + lost);
    return magnitude(given) < NEGLIGIBLE ? given : 2 * (sum + rest);   // -0 stays, and what half of would be too small
}

// tanh |x| = t / (t + 2), t = e^(2|x|) - 1. An error of t shrinks, so that what r is too short for does not matter.
static inline Vec hyperbolic_tangent(Vec x) {
    constexpr Real HIGHEST = SINGLE ? 10 : 20;   // where it is 1
    const Vec size = magnitude(x);
    const auto [r, lost, k] = reduced(2 * (size > HIGHEST ? all(HIGHEST) : size));   // NaN stays
    const Vec power = power_of_2(k), t = power * (r + r * r * square_terms(r)) + (power - 1);
    return with_sign(t / (t + 2), x);
}
