// The register-blocked micro-kernel that every matrix product here ends in.
//
//                 b   VECTORS vectors of columns
//               ┌───────────┐
//             k │ row(k)    │       sum[r][v] += a[k][r] · b[k][v]
//               └───────────┘
//         k     ┌───────────┐       All sums stay in registers for all of k; a value of b that is loaded is used
//    ┌────────┐ │           │       ROWS times, one of a, broadcast to a vector, VECTORS times. 8 × 3 sums fill 24 of
//  a │ panel  │ │ sum       │ ROWS  AVX-512's 32 registers and hide the four cycles of a multiply-add.
//    └────────┘ └───────────┘
//
// `a` is packed: panels of ROWS rows, k by k. What `b` is, `row` says: a packed panel, or any place in memory.
#pragma once
#include "lanes.hpp"

constexpr int ROWS = REGISTERS == 32 ? 8 : 4, VECTORS = 3;
constexpr int COLUMNS = VECTORS * LANES;   // of a whole tile
constexpr int64_t DEPTH = 512;             // of k at a time: what a tile reads stays in L2

// tile[r][v] (+)= Σ_k a[k][r] · row(k)[v]; a tile is ROWS × V vectors. Every element is summed in the order of k alone,
// whatever V is, so results do not depend on how columns are cut into tiles.
template <int V, class Row>
static inline void multiply(const Real* a, int64_t depth, Row row, Real* tile, bool add) {
    Vec sum[ROWS][V];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 3
        for (int v = 0; v < V; ++v) sum[r][v] = add ? load(tile + (r * V + v) * LANES) : Vec{};
    for (int64_t k = 0; k < depth; ++k, a += ROWS) {
        const Real* from = row(k);
        Vec b[V];
#pragma GCC unroll 3
        for (int v = 0; v < V; ++v) b[v] = load(from + v * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 3
            for (int v = 0; v < V; ++v) sum[r][v] += a[r] * b[v];
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 3
        for (int v = 0; v < V; ++v) store(tile + (r * V + v) * LANES, sum[r][v]);
}

// The same for a number of vectors that is known at run time, 1 to VECTORS.
template <class Row>
static inline void multiply(int vectors, const Real* a, int64_t depth, Row row, Real* tile, bool add) {
    static_assert(VECTORS == 3, "one case for each number of vectors");
    if (vectors == 3) multiply<3>(a, depth, row, tile, add);
    else if (vectors == 2) multiply<2>(a, depth, row, tile, add);
    else multiply<1>(a, depth, row, tile, add);
}
