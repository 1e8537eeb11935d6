// Winograd's minimal filtering F(4×4, 3×3): a 3×3 convolution with stride 1, with a quarter of the products.
//
//     y  = Aᵀ [ Σ_c (G w_c Gᵀ) ⊙ (Bᵀ x_c B) ] A        x_c: a tile of 6×6 inputs of channel c, y: its 4×4 outputs
//     dw = Gᵀ [ Σ_t (A g_t Aᵀ) ⊙ (Bᵀ x_t B) ] G        the weight gradient: a sum over all tiles t
//
// (Lavin and Gray, 2015, section 4). A product of two polynomials can be computed from their values at some points
// (Toom and Cook). The transforms G and Bᵀ compute such values, ⊙ multiplies them, and Aᵀ goes back. The bracket is
// linear in each of x, w and g, so the same matrices also give the weight gradient. The points are 0, ±3/4, ±3/2 and ∞:
// rounding errors are half as large as with the usual points 0, ±1, ±2, ∞. The constants are exact, except in G. The
// input gradient is the first line with the kernel flipped (turned by 180°), and with channels and filters exchanged.
//
//   x     patch                  V (36, tiles, C)       M (36, tiles, F)          Lanes are channels. A patch is six lines
//    ┌──┐     ┌──────────┐  Bᵀ d B  ┌──────┐ 36 × V·U ┌──────┐  Aᵀ m A  patch → y  of x under a row of tiles. Copying it
//    └──┘ ──→ └──────────┘ ───────→ │      │ ───────→ │      │ ───────→ ┌──────┐   transposes it, so that channels become
//      transposed, with zeros       └──────┘          └──────┘          └──────┘   neighbours, and adds the zeros around.
//                                                                                  Outputs are transposed back.
// This file has the transforms, and the cutting of images into tiles. winograd.cpp computes the first line and the input
// gradient, conv_weight_grad_winograd.cpp computes the second line.
#pragma once
#include "conv_shape.hpp"
#include "packed_microkernel.hpp"
#include "threads.hpp"

namespace {   // one process loads this for float and for double: without it the linker would merge the templates of both

constexpr Real A = 0.75, B = 1.5, AA = A * A, BB = B * B;   // the points and their squares
constexpr int OUTPUT_TILE = 4, INPUT_TILE = 6, POINTS = INPUT_TILE * INPUT_TILE;   // sides of a tile, and its products
// With at most FEW_TILES tiles, the weights are most of the work. A strip has at most MAX_STRIP tiles.
constexpr int64_t FEW_TILES = 96, MAX_STRIP = 64;

// The distance in memory between the values of neighbour points. It is an odd number of vectors, so that the 36
// values of a tile do not compete for one set of the cache: without this, 64 channels or 64 tiles took twice the time.
static inline int64_t point_pitch(int64_t values) { return (ceil_div(values, LANES) | 1) * LANES; }

// A convolution with 3×3 kernels and stride 1, from a source to a result. In the input gradient, g is the source.
struct Winograd3x3 {
    const ConvShape& shape;
    const bool input_grad;
    const int64_t batch, channels, filters;   // channels of the source, filters (channels of the result)
    const int64_t height, width, top, left;   // the source, and the zeros above and to the left of it
    const int64_t result_height, result_width;

    Winograd3x3(const ConvShape& s, bool grad)
        : shape(s), input_grad(grad), batch(s.batch), channels(grad ? s.filters : s.channels),
          filters(grad ? s.channels : s.filters), height(grad ? s.output[1] : s.input[1]),
          width(grad ? s.output[2] : s.input[2]), top(grad ? 2 - s.padding[1] : s.padding[1]),
          left(grad ? 2 - s.padding[2] : s.padding[2]), result_height(grad ? s.input[1] : s.output[1]),
          result_width(grad ? s.input[2] : s.output[2]) {}
};

// --- transforms of one axis of a tile: inputs are `from` apart, outputs are `to` apart --------------------------------

constexpr Real FIRST = 1 / (2 * AA * (AA - BB)), SECOND = 1 / (2 * BB * (BB - AA));

struct WeightTransform {   // G: 3 weights -> 6 values
    static constexpr int IN = 3, OUT = INPUT_TILE;
    static inline void apply(const Vec* g, int from, Vec* u, int to) {
        const Vec g0 = g[0], g1 = g[from], g2 = g[2 * from];
        const Vec p = (g0 + AA * g2) * FIRST, q = g1 * (A * FIRST), r = (g0 + BB * g2) * SECOND, s = g1 * (B * SECOND);
        u[0] = g0 * Real(1 / (AA * BB));
        u[to] = p + q, u[2 * to] = p - q;
        u[3 * to] = r + s, u[4 * to] = r - s;
        u[5 * to] = g2;
    }
};
struct InputTransform {   // Bᵀ: 6 inputs -> 6 values
    static constexpr int IN = INPUT_TILE, OUT = INPUT_TILE;
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
struct OutputTransform {   // Aᵀ: 6 values -> 4 outputs
    static constexpr int IN = INPUT_TILE, OUT = OUTPUT_TILE;
    static inline void apply(const Vec* m, int from, Vec* y, int to) {
        const Vec p = m[from] + m[2 * from], q = A * (m[from] - m[2 * from]);
        const Vec r = m[3 * from] + m[4 * from], s = B * (m[3 * from] - m[4 * from]);
        y[0] = m[0] + p + r;
        y[to] = q + s;
        y[2 * to] = AA * p + BB * r;
        y[3 * to] = AA * q + BB * s + m[5 * from];
    }
};
struct GradientTransform {   // A: 4 output gradients -> 6 values
    static constexpr int IN = OUTPUT_TILE, OUT = INPUT_TILE;
    static inline void apply(const Vec* g, int from, Vec* v, int to) {
        const Vec g0 = g[0], g1 = g[from], g2 = g[2 * from], g3 = g[3 * from];
        const Vec p = g0 + AA * g2, q = A * (g1 + AA * g3), r = g0 + BB * g2, s = B * (g1 + BB * g3);
        v[0] = g0;
        v[to] = p + q, v[2 * to] = p - q;
        v[3 * to] = r + s, v[4 * to] = r - s;
        v[5 * to] = g3;
    }
};
struct WeightGradTransform {   // Gᵀ: 6 values -> 3 weights
    static constexpr int IN = INPUT_TILE, OUT = 3;
    static inline void apply(const Vec* u, int from, Vec* w, int to) {
        const Vec p = FIRST * (u[from] + u[2 * from]), q = (A * FIRST) * (u[from] - u[2 * from]);
        const Vec r = SECOND * (u[3 * from] + u[4 * from]), s = (B * SECOND) * (u[3 * from] - u[4 * from]);
        w[0] = u[0] * Real(1 / (AA * BB)) + p + r;
        w[to] = q + s;
        w[2 * to] = AA * p + BB * r + u[5 * from];
    }
};

// Both axes of a tile: get(i, j) returns an element before the transform, put(i, j, v) takes an element after it.
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

// --- tiles, strips and patches -----------------------------------------------------------------------------------------

// Images of some channels, cut into tiles, and rows of tiles into strips. A tile has 4×4 outputs; the first tile begins at
// (-top, -left). Strips are counted down an image, then across it, then over the images.
struct TiledImages {
    int64_t batch, channels, height, width, top, left;
    int64_t lines;                  // of a patch: 6 for inputs, 4 for outputs
    int64_t tiles_down, tiles_across;
    int64_t strips_across, tiles;   // strips of a row of tiles, and tiles of a strip
    int64_t pitch;                  // pixels in a line of a patch

    TiledImages(int64_t n, int64_t c, int64_t h, int64_t w, int64_t t, int64_t l, int64_t tile, const Winograd3x3& s)
        : batch(n), channels(c), height(h), width(w), top(t), left(l), lines(tile),
          tiles_down(ceil_div(s.result_height, OUTPUT_TILE)), tiles_across(ceil_div(s.result_width, OUTPUT_TILE)),
          strips_across(ceil_div(tiles_across, MAX_STRIP)), tiles(ceil_div(tiles_across, strips_across)),
          pitch(round_up(tiles * OUTPUT_TILE + tile - OUTPUT_TILE, LANES)) {}

    static TiledImages of_source(const Winograd3x3& s) {
        return {s.batch, s.channels, s.height, s.width, s.top, s.left, INPUT_TILE, s};
    }
    static TiledImages of_result(const Winograd3x3& s) {
        return {s.batch, s.filters, s.result_height, s.result_width, 0, 0, OUTPUT_TILE, s};
    }
    int64_t strips() const { return batch * strips_across * tiles_down; }
    int64_t patch_size() const { return lines * pitch * LANES; }
    int64_t blocks() const { return ceil_div(channels, LANES); }   // of channels: the lanes of a vector
    // Numbers from one tile's channels to the next tile's. An odd number of vectors spreads tiles over the cache's sets.
    int64_t tile_pitch() const { return (blocks() | 1) * LANES; }

    // Calls move(to, first, last, at) for each vector of pixels of a strip's patch, from line `from` on. `to` is its offset
    // in the patch. Lanes first, ..., last - 1 lie inside of the image, and begin at x[at]; if last is 0, no lane does.
    template <class Move>
    inline void for_vectors(int64_t strip, int64_t from, Move move) const {
        const int64_t n = strip / tiles_down / strips_across, across = strip / tiles_down % strips_across;
        const int64_t y = strip % tiles_down * OUTPUT_TILE - top, x = across * tiles * OUTPUT_TILE - left;
        for (int64_t r = from; r < lines; ++r)
            for (int64_t i = 0; i < pitch; i += LANES) {
                const int64_t first = min(LANES, max(-(x + i), 0)), last = min(LANES, width - x - i);
                const bool any = y + r >= 0 && y + r < height && first < last;
                move((r * pitch + i) * LANES, int(first), any ? int(last) : 0,
                     (n * channels * height + y + r) * width + x + i + first);
            }
    }

    // Copies the patch of a strip, for a block of channels, from x. If the patch holds the strip above (`has_above`), that
    // strip's last two lines are this strip's first two, and are kept.
    void read_patch(const Real* x, int64_t strip, int64_t block, bool has_above, Real* patch) const {
        const int64_t plane = height * width, count = min(LANES, channels - block * LANES);
        const bool kept = has_above && lines > OUTPUT_TILE && strip % tiles_down;
        const int64_t line = pitch * LANES, overlap = lines - OUTPUT_TILE;
        if (kept) memmove(patch, patch + OUTPUT_TILE * line, size_t(overlap * line) * sizeof(Real));
        x += block * LANES * plane;
        for_vectors(strip, kept ? overlap : 0, [&](int64_t to, int first, int last, int64_t at) {
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

    // Copies the patch back to x, as far as it lies inside of the image.
    void write_patch(const Real* patch, int64_t strip, int64_t block, Real* x) const {
        const int64_t plane = height * width, count = min(LANES, channels - block * LANES);
        const int64_t across = strip / tiles_down % strips_across;
        const int64_t pixels = min(tiles, tiles_across - across * tiles) * OUTPUT_TILE;   // of this strip
        x += block * LANES * plane;
        for_vectors(strip, 0, [&](int64_t from, int first, int last, int64_t at) {
            const int end = int(min(last, pixels - from / LANES % pitch));
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

    // Transforms the tiles of `count` strips, for a block of channels: v (36 points, tiles, channels). `point` is the
    // distance of two points' values.
    template <class T>
    void transform_tiles(
        const Real* x, int64_t strip, int64_t count, int64_t block, Real* patch, Real* v, int64_t point
    ) const {
        v += block * LANES;
        for (int64_t s = 0; s < count; ++s) {
            read_patch(x, strip + s, block, s > 0, patch);
            for (int64_t t = 0; t < tiles; ++t, v += tile_pitch()) {
                const Real* from = patch + t * OUTPUT_TILE * LANES;
                transform<T>([&](int i, int j) { return load(from + (i * pitch + j) * LANES); },
                             [&](int i, int j, Vec value) { store(v + (i * INPUT_TILE + j) * point, value); });
            }
        }
    }
};

// --- products ----------------------------------------------------------------------------------------------------------

// c (rows, columns) = a (rows, depth) · b (depth, columns), or += with `add`, for at most PANEL columns. a_row, a_column,
// b_row and c_row are distances in memory from one row or column to the next.
inline void multiply(
    const Real* a, int64_t a_row, int64_t a_column, int64_t rows, const Real* b, int64_t b_row, int64_t columns,
    int64_t depth, Real* c, int64_t c_row, bool add
) {
    const auto& tiles = columns > LANES ? PackedMicrokernel<2>::TILES.of : PackedMicrokernel<1>::TILES.of;
    for (int64_t r = 0; r < rows; r += TILE_ROWS)
        tiles[min(TILE_ROWS, rows - r) - 1](
            a + r * a_row, a_row, a_column, b, b_row, depth, c + r * c_row, c_row, add
        );
}

}  // namespace
