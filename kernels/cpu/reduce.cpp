// Sums along axes.
//
// x is viewed as (batch, outer, channels, inner); outer and inner are summed. The order of the additions is fixed: first
// the vectors of a block, lane by lane, then its lanes, then blocks pairwise. Lanes and blocks are added in double
// precision. So the result does not depend on the number of threads, and its error is below NumPy's.
#include "masked.hpp"
#include "threads.hpp"

#include <utility>
#include <vector>

constexpr int64_t BLOCK = 4096;    // elements
constexpr int64_t TASK = 16384;    // elements: less work does not repay a task

struct View {
    int64_t batch, outer, channels, inner;
};

// The pairwise sum of f(i) over [begin, end): the sum of the first half plus the sum of the second half.
template <class F>
static double pairwise_sum(int64_t begin, int64_t end, F f) {
    if (end - begin == 1) return f(begin);
    const int64_t middle = begin + (end - begin) / 2;
    return pairwise_sum(begin, middle, f) + pairwise_sum(middle, end, f);
}

// --- rows: inner is at least a vector, or everything is summed ---------------------------------------------------------

static double sum_of_row(const Real* x, int64_t n) {
    Vec partial[4]{};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int k = 0; k < 4; ++k) partial[k] += load(x + i + k * LANES);
    for (; i + LANES <= n; i += LANES) partial[0] += load(x + i);
    if (i < n && n < LANES) {
        partial[1] += LaneMask(0, int(n)).load(x + i);
    } else if (i < n) {   // the remainder is in the last lanes of the vector that ends at the end
        const Indices lane = iota();
        partial[1] += lane >= Index(LANES - (n - i)) ? load(x + n - LANES) : Vec{};
    }
    const Vec lanes = (partial[0] + partial[1]) + (partial[2] + partial[3]);
    double sum[4]{};   // four independent chains of additions
    for (int k = 0; k < LANES; ++k) sum[k % 4] += lanes[k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// The rows of an output are cut into blocks. A task sums a piece of one output's blocks, or several whole outputs.
static void sum_rows(const Real* x, Real* y, View v) {
    const int64_t blocks_of_row = max(ceil_div(v.inner, BLOCK), 1), count = v.outer * blocks_of_row;
    const int64_t outputs = v.batch * v.channels, task_blocks = max(TASK / min(v.inner, BLOCK), 1);
    const int64_t pieces = ceil_div(count, task_blocks);
    const auto sum_of_piece = [=](int64_t output, int64_t begin, int64_t end) {
        const int64_t batch = output / v.channels, channel = output % v.channels;
        return pairwise_sum(begin, end, [=](int64_t i) {
            const int64_t row = (batch * v.outer + i / blocks_of_row) * v.channels + channel;
            const int64_t column = i % blocks_of_row * BLOCK;
            return sum_of_row(x + row * v.inner + column, min(BLOCK, v.inner - column));
        });
    };
    if (pieces == 1) {
        const int64_t share = max(task_blocks / count, 1);
        parallel(ceil_div(outputs, share), [=](int64_t task) {
            const int64_t end = min(outputs, (task + 1) * share);
            for (int64_t i = task * share; i < end; ++i) y[i] = Real(sum_of_piece(i, 0, count));
        });
        return;
    }
    std::vector<double> memory(outputs * pieces);
    double* const sums = memory.data();
    parallel(outputs * pieces, [=](int64_t task) {
        const int64_t begin = task % pieces * task_blocks;
        sums[task] = sum_of_piece(task / pieces, begin, min(count, begin + task_blocks));
    });
    for (int64_t i = 0; i < outputs; ++i)
        y[i] = Real(pairwise_sum(i * pieces, (i + 1) * pieces, [=](int64_t k) { return sums[k]; }));
}

// --- columns: inner is shorter than a vector, so lanes are columns of neighbour channels -------------------------------

constexpr int64_t STRIP = 8 * LANES, ROWS = 64;   // columns of a task, and rows that are summed before they are added

// table (batch, pieces, channels · inner) = the sums of each piece of the rows.
static void sum_pieces(const Real* x, double* table, View v, int64_t piece_rows, int64_t pieces) {
    const int64_t width = v.channels * v.inner, strips = ceil_div(width, STRIP);
    parallel(v.batch * pieces * strips, [=](int64_t task) {
        const int64_t strip = task % strips, piece = task / strips % pieces, batch = task / strips / pieces;
        const int64_t first = strip * STRIP, columns = min(STRIP, width - first);
        const int64_t end = min(v.outer, (piece + 1) * piece_rows);
        double* const to = table + (batch * pieces + piece) * width + first;
        for (int64_t top = piece * piece_rows; top < end; top += ROWS) {
            const Real* from = x + (batch * v.outer + top) * width + first;
            const int64_t height = min(ROWS, end - top);
            for (int64_t c = 0; c < columns; c += LANES) {
                const int64_t n = min(LANES, columns - c);
                Vec sum{};
                const LaneMask mask(0, int(n));
                if (n == LANES)
                    for (int64_t row = 0; row < height; ++row) sum += load(from + row * width + c);
                else
                    for (int64_t row = 0; row < height; ++row) sum += mask.load(from + row * width + c);
                for (int64_t i = 0; i < n; ++i) to[c + i] += sum[i];
            }
        }
    });
}

static void sum_columns(const Real* x, Real* y, View v) {
    const int64_t width = v.channels * v.inner;
    const int64_t piece_rows = round_up(max(TASK / min(width, STRIP), 1), ROWS), pieces = ceil_div(v.outer, piece_rows);
    std::vector<double> sums(v.batch * pieces * width);
    sum_pieces(x, sums.data(), v, piece_rows, pieces);
    for (int64_t batch = 0; batch < v.batch; ++batch)
        for (int64_t channel = 0; channel < v.channels; ++channel) {
            double sum = 0;
            for (int64_t piece = 0; piece < pieces; ++piece)
                for (int64_t i = 0; i < v.inner; ++i)
                    sum += sums[(batch * pieces + piece) * width + channel * v.inner + i];
            y[batch * v.channels + channel] = Real(sum);
        }
}

// y (batch, channels) = the sums of x (batch, outer, channels, inner)
extern "C" void sum(const Real* x, Real* y, int64_t batch, int64_t outer, int64_t channels, int64_t inner) {
    const View v{batch, outer, channels, inner};
    if (inner < LANES && channels > 1 && outer > 1) sum_columns(x, y, v);
    else sum_rows(x, y, v);
}
