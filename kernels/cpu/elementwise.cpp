// Element-wise operations of two arrays, each in one pass over memory.
#include "exp.hpp"
#include "threads.hpp"

#include <utility>
#include <vector>

// Elements of a task, 64 kB: large enough to be worth a task, small enough to balance the threads.
constexpr int64_t CHUNK = 65536 / sizeof(Real);

// Loads and stores of the first n <= LANES elements.
static inline Vec load_first(const Real* from, int64_t n) {
    Vec v{};
    memcpy(&v, from, n >= LANES ? sizeof v : n * sizeof(Real));
    return v;
}
static inline void store_first(Real* to, Vec v, int64_t n) { memcpy(to, &v, n >= LANES ? sizeof v : n * sizeof(Real)); }

// Calls f(i, n) for every vector of a row: n elements from i on. If the row has at least LANES elements, its last vector is
// whole and overlaps the vector before: a partial store costs more than two whole stores. So no output may be an input.
template <class F>
static inline void for_vectors(int64_t begin, int64_t end, F f) {
    const bool long_row = end - begin >= LANES;
    for (; begin + LANES <= end; begin += LANES) f(begin, LANES);
    if (begin == end) return;
    if (long_row) f(end - LANES, LANES);
    else f(begin, end - begin);
}

template <class Work>
static void for_chunks(int64_t n, Work work) {
    parallel(ceil_div(n, CHUNK), [&](int64_t chunk) { work(chunk * CHUNK, min(n, (chunk + 1) * CHUNK)); });
}

// --- an array and one number for each channel -------------------------------------------------------------------------

// y = f(x, b...): x is (outer, channels, inner), each b is (channels). Two arrays of equal shape are one row of channels.
template <class F, class... B>
static void with_channels(const Real* x, Real* y, int64_t outer, int64_t channels, int64_t inner, F f, B*... b) {
    if (inner > 1 && inner < LANES) {   // shorter than a vector: each b is repeated for the elements of a plane
        const auto repeated = [=](const Real* numbers) {
            std::vector<Real> copies(channels * inner);
            for (int64_t i = 0; i < channels * inner; ++i) copies[i] = numbers[i / inner];
            return copies;
        };
        return with_channels(x, y, outer, channels * inner, 1, f, repeated(b).data()...);
    }
    for_chunks(outer * channels * inner, [=](int64_t begin, int64_t end) {
        const int64_t length = inner == 1 ? channels : inner;
        while (begin < end) {
            const int64_t row = begin / length, row_end = min(end, (row + 1) * length);
            if (inner == 1) {
                const int64_t first = row * length;
                for_vectors(begin, row_end, [=](int64_t i, int64_t n) {
                    store_first(y + i, f(load_first(x + i, n), load_first(b + (i - first), n)...), n);
                });
            } else {
                const auto with = [=](auto... number) {
                    for_vectors(begin, row_end, [=](int64_t i, int64_t n) {
                        store_first(y + i, f(load_first(x + i, n), number...), n);
                    });
                };
                with(broadcast(b[row % channels])...);
            }
            begin = row_end;
        }
    });
}

// Operations in the order of OPERATIONS in Python: + - * /, then - and / with the operands exchanged, then three
// activations of the sum.
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

// (x - mean) w / sqrt(variance + eps) + b: batch norm with given statistics
extern "C" void normalize_with(const Real* x, const Real* mean, const Real* variance, const Real* w, const Real* b, Real* y,
                               int64_t outer, int64_t channels, int64_t inner, Real eps) {
    std::vector<Real> scale(channels);
    for (int64_t c = 0; c < channels; ++c) scale[c] = w[c] / sqrt(variance[c] + eps);
    const Real* scales = scale.data();
    const auto normalized = [](Vec v, Vec m, Vec r, Vec b) { return (v - m) * r + b; };
    with_channels(x, y, outer, channels, inner, normalized, mean, scales, b);
}

// --- a choice between two arrays --------------------------------------------------------------------------------------

// y = a where the condition is true, b elsewhere. a and b are arrays, or one number each if a_is_scalar or b_is_scalar.
extern "C" void choose(const uint8_t* condition, const Real* a, const Real* b, Real* y, int64_t n, int64_t a_is_scalar,
                       int64_t b_is_scalar) {
    for_chunks(n, [=](int64_t begin, int64_t end) {
        const uint8_t* __restrict__ c = condition;
        Real* __restrict__ to = y;
        const Real first = *a, second = *b;
        if (a_is_scalar && b_is_scalar) for (int64_t i = begin; i < end; ++i) to[i] = c[i] ? first : second;
        else if (a_is_scalar) for (int64_t i = begin; i < end; ++i) to[i] = c[i] ? first : b[i];
        else if (b_is_scalar) for (int64_t i = begin; i < end; ++i) to[i] = c[i] ? a[i] : second;
        else for (int64_t i = begin; i < end; ++i) to[i] = c[i] ? a[i] : b[i];
    });
}
