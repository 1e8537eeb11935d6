// Pooling: max pooling with the winner of each window, average pooling, and the adjoint of each.
//
//     pool_outputs.hpp   y[j] = op over taps t of x[offset[t] + j·stride]      max_pool, pick, avg_pool
//     pool_inputs.hpp    x[i] = Σ g[j] over all (j, t) that read i             max_unpool, avg_pool_input_grad
//
// A tap t is one offset of the window. Every element of the result is written once. Tasks are runs of rows of all
// planes. The last vector of a row may spill over into the next row, which is written later. Only the stores at the end
// of a task stop exactly there. A window that is a whole plane has a simpler loop: its average is the sum of contiguous
// numbers.
#include "pool_inputs.hpp"
#include "pool_outputs.hpp"

// --- max pooling ------------------------------------------------------------------------------------------------------

// For each output along an axis: its first tap that is not in the padding; -1 if, with dilation, all of them are.
static std::vector<Index> first_taps(const PoolAxis& a) {
    std::vector<Index> first(round_up(a.output, LANES));
    for (int64_t j = 0; j < a.output; ++j) {
        const int64_t tap = ceil_div(max(a.padding - j * a.stride, 0), a.dilation);
        first[j] = tap < a.kernel && j * a.stride - a.padding + tap * a.dilation < a.input ? Index(tap) : -1;
    }
    return first;
}

// The largest element of each window, and its tap. NaN is larger than all numbers; the first of equal elements wins. The
// padding is -infinity, which never beats an earlier element. So the winner begins as the first tap outside of the padding.
extern "C" void max_pool(const Real* x, Real* y, uint8_t* winner, const int64_t* shape) {
    const PoolShape p(shape);
    const std::vector<Index> slices = first_taps(p.depth), rows = first_taps(p.row), columns = first_taps(p.column);
    over_outputs(p, x, -Real(INFINITY), [&](auto value, int64_t taps, OutputVector at) {
        const Index slice = slices[at.slice], row = rows[at.row];
        Indices best_tap;
        memcpy(&best_tap, &columns[at.column], sizeof best_tap);
        best_tap = (best_tap | slice | row) < 0
            ? Indices{}
            : best_tap + (slice * Index(p.row.kernel) + row) * Index(p.column.kernel);
        Vec best = value(0);
#pragma GCC unroll 9
        for (int64_t t = 1; t < taps; ++t) {
            const Vec v = value(t);
            const Indices better = (v > best) | (v != v);
            best = better ? v : best;
            best_tap = better ? Indices{} + Index(t) : best_tap;
        }
        store_first(y + at.at, best, at.room);
        store_first(winner + at.at, to_bytes(best_tap), at.room);
    });
}

// The elements that won their windows.
extern "C" void pick(const Real* x, const uint8_t* winner, Real* y, const int64_t* shape) {
    const PoolShape p(shape);
    over_outputs(p, x, 0, [&](auto value, int64_t taps, OutputVector at) {
        uint8_t end[VECTOR_BYTES];
        const bool near_end = at.room < VECTOR_BYTES;   // load_winners reads VECTOR_BYTES bytes
        if (near_end) memcpy(end, winner + at.at, at.room);
        const Indices won = load_winners(near_end ? end : winner + at.at);
        Vec out{};
        for (int64_t t = 0; t < taps; ++t) out = won == Index(t) ? value(t) : out;
        store_first(y + at.at, out, at.room);
    });
}

// Adds each gradient to the element that won its window.
extern "C" void max_unpool(const Real* g, const uint8_t* winner, Real* x, const int64_t* shape) {
    over_inputs<true>(PoolShape(shape), g, nullptr, winner, x);
}

// --- windows that are a whole plane -----------------------------------------------------------------------------------

static bool is_global(const PoolShape& p) {
    const auto covers = [](const PoolAxis& a) {
        return a.output == 1 && a.padding == 0 && a.kernel == a.input && a.dilation == 1;
    };
    return covers(p.depth) && covers(p.row) && covers(p.column);
}

// Calls work(plane, first, n) for all planes; a plane is n elements from `first` on.
template <class Work>
static void for_planes(const PoolShape& p, Work work) {
    const int64_t n = p.taps(), share = max(TASK / n, 1);
    parallel(ceil_div(p.planes, share), [&](int64_t task) {
        for (int64_t i = task * share; i < min(p.planes, (task + 1) * share); ++i) work(i, i * n, n);
    });
}

static Real sum(const Real* x, int64_t n) {
    Vec partial[4]{};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int k = 0; k < 4; ++k) partial[k] += load(x + i + k * LANES);
    for (; i + LANES <= n; i += LANES) partial[0] += load(x + i);
    const Vec lanes = (partial[0] + partial[1]) + (partial[2] + partial[3]);
    Real total = 0;
    for (int k = 0; k < LANES; ++k) total += lanes[k];
    for (; i < n; ++i) total += x[i];
    return total;
}

static void fill(Real* x, Real value, int64_t n) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) store(x + i, broadcast(value));
    for (; i < n; ++i) x[i] = value;
}

// --- average pooling --------------------------------------------------------------------------------------------------
//
// The divisor of a window is a product of three factors. `divisors` holds the factors of all slices, then of all rows, then
// of all columns.

extern "C" void avg_pool(const Real* x, const Real* divisors, Real* y, const int64_t* shape) {
    const PoolShape p(shape);
    const Real *rows = divisors + p.depth.output, *columns = rows + p.row.output;
    if (is_global(p))
        return for_planes(p, [&](int64_t plane, int64_t first, int64_t n) {
            y[plane] = sum(x + first, n) / (*columns * (*divisors * *rows));
        });
    over_outputs(p, x, 0, [&](auto value, int64_t taps, OutputVector at) {
        Vec total = value(0);
#pragma GCC unroll 9
        for (int64_t t = 1; t < taps; ++t) total += value(t);
        const Vec factors = load_first<Vec>(columns + at.column, p.column.output - at.column);
        store_first(y + at.at, total / (factors * (divisors[at.slice] * rows[at.row])), at.room);
    });
}

// Divides each gradient by its divisor and adds it to all elements of its window.
extern "C" void avg_pool_input_grad(const Real* g, const Real* divisors, Real* x, const int64_t* shape) {
    const PoolShape p(shape);
    if (is_global(p))
        return for_planes(p, [&](int64_t plane, int64_t first, int64_t n) {
            fill(x + first, g[plane] / (divisors[2] * (divisors[0] * divisors[1])), n);
        });
    over_inputs<false>(p, g, divisors, nullptr, x);
}
