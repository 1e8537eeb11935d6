// Normalisation to mean 0 and variance 1, y = (x - mean) r with r = 1 / sqrt(variance + eps), and its gradient
//
//     out = r (g - mean(g) - y mean(g y))
//
// Batch norm's are the same with a weight and a bias for each channel, w y + b and w out: the sums are residuals of the
// one and, with the gradients of weight and bias, Σ g y and Σ g, of the other.
//
// x is (outer, channels, inner) and all but the channels are averaged over: batch, instance, layer and group norm are
// views of this. A kernel reads its inputs twice, once for the sums and once for the output, and does one channel after
// the other, so that the second time they come from a cache. The sums of the gradient come with those of the statistics.
//
// Sums are made block by block, about the mean of a block's first vector; should that lie far from the block's own, once
// more about that. The sums about the exact mean follow, and blocks are merged, in their order, in double precision (Chan,
// Golub and LeVeque, 1979). A channel whose values lie far from 0 keeps its digits so.
//
// Where inner is shorter than a vector the lanes are neighbouring columns instead: strips of them, from top to bottom.
#include "simd.hpp"
#include "threads.hpp"

#include <type_traits>
#include <utility>
#include <vector>


constexpr int64_t BLOCK = 4096;   // elements: so few that a lane's sum of its share loses no digits
constexpr int64_t TASK = 16384;                        // elements that are worth a task
constexpr int64_t FEW = 16;                            // channels: fewer are cut into pieces



// The n elements at `from`, and `fill`; no element from `end` on is read.
static inline Vec part(const Real* from, int64_t n, const Real* end, Vec fill = Vec{}) {
    if (n >= LANES) return load(from);
    Vec v{};
    if (end - from >= LANES) v = load(from);
    else memcpy(&v, from, n * sizeof(Real));
    return iota() < Index(n) ? v : fill;
}
static inline void put(Real* to, Vec v, int64_t n) { memcpy(to, &v, n >= LANES ? sizeof v : n * sizeof(Real)); }

// The sum of all lanes, in double precision from the first addition of two lanes on.
static inline double total(const Vec* parts, int n) {
    typedef Real Half __attribute__((vector_size(VECTOR_BYTES / 2)));
    typedef double Wide __attribute__((vector_size(LANES / 2 * sizeof(double))));
    Vec all = parts[0];
    for (int i = 1; i < n; ++i) all += parts[i];
    Half halves[2];
    memcpy(halves, &all, sizeof all);
    Wide sum = __builtin_convertvector(halves[0], Wide) + __builtin_convertvector(halves[1], Wide);
    for (int left = LANES / 4; left; left /= 2)
        for (int i = 0; i < left; ++i) sum[i] += sum[i + left];
    return sum[0];
}

// Of n elements their mean, and about it the sums of (x - mean)^2, of g, and of g (x - mean).
struct Sums {
    double n = 0, mean = 0, squares = 0, g = 0, g_x = 0;

    void move(double to) {   // to another mean, which the squares have to follow apart
        g_x += (mean - to) * g;
        mean = to;
    }
    void add(Sums other) {
        if (!other.n) return;
        const double away = other.mean - mean, all = n + other.n, to = mean + away * other.n / all;
        squares += other.squares + away * away * n * other.n / all;
        move(to), other.move(to);
        n = all, g += other.g, g_x += other.g_x;
    }
};

// What makes the output of an element: (x - mean) scale + shift, or (g - mean_g) scale - (x - mean) slope.
struct Factors {
    Real mean, scale, shift, mean_g, slope;
    Factors(const Sums& s, Real eps, Real weight = 1, Real bias = 0) {
        const double r = 1 / sqrt(s.squares / s.n + eps);
        mean = Real(s.mean), scale = Real(r * weight), shift = bias;
        mean_g = Real(s.g / s.n), slope = Real(r * r * r * s.g_x / s.n * weight);
    }
};

struct View {
    int64_t outer, channels, inner;
    int64_t count() const { return outer * inner; }
    int64_t size() const { return outer * channels * inner; }
};

// --- a channel's elements in rows ---------------------------------------------------------------------------------

struct Block {   // `rows` runs of `length` elements
    int64_t start, length, rows, pitch;

    // Calls f(at, k, n) for every vector: n elements at `at`; neighbours have different k from 0 to 3, all of them known
    // to the compiler. With TWICE the last vector of a row is a whole one that goes over some elements again.
    template <bool TWICE, class F>
    inline void each(F f) const {
        for (int64_t row = 0, at = start; row < rows; ++row, at += pitch) {
            int64_t i = 0;
            for (; i + 4 * LANES <= length; i += 4 * LANES) {
                f(at + i, 0, LANES), f(at + i + LANES, 1, LANES);
                f(at + i + 2 * LANES, 2, LANES), f(at + i + 3 * LANES, 3, LANES);
            }
            if (i + LANES <= length) f(at + i, 0, LANES), i += LANES;
            if (i + LANES <= length) f(at + i, 1, LANES), i += LANES;
            if (i + LANES <= length) f(at + i, 2, LANES), i += LANES;
            if (i == length) continue;
            if (TWICE && length >= LANES) f(at + length - LANES, 3, LANES);
            else f(at + i, 3, length - i);
        }
    }
};

struct Blocks {   // of one channel: parts of a row, or several rows
    View v;
    int64_t a_row, rows;
    explicit Blocks(View view) : v(view), a_row((v.inner + BLOCK - 1) / BLOCK), rows(a_row > 1 ? 1 : BLOCK / v.inner) {}
    int64_t count() const { return (v.outer + rows - 1) / rows * a_row; }
    Block operator()(int64_t channel, int64_t i) const {
        const int64_t row = i / a_row * rows, column = i % a_row * BLOCK;
        return {(row * v.channels + channel) * v.inner + column, min(BLOCK, v.inner - column),
                min(rows, v.outer - row), v.channels * v.inner};
    }
};

template <bool GRADIENT>
static Sums sums_about(Real near, const Block& b, const Real* x, const Real* g, const Real* end, const Real* end_g) {
    Vec away[4]{}, squares[4]{}, of_g[4]{}, of_both[4]{};
    b.each<false>([&](int64_t at, int k, int64_t n) {
        const Vec d = part(x + at, n, end, broadcast(near)) - near;
        away[k] += d, squares[k] += d * d;
        if (GRADIENT) {
            const Vec v = part(g + at, n, end_g);
            of_g[k] += v, of_both[k] += v * d;
        }
    });
    Sums s;
    s.n = double(b.rows * b.length);
    const double rest = total(away, 4);
    s.squares = total(squares, 4) - rest * rest / s.n;
    s.mean = near;
    if (GRADIENT) s.g = total(of_g, 4), s.g_x = total(of_both, 4);
    s.move(near + rest / s.n);
    return s;
}

template <bool GRADIENT>
static Sums sums(const Block& b, const Real* x, const Real* g, const Real* end, const Real* end_g) {
    const int64_t n = min(b.length, LANES);
    const Vec first = part(x + b.start, n, end);
    const Real near = Real(total(&first, 1) / n);
    const Sums s = sums_about<GRADIENT>(near, b, x, g, end, end_g);
    const double away = s.mean - near;
    return away * away * s.n > 3 * s.squares ? sums_about<GRADIENT>(Real(s.mean), b, x, g, end, end_g) : s;
}

template <bool GRADIENT>
static void apply(const Block& b, const Real* x, const Real* g, Real* out, const Real* end, const Real* end_g, Factors f) {
    b.each<true>([&](int64_t at, int, int64_t n) {
        const Vec d = part(x + at, n, end) - f.mean;
        put(out + at, GRADIENT ? (part(g + at, n, end_g) - f.mean_g) * f.scale - d * f.slope : d * f.scale + f.shift, n);
    });
}

// Calls factors(channel, sums) for each channel, and makes its output with what that gives unless there is none.
template <bool GRADIENT, class Make>
static void in_rows(View v, const Real* x, const Real* g, Real* out, Make factors) {
    const Blocks blocks(v);
    const Real *const end = x + v.size(), *const end_g = g + v.size();
    const int64_t count = blocks.count();
    const auto apply_to = [&](int64_t channel, int64_t from, int64_t to, const Factors& f) {
        for (int64_t i = from; i < to && out; ++i) apply<GRADIENT>(blocks(channel, i), x, g, out, end, end_g, f);
    };
    const auto sum_of = [&](int64_t channel, int64_t from, int64_t to) {
        Sums s;
        for (int64_t i = from; i < to; ++i) s.add(sums<GRADIENT>(blocks(channel, i), x, g, end, end_g));
        return s;
    };
    if (v.channels >= FEW || count == 1) {
        const int64_t share = max(TASK / v.count(), 1);
        parallel((v.channels + share - 1) / share, [&](int64_t task) {
            const int64_t first = task * share, last = min(v.channels, first + share);
            std::vector<Factors> known;   // so that the sums of one channel need not wait for those of another
            for (int64_t c = first; c < last; ++c) known.push_back(factors(c, sum_of(c, 0, count)));
            for (int64_t c = first; c < last; ++c) apply_to(c, 0, count, known[c - first]);
        });
        return;
    }
    const int64_t share = max(TASK / BLOCK, (count + FEW - 1) / FEW), pieces = (count + share - 1) / share;
    std::vector<Sums> of(v.channels * pieces);
    const auto in_pieces = [&](auto work) {
        parallel(v.channels * pieces, [&](int64_t i) {
            work(i, i / pieces, i % pieces * share, min(count, (i % pieces + 1) * share));
        });
    };
    in_pieces([&](int64_t i, int64_t channel, int64_t from, int64_t to) { of[i] = sum_of(channel, from, to); });
    std::vector<Factors> known;
    for (int64_t c = 0; c < v.channels; ++c) {
        for (int64_t i = 1; i < pieces; ++i) of[c * pieces].add(of[c * pieces + i]);
        known.push_back(factors(c, of[c * pieces]));
    }
    in_pieces([&](int64_t, int64_t channel, int64_t from, int64_t to) { apply_to(channel, from, to, known[channel]); });
}

// --- channels side by side ----------------------------------------------------------------------------------------

constexpr int STRIP = 4;   // vectors

// The same for channels of few columns each: as many of them as fit into a strip.
template <bool GRADIENT, class Make>
static void in_columns(View v, const Real* x, const Real* g, Real* out, Make factors) {
    const int64_t pitch = v.channels * v.inner, share = STRIP * LANES / v.inner;
    const Real *const end = x + v.size(), *const end_g = g + v.size();
    parallel((v.channels + share - 1) / share, [&](int64_t task) {
        const int64_t first = task * share, channels = min(share, v.channels - first), width = channels * v.inner;
        const int64_t start = first * v.inner;
        struct Lanes {
            Real of[STRIP * LANES];
            Vec get(int k) const { return load(of + k * LANES); }
            double sum(int64_t from, int64_t n) const {
                double s = 0;
                for (int64_t i = from; i < from + n; ++i) s += of[i];
                return s;
            }
        };
        // Adds up what f(k, at, n) adds to its vectors for every row of each of the strip's vectors; of 64 rows at first,
        // so that the sums of many rows lose no more digits.
        const auto add_up = [&](auto f, auto& totals) {
            constexpr int N = sizeof totals / sizeof(Lanes);
            memset(&totals, 0, sizeof totals);
            for (int64_t top = 0; top < v.outer; top += 64)
                for (int k = 0; k * LANES < width; ++k) {
                    Vec sums[N]{};
                    for (int64_t row = top; row < min(v.outer, top + 64); ++row)
                        f(k, row * pitch + start + k * LANES, width - k * LANES, sums);
                    for (int i = 0; i < N; ++i) store(totals[i].of + k * LANES, totals[i].get(k) + sums[i]);
                }
        };
        Lanes plain[1], about[GRADIENT ? 4 : 2], mean{}, scale{}, shift{}, mean_g{}, slope{};
        add_up([&](int, int64_t at, int64_t n, Vec* s) { s[0] += part(x + at, n, end); }, plain);
        for (int64_t c = 0; c < channels; ++c) {
            const Real near = Real(plain[0].sum(c * v.inner, v.inner) / double(v.count()));
            for (int64_t i = 0; i < v.inner; ++i) mean.of[c * v.inner + i] = near;
        }
        add_up([&](int k, int64_t at, int64_t n, Vec* s) {
            const Vec d = part(x + at, n, end, mean.get(k)) - mean.get(k);
            s[0] += d, s[1] += d * d;
            if (GRADIENT) {
                const Vec v = part(g + at, n, end_g);
                s[2] += v, s[3] += v * d;
            }
        }, about);
        for (int64_t c = 0; c < channels; ++c) {
            const int64_t from = c * v.inner;
            const double rest = about[0].sum(from, v.inner);
            Sums s;
            s.n = double(v.count()), s.mean = mean.of[from];
            s.squares = about[1].sum(from, v.inner) - rest * rest / s.n;
            if (GRADIENT) s.g = about[2].sum(from, v.inner), s.g_x = about[3].sum(from, v.inner);
            s.move(s.mean + rest / s.n);
            const Factors f = factors(first + c, s);
            for (int64_t i = from; i < from + v.inner; ++i) {
                mean.of[i] = f.mean, scale.of[i] = f.scale, shift.of[i] = f.shift;
                mean_g.of[i] = f.mean_g, slope.of[i] = f.slope;
            }
        }
        for (int64_t row = 0; row < v.outer && out; ++row)
            for (int k = 0; k * LANES < width; ++k) {
                const int64_t at = row * pitch + start + k * LANES, n = width - k * LANES;
                const Vec d = part(x + at, n, end) - mean.get(k);
                put(out + at, GRADIENT ? (part(g + at, n, end_g) - mean_g.get(k)) * scale.get(k) - d * slope.get(k)
                                       : d * scale.get(k) + shift.get(k), n);
            }
    });
}

template <bool GRADIENT, class Make>
static void over(View v, const Real* x, const Real* g, Real* out, Make factors) {
    if (v.inner < LANES && v.outer > 1 && v.channels > 1) in_columns<GRADIENT>(v, x, g, out, factors);
    else in_rows<GRADIENT>(v, x, g, out, factors);
}

// (x - mean) r
extern "C" void normalize(const Real* x, Real* y, int64_t outer, int64_t channels, int64_t inner, Real eps) {
    over<false>({outer, channels, inner}, x, x, y, [=](int64_t, const Sums& s) { return Factors(s, eps); });
}

// r of each channel
extern "C" void rstd(const Real* x, Real* r, int64_t outer, int64_t channels, int64_t inner, Real eps) {
    over<false>({outer, channels, inner}, x, x, nullptr, [=](int64_t c, const Sums& s) {
        const Factors f(s, eps);
        r[c] = f.scale;
        return f;
    });
}

// r (g - mean(g) - y mean(g y)), y = normalize(x)
extern "C" void normalize_input_grad(const Real* g, const Real* x, Real* out, int64_t outer, int64_t channels,
                                     int64_t inner, Real eps) {
    over<true>({outer, channels, inner}, x, g, out, [=](int64_t, const Sums& s) { return Factors(s, eps); });
}

// w normalize(x) + b, and what it found
extern "C" void batch_norm(const Real* x, const Real* w, const Real* b, Real* y, Real* mean, Real* variance, int64_t outer,
                           int64_t channels, int64_t inner, Real eps) {
    over<false>({outer, channels, inner}, x, x, y, [=](int64_t c, const Sums& s) {
        mean[c] = Real(s.mean), variance[c] = Real(s.squares / s.n);
        return Factors(s, eps, w[c], b[c]);
    });
}

// The gradients of batch_norm for x, w and b.
extern "C" void batch_norm_grads(const Real* g, const Real* x, const Real* w, Real* to_x, Real* to_w, Real* to_b,
                                 int64_t outer, int64_t channels, int64_t inner, Real eps) {
    over<true>({outer, channels, inner}, x, g, to_x, [=](int64_t c, const Sums& s) {
        to_w[c] = Real(s.g_x / sqrt(s.squares / s.n + eps)), to_b[c] = Real(s.g);
        return Factors(s, eps, w[c]);
    });
}
