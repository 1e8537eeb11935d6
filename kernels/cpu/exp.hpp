// eˣ and functions made from it, on vectors.
//
//     x = k ln 2 + r, |r| <= ln 2 / 2:   eˣ = 2ᵏ eʳ,   eʳ = 1 + r + r² (1/2! + r/3! + r²/4! + ...)
//
// First x is reduced to a small r (range reduction), then a short series gives eʳ, and 2ᵏ goes into the exponent bits.
// ln 2 is subtracted in two parts. The first part has so few bits that its product with k is exact.
//
// Largest errors, in units in the last place, for float and double, with FMA or without:
//     1.1 for eˣ, 1.3 for eˣ - 1, 2.4 for the sigmoid, 2.7 for tanh
#pragma once
#include "simd.hpp"

constexpr bool SINGLE = sizeof(Real) == 4;
constexpr int MANTISSA = SINGLE ? 23 : 52, BIAS = SINGLE ? 127 : 1023, TERMS = SINGLE ? 6 : 12;
constexpr Real LN_2_HIGH = SINGLE ? Real(0x1.62e4p-1) : Real(0x1.62e42fefa38p-1);
constexpr Real LN_2_LOW = SINGLE ? Real(0x1.7f7d1cf8p-20) : Real(0x1.ef35793c7673p-45);
constexpr Real ROUND = Real(1.5) * Real(int64_t(1) << MANTISSA);      // x + ROUND has round(x) in its last bits
constexpr Real NEGLIGIBLE = SINGLE ? Real(0x1p-25) : Real(0x1p-54);   // for |x| below this, x + x²/2 rounds to x

static inline Vec exp2i(Indices k) { return (Vec)((k + BIAS) << MANTISSA); }   // 2ᵏ

static inline Vec abs(Vec x) { return (Vec)((Indices)x & ~(Indices)broadcast(-Real(0))); }
static inline Vec copysign(Vec size, Vec x) {   // of size >= 0
    return (Vec)((Indices)size | ((Indices)x & (Indices)broadcast(-Real(0))));
}

// x = k ln 2 + r + r_low: r_low holds the digits that do not fit into r.
struct Reduced {
    Vec r, r_low;
    Indices k;
};

static inline Reduced reduce_range(Vec x) {
    constexpr Real LOG2_E = Real(1.4426950408889634);
    const Vec shifted = x * LOG2_E + ROUND, k = shifted - ROUND;
    const Vec high = x - k * LN_2_HIGH, r = high - k * LN_2_LOW;
    return {r, (high - r) - k * LN_2_LOW, (Indices)shifted - (Indices)broadcast(ROUND)};
}

// The series 1/2! + r/3! + r²/4! + ..., which is (eʳ - 1 - r) / r².
static inline Vec exp_series(Vec r) {
    Real factor = 1;
    for (int i = 2; i <= TERMS + 1; ++i) factor /= i;
    Vec series = broadcast(factor);   // 1 / (TERMS + 1)!
    for (int i = TERMS + 1; i > 2; --i) {
        factor *= i;
        series = series * r + factor;
    }
    return series;
}

static inline Vec exp(Vec x) {
    // Above HIGHEST the result is infinity. Below LOWEST both powers of 2 are 0: a product that underflows to 0 would cost
    // a hundred cycles.
    constexpr Real LOWEST = SINGLE ? -176 : -1418, HIGHEST = SINGLE ? 90 : 711;
    x = x < LOWEST ? broadcast(LOWEST) : x;   // NaN stays
    x = x > HIGHEST ? broadcast(HIGHEST) : x;
    const auto [r, r_low, k] = reduce_range(x);
    const Indices half = k >> 1;   // 2ᵏ alone may overflow or underflow
    return (1 + (r + r * r * exp_series(r))) * exp2i(half) * exp2i(k - half);
}

static inline Vec sigmoid(Vec x) { return 1 / (1 + exp(-x)); }

// eˣ - 1 = 2ᵏ (eʳ - 1) + (2ᵏ - 1). The sum 2ᵏ r + (2ᵏ - 1) keeps its rounding error (compensated summation). All terms are
// halved, because 2ᵏ may overflow.
static inline Vec expm1(Vec x) {
    constexpr Real LOWEST = SINGLE ? -20 : -40, HIGHEST = SINGLE ? 89 : 710;   // the result is -1, or infinity
    const Vec given = x;
    x = x < LOWEST ? broadcast(LOWEST) : x;   // NaN stays
    x = x > HIGHEST ? broadcast(HIGHEST) : x;
    const auto [r, r_low, k] = reduce_range(x);
    const Vec power = exp2i(k - 1), first = power - Real(0.5), second = power * r, sum = first + second;
    const Vec rest = ((first - sum) + second) + power * (r * r * exp_series(r) + r_low);
    return abs(given) < NEGLIGIBLE ? given : 2 * (sum + rest);   // keeps -0, and numbers whose half would underflow
}

// tanh |x| = t / (t + 2), t = e^(2|x|) - 1. The quotient makes an error of t smaller, so r_low is not needed.
static inline Vec tanh(Vec x) {
    constexpr Real HIGHEST = SINGLE ? 10 : 20;   // the result is 1
    const Vec size = abs(x);
    const auto [r, r_low, k] = reduce_range(2 * (size > HIGHEST ? broadcast(HIGHEST) : size));   // NaN stays
    const Vec power = exp2i(k), t = power * (r + r * r * exp_series(r)) + (power - 1);
    return copysign(t / (t + 2), x);
}
