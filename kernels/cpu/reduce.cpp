// Sums along axes.
//
// Sums have one order, whoever makes them: vectors of a block, then its lanes, then blocks pairwise, from there on in
// double precision. Errors stay below NumPy's, which adds columns one after the other.
#include "masked.hpp"
#include "threads.hpp"

#include <utility>
#include <vector>

constexpr int64_t BLOCK = 4096;    // elements
constexpr int64_t TASK = 16384;    // elements that are worth a task

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
    if (i < n && n < LANES) parts[1] += LaneMask(0, int(n)).load(x + i);
    else if (i < n) {   // the rest is the end of the last whole vector
        const Indices lane = iota();
        parts[1] += lane >= Index(LANES - (n - i)) ? load(x + n - LANES) : Vec{};
    }
    const Vec lanes = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    double sum[4]{};   // several at once
    for (int k = 0; k < LANES; ++k) sum[k % 4] += lanes[k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// Each channel's runs are cut into blocks, and all blocks into pieces: tasks make a piece's sum each.
static void sums_of_runs(const Real* x, Real* y, View v) {
    const int64_t a_run = max((v.inner + BLOCK - 1) / BLOCK, 1), count = v.outer * a_run, outputs = v.batch * v.channels;
    const int64_t blocks = max(TASK / min(v.inner, BLOCK), 1);   // of a task: a piece of one output, or several outputs
    const int64_t pieces = (count + blocks - 1) / blocks, share = max(blocks / count, 1);
    std::vector<double> sums(pieces > 1 ? outputs * pieces : 0);
    const auto piece = [=](int64_t output, int64_t begin, int64_t end) {
        const int64_t batch = output / v.channels, channel = output % v.channels;
        return pairwise(begin, end, [=](int64_t i) {
            const int64_t run = (batch * v.outer + i / a_run) * v.channels + channel, column = i % a_run * BLOCK;
            return sum_of_run(x + run * v.inner + column, min(BLOCK, v.inner - column));
        });
    };
    double* const of = sums.data();
    if (pieces == 1)
        parallel((outputs + share - 1) / share, [=](int64_t task) {
            for (int64_t i = task * share; i < min(outputs, (task + 1) * share); ++i) y[i] = Real(piece(i, 0, count));
        });
    else {
        parallel(outputs * pieces, [=](int64_t task) {
            const int64_t begin = task % pieces * blocks;
            of[task] = piece(task / pieces, begin, min(count, begin + blocks));
        });
        for (int64_t i = 0; i < outputs; ++i)
            y[i] = Real(pairwise(i * pieces, (i + 1) * pieces, [=](int64_t k) { return of[k]; }));
    }
}

// Runs shorter than a vector: lanes are columns, of all channels side by side, added up in strips from top to bottom.
constexpr int64_t STRIP = 8 * LANES, ROWS = 64;

static void sums_of_columns(const Real* x, Real* y, View v) {
    const int64_t width = v.channels * v.inner, strips = (width + STRIP - 1) / STRIP;
    const int64_t rows = (max(TASK / min(width, STRIP), 1) + ROWS - 1) / ROWS * ROWS;   // of a piece
    const int64_t pieces = (v.outer + rows - 1) / rows;
    std::vector<double> table(v.batch * pieces * width);
    double* const sums = table.data();
    parallel(v.batch * pieces * strips, [=](int64_t task) {
        const int64_t strip = task % strips, piece = task / strips % pieces, batch = task / strips / pieces;
        const int64_t first = strip * STRIP, columns = min(STRIP, width - first);
        double* const to = sums + (batch * pieces + piece) * width + first;
        for (int64_t top = piece * rows; top < min(v.outer, (piece + 1) * rows); top += ROWS) {
            const Real* from = x + (batch * v.outer + top) * width + first;
            const int64_t height = min(ROWS, min(v.outer, (piece + 1) * rows) - top);
            for (int64_t c = 0; c < columns; c += LANES) {
                const int64_t n = min(LANES, columns - c);
                Vec sum{};
                const LaneMask part(0, int(n));
                if (n == LANES)
                    for (int64_t row = 0; row < height; ++row) sum += load(from + row * width + c);
                else
                    for (int64_t row = 0; row < height; ++row) sum += part.load(from + row * width + c);
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
