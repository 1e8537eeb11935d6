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
// A task takes some rows of tiles, so few that V and the part of M for one panel of filters stay in the second-level
// cache; U = G w Gᵀ is made once for all, or, for few tiles, a panel at a time. In the weight gradient both sides are
// values of tiles, of a chunk at a time, and the 36 products are sums over its tiles.
#include <algorithm>

#include "outer.hpp"
#include "threads.hpp"

namespace {   // float's and double's templates must not become one in the process

constexpr Real A = 0.75, B = 1.5, AA = A * A, BB = B * B;   // the points and their squares
constexpr int SIDE = 4, REACH = 6, POINTS = REACH * REACH;  // of a tile: results, elements, products
constexpr int64_t DEPTH = 256;                              // of a product at a time: its panel stays near
constexpr int64_t TILES = 48, FEW = 96, MOST = 64;          // of a task; of a picture; of a strip
constexpr int64_t CHUNK = 1 << 18;                          // values of tiles at a time, in the weight gradient
constexpr int64_t RANGES = 8, LEAST = 64, FEW_SUMS = 1 << 18;   // of tiles there: how many of so many, and their sums

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
        : batch(n), channels(c), height(h), width(w), top(t), left(l), rows(reach), down(parts(out_h, SIDE)),
          across(parts(out_w, SIDE)), pieces(parts(across, MOST)), tiles(parts(across, pieces)),
          pitch(parts(tiles * SIDE + reach - SIDE, LANES) * LANES) {}
    int64_t strips() const { return batch * pieces * down; }
    int64_t patch() const { return rows * pitch * LANES; }
    int64_t blocks() const { return parts(channels, LANES); }
    int64_t room() const { return (blocks() | 1) * LANES; }   // for a tile's channels; odd, so that tiles spread in a cache

    // Calls move(place, first, last, at) for each vector of pixels: its place in the patch, and the lanes that exist, which
    // begin at x[at].
    template <class Move>
    inline void each(int64_t strip, int64_t from, Move move) const {
        const int64_t n = strip / down / pieces, piece = strip / down % pieces;
        const int64_t y = strip % down * SIDE - top, x = piece * tiles * SIDE - left;
        for (int64_t r = from; r < rows; ++r)
            for (int64_t i = 0; i < pitch; i += LANES) {
                const int64_t first = least(LANES, x + i < 0 ? -(x + i) : 0), last = least(LANES, width - x - i);
                const bool any = y + r >= 0 && y + r < height && first < last;
                move((r * pitch + i) * LANES, int(first), any ? int(last) : 0,
                     (n * channels * height + y + r) * width + x + i + first);
            }
    }

    // The patch of a strip for a block of channels; one that lies below the last strip filled takes its two last rows.
    void fill(const Real* x, int64_t strip, int64_t block, bool below, Real* patch) const {
        const int64_t plane = height * width, count = least(LANES, channels - block * LANES);
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
        const int64_t plane = height * width, count = least(LANES, channels - block * LANES);
        const int64_t inside = least(tiles, across - strip / down % pieces * tiles) * SIDE;   // pixels
        x += block * LANES * plane;
        each(strip, 0, [&](int64_t from, int first, int last, int64_t at) {
            const int end = int(least(last, inside - from / LANES % pitch));
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
    const auto& tiles = columns > LANES ? Wide<2>::TILES.of : Wide<1>::TILES.of;
    for (int64_t r = 0; r < rows; r += TALL)
        tiles[least(TALL, rows - r) - 1](a + r * across, across, along, b, row, depth, c + r * pitch, pitch, add);
}

// --- forward and input gradient ------------------------------------------------------------------------------------------

struct Winograd {
    const Sizes& s;
    const Image in, out;
    const int64_t panels;   // of filters
    const int64_t size;     // of a panel of U, for one point
    const Real *w, *bias;
    Real* y;
    const bool rectify;

    Winograd(const Sizes& sizes, const Real* weights, const Real* add, Real* to, bool relu)
        : s(sizes), in(s.batch, s.channels, s.height, s.width, s.top, s.left, REACH, s.out_height, s.out_width),
          out(s.batch, s.filters, s.out_height, s.out_width, 0, 0, SIDE, s.out_height, s.out_width),
          panels(parts(s.filters, PANEL)), size(s.channels * PANEL), w(weights), bias(add), y(to), rectify(relu) {}

    // U of a panel and channels [c, end): for each point, channel by channel, PANEL filters
    void weights(int64_t panel, int64_t c, int64_t end, Real* u) const {
        const int64_t row = s.turned ? 9 : 9 * s.channels;
        for (; c < end; ++c)
            for (int64_t f = panel * PANEL; f < least(panel * PANEL + PANEL, s.filters); f += LANES) {
                const int64_t count = least(LANES, s.filters - f);
                const Real* from = w + (s.turned ? c * s.filters : c) * 9 + f * row;
                Real lines[9 * LANES];
                for (int k = 0; k < 9; k += LANES) {
                    const int some = int(least(LANES, 9 - k));
                    Vec v[LANES] = {};
                    for (int64_t i = 0; i < count; ++i) v[i] = load_lanes(from + i * row + k, 0, some);
                    transpose(v);
                    for (int i = 0; i < some; ++i) store(lines + (s.turned ? 8 - k - i : k + i) * LANES, v[i]);
                }
                Real* to = u + c * PANEL + f % PANEL;
                transform<Weights>([&](int i, int j) { return load(lines + (3 * i + j) * LANES); },
                                   [&](int i, int j, Vec v) { store(to + (i * REACH + j) * size, v); });
            }
    }

    // y of some strips and a panel, from U and V; `point` lies between the values of V at two points
    void results(int64_t first, int64_t strips, int64_t panel, const Real* u, const Real* v, int64_t point) const {
        const int64_t tiles = strips * in.tiles, columns = least(PANEL, s.filters - panel * PANEL);
        Real* m = scratch(3, POINTS * tiles * PANEL);
        Real* patch = scratch(0, out.patch());
        for (int64_t k = 0; k < POINTS; ++k)
            for (int64_t c = 0; c < s.channels; c += DEPTH)
                product(v + k * point + c, in.room(), 1, tiles, u + k * size + c * PANEL, PANEL, columns,
                        least(DEPTH, s.channels - c), m + k * tiles * PANEL, PANEL, c > 0);
        for (int64_t i = 0; i < columns; i += LANES) {
            Real some[LANES] = {};
            if (bias) memcpy(some, bias + panel * PANEL + i, size_t(least(LANES, columns - i)) * sizeof(Real));
            const Vec add = load(some);
            const Real* from = m + i;
            for (int64_t strip = first; strip < first + strips; ++strip) {
                for (int64_t t = 0; t < in.tiles; ++t, from += PANEL) {
                    Real* to = patch + t * SIDE * LANES;
                    transform<Results>([&](int a, int b) { return load(from + (a * REACH + b) * tiles * PANEL); },
                                       [&](int a, int b, Vec value) {
                                           value += add;
                                           if (rectify) value = value <= 0 ? Vec{} : value;
                                           store(to + (a * out.pitch + b) * LANES, value);
                                       });
                }
                out.empty(patch, strip, panel * WIDE + i / LANES, y);
            }
        }
    }

    // Few tiles: their V is shared, and a panel's U is used up while it is in a cache.
    void by_panels(const Real* x) const {
        const int64_t strips = in.strips(), point = strips * in.tiles * in.room();
        Real* v = scratch(1, POINTS * point);
        parallel(in.blocks(), [&](int64_t block) {
            in.values<Data>(x, 0, strips, block, scratch(0, in.patch()), v, point);
        });
        parallel(panels, [&](int64_t panel) {
            Real* u = scratch(2, POINTS * size);
            weights(panel, 0, s.channels, u);
            results(0, strips, panel, u, v, point);
        });
    }

    // Many tiles: U is shared, and the V of some strips is used up.
    void by_tiles(const Real* x) const {
        Real* u = scratch(2, panels * POINTS * size);
        const int64_t blocks = parts(s.channels, LANES);
        parallel(panels * blocks, [&](int64_t task) {
            const int64_t panel = task / blocks, c = task % blocks * LANES;
            weights(panel, c, least(c + LANES, s.channels), u + panel * POINTS * size);
        });
        const int64_t high = parts(in.strips(), parts(in.strips() * in.tiles, TILES));
        const int64_t point = high * in.tiles * in.room();
        parallel(parts(in.strips(), high), [&](int64_t task) {
            const int64_t first = task * high, strips = least(high, in.strips() - first);
            Real* v = scratch(1, POINTS * point);
            for (int64_t block = 0; block < in.blocks(); ++block)
                in.values<Data>(x, first, strips, block, scratch(0, in.patch()), v, point);
            for (int64_t panel = 0; panel < panels; ++panel)
                results(first, strips, panel, u + panel * POINTS * size, v, point);
        });
    }
};

}  // namespace

// y (N, F, OH, OW) from x (N, C, H, W) and w (F, C, 3, 3), turned (C, F, 3, 3); bias (F) may be null; sizes: a Sizes
extern "C" void winograd(const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* sizes, int64_t rectify) {
    const Winograd winograd(*reinterpret_cast<const Sizes*>(sizes), w, bias, y, rectify);
    if (winograd.in.strips() * winograd.in.tiles <= FEW) winograd.by_panels(x);
    else winograd.by_tiles(x);
}

// w (F, C, 3, 3) from x (N, C, H, W) and g (N, F, OH, OW)
//
// Few sums, S for each point, are made for several ranges of tiles, each by one thread in its own caches, and added up at
// the end. Where they are many there is one range, and its values and its products are shared out.
extern "C" void winograd_weight_grad(const Real* x, const Real* g, Real* w, const int64_t* sizes) {
    const Sizes& s = *reinterpret_cast<const Sizes*>(sizes);
    const Image in(s.batch, s.channels, s.height, s.width, s.top, s.left, REACH, s.out_height, s.out_width);
    const Image out(s.batch, s.filters, s.out_height, s.out_width, 0, 0, SIDE, s.out_height, s.out_width);
    const int64_t strips = in.strips(), tiles = in.tiles, size = s.filters * in.room();
    const int64_t ranges = POINTS * size <= FEW_SUMS ? least(RANGES, parts(strips * tiles, LEAST)) : 1;
    const int64_t range = parts(strips, ranges);
    // Large sums travel as well, once a chunk.
    const int64_t chunk = ranges > 1 ? CHUNK : std::max(int64_t(1) << 19, POINTS * size / 4);
    const int64_t most = std::max<int64_t>(chunk / (POINTS * (in.room() + out.room()) * tiles), 1);
    const int64_t high = parts(range, parts(range, most)), point = high * tiles;
    Real* sums = scratch(3, ranges * POINTS * size);
    parallel(ranges, [&](int64_t r) {
        Real* v = scratch(1, POINTS * point * in.room());
        Real* h = scratch(2, POINTS * point * out.room());
        const int64_t begin = r * range, end = least(begin + range, strips);
        if (begin >= end) memset(sums + r * POINTS * size, 0, size_t(POINTS * size) * sizeof(Real));
        for (int64_t first = begin; first < end; first += high) {
            const int64_t count = least(high, end - first), share = parts(count, 4), blocks = in.blocks() + out.blocks();
            parallel(blocks * parts(count, share), [&](int64_t task) {
                const int64_t block = task % blocks, from = task / blocks * share, some = least(share, count - from);
                Real* patch = scratch(0, in.patch());
                if (block < in.blocks())
                    in.values<Data>(x, first + from, some, block, patch, v + from * tiles * in.room(), point * in.room());
                else
                    out.values<Gradients>(g, first + from, some, block - in.blocks(), patch,
                                          h + from * tiles * out.room(), point * out.room());
            });
            const int64_t panels = parts(s.channels, PANEL);
            parallel(POINTS * panels, [&](int64_t task) {
                const int64_t k = task / panels, c = task % panels * PANEL;
                product(h + k * point * out.room(), 1, out.room(), s.filters, v + k * point * in.room() + c, in.room(),
                        least(PANEL, s.channels - c), count * tiles, sums + (r * POINTS + k) * size + c, in.room(),
                        first > begin);
            });
        }
    });
    parallel(s.filters, [&](int64_t f) {
        for (int64_t c = 0; c < s.channels; c += LANES) {
            const Real* from = sums + f * in.room() + c;
            Real all[9][LANES];
            transform<WeightGradients>(
                [&](int i, int j) {
                    Vec sum = load(from + (i * REACH + j) * size);
                    for (int64_t r = 1; r < ranges; ++r) sum += load(from + (r * POINTS + i * REACH + j) * size);
                    return sum;
                },
                [&](int i, int j, Vec value) { store(all[3 * i + j], value); }
            );
            Real* to = w + (f * s.channels + c) * 9;
            for (int64_t i = 0; i < least(LANES, s.channels - c); ++i)
                for (int k = 0; k < 9; ++k) to[9 * i + k] = all[k][i];
        }
    });
}
