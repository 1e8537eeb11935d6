// erf x = 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x, on vectors, within 1.4 units in the last place.
//
//     |x| < NEAR:   erf x = x + x P(x^2)                   1 - erfc x would cancel
//     |x| < FAR:    erf |x| = 1 - Q(|x|) e^(-x^2)
//     beyond:       erf |x| = 1
//
// P and Q go through values of the C library's erf and erfc at the Chebyshev points u_j = cos(pi (j + 1/2) / n) of
// their intervals, mapped to [-1, 1]. First they are sums of Chebyshev polynomials T_k. Powers of u take half the
// operations, and lose nothing here: the coefficients fall fast, and those of Q alternate, so none is above Q(-1).
#pragma once
#include "exponential.hpp"

#include <cmath>

namespace {   // each library has its own: float and double differ

constexpr Real NEAR = 1, FAR = SINGLE ? 4 : 6;

template <int N>
struct Polynomial {
    Real coefficients[N];   // of u^0, u^1, ...

    template <class F>
    explicit Polynomial(F f) {
        typedef long double Long;
        const Long step = std::acos(Long(-1)) / N;
        Long values[N], sums[N]{}, before[N]{}, power[N]{1};   // before and power: of u^i in T_(k - 1) and T_k
        for (int j = 0; j < N; ++j) values[j] = f(std::cos(step * (j + Long(0.5))));
        for (int k = 0; k < N; ++k) {
            Long c = 0;   // of T_k
            for (int j = 0; j < N; ++j) c += (k ? 2 : 1) * values[j] * std::cos(step * k * (j + Long(0.5))) / N;
            for (int i = 0; i < N; ++i) sums[i] += c * power[i];
            for (int i = N - 1; i >= 0; --i) {   // T_(k + 1) = 2 u T_k - T_(k - 1), T_1 = u
                const Long next = i ? (k ? 2 : 1) * power[i - 1] : 0;
                const Long after = next - (k ? before[i] : 0);
                before[i] = power[i];
                power[i] = after;
            }
        }
        for (int i = 0; i < N; ++i) coefficients[i] = Real(sums[i]);
    }

    Vec operator()(Vec u) const {   // even powers and odd ones apart: shorter chains of operations
        const Vec square = u * u;
        Vec sums[2] = {all(coefficients[(N - 1) / 2 * 2]), all(coefficients[N / 2 * 2 - 1])};
#pragma GCC unroll 32
        for (int i = N - 3; i >= 0; --i) sums[i % 2] = sums[i % 2] * square + coefficients[i];
        return sums[1] * u + sums[0];
    }
};

const Polynomial<SINGLE ? 7 : 13> erf_over_x([](long double u) {
    const long double x = NEAR * std::sqrt((u + 1) / 2);
    return std::erf(x) / x - 1;
});

const Polynomial<SINGLE ? 12 : 29> scaled_erfc([](long double u) {
    const long double x = NEAR + (FAR - NEAR) * (u + 1) / 2;
    return std::erfc(x) * std::exp(x * x);
});

}

static inline Vec error_function(Vec x) {
    const Vec positive = magnitude(x), size = positive > FAR ? all(FAR) : positive;   // NaN stays
    const Vec square = size * size;
    const Vec near = x + x * erf_over_x(square * (2 / (NEAR * NEAR)) - 1);
    const Vec far = 1 - scaled_erfc((size - NEAR) * (2 / (FAR - NEAR)) - 1) * exponential(-square);
    return size < NEAR ? near : with_sign(far, x);
}
