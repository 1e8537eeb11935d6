// Optimizer steps: each element of a parameter p is updated in place, from its gradient g and its state.
//
//   Adam  g ← g + decay p;   m ← m + (1 - beta1) (g - m);   v ← beta2 v + (1 - beta2) g²
//         p ← shrink p - rate m / (sqrt(v) + floor)      rate and floor contain the bias corrections of the first steps;
//                                                        shrink is AdamW's decay; amsgrad uses the largest v so far
//   SGD   g ← g + decay p;   b ← momentum b + share g;   p ← p - lr b, with Nesterov p ← p - lr (g + momentum b)
//
// Memory bandwidth limits the speed. So one call updates all parameters of a network, and reads and writes each number
// once. Tables hold the addresses of the arrays, parameter by parameter, and the chunks: which elements of which parameter
// are a task.
#include "simd.hpp"
#include "threads.hpp"

// Calls work(parameter, array, n) for every chunk. The parameter has several arrays; n elements of the k-th begin at
// array(k).
template <class Work>
static void for_chunks(const int64_t* addresses, int64_t arrays, const int64_t* chunks, int64_t count, Work work) {
    parallel(count, [&](int64_t i) {
        const int64_t parameter = chunks[3 * i], first = chunks[3 * i + 1], n = chunks[3 * i + 2];
        const int64_t* row = addresses + parameter * arrays;
        work(parameter, [row, first](int64_t k) { return reinterpret_cast<Real*>(row[k]) + first; }, n);
    });
}

struct Adam {
    Real rate, floor;
    Real new1, beta2, new2;   // new1 = 1 - beta1 and new2 = 1 - beta2: the weights of the new gradient
    Real decay, shrink;
};

template <bool AMSGRAD>
static void adam(Real* __restrict__ p, const Real* __restrict__ g, Real* __restrict__ m, Real* __restrict__ v,
                 Real* __restrict__ largest, int64_t n, Adam o) {
    const bool decays = o.decay != 0;   // without a decay, 0 · infinity would be NaN
    for (int64_t i = 0; i < n; ++i) {
        const Real weight = p[i] * o.shrink, gradient = decays ? g[i] + weight * o.decay : g[i];
        const Real average = m[i] + (gradient - m[i]) * o.new1;
        Real square = v[i] * o.beta2 + gradient * gradient * o.new2;
        m[i] = average, v[i] = square;
        if (AMSGRAD) {
            const Real old = largest[i];
            square = square > old || square != square ? square : old;
            largest[i] = square;
        }
        p[i] = weight - average / (sqrt(square) + o.floor) * o.rate;
    }
}

// The arrays are p, g, m, v and, with amsgrad, the largest v. `rates` holds rate and floor of each parameter.
extern "C" void adam_step(const int64_t* addresses, const int64_t* chunks, int64_t count, const Real* rates,
                          int64_t amsgrad, Real new1, Real beta2, Real new2, Real decay, Real shrink) {
    for_chunks(addresses, amsgrad ? 5 : 4, chunks, count, [&](int64_t parameter, auto array, int64_t n) {
        const Adam o{rates[2 * parameter], rates[2 * parameter + 1], new1, beta2, new2, decay, shrink};
        if (amsgrad) adam<true>(array(0), array(1), array(2), array(3), array(4), n, o);
        else adam<false>(array(0), array(1), array(2), array(3), nullptr, n, o);
    });
}

struct Sgd {
    Real share, lr, momentum, decay;
};

template <bool MOMENTUM, bool NESTEROV>
static void sgd(Real* __restrict__ p, const Real* __restrict__ g, Real* __restrict__ buffer, int64_t n, Sgd o) {
    const bool decays = o.decay != 0;
    for (int64_t i = 0; i < n; ++i) {
        Real step = decays ? g[i] + p[i] * o.decay : g[i];
        if (MOMENTUM) {
            const Real velocity = buffer[i] * o.momentum + step * o.share;
            buffer[i] = velocity;
            step = NESTEROV ? velocity * o.momentum + step : velocity;
        }
        p[i] -= step * o.lr;
    }
}

// The arrays are p, g and, with momentum, the buffer. `shares` holds one number for each parameter.
extern "C" void sgd_step(const int64_t* addresses, const int64_t* chunks, int64_t count, const Real* shares,
                         int64_t has_momentum, int64_t nesterov, Real lr, Real momentum, Real decay) {
    for_chunks(addresses, has_momentum ? 3 : 2, chunks, count, [&](int64_t parameter, auto array, int64_t n) {
        const Sgd o{shares[parameter], lr, momentum, decay};
        if (!has_momentum) sgd<false, false>(array(0), array(1), nullptr, n, o);
        else if (nesterov) sgd<true, true>(array(0), array(1), array(2), n, o);
        else sgd<true, false>(array(0), array(1), array(2), n, o);
    });
}
