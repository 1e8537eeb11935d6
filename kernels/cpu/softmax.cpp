// Softmax, its logarithm, and the loss of class indices, with their gradients. x is (outer, n, inner); along n,
//
//     softmax        p = e^x / sum e^x            softmax_grad        y (h - sum h y)
//     log_softmax    l = x - log sum e^x          log_softmax_grad    h - e^y sum h
//
// An example with class t and class weights w has u_c = (1 - s) w_t [c = t] + s / n w_c, s the smoothing, and
//
//     nll            -sum u x                     nll_grad            -h u
//     cross_entropy  -sum u l                     cross_entropy_grad  h (p sum u - u)
//
// x enters less its largest element, so that nothing overflows. What is normalised together is walked through several
// times, in the cache: a row where it lies, columns as a copy of a few, since numbers a power of 2 apart would push
// each other out of it. Memory is read and written once.
#include "masked.hpp"
#include "log.hpp"
#include "threads.hpp"

#include <memory>
#include <utility>

constexpr int64_t TASK = 16384;                  // elements that are worth a task
constexpr int64_t STRIP = 8, COPIED = 1 << 18;   // vectors side by side that are copied at most, and bytes

// --- rows and columns ------------------------------------------------------------------------------------------------

// All lanes of a vector; LaneMask is the first of them.
struct Whole {
    static Vec load(const Real* from, Vec = Vec{}) { return ::load(from); }
    static void store(Real* to, Vec v) { ::store(to, v); }
};

// Every lane and the one STEP away from it change places.
template <int STEP, int... I>
static inline Vec exchanged(Vec v, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(v, v, (I ^ STEP)...);
}
template <int STEP>
static inline Vec exchanged(Vec v) { return exchanged<STEP>(v, std::make_integer_sequence<int, LANES>{}); }

// What is normalised together: a row, vector by vector, or copies of up to LANES columns, a vector for each class.
template <bool ROW>
struct Lines {
    int64_t n;
    int count;   // of rows or columns

    static int64_t at(int64_t i) { return ROW ? i : i * LANES; }   // where a class is
    // Calls f(i, lanes) from class to class, of a row LANES of them at once.
    template <class F>
    void each(F f) const {
        int64_t i = 0;
        if (ROW) {
            for (; i + LANES <= n; i += LANES) f(i, Whole{});
            if (i < n) f(i, LaneMask(0, int(n - i)));
        } else
            for (; i < n; ++i) f(i, Whole{});
    }
    // Of a row, f over all lanes, in each of them.
    template <int STEP = LANES / 2, class F>
    static Vec across(Vec v, F f) {
        if constexpr (ROW && STEP) return across<STEP / 2>(f(v, exchanged<STEP>(v)), f);
        else return v;
    }
    template <class V>
    static V spread(V v) { return ROW ? v[0] - V{} : v; }   // the first lane's number to all of a row's
    static Indices classes(int64_t i) { return Index(i) + (ROW ? iota() : Indices{}); }   // of the lanes, at a step
};

// Calls f(p, lanes, q) for each vector of some columns: p in their array, q in their copy.
template <class P, class Q, class F>
static inline void over_columns(P array, Q copy, int64_t n, int64_t pitch, int64_t columns, F f) {
    const LaneMask last(0, int(columns % LANES));
    for (int64_t i = 0; i < n; ++i) {
        int64_t c = 0;
        for (; c + LANES <= columns; c += LANES) f(array + i * pitch + c, Whole{}, copy + c * n + i * LANES);
        if (c < columns) f(array + i * pitch + c, last, copy + c * n + i * LANES);
    }
}

static inline Real* from_on(Real* p, int64_t i) { return p ? p + i : p; }
static inline const Real* from_on(const Real* p, int64_t i) { return p ? p + i : p; }

// Calls f(lines, number of their first example, x, y, out), the latter in arrays, or in copies. Any may be none. The
// copies of x and out are the same, so f reads an element before it writes it.
template <class F>
static void over_lines(int64_t outer, int64_t n, int64_t inner, const Real* x, const Real* y, Real* out, F f) {
    if (inner == 1) {
        const int64_t share = max(TASK / n, 1);
        return parallel(ceil_div(outer, share), [=](int64_t task) {
            for (int64_t i = task * share; i < min(outer, (task + 1) * share); ++i)
                f(Lines<true>{n, 1}, i, from_on(x, i * n), from_on(y, i * n), from_on(out, i * n));
        });
    }
    const int64_t fitting = max(COPIED / (n * VECTOR_BYTES), 1);
    const int64_t width = min(ceil_div(inner, LANES), min(fitting, STRIP)) * LANES, strips = ceil_div(inner, width);
    const int64_t total = outer * strips, share = max(TASK / (n * width), 1), size = n * width;
    parallel(ceil_div(total, share), [=](int64_t task) {
        const std::unique_ptr<Real[]> copies(new Real[y ? 2 * size : size]);
        Real *const copy = copies.get(), *const second = y ? copy + size : nullptr;
        const auto read = [](const Real* from, auto lanes, Real* to) { store(to, lanes.load(from)); };
        const auto write = [](Real* to, auto lanes, const Real* from) { lanes.store(to, load(from)); };
        for (int64_t i = task * share; i < min(total, (task + 1) * share); ++i) {
            const int64_t row = i / strips, column = i % strips * width, columns = min(width, inner - column);
            const int64_t start = row * n * inner + column;
            if (x) over_columns(x + start, copy, n, inner, columns, read);
            if (y) over_columns(y + start, second, n, inner, columns, read);
            for (int64_t c = 0; c < columns; c += LANES)
                f(Lines<false>{n, int(min(LANES, columns - c))}, row * inner + column + c, copy + c * n,
                  from_on(second, c * n), copy + c * n);
            if (out) over_columns(out + start, copy, n, inner, columns, write);
        }
    });
}

static inline Vec plus(Vec a, Vec b) { return a + b; }
static inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }

// The largest element. NaN may be passed over: it comes back with the sum of e^x.
template <class L>
static inline Vec top_of(L lines, const Real* x) {
    const Vec nothing = broadcast(-Real(INFINITY));
    Vec top = nothing;
    lines.each([&](int64_t i, auto lanes) { top = larger(lanes.load(x + lines.at(i), nothing), top); });
    return lines.across(top, larger);
}

// The sum of e^(x - top), whose terms go to `terms` as well, unless that is none.
template <class L>
static inline Vec sum_of_powers(L lines, const Real* x, Vec top, Real* terms) {
    const Vec nothing = broadcast(-Real(INFINITY));
    Vec sum{};
    lines.each([&](int64_t i, auto lanes) {
        const Vec e = exp(lanes.load(x + lines.at(i), nothing) - top);
        sum += e;
        if (terms) lanes.store(terms + lines.at(i), e);
    });
    return lines.across(sum, plus);
}

// --- softmax ---------------------------------------------------------------------------------------------------------

extern "C" void softmax(const Real* x, Real* y, int64_t outer, int64_t n, int64_t inner) {
    over_lines(outer, n, inner, x, nullptr, y, [](auto lines, int64_t, const Real* x, const Real*, Real* y) {
        const Vec scale = 1 / sum_of_powers(lines, x, top_of(lines, x), y);
        lines.each([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            lanes.store(y + at, lanes.load(y + at) * scale);
        });
    });
}

extern "C" void log_softmax(const Real* x, Real* y, int64_t outer, int64_t n, int64_t inner) {
    over_lines(outer, n, inner, x, nullptr, y, [](auto lines, int64_t, const Real* x, const Real*, Real* y) {
        const Vec top = top_of(lines, x), rest = log(sum_of_powers(lines, x, top, nullptr));
        lines.each([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            lanes.store(y + at, lanes.load(x + at) - top - rest);
        });
    });
}

extern "C" void softmax_grad(const Real* h, const Real* y, Real* out, int64_t outer, int64_t n, int64_t inner) {
    over_lines(outer, n, inner, h, y, out, [](auto lines, int64_t, const Real* h, const Real* y, Real* out) {
        Vec sum{};
        lines.each([&](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            sum += lanes.load(h + at) * lanes.load(y + at);
        });
        sum = lines.across(sum, plus);
        lines.each([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            lanes.store(out + at, lanes.load(y + at) * (lanes.load(h + at) - sum));
        });
    });
}

extern "C" void log_softmax_grad(const Real* h, const Real* y, Real* out, int64_t outer, int64_t n, int64_t inner) {
    over_lines(outer, n, inner, h, y, out, [](auto lines, int64_t, const Real* h, const Real* y, Real* out) {
        Vec sum{};
        lines.each([&](int64_t i, auto lanes) { sum += lanes.load(h + lines.at(i)); });
        sum = lines.across(sum, plus);
        lines.each([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            lanes.store(out + at, lanes.load(h + at) - exp(lanes.load(y + at)) * sum);
        });
    });
}

// --- the loss of class indices ---------------------------------------------------------------------------------------

static inline bool is_class(int64_t label, int64_t n, int64_t ignored) {
    return label >= 0 && label < n && label != ignored;
}

// The weights of the classes that a step of `each` sees.
template <class P>
static inline Vec weights_of(Lines<true>, const Real* weight, int64_t i, P lanes) { return lanes.load(weight + i); }
template <class P>
static inline Vec weights_of(Lines<false>, const Real* weight, int64_t i, P) { return broadcast(weight[i]); }

// x are scores, or logarithms of probabilities. `each` is the weight of each example: 0 if its label is `ignored`, NaN
// if that is no class.
template <bool SCORES>
static void loss_of(const Real* x, const int64_t* labels, const Real* weight, Real* loss, Real* each, int64_t outer,
                    int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    over_lines(outer, n, inner, x, nullptr, nullptr, [=](auto lines, int64_t first, const Real* x, const Real*, Real*) {
        Vec top{}, rest{}, uniform{};
        if (SCORES) {
            top = top_of(lines, x);
            rest = log(sum_of_powers(lines, x, top, nullptr));
        }
        if (smoothing != 0) {
            lines.each([&](int64_t i, auto lanes) {
                uniform += weights_of(lines, weight, i, lanes) * (lanes.load(x + lines.at(i), top) - top - rest);
            });
            uniform = lines.across(uniform, plus) * (smoothing / n);
        }
        for (int k = 0; k < lines.count; ++k) {
            const int64_t label = labels[first + k];
            const bool known = is_class(label, n, ignored);
            const Real w = known ? weight[label] : label == ignored ? 0 : Real(NAN);
            each[first + k] = w;
            const Real log_p = known ? x[lines.at(label) + k] - top[k] - rest[k] : 0;
            loss[first + k] = known ? (smoothing - 1) * w * log_p - uniform[k] : w;
        }
    });
}

template <bool SCORES>
static void loss_grad_of(const Real* h, const Real* x, const int64_t* labels, const Real* weight, Real* out,
                         int64_t outer, int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    double weights = 0;
    for (int64_t i = 0; i < n && smoothing != 0; ++i) weights += weight[i];
    const Real all_weights = Real(weights), rest = 1 - smoothing, share = smoothing / n;
    over_lines(outer, n, inner, x, nullptr, out, [=](auto lines, int64_t first, const Real* x, const Real*, Real* to) {
        Index its[LANES]{};   // the class of each example
        Real here[LANES]{}, everywhere[LANES]{};   // h u is `here` in that class, and `everywhere` w in all
        for (int k = 0; k < lines.count; ++k) {
            const int64_t label = labels[first + k];
            if (!is_class(label, n, ignored)) continue;
            its[k] = Index(label);
            here[k] = rest * weight[label] * h[first + k];
            everywhere[k] = share * h[first + k];
        }
        Indices its_class;
        memcpy(&its_class, its, sizeof its);
        its_class = lines.spread(its_class);
        const Vec own = lines.spread(load(here)), shared = lines.spread(load(everywhere));
        Vec scale{};
        if (SCORES) scale = (own + shared * all_weights) / sum_of_powers(lines, x, top_of(lines, x), to);
        lines.each([=](int64_t i, auto lanes) {
            const int64_t at = lines.at(i);
            Vec v = SCORES ? lanes.load(to + at) * scale : Vec{};
            if (smoothing != 0) v -= shared * weights_of(lines, weight, i, lanes);
            lanes.store(to + at, v - (lines.classes(i) == its_class ? own : Vec{}));
        });
    });
}

extern "C" void nll(const Real* x, const int64_t* labels, const Real* weight, Real* loss, Real* each, int64_t outer,
                    int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    loss_of<false>(x, labels, weight, loss, each, outer, n, inner, smoothing, ignored);
}
extern "C" void cross_entropy(const Real* x, const int64_t* labels, const Real* weight, Real* loss, Real* each,
                              int64_t outer, int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    loss_of<true>(x, labels, weight, loss, each, outer, n, inner, smoothing, ignored);
}
extern "C" void nll_grad(const Real* h, const int64_t* labels, const Real* weight, Real* out, int64_t outer, int64_t n,
                         int64_t inner, Real smoothing, int64_t ignored) {
    loss_grad_of<false>(h, nullptr, labels, weight, out, outer, n, inner, smoothing, ignored);
}
extern "C" void cross_entropy_grad(const Real* h, const Real* x, const int64_t* labels, const Real* weight, Real* out,
                                   int64_t outer, int64_t n, int64_t inner, Real smoothing, int64_t ignored) {
    loss_grad_of<true>(h, x, labels, weight, out, outer, n, inner, smoothing, ignored);
}
