// erf x = 2/√π · ∫₀ˣ e^(-t²) dt on vectors, within 1.4 units in the last place.
//
//     |x| < NEAR:   erf x   = x + x P(x²)              1 - erfc x would lose digits here (cancellation)
//     |x| < FAR:    erf |x| = 1 - Q(|x|) e^(-x²)
//     beyond:       erf |x| = 1
//
// P and Q are polynomials in u, which runs over [-1, 1] on each interval. They interpolate the C library's erf and erfc
// at the Chebyshev points u_j = cos(π (j + ½) / n). They are computed once, when the library is loaded: first as sums
// of Chebyshev polynomials T_k, then as coefficients of powers of u. Powers need half the operations of T_k. They lose
// no digits here, because the coefficients become small fast. The coefficients of Q alternate in sign, so none of them
// is larger than Q(-1).
#pragma once
#include "exp.hpp"

#include <cmath>

namespace {   // one process loads this for float and for double, with different polynomials

constexpr Real NEAR = 1, FAR = SINGLE ? 4 : 6;

template <int N>
struct Polynomial {
    Real coefficients[N];   // of u^0, u^1, ...

    template <class F>
    explicit Polynomial(F f) {
        typedef long double Long;
        const Long step = std::acos(Long(-1)) / N;
        Long values[N], sums[N]{}, previous[N]{}, current[N]{1};   // coefficients of u^i in T_(k - 1) and in T_k
        for (int j = 0; j < N; ++j) values[j] = f(std::cos(step * (j + Long(0.5))));
        for (int k = 0; k < N; ++k) {
            Long c = 0;   // the coefficient of T_k
            for (int j = 0; j < N; ++j) c += (k ? 2 : 1) * values[j] * std::cos(step * k * (j + Long(0.5))) / N;
            for (int i = 0; i < N; ++i) sums[i] += c * current[i];
            for (int i = N - 1; i >= 0; --i) {   // T_(k + 1) = 2 u T_k - T_(k - 1), T_1 = u
                const Long shifted = i ? (k ? 2 : 1) * current[i - 1] : 0;
                const Long next = shifted - (k ? previous[i] : 0);
                previous[i] = current[i];
                current[i] = next;
            }
        }
        for (int i = 0; i < N; ++i) coefficients[i] = Real(sums[i]);
    }

    // Even and odd powers are summed apart: two short chains of dependent operations run at the same time.
    Vec operator()(Vec u) const {
        const Vec square = u * u;
        Vec sums[2] = {broadcast(coefficients[(N - 1) / 2 * 2]), broadcast(coefficients[N / 2 * 2 - 1])};
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

}  // namespace

static inline Vec erf(Vec x) {
    const Vec positive = abs(x), size = positive > FAR ? broadcast(FAR) : positive;   // NaN stays
    const Vec square = size * size;
    const Vec near = x + x * erf_over_x(square * (2 / (NEAR * NEAR)) - 1);
    const Vec far = 1 - scaled_erfc((size - NEAR) * (2 / (FAR - NEAR)) - 1) * exp(-square);
    return size < NEAR ? near : copysign(far, x);
}
