// Optimizer steps: every element of a parameter p changes by its gradient g and by what is remembered of it, in place.
//
//   Adam  g <- g + decay p;   m <- m + (1 - beta1) (g - m);   v <- beta2 v + (1 - beta2) g^2
//         p <- shrink p - rate m / (sqrt(v) + floor)      rate and floor hold the corrections for the first steps;
//                                                         shrink is AdamW's decay; amsgrad takes the largest v so far
//   SGD   g <- g + decay p;   b <- momentum b + share g;   p <- p - lr b, with Nesterov p <- p - lr (g + momentum b)
//
// A step takes as long as its numbers travel: one call for all parameters of a network moves each of them once. Tables
// hold the arrays' addresses, parameter by parameter, and chunks: which part of which parameter a task works on.
#include "simd.hpp"
#include "threads.hpp"

// Calls work(parameter, array, n) for every chunk: n elements of the k-th of its arrays begin at array(k).
template <class Work>
static void in_chunks(const int64_t* addresses, int64_t arrays, const int64_t* chunks, int64_t count, Work work) {
    parallel(count, [&](int64_t i) {
        const int64_t* chunk = chunks + 3 * i;
        const int64_t* at = addresses + chunk[0] * arrays;
        work(chunk[0], [at, chunk](int64_t k) { return reinterpret_cast<Real*>(at[k]) + chunk[1]; }, chunk[2]);
    });
}

struct Adam {
    Real rate, floor, fresh1, beta2, fresh2, decay, shrink;   // fresh: 1 - beta, rounded once
};

template <bool AMSGRAD>
static void adam(Real* __restrict__ p, const Real* __restrict__ g, Real* __restrict__ m, Real* __restrict__ v,
                 Real* __restrict__ largest, int64_t n, Adam o) {
    const bool decays = o.decay != 0;   // infinity times no decay at all would be NaN
    for (int64_t i = 0; i < n; ++i) {
        const Real weight = p[i] * o.shrink, gradient = decays ? g[i] + weight * o.decay : g[i];
        const Real average = m[i] + (gradient - m[i]) * o.fresh1;
        Real square = v[i] * o.beta2 + gradient * gradient * o.fresh2;
        m[i] = average, v[i] = square;
        if (AMSGRAD) {
            const Real old = largest[i];
            square = square > old || square != square ? square : old;
            largest[i] = square;
        }
        p[i] = weight - average / (sqrt(square) + o.floor) * o.rate;
    }
}

// Addresses are p, g, m, v and, with amsgrad, the largest v; rates are rate and floor of each parameter.
extern "C" void adam_step(const int64_t* addresses, const int64_t* chunks, int64_t count, const Real* rates,
                          int64_t amsgrad, Real fresh1, Real beta2, Real fresh2, Real decay, Real shrink) {
    in_chunks(addresses, amsgrad ? 5 : 4, chunks, count, [&](int64_t parameter, auto array, int64_t n) {
        const Adam o{rates[2 * parameter], rates[2 * parameter + 1], fresh1, beta2, fresh2, decay, shrink};
        if (amsgrad) adam<true>(array(0), array(1), array(2), array(3), array(4), n, o);
        else adam<false>(array(0), array(1), array(2), array(3), nullptr, n, o);
    });
}

struct Sgd {
    Real share, lr, momentum, decay;
};

template <bool REMEMBERS, bool NESTEROV>
static void sgd(Real* __restrict__ p, const Real* __restrict__ g, Real* __restrict__ buffer, int64_t n, Sgd o) {
    const bool decays = o.decay != 0;
    for (int64_t i = 0; i < n; ++i) {
        Real step = decays ? g[i] + p[i] * o.decay : g[i];
        if (REMEMBERS) {
            const Real kept = buffer[i] * o.momentum + step * o.share;
            buffer[i] = kept;
            step = NESTEROV ? kept * o.momentum + step : kept;
        }
        p[i] -= step * o.lr;
    }
}

// Addresses are p, g and, with momentum, the buffer; shares are one number a parameter.
extern "C" void sgd_step(const int64_t* addresses, const int64_t* chunks, int64_t count, const Real* shares,
                         int64_t remembers, int64_t nesterov, Real lr, Real momentum, Real decay) {
    in_chunks(addresses, remembers ? 3 : 2, chunks, count, [&](int64_t parameter, auto array, int64_t n) {
        const Sgd o{shares[parameter], lr, momentum, decay};
        if (!remembers) sgd<false, false>(array(0), array(1), nullptr, n, o);
        else if (nesterov) sgd<true, true>(array(0), array(1), array(2), n, o);
        else sgd<true, false>(array(0), array(1), array(2), n, o);
    });
}
