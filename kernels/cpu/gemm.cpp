// Products of matrices: C (m, n) = A (m, k) B (k, n), both read by strides, so a transposed one costs no copy.
//
//                 n                          A task computes one block of C. For DEPTH steps of k at a time it packs
//            ┌──┬────┬──┐                    its rows of A, TILE_ROWS at a time, and its columns of B, PANEL at a time, into
//          k │  │ B  │  │ ← panels           memory of its own that stays in the second-level cache. A panel of B lies
//            └──┴────┴──┘                    in the first-level cache while all tiles of A go by.
//      k     ┌──┬────┬──┐
//    ┌───┐   ├──┼────┼──┤                    Packing costs some fifth of a cycle a number, and a block's side of 240 to
//  m │ A │   │  │ C  │  │ ← tasks            512 repays it. No sum is shared between threads, and every sum goes over k
//    └───┘   └──┴────┴──┘                    in one order: the result depends on no number of threads.
#include <iterator>

#include "packed_microkernel.hpp"
#include "threads.hpp"

constexpr int64_t DEPTH = 1024 / sizeof(Real);              // steps of k: a panel takes at most 32 kB
constexpr int64_t HEIGHT = 20 * TILE_ROWS, WIDTH = 16 * PANEL;   // of the largest block
constexpr int64_t SHALLOW = 32;                             // so few k that storing C takes longer than computing it
constexpr int64_t SHARE = 32768;                            // numbers of B that are worth a task where rows are few

namespace {   // float's and double's templates must not become one in the process

struct Matrix {
    const Real* at;
    int64_t row, column;   // steps in memory; one of them is 1
    Matrix from(int64_t i, int64_t j) const { return {at + i * row + j * column, row, column}; }
};

template <int SIZE>
inline void pack(const Real* from, int64_t across, int64_t along, int64_t rows, int64_t count, Real* to) {
    if (along == 1) pack_rows<SIZE>(from, across, rows, count, to);
    else pack_columns<SIZE>(from, along, rows, count, to);
}

// A whole block: panels of B one after another, or, where there are few k to repay the jumps from row to row of C, all of
// them at once and C row by row.
void block(Matrix a, Matrix b, Real* c, int64_t row, int64_t m, int64_t n, int64_t k) {
    const int64_t depth = min(DEPTH, k), some = k <= SHALLOW ? ceil_div(n, PANEL) : 1;   // panels at a time
    Real* left = scratch(0, ceil_div(m, TILE_ROWS) * TILE_ROWS * depth + LANES);
    Real* panels = scratch(1, some * PANEL * depth + LANES);
    Real edge[TILE_ROWS * PANEL];
    for (int64_t p = 0; p < k; p += DEPTH) {
        const int64_t deep = min(DEPTH, k - p);
        for (int64_t i = 0; i < m; i += TILE_ROWS)
            pack<TILE_ROWS>(a.from(i, p).at, a.row, a.column, min(TILE_ROWS, m - i), deep, left + i * depth);
        for (int64_t first = 0; first < n; first += some * PANEL) {
            for (int64_t j = 0; j < min(some * PANEL, n - first); j += PANEL) {
                const Matrix from = b.from(p, first + j);
                pack<PANEL>(from.at, b.column, b.row, min(PANEL, n - first - j), deep, panels + j * deep);
            }
            for (int64_t i = 0; i < m; i += TILE_ROWS)
                for (int64_t j = 0; j < min(some * PANEL, n - first); j += PANEL) {
                    const int64_t rows = min(TILE_ROWS, m - i), columns = min(PANEL, n - first - j);
                    const auto tile = PackedMicrokernel<PANEL_VECTORS>::TILES.of[rows - 1];
                    Real* to = c + i * row + first + j;
                    if (columns == PANEL) {
                        tile(left + i * depth, 1, TILE_ROWS, panels + j * deep, PANEL, deep, to, row, p > 0);
                        continue;
                    }
                    tile(left + i * depth, 1, TILE_ROWS, panels + j * deep, PANEL, deep, edge, PANEL, false);
                    for (int64_t r = 0; r < rows; ++r)
                        for (int64_t s = 0; s < columns; ++s)
                            to[r * row + s] = p ? to[r * row + s] + edge[r * PANEL + s] : edge[r * PANEL + s];
                }
        }
    }
}

// --- few rows ---------------------------------------------------------------------------------------------------------
//
// A number of B is then used but a few times, so packing costs more than the products: B is read where it lies.

// The sum of all lanes: one half is added to the other until one number is left.
template <int BYTES = VECTOR_BYTES, class V>
inline Real total(V v) {
    if constexpr (BYTES == sizeof(Real)) {
        return v[0];
    } else {
        typedef Real Half __attribute__((vector_size(BYTES / 2)));
        Half low, high;
        memcpy(&low, &v, sizeof low);
        memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
        return total<BYTES / 2>(low + high);
    }
}

// B row by row: COUNT vectors of columns for ROWS rows of A.
template <int ROWS, int COUNT>
void along_rows(const Real* a, int64_t a_row, int64_t a_column, const Real* b, int64_t b_row, int64_t n, int64_t k, Real* c,
                int64_t row) {
    int64_t j = 0;
    for (; j + COUNT * LANES <= n; j += COUNT * LANES) {
        Vec sum[ROWS][COUNT] = {};
        for (int64_t i = 0; i < k; ++i)
#pragma GCC unroll 8
            for (int v = 0; v < COUNT; ++v) {
                const Vec of = load(b + i * b_row + j + v * LANES);
#pragma GCC unroll 8
                for (int r = 0; r < ROWS; ++r) sum[r][v] += a[r * a_row + i * a_column] * of;
            }
        for (int r = 0; r < ROWS; ++r)
            for (int v = 0; v < COUNT; ++v) store(c + r * row + j + v * LANES, sum[r][v]);
    }
    if constexpr (COUNT > 1) {
        along_rows<ROWS, COUNT / 2>(a, a_row, a_column, b + j, b_row, n - j, k, c + j, row);
    } else if (j < n) {
        for (int r = 0; r < ROWS; ++r) {
            Vec sum{};
            for (int64_t i = 0; i < k; ++i) sum += a[r * a_row + i * a_column] * load_lanes(b + i * b_row + j, 0, int(n - j));
            store_lanes(c + r * row + j, sum, 0, int(n - j), 1);
        }
    }
}

// B column by column, and so A: COUNT inner products at a time for each of ROWS rows, lanes added up at the end.
template <int ROWS, int COUNT>
void along_columns(const Real* a, int64_t a_row, const Real* b, int64_t b_column, int64_t n, int64_t k, Real* c, int64_t row) {
    int64_t j = 0;
    for (; j + COUNT <= n; j += COUNT) {
        Vec sum[ROWS][COUNT] = {};
        const auto add = [&](auto get) {
            Vec of[ROWS];
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; ++r) of[r] = get(a + r * a_row);
#pragma GCC unroll 8
            for (int q = 0; q < COUNT; ++q) {
                const Vec one = get(b + (j + q) * b_column);
#pragma GCC unroll 8
                for (int r = 0; r < ROWS; ++r) sum[r][q] += of[r] * one;
            }
        };
        int64_t i = 0;
        for (; i + LANES <= k; i += LANES) add([=](const Real* from) { return load(from + i); });
        if (i < k) add([=](const Real* from) { return load_lanes(from + i, 0, int(k - i)); });
        for (int r = 0; r < ROWS; ++r)
            for (int q = 0; q < COUNT; ++q) c[r * row + j + q] = total(sum[r][q]);
    }
    if constexpr (COUNT > 1) along_columns<ROWS, 1>(a, a_row, b + j * b_column, b_column, n - j, k, c + j, row);
}

template <int ROWS>
struct Thin {
    static void run(Matrix a, Matrix b, Real* c, int64_t row, int64_t n, int64_t k) {
        constexpr int COUNT = ROWS <= 2 ? 8 : REGISTERS == 32 ? 24 / ROWS : 12 / ROWS + 1;   // sums fill the registers
        if (b.column == 1) along_rows<ROWS, COUNT>(a.at, a.row, a.column, b.at, b.row, n, k, c, row);
        else along_columns<ROWS, COUNT>(a.at, a.row, b.at, b.column, n, k, c, row);
    }
};
constexpr auto THIN = kernels_by_rows<Thin>(std::make_integer_sequence<int, 8>());

}  // namespace

// c (batch, m, n) = a (batch, m, k) @ b (batch, k, n), k > 0; for a and b the steps in memory to the next matrix, row
// and column, of which row or column is 1
extern "C" void gemm(
    const Real* a, const Real* b, Real* c, int64_t batch, int64_t m, int64_t n, int64_t k,
    int64_t a_matrix, int64_t a_row, int64_t a_column, int64_t b_matrix, int64_t b_row, int64_t b_column
) {
    if (m <= int64_t(std::size(THIN.of)) && (b_column == 1 || a_column == 1)) {
        const int64_t wide = ceil_div(min(n, ceil_div(SHARE, k)), PANEL) * PANEL, tasks = ceil_div(n, wide);
        parallel(batch * tasks, [&](int64_t task) {
            const int64_t matrix = task / tasks, j = task % tasks * wide;
            const Matrix left{a + matrix * a_matrix, a_row, a_column}, right{b + matrix * b_matrix, b_row, b_column};
            THIN.of[m - 1](left, right.from(0, j), c + matrix * m * n + j, n, min(wide, n - j), k);
        });
        return;
    }
    int64_t rows = ceil_div(m, HEIGHT), columns = ceil_div(n, WIDTH);
    while (batch * rows * columns < 4 && (m > rows * TILE_ROWS || n > columns * PANEL)) {
        if (m * columns > n * rows) rows *= 2;
        else columns *= 2;
    }
    const int64_t high = ceil_div(ceil_div(m, rows), TILE_ROWS) * TILE_ROWS, wide = ceil_div(ceil_div(n, columns), PANEL) * PANEL;
    rows = ceil_div(m, high), columns = ceil_div(n, wide);
    parallel(batch * rows * columns, [&](int64_t task) {
        const int64_t matrix = task / (rows * columns), i = task / columns % rows * high, j = task % columns * wide;
        const Matrix left{a + matrix * a_matrix, a_row, a_column}, right{b + matrix * b_matrix, b_row, b_column};
        Real* to = c + (matrix * m + i) * n + j;
        block(left.from(i, 0), right.from(0, j), to, n, min(high, m - i), min(wide, n - j), k);
    });
}
