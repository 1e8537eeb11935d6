// Sums along axes, softmax and its logarithm.
//
// Sums have one order, whoever makes them: vectors of a block, then its lanes, then blocks pairwise, from there on in
// double precision. Errors stay below NumPy's, which adds columns one after the other.
#include "exponential.hpp"
#include "threads.hpp"

#include <utility>
#include <vector>

constexpr int64_t BLOCK = 4096;    // elements
constexpr int64_t TASK = 16384;    // elements that are worth a task



// The n elements at `from`, and `fill`.
static inline Vec part(const Real* from, int64_t n, Vec fill) {
    if (n >= LANES) return load(from);
    Vec v{};
    memcpy(&v, from, n * sizeof(Real));
    return numbers() < Index(n) ? v : fill;
}
static inline void put(Real* to, Vec v, int64_t n) { memcpy(to, &v, n >= LANES ? sizeof v : n * sizeof(Real)); }

// --- sums -------------------------------------------------------------------------------------------------------------

// x is (batch, outer, channels, inner); outer and inner are added up.
struct View {
    int64_t batch, outer, channels, inner;
};

// The sum of f over [begin, end): halves, the halves' halves, ...
template <class F>
static double pairwise(int64_t begin, int64_t end, F f) {
    if (end - begin == 1) return f(begin);
    const int64_t middle = begin + (end - begin) / 2;
    return pairwise(begin, middle, f) + pairwise(middle, end, f);
}

static double sum_of_run(const Real* x, int64_t n) {
    Vec parts[4]{};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int k = 0; k < 4; ++k) parts[k] += load(x + i + k * LANES);
    for (; i + LANES <= n; i += LANES) parts[0] += load(x + i);
    if (i < n && n < LANES) parts[1] += part(x + i, n - i, Vec{});
    else if (i < n) {   // the rest is the end of the last whole vector
        const Indices lane = numbers();
        parts[1] += lane >= Index(LANES - (n - i)) ? load(x + n - LANES) : Vec{};
    }
    const Vec lanes = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    double sum[4]{};   // several at once
    for (int k = 0; k < LANES; ++k) sum[k % 4] += lanes[k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// Each channel's runs are cut into blocks, and all blocks into pieces: tasks make a piece's sum each.
static void sums_of_runs(const Real* x, Real* y, View v) {
    const int64_t a_run = most((v.inner + BLOCK - 1) / BLOCK, 1), count = v.outer * a_run, outputs = v.batch * v.channels;
    const int64_t blocks = most(TASK / least(v.inner, BLOCK), 1);   // of a task: a piece of one output, or several outputs
    const int64_t pieces = (count + blocks - 1) / blocks, share = most(blocks / count, 1);
    std::vector<double> sums(pieces > 1 ? outputs * pieces : 0);
    const auto piece = [=](int64_t output, int64_t begin, int64_t end) {
        const int64_t batch = output / v.channels, channel = output % v.channels;
        return pairwise(begin, end, [=](int64_t i) {
            const int64_t run = (batch * v.outer + i / a_run) * v.channels + channel, column = i % a_run * BLOCK;
            return sum_of_run(x + run * v.inner + column, least(BLOCK, v.inner - column));
        });
    };
    double* const of = sums.data();
    if (pieces == 1)
        parallel((outputs + share - 1) / share, [=](int64_t task) {
            for (int64_t i = task * share; i < least(outputs, (task + 1) * share); ++i) y[i] = Real(piece(i, 0, count));
        });
    else {
        parallel(outputs * pieces, [=](int64_t task) {
            const int64_t begin = task % pieces * blocks;
            of[task] = piece(task / pieces, begin, least(count, begin + blocks));
        });
        for (int64_t i = 0; i < outputs; ++i)
            y[i] = Real(pairwise(i * pieces, (i + 1) * pieces, [=](int64_t k) { return of[k]; }));
    }
}

// Runs shorter than a vector: lanes are columns, of all channels side by side, added up in strips from top to bottom.
constexpr int64_t STRIP = 8 * LANES, ROWS = 64;

static void sums_of_columns(const Real* x, Real* y, View v) {
    const int64_t width = v.channels * v.inner, strips = (width + STRIP - 1) / STRIP;
    const int64_t rows = (most(TASK / least(width, STRIP), 1) + ROWS - 1) / ROWS * ROWS;   // of a piece
    const int64_t pieces = (v.outer + rows - 1) / rows;
    std::vector<double> table(v.batch * pieces * width);
    double* const sums = table.data();
    parallel(v.batch * pieces * strips, [=](int64_t task) {
        const int64_t strip = task % strips, piece = task / strips % pieces, batch = task / strips / pieces;
        const int64_t first = strip * STRIP, columns = least(STRIP, width - first);
        double* const to = sums + (batch * pieces + piece) * width + first;
        for (int64_t top = piece * rows; top < least(v.outer, (piece + 1) * rows); top += ROWS) {
            const Real* from = x + (batch * v.outer + top) * width + first;
            const int64_t height = least(ROWS, least(v.outer, (piece + 1) * rows) - top);
            for (int64_t c = 0; c < columns; c += LANES) {
                const int64_t n = least(LANES, columns - c);
                Vec sum{};
                if (n == LANES)
                    for (int64_t row = 0; row < height; ++row) sum += load(from + row * width + c);
                else
                    for (int64_t row = 0; row < height; ++row) sum += part(from + row * width + c, n, Vec{});
                for (int64_t i = 0; i < n; ++i) to[c + i] += sum[i];
            }
        }
    });
    for (int64_t batch = 0; batch < v.batch; ++batch)
        for (int64_t channel = 0; channel < v.channels; ++channel) {
            double sum = 0;
            for (int64_t piece = 0; piece < pieces; ++piece)
                for (int64_t i = 0; i < v.inner; ++i)
                    sum += sums[(batch * pieces + piece) * width + channel * v.inner + i];
            y[batch * v.channels + channel] = Real(sum);
        }
}

extern "C" void sum(const Real* x, Real* y, int64_t batch, int64_t outer, int64_t channels, int64_t inner) {
    const View v{batch, outer, channels, inner};
    if (inner < LANES && channels > 1 && outer > 1) sums_of_columns(x, y, v);
    else sums_of_runs(x, y, v);
}

// --- softmax: x is (outer, n, inner), and n is what is normalised ------------------------------------------------------

static inline Vec larger(Vec a, Vec b) {   // NaN wins
    const Indices second = (b > a) | (b != b);
    return second ? b : a;
}

// e^x / sum of e^x, or its logarithm, both of x less its largest element, so that nothing overflows.
template <bool LOG>
static void softmax_of_row(const Real* x, Real* y, int64_t n) {
    const Vec nothing = all(-Real(INFINITY));
    Vec tops = nothing, sums{};
    for (int64_t i = 0; i < n; i += LANES) tops = larger(tops, part(x + i, n - i, nothing));
    Real top = tops[0], sum = 0;
    for (int k = 1; k < LANES; ++k) top = tops[k] > top || tops[k] != tops[k] ? tops[k] : top;
    for (int64_t i = 0; i < n; i += LANES) {
        const Vec e = exponential(part(x + i, n - i, nothing) - top);
        sums += e;
        if (!LOG) put(y + i, e, n - i);
    }
    for (int k = 0; k < LANES; ++k) sum += sums[k];
    const Real log_sum = LOG ? log(sum) : 0;
    for (int64_t i = 0; i < n; i += LANES)
        put(y + i, LOG ? part(x + i, n - i, nothing) - top - log_sum : part(y + i, n - i, nothing) / sum, n - i);
}

// The same for up to LANES columns.
template <bool LOG>
static void softmax_of_columns(const Real* x, Real* y, int64_t n, int64_t pitch, int64_t width) {
    const Vec nothing = all(-Real(INFINITY));
    Vec top = nothing, sum{};
    for (int64_t i = 0; i < n; ++i) top = larger(top, part(x + i * pitch, width, nothing));
    for (int64_t i = 0; i < n; ++i) {
        const Vec e = exponential(part(x + i * pitch, width, nothing) - top);
        sum += e;
        if (!LOG) put(y + i * pitch, e, width);
    }
    if (LOG)
        for (int k = 0; k < LANES; ++k) sum[k] = log(sum[k]);
    for (int64_t i = 0; i < n; ++i)
        put(y + i * pitch, LOG ? part(x + i * pitch, width, nothing) - top - sum : part(y + i * pitch, width, nothing) / sum,
            width);
}

template <bool LOG>
static void softmax_of(const Real* x, Real* y, int64_t outer, int64_t n, int64_t inner) {
    const int64_t strips = (inner + LANES - 1) / LANES, total = outer * strips;
    const int64_t share = most(TASK / (n * least(inner, LANES)), 1);
    parallel((total + share - 1) / share, [=](int64_t task) {
        for (int64_t i = task * share; i < least(total, (task + 1) * share); ++i) {
            const int64_t column = i % strips * LANES, start = i / strips * n * inner + column;
            if (inner == 1) softmax_of_row<LOG>(x + start, y + start, n);
            else softmax_of_columns<LOG>(x + start, y + start, n, inner, least(LANES, inner - column));
        }
    });
}

extern "C" void softmax(const Real* x, Real* y, int64_t outer, int64_t n, int64_t inner) {
    softmax_of<false>(x, y, outer, n, inner);
}
extern "C" void log_softmax(const Real* x, Real* y, int64_t outer, int64_t n, int64_t inner) {
    softmax_of<true>(x, y, outer, n, inner);
}
