// Matrix products: C (m, n) = A (m, k) B (k, n). A and B are read with any strides, so a transposed matrix needs no copy.
//
//                 n                          A task computes one block of C. For DEPTH steps of k at a time it packs its
//            ┌──┬────┬──┐                    rows of A, TILE_ROWS at a time, and its columns of B, PANEL at a time. The
//          k │  │ B  │  │ ← panels           packed numbers stay in the L2 cache. A panel of B stays in the L1 cache while
//            └──┴────┴──┘                    all tiles of A are multiplied by it.
//      k     ┌──┬────┬──┐
//    ┌───┐   ├──┼────┼──┤                    Packing costs about a fifth of a cycle for each number; blocks with sides of
//  m │ A │   │  │ C  │  │ ← tasks            240 to 512 repay it. Threads share no sum, and each sum runs over k in one
//    └───┘   └──┴────┴──┘                    order. So the result does not depend on the number of threads.
#include <iterator>

#include "packed_microkernel.hpp"
#include "threads.hpp"

constexpr int64_t DEPTH = 1024 / sizeof(Real);                        // steps of k: a panel takes at most 32 kB
constexpr int64_t MAX_ROWS = 20 * TILE_ROWS, MAX_COLUMNS = 16 * PANEL;   // of a block
constexpr int64_t SHALLOW = 32;      // for k up to this, storing C takes longer than computing it
constexpr int64_t TASK_B = 32768;    // numbers of B for a task, if there are few rows

namespace {   // one process loads this for float and for double: without it the linker would merge the templates of both

struct Matrix {
    const Real* at;
    int64_t row_step, column_step;   // distances in memory; one of them is 1
    Matrix from(int64_t i, int64_t j) const { return {at + i * row_step + j * column_step, row_step, column_step}; }
};

// to[k * SIZE + i] = element k of vector i, for i < size <= SIZE and k < count. `across` is the distance in memory between
// vectors, `along` between the elements of a vector.
template <int SIZE>
inline void pack(const Real* from, int64_t across, int64_t along, int64_t size, int64_t count, Real* to) {
    if (along == 1) pack_rows<SIZE>(from, across, size, count, to);
    else pack_columns<SIZE>(from, along, size, count, to);
}

// Computes a block c (m, n), with c_row the distance of C's rows. Usually panels of B are packed and used one after the
// other. If k is small, the jumps from row to row of C cost too much: then all panels are packed first, and C is written
// row by row.
void multiply_block(Matrix a, Matrix b, Real* c, int64_t c_row, int64_t m, int64_t n, int64_t k) {
    const int64_t max_depth = min(DEPTH, k), panels_at_once = k <= SHALLOW ? ceil_div(n, PANEL) : 1;
    Real* packed_a = scratch(0, round_up(m, TILE_ROWS) * max_depth + LANES);
    Real* packed_b = scratch(1, panels_at_once * PANEL * max_depth + LANES);
    Real edge[TILE_ROWS * PANEL];
    for (int64_t p = 0; p < k; p += DEPTH) {
        const int64_t depth = min(DEPTH, k - p);
        for (int64_t i = 0; i < m; i += TILE_ROWS)
            pack<TILE_ROWS>(a.from(i, p).at, a.row_step, a.column_step, min(TILE_ROWS, m - i), depth,
                            packed_a + i * max_depth);
        for (int64_t first = 0; first < n; first += panels_at_once * PANEL) {
            const int64_t width = min(panels_at_once * PANEL, n - first);
            for (int64_t j = 0; j < width; j += PANEL)
                pack<PANEL>(b.from(p, first + j).at, b.column_step, b.row_step, min(PANEL, n - first - j), depth,
                            packed_b + j * depth);
            for (int64_t i = 0; i < m; i += TILE_ROWS)
                for (int64_t j = 0; j < width; j += PANEL) {
                    const int64_t rows = min(TILE_ROWS, m - i), columns = min(PANEL, n - first - j);
                    const auto tile = PackedMicrokernel<PANEL_VECTORS>::TILES.of[rows - 1];
                    const Real *left = packed_a + i * max_depth, *right = packed_b + j * depth;
                    Real* to = c + i * c_row + first + j;
                    if (columns == PANEL) {
                        tile(left, 1, TILE_ROWS, right, PANEL, depth, to, c_row, p > 0);
                        continue;
                    }
                    tile(left, 1, TILE_ROWS, right, PANEL, depth, edge, PANEL, false);
                    for (int64_t r = 0; r < rows; ++r)
                        for (int64_t s = 0; s < columns; ++s)
                            to[r * c_row + s] = p ? to[r * c_row + s] + edge[r * PANEL + s] : edge[r * PANEL + s];
                }
        }
    }
}

// --- few rows ---------------------------------------------------------------------------------------------------------
//
// Each number of B is used only a few times, so packing would cost more than the products. B is read where it lies.

// The sum of all lanes: the upper half is added to the lower half until one number is left.
template <int BYTES = VECTOR_BYTES, class V>
inline Real sum_of_lanes(V v) {
    if constexpr (BYTES == sizeof(Real)) {
        return v[0];
    } else {
        typedef Real Half __attribute__((vector_size(BYTES / 2)));
        Half low, high;
        memcpy(&low, &v, sizeof low);
        memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
        return sum_of_lanes<BYTES / 2>(low + high);
    }
}

// B's rows are contiguous: lanes are columns of B, COUNT vectors of them at a time, for ROWS rows of A.
template <int ROWS, int COUNT>
void multiply_rows(const Real* a, int64_t a_row, int64_t a_column, const Real* b, int64_t b_row, int64_t n, int64_t k,
                   Real* c, int64_t c_row) {
    int64_t j = 0;
    for (; j + COUNT * LANES <= n; j += COUNT * LANES) {
        Vec sum[ROWS][COUNT] = {};
        for (int64_t i = 0; i < k; ++i)
#pragma GCC unroll 8
            for (int v = 0; v < COUNT; ++v) {
                const Vec vector = load(b + i * b_row + j + v * LANES);
#pragma GCC unroll 8
                for (int r = 0; r < ROWS; ++r) sum[r][v] += a[r * a_row + i * a_column] * vector;
            }
        for (int r = 0; r < ROWS; ++r)
            for (int v = 0; v < COUNT; ++v) store(c + r * c_row + j + v * LANES, sum[r][v]);
    }
    if constexpr (COUNT > 1) {
        multiply_rows<ROWS, COUNT / 2>(a, a_row, a_column, b + j, b_row, n - j, k, c + j, c_row);
    } else if (j < n) {
        for (int r = 0; r < ROWS; ++r) {
            Vec sum{};
            for (int64_t i = 0; i < k; ++i)
                sum += a[r * a_row + i * a_column] * load_lanes(b + i * b_row + j, 0, int(n - j));
            store_lanes(c + r * c_row + j, sum, 0, int(n - j), 1);
        }
    }
}

// B's columns are contiguous, and A's rows: lanes are steps of k. COUNT inner products at a time for each of ROWS rows;
// their lanes are added at the end.
template <int ROWS, int COUNT>
void multiply_columns(const Real* a, int64_t a_row, const Real* b, int64_t b_column, int64_t n, int64_t k, Real* c,
                      int64_t c_row) {
    int64_t j = 0;
    for (; j + COUNT <= n; j += COUNT) {
        Vec sum[ROWS][COUNT] = {};
        const auto add = [&](auto load_from) {
            Vec left[ROWS];
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; ++r) left[r] = load_from(a + r * a_row);
#pragma GCC unroll 8
            for (int q = 0; q < COUNT; ++q) {
                const Vec right = load_from(b + (j + q) * b_column);
#pragma GCC unroll 8
                for (int r = 0; r < ROWS; ++r) sum[r][q] += left[r] * right;
            }
        };
        int64_t i = 0;
        for (; i + LANES <= k; i += LANES) add([=](const Real* from) { return load(from + i); });
        if (i < k) add([=](const Real* from) { return load_lanes(from + i, 0, int(k - i)); });
        for (int r = 0; r < ROWS; ++r)
            for (int q = 0; q < COUNT; ++q) c[r * c_row + j + q] = sum_of_lanes(sum[r][q]);
    }
    if constexpr (COUNT > 1) multiply_columns<ROWS, 1>(a, a_row, b + j * b_column, b_column, n - j, k, c + j, c_row);
}

template <int ROWS>
struct FewRows {
    static void run(Matrix a, Matrix b, Real* c, int64_t c_row, int64_t n, int64_t k) {
        // The sums of columns fit into the registers. Those of rows may not: long pieces of B's rows matter more.
        constexpr int SUMS = REGISTERS == 32 ? 24 : 12, COLUMNS = SUMS / ROWS < 8 ? SUMS / ROWS : 8;
        constexpr int VECTORS = ROWS <= 2 ? 8 : REGISTERS == 32 ? SUMS / ROWS : SUMS / ROWS + 1;
        if (b.column_step == 1)
            multiply_rows<ROWS, VECTORS>(a.at, a.row_step, a.column_step, b.at, b.row_step, n, k, c, c_row);
        else
            multiply_columns<ROWS, COLUMNS>(a.at, a.row_step, b.at, b.column_step, n, k, c, c_row);
    }
};
constexpr auto FEW_ROWS = kernels_by_rows<FewRows>(std::make_integer_sequence<int, 8>());

}  // namespace

// c (batch, m, n) = a (batch, m, k) @ b (batch, k, n), k > 0. The distances in memory to the next matrix, row and column
// are given for a and b. The distance of rows or the distance of columns is 1.
extern "C" void gemm(
    const Real* a, const Real* b, Real* c, int64_t batch, int64_t m, int64_t n, int64_t k,
    int64_t a_matrix, int64_t a_row, int64_t a_column, int64_t b_matrix, int64_t b_row, int64_t b_column
) {
    if (m <= int64_t(std::size(FEW_ROWS.of)) && (b_column == 1 || a_column == 1)) {
        const int64_t width = round_up(min(n, ceil_div(TASK_B, k)), PANEL), tasks = ceil_div(n, width);
        parallel(batch * tasks, [&](int64_t task) {
            const int64_t matrix = task / tasks, j = task % tasks * width;
            const Matrix left{a + matrix * a_matrix, a_row, a_column}, right{b + matrix * b_matrix, b_row, b_column};
            FEW_ROWS.of[m - 1](left, right.from(0, j), c + matrix * m * n + j, n, min(width, n - j), k);
        });
        return;
    }
    int64_t down = ceil_div(m, MAX_ROWS), across = ceil_div(n, MAX_COLUMNS);   // blocks of a matrix
    while (batch * down * across < 4 && (m > down * TILE_ROWS || n > across * PANEL)) {
        if (m * across > n * down) down *= 2;
        else across *= 2;
    }
    const int64_t height = round_up(ceil_div(m, down), TILE_ROWS), width = round_up(ceil_div(n, across), PANEL);
    down = ceil_div(m, height), across = ceil_div(n, width);
    parallel(batch * down * across, [&](int64_t task) {
        const int64_t matrix = task / (down * across), i = task / across % down * height, j = task % across * width;
        const Matrix left{a + matrix * a_matrix, a_row, a_column}, right{b + matrix * b_matrix, b_row, b_column};
        Real* to = c + (matrix * m + i) * n + j;
        multiply_block(left.from(i, 0), right.from(0, j), to, n, min(height, m - i), min(width, n - j), k);
    });
}
