// What matrix products and weight gradients share: sums of outer products held in registers, and packing for them.
//
//     C (rows, PANEL) += Σ_k a_k b_kᵀ      a_k: rows numbers, each broadcast;  b_k: WIDE vectors, a row of a packed panel
//
// With 12 × 2 accumulators (6 × 2 where there are 16 registers) a step of k is 24 multiply-adds for 14 loads: a core
// that does two of each in a cycle keeps up, and no sum waits for the one before.
#pragma once
#include <stdlib.h>

#include <new>
#include <type_traits>
#include <utility>

#include "lanes.hpp"

constexpr int WIDE = 2, PANEL = WIDE * LANES;   // vectors and numbers in a row of a panel

// Memory of this thread that stays for the next call; `place` tells apart what is in use at once.
static inline Real* scratch(int place, int64_t size) {
    struct Memory {
        void* at = nullptr;
        int64_t bytes = 0;
        ~Memory() { free(at); }
    };
    static thread_local Memory memory[4];
    Memory& m = memory[place];
    const int64_t bytes = parts(size * int64_t(sizeof(Real)), 4096) * 4096;
    if (bytes > m.bytes) {
        free(m.at);
        m.at = aligned_alloc(4096, size_t(bytes));
        m.bytes = m.at ? bytes : 0;
        if (!m.at) throw std::bad_alloc();
    }
    return static_cast<Real*>(m.at);
}

// Rows become columns: in each of log2(LANES) rounds, row i is interleaved with row i + LANES / 2.
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

// to[k * SIZE + i] = from[i * row + k] for i < rows <= SIZE and k < count; behind the rows anything may stand, also in
// the LANES numbers behind the last. Nothing is read but the rows.
template <int SIZE>
static inline void pack_rows(const Real* from, int64_t row, int64_t rows, int64_t count, Real* to) {
    for (int64_t k = 0; k < count; k += LANES) {
        const int64_t here = least(LANES, count - k);
        for (int i = (SIZE - 1) / LANES * LANES; i >= 0; i -= LANES) {   // downwards: one may spill into the next k
            Vec v[LANES];
            if (here == LANES) {
#pragma GCC unroll 16
                for (int r = 0; r < LANES; ++r) v[r] = load(from + least(i + r, rows - 1) * row + k);
            } else {
                for (int r = 0; r < LANES; ++r) v[r] = load_lanes(from + least(i + r, rows - 1) * row + k, 0, int(here));
            }
            transpose(v);
            if (here == LANES) {
#pragma GCC unroll 16
                for (int r = 0; r < LANES; ++r) store(to + (k + r) * SIZE + i, v[r]);
            } else {
                for (int r = 0; r < here; ++r) store(to + (k + r) * SIZE + i, v[r]);
            }
        }
    }
}

// to[k * SIZE + i] = from[k * step + i] for i < rows <= SIZE and k < count
template <int SIZE>
static inline void pack_columns(const Real* from, int64_t step, int64_t rows, int64_t count, Real* to) {
    if (rows == SIZE)
        for (int64_t k = 0; k < count; ++k) memcpy(to + k * SIZE, from + k * step, SIZE * sizeof(Real));
    else
        for (int64_t k = 0; k < count; ++k) memcpy(to + k * SIZE, from + k * step, size_t(rows) * sizeof(Real));
}

// The table of Kernel<1>::run ... Kernel<N>::run: rows that are left over run in a tile of their own size.
template <template <int> class Kernel, int... I>
constexpr auto for_rows(std::integer_sequence<int, I...>) {
    struct Table {
        decltype(&Kernel<1>::run) of[sizeof...(I)];
    };
    return Table{{Kernel<I + 1>::run...}};
}

constexpr int TALL = REGISTERS == 32 ? 12 : 6;   // rows of a tile

namespace {   // float's and double's tables must not become one in the process

// c[r][v] (+)= Σ_k a[r across + k along] · b[k row + v]: ROWS numbers of `a` for each vector of b.
template <int V>
struct Wide {
    template <int COUNT>
    struct Tile {
        static void run(
            const Real* a, int64_t across, int64_t along, const Real* b, int64_t row, int64_t depth, Real* c,
            int64_t pitch, bool add
        ) {
            Vec sum[COUNT][V];
#pragma GCC unroll 12
            for (int r = 0; r < COUNT; ++r)
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) sum[r][v] = Vec{};
            const Real* at[(COUNT + 2) / 3];   // of every third row: the others are one and two steps away
            for (int r = 0; r < COUNT; r += 3) at[r / 3] = a + r * across;
            for (int64_t k = 0; k < depth; ++k, b += row) {
                Vec of[V];
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) of[v] = load(b + v * LANES);
#pragma GCC unroll 12
                for (int r = 0; r < COUNT; ++r) {
                    const Real one = at[r / 3][r % 3 * across];
#pragma GCC unroll 2
                    for (int v = 0; v < V; ++v) sum[r][v] += one * of[v];
                }
#pragma GCC unroll 4
                for (int r = 0; r < COUNT; r += 3) at[r / 3] += along;
            }
#pragma GCC unroll 12
            for (int r = 0; r < COUNT; ++r)
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) {
                    Real* to = c + r * pitch + v * LANES;
                    store(to, add ? load(to) + sum[r][v] : sum[r][v]);
                }
        }
    };
    static constexpr auto TILES = for_rows<Tile>(std::make_integer_sequence<int, TALL>());
};

}  // namespace
