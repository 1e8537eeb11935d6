// e^x on vectors, within 1.1 units in the last place, and 1 / (1 + e^-x), within 2.4.
//
//     x = k ln 2 + r, |r| <= ln 2 / 2:   e^x = 2^k e^r,   e^r = 1 + r + r^2 (1/2! + r/3! + r^2/4! + ...)
//
// ln 2 is subtracted in two parts, the first so short that k times it is exact.
#pragma once
#include "simd.hpp"



constexpr bool SINGLE = sizeof(Real) == 4;
constexpr int MANTISSA = SINGLE ? 23 : 52, BIAS = SINGLE ? 127 : 1023, TERMS = SINGLE ? 6 : 12;

static inline Vec power_of_2(Indices k) {
    const Indices bits = (k + BIAS) << MANTISSA;
    Vec power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

static inline Vec exponential(Vec x) {
    constexpr Real LOWEST = SINGLE ? -106 : -747, HIGHEST = SINGLE ? 90 : 711;   // where it is 0 and infinity
    constexpr Real LOG2_E = Real(1.4426950408889634), ROUND = Real(1.5) * Real(int64_t(1) << MANTISSA);
    constexpr Real HIGH = SINGLE ? Real(0x1.62e4p-1) : Real(0x1.62e42fefa38p-1);
    constexpr Real LOW = SINGLE ? Real(0x1.7f7d1cf8p-20) : Real(0x1.ef35793c7673p-45);
    x = x < LOWEST ? all(LOWEST) : x;   // NaN stays
    x = x > HIGHEST ? all(HIGHEST) : x;
    const Vec rounded = x * LOG2_E + ROUND;   // the integer stands in the last bits
    Indices k;
    memcpy(&k, &rounded, sizeof k);
    const Vec magic = all(ROUND), whole = rounded - magic;
    Indices zero;
    memcpy(&zero, &magic, sizeof zero);
    const Vec r = x - whole * HIGH - whole * LOW;
    Real factor = 1;
    for (int i = 2; i <= TERMS + 1; ++i) factor /= i;
    Vec series = all(factor);   // 1 / (TERMS + 1)!
    for (int i = TERMS + 1; i > 2; --i) {
        factor *= i;
        series = series * r + factor;
    }
    k -= zero;
    const Indices half = k >> 1;   // 2^k itself may be too large or too small
    return (1 + (r + r * r * series)) * power_of_2(half) * power_of_2(k - half);
}

static inline Vec logistic(Vec x) { return 1 / (1 + exponential(-x)); }
