// Normalization to mean 0 and variance 1, and its gradient.
//
//     y   = (x - mean) r,   r = 1 / sqrt(variance + eps)
//     out = r (g - mean(g) - y mean(g y))
//
// Batch norm adds a weight and a bias for each channel: w y + b forward, and w out backward. Its gradients of weight and
// bias are Σ g y and Σ g. Σ g y comes from the same sums as the second line.
//
// x is (outer, channels, inner), and the mean is taken over outer and inner. Batch, instance, layer and group norm are
// views of this. A kernel reads its inputs twice: once for the sums, once for the output. It takes one channel after
// the other, so the second read finds them in a cache. One pass computes all sums, also the sums for the gradient.
//
// Precision: sums are made block by block, of x - shift, where the shift is the mean of the block's first vector. If the
// shift lies far from the block's mean, the block is summed again about its mean. Then the sums are moved to the exact
// mean, and blocks are merged in order, in double precision (Chan, Golub and LeVeque, 1979). So a channel whose values lie
// far from 0 loses no digits.
//
// If inner is shorter than a vector, lanes are neighbour columns instead (norm_columns.hpp).
#include "norm_columns.hpp"
#include "norm_rows.hpp"

template <bool GRADIENT, class MakeFactors>
static void normalize_view(View v, const Real* x, const Real* g, Real* out, MakeFactors make_factors) {
    if (v.inner < LANES && v.outer > 1 && v.channels > 1) over_columns<GRADIENT>(v, x, g, out, make_factors);
    else over_rows<GRADIENT>(v, x, g, out, make_factors);
}

// --- entry points -----------------------------------------------------------------------------------------------------

// y = (x - mean) r
extern "C" void normalize(const Real* x, Real* y, int64_t outer, int64_t channels, int64_t inner, Real eps) {
    normalize_view<false>({outer, channels, inner}, x, x, y, [=](int64_t, const Sums& s) { return Factors(s, eps); });
}

// r of each channel
extern "C" void rstd(const Real* x, Real* r, int64_t outer, int64_t channels, int64_t inner, Real eps) {
    normalize_view<false>({outer, channels, inner}, x, x, nullptr, [=](int64_t c, const Sums& s) {
        const Factors f(s, eps);
        r[c] = f.scale;
        return f;
    });
}

// out = r (g - mean(g) - y mean(g y)), y = normalize(x)
extern "C" void normalize_input_grad(const Real* g, const Real* x, Real* out, int64_t outer, int64_t channels,
                                     int64_t inner, Real eps) {
    normalize_view<true>({outer, channels, inner}, x, g, out, [=](int64_t, const Sums& s) { return Factors(s, eps); });
}

// y = w normalize(x) + b, and the statistics of each channel
extern "C" void batch_norm(const Real* x, const Real* w, const Real* b, Real* y, Real* mean, Real* variance, int64_t outer,
                           int64_t channels, int64_t inner, Real eps) {
    normalize_view<false>({outer, channels, inner}, x, x, y, [=](int64_t c, const Sums& s) {
        mean[c] = Real(s.mean), variance[c] = Real(s.squares / s.n);
        return Factors(s, eps, w[c], b[c]);
    });
}

// The gradients of batch_norm for x, w and b
extern "C" void batch_norm_grads(const Real* g, const Real* x, const Real* w, Real* x_grad, Real* w_grad, Real* b_grad,
                                 int64_t outer, int64_t channels, int64_t inner, Real eps) {
    normalize_view<true>({outer, channels, inner}, x, g, x_grad, [=](int64_t c, const Sums& s) {
        w_grad[c] = Real(s.g_x / sqrt(s.squares / s.n + eps)), b_grad[c] = Real(s.g);
        return Factors(s, eps, w[c]);
    });
}
