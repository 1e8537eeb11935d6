// Softmax, log-softmax and the loss of class indices, with their gradients. x is (outer, n, inner); along n,
//
//     softmax        p = eˣ / Σ eˣ                softmax_grad        p (g - Σ g p)
//     log_softmax    l = x - log Σ eˣ             log_softmax_grad    g - eˡ Σ g
//
// For an example of class t, with class weights w and label smoothing s, class c has the weight
// u_c = (1 - s) w_t [c = t] + s/n w_c. Then
//
//     nll            -Σ u x                       nll_grad            -g u
//     cross_entropy  -Σ u l                       cross_entropy_grad  g (p Σ u - u)
//
// The largest x is subtracted from x first, so that nothing overflows. A line, the n numbers that are normalized
// together, is read several times, in the cache: a row where it lies, columns from a copy. Without the copy, numbers that
// are a power of 2 apart would compete for one set of the cache. Memory is read and written once.
#include "masked.hpp"
#include "log.hpp"
#include "threads.hpp"

#include <memory>
#include <utility>

constexpr int64_t TASK = 16384;                          // elements: less work does not repay a task
constexpr int64_t MAX_STRIP = 8, MAX_COPY = 1 << 18;     // of the columns that are copied at once: vectors, and bytes

// --- lines: rows and columns ------------------------------------------------------------------------------------------

// All lanes of a vector, with the interface of LaneMask.
struct AllLanes {
    static Vec load(const Real* from, Vec = Vec{}) { return ::load(from); }
    static void store(Real* to, Vec v) { ::store(to, v); }
};

// Exchanges each lane i with lane i ^ STEP.
template <int STEP, int... I>
static inline Vec exchange_lanes(Vec v, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(v, v, (I ^ STEP)...);
}
template <int STEP>
static inline Vec exchange_lanes(Vec v) { return exchange_lanes<STEP>(v, std::make_integer_sequence<int, LANES>{}); }

// Lines that are processed together: one row, of which a vector holds LANES classes; or LANES columns, of which a vector
// holds one class.
template <bool ROW>
struct Lines {
    int64_t n;
    int count;   // of lines: 1 row, or up to LANES columns

    static int64_t at(int64_t i) { return ROW ? i : i * LANES; }   // the offset of class i
    // Calls f(i, lanes) for the vector that begins with class i, for all vectors.
    template <class F>
    void for_vectors(F f) const {
        int64_t i = 0;
        if (ROW) {
            for (; i + LANES <= n; i += LANES) f(i, AllLanes{});
            if (i < n) f(i, LaneMask(0, int(n - i)));
        } else
            for (; i < n; ++i) f(i, AllLanes{});
    }
    // Combines all lanes of a row by f; each lane gets the result. Columns stay apart.
    template <int STEP = LANES / 2, class F>
    static Vec reduce_lanes(Vec v, F f) {
        if constexpr (ROW && STEP) return reduce_lanes<STEP / 2>(f(v, exchange_lanes<STEP>(v)), f);
        else return v;
    }
    template <class V>
    static V for_lanes(V v) { return ROW ? v[0] - V{} : v; }   // the number of each line, in the lanes of this line
    static Indices classes(int64_t i) { return Index(i) + (ROW ? iota() : Indices{}); }   // of a vector's lanes
};

// Calls f(p, lanes, q) for each vector of some columns: p is its address in the array, q in the copy.
template <class P, class Q, class F>
static inline void for_column_vectors(P array, Q copy, int64_t n, int64_t pitch, int64_t columns, F f) {
    const LaneMask last(0, int(columns % LANES));
    for (int64_t i = 0; i < n; ++i) {
        int64_t c = 0;
        for (; c + LANES <= columns; c += LANES) f(array + i * pitch + c, AllLanes{}, copy + c * n + i * LANES);
        if (c < columns) f(array + i * pitch + c, last, copy + c * n + i * LANES);
    }
}

static inline Real* null_or_offset(Real* p, int64_t i) { return p ? p + i : p; }
static inline const Real* null_or_offset(const Real* p, int64_t i) { return p ? p + i : p; }

// Calls f(lines, index of the first line, x, y, out) for all lines. x, y and out point to the lines in the arrays, or in
// copies; each may be null. x and out share a copy, so f must read an element before it writes it.
template <class F>
static void for_lines(int64_t outer, int64_t n, int64_t inner, const Real* x, const Real* y, Real* out, F f) {
    if (inner == 1) {
        const int64_t share = max(TASK / n, 1);
        return parallel(ceil_div(outer, share), [=](int64_t task) {
            for (int64_t i = task * share; i < min(outer, (task + 1) * share); ++i)
                f(Lines<true>{n, 1}, i, null_or_offset(x, i * n), null_or_offset(y, i * n), null_or_offset(out, i * n));
        });
    }
    const int64_t limit = min(max(MAX_COPY / (n * VECTOR_BYTES), 1), MAX_STRIP);
    const int64_t width = min(ceil_div(inner, LANES), limit) * LANES, strips = ceil_div(inner, width);
    const int64_t total = outer * strips, share = max(TASK / (n * width), 1), size = n * width;
    parallel(ceil_div(total, share), [=](int64_t task) {
        const std::unique_ptr<Real[]> copies(new Real[y ? 2 * size : size]);
        Real *const copy = copies.get(), *const second = y ? copy + size : nullptr;
        const auto read = [](const Real* from, auto lanes, Real* to) { store(to, lanes.load(from)); };
        const auto write = [](Real* to, auto lanes, const Real* from) { lanes.store(to, load(from)); };
        for (int64_t i = task * share; i < min(total, (task + 1) * share); ++i) {
            const int64_t row = i / strips, column = i % strips * width, columns = min(width, inner - column);
            const int64_t start = row * n * inner + column;
            if (x) for_column_vectors(x + start, copy, n, inner, columns, read);
            if (y) for_column_vectors(y + start, second, n, inner, columns, read);
            for (int64_t c = 0; c < columns; c += LANES)
                f(Lines<false>{n, int(min(LANES, columns - c))}, row * inner + column + c, copy + c * n,
                  null_or_offset(second, c * n), copy + c * n);
            if (out) for_column_vectors(out + start, copy, n, inner, columns, write);
        }
    });
}

static inline Vec add(Vec a, Vec b) { return a + b; }
static inline Vec maximum(Vec a, Vec b) { return a > b ? a : b; }

// The largest element of each line. NaN may be ignored here: it appears in the sum of eˣ.
template <class L>
static inline Vec max_of(L lines, const Real* x) {
    const Vec lowest = broadcast(-Real(INFINITY));
    Vec top = lowest;
    lines.for_vectors([&](int64_t i, auto lanes) { top = maximum(lanes.load(x + lines.at(i), lowest), top); });
    return lines.reduce_lanes(top, maximum);
}

// The sum of e^(x - top) over each line. The terms are stored to `terms`, unless it is null.
template <class L>
static inline Vec sum_of_exp(L lines, const Real* x, Vec top, Real* terms) {
    const Vec lowest = broadcast(-Real(INFINITY));
    Vec sum{};
    lines.for_vectors([&](int64_t i, auto lanes) {
        const Vec e = exp(lanes.load(x + lines.at(i), lowest) - top);
        sum += e;
        if (terms) lanes.store(terms + lines.at(i), e);
    });
    return lines.reduce_lanes(sum, add);
}

// --- softmax: g is the gradient of y ----------------------------------------------------------------------------------

extern "C" void softmax(const Real* x, Real* y, int64_t outer, int64_t n, int64_t inner) {
    for_lines(outer, n, inner, x, nullptr, y, [](auto lines, int64_t, const Real* x, const Real*, Real* y) {
        const Vec scale = 1 / sum_of_exp(lines, x, max_of(lines, x), y);
        lines.for_vectors([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            lanes.store(y + at, lanes.load(y + at) * scale);
        });
    });
}

extern "C" void log_softmax(const Real* x, Real* y, int64_t outer, int64_t n, int64_t inner) {
    for_lines(outer, n, inner, x, nullptr, y, [](auto lines, int64_t, const Real* x, const Real*, Real* y) {
        const Vec top = max_of(lines, x), log_sum = log(sum_of_exp(lines, x, top, nullptr));
        lines.for_vectors([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            lanes.store(y + at, lanes.load(x + at) - top - log_sum);
        });
    });
}

extern "C" void softmax_grad(const Real* g, const Real* y, Real* out, int64_t outer, int64_t n, int64_t inner) {
    for_lines(outer, n, inner, g, y, out, [](auto lines, int64_t, const Real* g, const Real* y, Real* out) {
        Vec sum{};
        lines.for_vectors([&](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            sum += lanes.load(g + at) * lanes.load(y + at);
        });
        sum = lines.reduce_lanes(sum, add);
        lines.for_vectors([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            lanes.store(out + at, lanes.load(y + at) * (lanes.load(g + at) - sum));
        });
    });
}

extern "C" void log_softmax_grad(const Real* g, const Real* y, Real* out, int64_t outer, int64_t n, int64_t inner) {
    for_lines(outer, n, inner, g, y, out, [](auto lines, int64_t, const Real* g, const Real* y, Real* out) {
        Vec sum{};
        lines.for_vectors([&](int64_t i, auto lanes) { sum += lanes.load(g + lines.at(i)); });
        sum = lines.reduce_lanes(sum, add);
        lines.for_vectors([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            lanes.store(out + at, lanes.load(g + at) - exp(lanes.load(y + at)) * sum);
        });
    });
}

// --- the loss of class indices ---------------------------------------------------------------------------------------

static inline bool is_class(int64_t label, int64_t n, int64_t ignored) {
    return label >= 0 && label < n && label != ignored;
}

// The weights of the classes of a vector.
template <class P>
static inline Vec weights_of(Lines<true>, const Real* weight, int64_t i, P lanes) { return lanes.load(weight + i); }
template <class P>
static inline Vec weights_of(Lines<false>, const Real* weight, int64_t i, P) { return broadcast(weight[i]); }

// x are scores (logits), or log-probabilities. example_weight gets 0 for the label `ignored`, and NaN for a label that is
// no class.
template <bool SCORES>
static void loss_of(const Real* x, const int64_t* labels, const Real* weight, Real* loss, Real* example_weight,
                    int64_t outer, int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    for_lines(outer, n, inner, x, nullptr, nullptr, [=](auto lines, int64_t first, const Real* x, const Real*, Real*) {
        Vec top{}, log_sum{}, uniform{};
        if (SCORES) {
            top = max_of(lines, x);
            log_sum = log(sum_of_exp(lines, x, top, nullptr));
        }
        if (smoothing != 0) {
            lines.for_vectors([&](int64_t i, auto lanes) {
                uniform += weights_of(lines, weight, i, lanes) * (lanes.load(x + lines.at(i), top) - top - log_sum);
            });
            uniform = lines.reduce_lanes(uniform, add) * (smoothing / n);
        }
        for (int k = 0; k < lines.count; ++k) {
            const int64_t label = labels[first + k];
            const bool known = is_class(label, n, ignored);
            const Real w = known ? weight[label] : label == ignored ? 0 : Real(NAN);
            example_weight[first + k] = w;
            const Real log_p = known ? x[lines.at(label) + k] - top[k] - log_sum[k] : 0;
            loss[first + k] = known ? (smoothing - 1) * w * log_p - uniform[k] : w;
        }
    });
}

// g is the gradient of each example's loss. x are scores, or null for the loss of log-probabilities.
template <bool SCORES>
static void loss_grad_of(const Real* g, const Real* x, const int64_t* labels, const Real* weight, Real* out,
                         int64_t outer, int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    double weights = 0;
    for (int64_t i = 0; i < n && smoothing != 0; ++i) weights += weight[i];
    const Real sum_of_weights = Real(weights), weight_of_label = 1 - smoothing, share = smoothing / n;
    for_lines(outer, n, inner, x, nullptr, out, [=](auto lines, int64_t first, const Real* x, const Real*, Real* to) {
        Index label_of[LANES]{};
        Real own[LANES]{}, shared[LANES]{};   // g u is `own` for the class of the label, plus `shared` w for all classes
        for (int k = 0; k < lines.count; ++k) {
            const int64_t label = labels[first + k];
            if (!is_class(label, n, ignored)) continue;
            label_of[k] = Index(label);
            own[k] = weight_of_label * weight[label] * g[first + k];
            shared[k] = share * g[first + k];
        }
        Indices label_lanes;
        memcpy(&label_lanes, label_of, sizeof label_of);
        label_lanes = lines.for_lanes(label_lanes);
        const Vec own_lanes = lines.for_lanes(load(own)), shared_lanes = lines.for_lanes(load(shared));
        Vec scale{};
        if (SCORES) scale = (own_lanes + shared_lanes * sum_of_weights) / sum_of_exp(lines, x, max_of(lines, x), to);
        lines.for_vectors([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            Vec v = SCORES ? lanes.load(to + at) * scale : Vec{};
            if (smoothing != 0) v -= shared_lanes * weights_of(lines, weight, i, lanes);
            lanes.store(to + at, v - (lines.classes(i) == label_lanes ? own_lanes : Vec{}));
        });
    });
}

extern "C" void nll(const Real* x, const int64_t* labels, const Real* weight, Real* loss, Real* example_weight,
                    int64_t outer, int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    loss_of<false>(x, labels, weight, loss, example_weight, outer, n, inner, smoothing, ignored);
}
extern "C" void cross_entropy(const Real* x, const int64_t* labels, const Real* weight, Real* loss, Real* example_weight,
                              int64_t outer, int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    loss_of<true>(x, labels, weight, loss, example_weight, outer, n, inner, smoothing, ignored);
}
extern "C" void nll_grad(const Real* g, const int64_t* labels, const Real* weight, Real* out, int64_t outer, int64_t n,
                         int64_t inner, Real smoothing, int64_t ignored) {
    loss_grad_of<false>(g, nullptr, labels, weight, out, outer, n, inner, smoothing, ignored);
}
extern "C" void cross_entropy_grad(const Real* g, const Real* x, const int64_t* labels, const Real* weight, Real* out,
                                   int64_t outer, int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    loss_grad_of<true>(g, x, labels, weight, out, outer, n, inner, smoothing, ignored);
}
