// Winograd's minimal filtering F(4×4, 3×3): a 3 × 3 convolution with stride 1 in a quarter of the products.
//
//     y  = Aᵀ [ Σ_c (G w_c Gᵀ) ⊙ (Bᵀ x_c B) ] A        x_c: a tile of 6 × 6 elements of channel c, y: its 4 × 4 results
//     dw = Gᵀ [ Σ_t (A g_t Aᵀ) ⊙ (Bᵀ x_t B) ] G        over all tiles t: the bracket is trilinear, as convolution is
//
// (Lavin and Gray, 2015, section 4). A product of polynomials is a product of their values at some points (Toom and
// Cook). The points here are 0, ±3/4, ±3/2 and ∞: rounding errors are half of those with the usual 0, ±1, ±2, ∞, and all
// constants but G's are exact. The input gradient is the first line with the kernel turned by 180° and its first two axes
// exchanged.
//
//   x     patch                  V (36, tiles, C)       M (36, tiles, F)          Lanes are channels: a patch, six rows
//    ┌──┐     ┌──────────┐  Bᵀ d B  ┌──────┐ 36 × V·U ┌──────┐  Aᵀ m A  patch → y  under a row of tiles, is transposed
//    └──┘ ──→ └──────────┘ ───────→ │      │ ───────→ │      │ ───────→ ┌──────┐   to it when it is copied, with its
//      transposed, with zeros       └──────┘          └──────┘          └──────┘   zeros, and the results back. So tiles
//                                                                                  of any width are alike.
// Here: the transforms, and how pictures are cut into tiles. winograd.cpp computes the first line,
// conv_weight_grad_winograd.cpp the second.
#pragma once
#include "packed_microkernel.hpp"
#include "threads.hpp"

namespace {   // float's and double's templates must not become one in the process

constexpr Real A = 0.75, B = 1.5, AA = A * A, BB = B * B;   // the points and their squares
constexpr int SIDE = 4, REACH = 6, POINTS = REACH * REACH;  // of a tile: results, elements, products
constexpr int64_t FEW = 96, MOST = 64;                      // tiles: few beside many weights; of a strip

// From the values of one point to the next: an odd number of vectors, so that a tile's 36 do not meet in one set of a
// cache; with 64 channels or 64 tiles, that took twice the time.
static inline int64_t apart(int64_t values) { return (ceil_div(values, LANES) | 1) * LANES; }

struct Sizes {
    int64_t batch, channels, filters, height, width, top, left, out_height, out_width, turned;
};

// --- one axis of a tile: inputs `from` apart, outputs `to` apart ------------------------------------------------------

constexpr Real FIRST = 1 / (2 * AA * (AA - BB)), SECOND = 1 / (2 * BB * (BB - AA));

struct Weights {   // G: 3 weights -> 6 values
    static constexpr int IN = 3, OUT = REACH;
    static inline void apply(const Vec* g, int from, Vec* u, int to) {
        const Vec g0 = g[0], g1 = g[from], g2 = g[2 * from];
        const Vec p = (g0 + AA * g2) * FIRST, q = g1 * (A * FIRST), r = (g0 + BB * g2) * SECOND, s = g1 * (B * SECOND);
        u[0] = g0 * Real(1 / (AA * BB));
        u[to] = p + q, u[2 * to] = p - q;
        u[3 * to] = r + s, u[4 * to] = r - s;
        u[5 * to] = g2;
    }
};
struct Data {   // Bᵀ: 6 elements -> 6 values
    static constexpr int IN = REACH, OUT = REACH;
    static inline void apply(const Vec* d, int from, Vec* v, int to) {
        const Vec d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from];
        const Vec p = d4 - BB * d2, q = A * (d3 - BB * d1);
        const Vec r = d4 - AA * d2, s = B * (d3 - AA * d1);
        v[0] = AA * BB * d[0] - (AA + BB) * d2 + d4;
        v[to] = p + q, v[2 * to] = p - q;
        v[3 * to] = r + s, v[4 * to] = r - s;
        v[5 * to] = AA * BB * d1 - (AA + BB) * d3 + d[5 * from];
    }
};
struct Results {   // Aᵀ: 6 values -> 4 results
    static constexpr int IN = REACH, OUT = SIDE;
    static inline void apply(const Vec* m, int from, Vec* y, int to) {
        const Vec p = m[from] + m[2 * from], q = A * (m[from] - m[2 * from]);
        const Vec r = m[3 * from] + m[4 * from], s = B * (m[3 * from] - m[4 * from]);
        y[0] = m[0] + p + r;
        y[to] = q + s;
        y[2 * to] = AA * p + BB * r;
        y[3 * to] = AA * q + BB * s + m[5 * from];
    }
};
struct Gradients {   // A: 4 gradients of results -> 6 values
    static constexpr int IN = SIDE, OUT = REACH;
    static inline void apply(const Vec* g, int from, Vec* v, int to) {
        const Vec g0 = g[0], g1 = g[from], g2 = g[2 * from], g3 = g[3 * from];
        const Vec p = g0 + AA * g2, q = A * (g1 + AA * g3), r = g0 + BB * g2, s = B * (g1 + BB * g3);
        v[0] = g0;
        v[to] = p + q, v[2 * to] = p - q;
        v[3 * to] = r + s, v[4 * to] = r - s;
        v[5 * to] = g3;
    }
};
struct WeightGradients {   // Gᵀ: 6 values -> 3 weights
    static constexpr int IN = REACH, OUT = 3;
    static inline void apply(const Vec* u, int from, Vec* w, int to) {
        const Vec p = FIRST * (u[from] + u[2 * from]), q = (A * FIRST) * (u[from] - u[2 * from]);
        const Vec r = SECOND * (u[3 * from] + u[4 * from]), s = (B * SECOND) * (u[3 * from] - u[4 * from]);
        w[0] = u[0] * Real(1 / (AA * BB)) + p + r;
        w[to] = q + s;
        w[2 * to] = AA * p + BB * r + u[5 * from];
    }
};

// Both axes: get(i, j) is an input, put(i, j, v) takes an output.
template <class T, class Get, class Put>
static inline __attribute__((always_inline)) void transform(Get get, Put put) {
    Vec half[T::OUT * T::IN];
#pragma GCC unroll 6
    for (int j = 0; j < T::IN; ++j) {
        Vec column[T::IN];
#pragma GCC unroll 6
        for (int i = 0; i < T::IN; ++i) column[i] = get(i, j);
        T::apply(column, 1, half + j, T::IN);
    }
#pragma GCC unroll 6
    for (int i = 0; i < T::OUT; ++i) {
        Vec row[T::OUT];
        T::apply(half + i * T::IN, 1, row, 1);
#pragma GCC unroll 6
        for (int j = 0; j < T::OUT; ++j) put(i, j, row[j]);
    }
}

// --- rows of tiles and their patches -----------------------------------------------------------------------------------

// Images of some channels, cut into tiles of 4 × 4 (results, of which tile 0 begins at -top, -left), and these into
// strips: neighbours in a row of tiles. Strips are counted down an image, then across, then over the images.
struct Image {
    int64_t batch, channels, height, width, top, left;
    int64_t rows;             // under a strip: 6 for what tiles see, 4 for results
    int64_t down, across;     // tiles
    int64_t pieces, tiles;    // strips in a row of tiles, and tiles in each
    int64_t pitch;            // pixels in a row of a patch

    Image(int64_t n, int64_t c, int64_t h, int64_t w, int64_t t, int64_t l, int64_t reach, int64_t out_h, int64_t out_w)
        : batch(n), channels(c), height(h), width(w), top(t), left(l), rows(reach), down(ceil_div(out_h, SIDE)),
          across(ceil_div(out_w, SIDE)), pieces(ceil_div(across, MOST)), tiles(ceil_div(across, pieces)),
          pitch(ceil_div(tiles * SIDE + reach - SIDE, LANES) * LANES) {}
    int64_t strips() const { return batch * pieces * down; }
    int64_t patch() const { return rows * pitch * LANES; }
    int64_t blocks() const { return ceil_div(channels, LANES); }
    int64_t room() const { return (blocks() | 1) * LANES; }   // for a tile's channels; odd, so that tiles spread in a cache

    // Calls move(place, first, last, at) for each vector of pixels: its place in the patch, and the lanes that exist, which
    // begin at x[at].
    template <class Move>
    inline void each(int64_t strip, int64_t from, Move move) const {
        const int64_t n = strip / down / pieces, piece = strip / down % pieces;
        const int64_t y = strip % down * SIDE - top, x = piece * tiles * SIDE - left;
        for (int64_t r = from; r < rows; ++r)
            for (int64_t i = 0; i < pitch; i += LANES) {
                const int64_t first = min(LANES, x + i < 0 ? -(x + i) : 0), last = min(LANES, width - x - i);
                const bool any = y + r >= 0 && y + r < height && first < last;
                move((r * pitch + i) * LANES, int(first), any ? int(last) : 0,
                     (n * channels * height + y + r) * width + x + i + first);
            }
    }

    // The patch of a strip for a block of channels; one that lies below the last strip filled takes its two last rows.
    void fill(const Real* x, int64_t strip, int64_t block, bool below, Real* patch) const {
        const int64_t plane = height * width, count = min(LANES, channels - block * LANES);
        const bool again = below && rows > SIDE && strip % down;
        if (again) memmove(patch, patch + SIDE * pitch * LANES, size_t((rows - SIDE) * pitch * LANES) * sizeof(Real));
        x += block * LANES * plane;
        each(strip, again ? rows - SIDE : 0, [&](int64_t to, int first, int last, int64_t at) {
            Vec v[LANES] = {};
            if (last == LANES && !first && count == LANES) {
#pragma GCC unroll 16
                for (int c = 0; c < LANES; ++c) v[c] = load(x + c * plane + at);
            } else if (last) {
                for (int c = 0; c < count; ++c) v[c] = load_lanes(x + c * plane + at, first, last);
            }
            transpose(v);
#pragma GCC unroll 16
            for (int i = 0; i < LANES; ++i) store(patch + to + i * LANES, v[i]);
        });
    }

    // The way back: what lies inside of the image.
    void empty(const Real* patch, int64_t strip, int64_t block, Real* x) const {
        const int64_t plane = height * width, count = min(LANES, channels - block * LANES);
        const int64_t inside = min(tiles, across - strip / down % pieces * tiles) * SIDE;   // pixels
        x += block * LANES * plane;
        each(strip, 0, [&](int64_t from, int first, int last, int64_t at) {
            const int end = int(min(last, inside - from / LANES % pitch));
            if (end <= first) return;
            Vec v[LANES];
#pragma GCC unroll 16
            for (int i = 0; i < LANES; ++i) v[i] = load(patch + from + i * LANES);
            transpose(v);
            if (end == LANES && !first)
                for (int c = 0; c < count; ++c) store(x + c * plane + at, v[c]);
            else
                for (int c = 0; c < count; ++c) store_lanes(x + c * plane + at, v[c], first, end, 1);
        });
    }

    // Values of the tiles of some strips at all points, for a block of channels; `point` lies between two points' values.
    template <class T>
    void values(const Real* x, int64_t strip, int64_t count, int64_t block, Real* patch, Real* v, int64_t point) const {
        v += block * LANES;
        for (int64_t s = 0; s < count; ++s) {
            fill(x, strip + s, block, s > 0, patch);
            for (int64_t t = 0; t < tiles; ++t, v += room()) {
                const Real* from = patch + t * SIDE * LANES;
                transform<T>([&](int i, int j) { return load(from + (i * pitch + j) * LANES); },
                             [&](int i, int j, Vec value) { store(v + (i * REACH + j) * point, value); });
            }
        }
    }
};

// --- products ----------------------------------------------------------------------------------------------------------

// c (rows, columns) (+)= a (rows, depth) · b (depth, columns), columns at most PANEL
inline void product(
    const Real* a, int64_t across, int64_t along, int64_t rows, const Real* b, int64_t row, int64_t columns,
    int64_t depth, Real* c, int64_t pitch, bool add
) {
    const auto& tiles = columns > LANES ? PackedMicrokernel<2>::TILES.of : PackedMicrokernel<1>::TILES.of;
    for (int64_t r = 0; r < rows; r += TILE_ROWS)
        tiles[min(TILE_ROWS, rows - r) - 1](a + r * across, across, along, b, row, depth, c + r * pitch, pitch, add);
}

}  // namespace
