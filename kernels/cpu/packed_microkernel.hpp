// The micro-kernel for packed operands: matrix products, weight gradients and Winograd's products.
//
//     C (rows, PANEL) += Σ_k a_k b_kᵀ      a_k: numbers, each broadcast to a vector;  b_k: PANEL_VECTORS vectors
//
// The sums of a tile stay in registers while k runs, and each step of k adds an outer product. With 12 × 2 accumulators
// (6 × 2 where there are 16 registers) a step is 24 multiply-adds for 14 loads. A core that can do two multiply-adds
// and two loads in a cycle is then fully used, and no sum waits for the step before. Packing copies B into panels: for
// each k, PANEL neighbours in memory.
#pragma once
#include <type_traits>
#include <utility>

#include "masked.hpp"
#include "scratch.hpp"

constexpr int PANEL_VECTORS = 2, PANEL = PANEL_VECTORS * LANES;   // a row of a panel: vectors, and numbers
constexpr int TILE_ROWS = REGISTERS == 32 ? 12 : 6;

// --- packing ---------------------------------------------------------------------------------------------------------

// Transposes LANES vectors in place. Each of log2(LANES) rounds interleaves row i with row i + LANES / 2.
static inline __attribute__((always_inline)) void transpose(Vec* v) {
    Indices low, high;
    for (int i = 0; i < LANES; ++i) {
        low[i] = Index(i / 2 + i % 2 * LANES);
        high[i] = low[i] + LANES / 2;
    }
#pragma GCC unroll 4
    for (int round = 1; round < LANES; round *= 2) {
        Vec w[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < LANES / 2; ++i) {
            w[2 * i] = __builtin_shuffle(v[i], v[i + LANES / 2], low);
            w[2 * i + 1] = __builtin_shuffle(v[i], v[i + LANES / 2], high);
        }
#pragma GCC unroll 16
        for (int i = 0; i < LANES; ++i) v[i] = w[i];
    }
}

// Packs by transposing: to[k * SIZE + i] = from[i * pitch + k] for i < rows <= SIZE and k < count. The columns after
// `rows`, and LANES numbers after the panel, are overwritten with undefined values. Only the rows are read.
template <int SIZE>
static inline void pack_rows(const Real* from, int64_t pitch, int64_t rows, int64_t count, Real* to) {
    for (int64_t k = 0; k < count; k += LANES) {
        const int64_t steps = min(LANES, count - k);
        for (int i = (SIZE - 1) / LANES * LANES; i >= 0; i -= LANES) {   // from the last: a store may spill into the next k
            Vec v[LANES];
            if (steps == LANES) {
#pragma GCC unroll 16
                for (int r = 0; r < LANES; ++r) v[r] = load(from + min(i + r, rows - 1) * pitch + k);
            } else {
                for (int r = 0; r < LANES; ++r) v[r] = load_lanes(from + min(i + r, rows - 1) * pitch + k, 0, int(steps));
            }
            transpose(v);
            if (steps == LANES) {
#pragma GCC unroll 16
                for (int r = 0; r < LANES; ++r) store(to + (k + r) * SIZE + i, v[r]);
            } else {
                for (int r = 0; r < steps; ++r) store(to + (k + r) * SIZE + i, v[r]);
            }
        }
    }
}

// Packs by copying: to[k * SIZE + i] = from[k * pitch + i] for i < columns <= SIZE and k < count.
template <int SIZE>
static inline void pack_columns(const Real* from, int64_t pitch, int64_t columns, int64_t count, Real* to) {
    if (columns == SIZE)
        for (int64_t k = 0; k < count; ++k) memcpy(to + k * SIZE, from + k * pitch, SIZE * sizeof(Real));
    else
        for (int64_t k = 0; k < count; ++k) memcpy(to + k * SIZE, from + k * pitch, size_t(columns) * sizeof(Real));
}

// --- tiles -----------------------------------------------------------------------------------------------------------

// The table of Kernel<1>::run, ..., Kernel<N>::run. Rows that are left over at an edge run in a tile of their own size.
template <template <int> class Kernel, int... I>
constexpr auto kernels_by_rows(std::integer_sequence<int, I...>) {
    struct Table {
        decltype(&Kernel<1>::run) of[sizeof...(I)];
    };
    return Table{{Kernel<I + 1>::run...}};
}

namespace {   // one process loads this for float and for double: without it the linker would merge the templates of both

// c[r][v] = Σ_k a[r · a_row + k · a_column] · b[k · b_row + v], or += with `add`, for ROWS rows and V vectors.
template <int V>
struct PackedMicrokernel {
    template <int ROWS>
    struct Tile {
        static void run(
            const Real* a, int64_t a_row, int64_t a_column, const Real* b, int64_t b_row, int64_t depth, Real* c,
            int64_t c_row, bool add
        ) {
            Vec sum[ROWS][V];
#pragma GCC unroll 12
            for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) sum[r][v] = Vec{};
            const Real* third[(ROWS + 2) / 3];   // every third row: the two rows after it are one and two steps away
            for (int r = 0; r < ROWS; r += 3) third[r / 3] = a + r * a_row;
            for (int64_t k = 0; k < depth; ++k, b += b_row) {
                Vec vector[V];
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) vector[v] = load(b + v * LANES);
#pragma GCC unroll 12
                for (int r = 0; r < ROWS; ++r) {
                    const Real number = third[r / 3][r % 3 * a_row];
#pragma GCC unroll 2
                    for (int v = 0; v < V; ++v) sum[r][v] += number * vector[v];
                }
#pragma GCC unroll 4
                for (int r = 0; r < ROWS; r += 3) third[r / 3] += a_column;
            }
#pragma GCC unroll 12
            for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) {
                    Real* to = c + r * c_row + v * LANES;
                    store(to, add ? load(to) + sum[r][v] : sum[r][v]);
                }
        }
    };
    static constexpr auto TILES = kernels_by_rows<Tile>(std::make_integer_sequence<int, TILE_ROWS>());
};

}  // namespace
