// Element-wise operations, each in one pass over memory.
#include "exp.hpp"
#include "threads.hpp"

#include <utility>
#include <vector>

// Pieces of 64 kB: large enough to be worth handing out, small enough to balance.
constexpr int64_t PIECE = 65536 / sizeof(Real);

static inline Vec get(const Real* from, int64_t n) {   // the first n elements
    Vec v{};
    memcpy(&v, from, n >= LANES ? sizeof v : n * sizeof(Real));
    return v;
}
static inline void put(Real* to, Vec v, int64_t n) { memcpy(to, &v, n >= LANES ? sizeof v : n * sizeof(Real)); }

// Calls f(i, n) for every vector of a row: n elements from i on. The last is a whole one, where the row has one, and goes
// over some elements again: half a store costs more than two. No output may be an input.
template <class F>
static inline void vectors(int64_t begin, int64_t end, F f) {
    const bool whole = end - begin >= LANES;
    for (; begin + LANES <= end; begin += LANES) f(begin, LANES);
    if (begin == end) return;
    if (whole) f(end - LANES, LANES);
    else f(begin, end - begin);
}

template <class Work>
static void in_pieces(int64_t n, Work work) {
    parallel((n + PIECE - 1) / PIECE, [&](int64_t piece) {
        work(piece * PIECE, n < (piece + 1) * PIECE ? n : (piece + 1) * PIECE);
    });
}

// --- two arrays -----------------------------------------------------------------------------------------------------

// y = f(x, b...): x is (outer, channels, inner), each b one number a channel. Equal shapes are one row of channels.
template <class F, class... B>
static void with_channels(const Real* x, Real* y, int64_t outer, int64_t channels, int64_t inner, F f, B*... b) {
    if (inner > 1 && inner < LANES) {   // shorter than a vector: every element of a plane gets a number of its own
        const auto repeated = [=](const Real* of) {
            std::vector<Real> each(channels * inner);
            for (int64_t i = 0; i < channels * inner; ++i) each[i] = of[i / inner];
            return each;
        };
        return with_channels(x, y, outer, channels * inner, 1, f, repeated(b).data()...);
    }
    in_pieces(outer * channels * inner, [=](int64_t begin, int64_t end) {
        const int64_t length = inner == 1 ? channels : inner;
        while (begin < end) {
            const int64_t row = begin / length, stop = end < (row + 1) * length ? end : (row + 1) * length;
            if (inner == 1) {
                const int64_t top = row * length;
                vectors(begin, stop, [=](int64_t i, int64_t m) { put(y + i, f(get(x + i, m), get(b + (i - top), m)...), m); });
            } else {
                const auto with = [=](auto... one) {
                    vectors(begin, stop, [=](int64_t i, int64_t m) { put(y + i, f(get(x + i, m), one...), m); });
                };
                with(broadcast(b[row % channels])...);
            }
            begin = stop;
        }
    });
}

// In this order: + - * /, - and / the other way round, and three activations of the sum.
extern "C" void combine(const Real* x, const Real* b, Real* y, int64_t outer, int64_t channels, int64_t inner,
                        int64_t operation) {
    const auto run = [=](auto f) { with_channels(x, y, outer, channels, inner, f, b); };
    switch (operation) {
        case 0: return run([](Vec v, Vec w) { return v + w; });
        case 1: return run([](Vec v, Vec w) { return v - w; });
        case 2: return run([](Vec v, Vec w) { return v * w; });
        case 3: return run([](Vec v, Vec w) { return v / w; });
        case 4: return run([](Vec v, Vec w) { return w - v; });
        case 5: return run([](Vec v, Vec w) { return w / v; });
        case 6: return run([](Vec v, Vec w) { return relu(v + w); });
        case 7: return run([](Vec v, Vec w) { return sigmoid(v + w); });
        case 8: return run([](Vec v, Vec w) { return tanh(v + w); });
    }
}

// (x - mean) w / sqrt(variance + eps) + b
extern "C" void normalize_with(const Real* x, const Real* mean, const Real* variance, const Real* w, const Real* b, Real* y,
                               int64_t outer, int64_t channels, int64_t inner, Real eps) {
    std::vector<Real> scale(channels);
    for (int64_t c = 0; c < channels; ++c) scale[c] = w[c] / sqrt(variance[c] + eps);
    const Real* scales = scale.data();
    with_channels(x, y, outer, channels, inner, [](Vec v, Vec m, Vec r, Vec b) { return (v - m) * r + b; }, mean, scales, b);
}

// y = a where the condition holds, b elsewhere; each is an array, or one number for all.
extern "C" void choose(const uint8_t* condition, const Real* a, const Real* b, Real* y, int64_t n, int64_t one_a,
                       int64_t one_b) {
    in_pieces(n, [=](int64_t begin, int64_t end) {
        const uint8_t* __restrict__ c = condition;
        Real* __restrict__ to = y;
        const Real first = *a, second = *b;
        if (one_a && one_b) for (int64_t i = begin; i < end; ++i) to[i] = c[i] ? first : second;
        else if (one_a) for (int64_t i = begin; i < end; ++i) to[i] = c[i] ? first : b[i];
        else if (one_b) for (int64_t i = begin; i < end; ++i) to[i] = c[i] ? a[i] : second;
        else for (int64_t i = begin; i < end; ++i) to[i] = c[i] ? a[i] : b[i];
    });
}
