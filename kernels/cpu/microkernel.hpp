// The register-blocked micro-kernel of the convolution, the inner loop of a matrix product (GEMM).
//
//                 b   VECTORS vectors of columns
//               ┌───────────┐
//             k │ row(k)    │       sum[r][v] += a[k][r] · b[k][v]
//               └───────────┘
//         k     ┌───────────┐       All sums stay in registers while k runs. A vector of b is loaded once and used ROWS
//    ┌────────┐ │           │       times. A number of a is broadcast to a vector once and used VECTORS times. 8 × 3
//  a │ panel  │ │ sum       │ ROWS  sums take 24 of AVX-512's 32 registers. They are enough independent sums to hide the
//    └────────┘ └───────────┘       latency of a multiply-add, which is four cycles.
//
// `a` is packed into panels: for each k, the ROWS numbers of a column are neighbours in memory. `b` needs no packing: the
// caller's function row(k) returns the address of row k, anywhere in memory.
#pragma once
#include "masked.hpp"

constexpr int ROWS = REGISTERS == 32 ? 8 : 4, VECTORS = 3;
constexpr int COLUMNS = VECTORS * LANES;   // of a whole tile
constexpr int64_t DEPTH = 512;             // steps of k at a time: a tile's operands then stay in the L2 cache

// tile[r][v] = Σ_k a[k][r] · row(k)[v], or += with `add`. A tile is ROWS × V vectors. An element is always summed in the
// order of k, whatever V is. So the result does not depend on how the columns are cut into tiles.
//
// It is a function of its own: inlined into a large one, GCC keeps half of the sums in memory where there are 16
// registers, and convolution takes twice the time.
template <int V, class Row>
static __attribute__((noinline)) void microkernel(const Real* a, int64_t depth, Row row, Real* tile, bool add) {
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

// The same, where the number of vectors, 1 to VECTORS, is known only at run time.
template <class Row>
static inline void microkernel(int vectors, const Real* a, int64_t depth, Row row, Real* tile, bool add) {
    static_assert(VECTORS == 3, "one case for each number of vectors");
    if (vectors == 3) microkernel<3>(a, depth, row, tile, add);
    else if (vectors == 2) microkernel<2>(a, depth, row, tile, add);
    else microkernel<1>(a, depth, row, tile, add);
}
