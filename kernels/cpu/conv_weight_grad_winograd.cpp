// Winograd's F(4×4, 3×3) for the weight gradient; winograd.hpp has the equations.
//
//     V = Bᵀ x B  of tiles (36, tiles, C)     H = A g Aᵀ  (36, tiles, F)     S = Hᵀ·V  (36, F, C)     dw = Gᵀ S G
//
//                  C               For each of the 36 points S is a product of matrices, the outer-product form of
//              ┌────┬────┬──┐      packed_microkernel.hpp. It is four times as large as the weights, and with few tiles it would be
//        tiles │ V  │    │  │      written and read for little: then a task makes the sums of some filters and a panel
//              └────┴────┴──┘      of channels for all points, and turns them into weights while they are in the
//     tiles    ┌────┬────┬──┐      second-level cache.
//    ┌─────┐   │    │    │  │
//  F │ H   │   │ S  │    │  │      With many tiles a task takes a panel for one point: that point's values, which are
//    └─────┘   └────┴────┴──┘      read over and over, stay in that cache. S is added to, chunk of tiles by chunk.
#include <algorithm>

#include "winograd.hpp"
#include "threads.hpp"

constexpr int64_t HIGH = 4 * TILE_ROWS;   // filters whose sums, of a panel of channels, are 220 kB
constexpr int64_t CHUNK = 1 << 18;   // values of tiles at a time
constexpr int64_t RANGES = 8, LEAST = 64, FEW_SUMS = 1 << 18;   // of tiles: how many of so many, and their sums

namespace {

struct WeightGradient {
    const Sizes& s;
    const Image in, out;
    const Real *x, *g;
    Real* w;

    // Values of both sides of some strips, some strips of a block of channels or filters a task.
    void values(int64_t first, int64_t strips, Real* v, int64_t v_point, Real* h, int64_t h_point) const {
        const int64_t share = ceil_div(strips, 4), blocks = in.blocks() + out.blocks();
        parallel(blocks * ceil_div(strips, share), [&](int64_t task) {
            const int64_t block = task % blocks, from = task / blocks * share, some = min(share, strips - from);
            const int64_t tile = from * in.tiles;
            Real* patch = scratch(0, in.patch());
            if (block < in.blocks())
                in.values<Data>(x, first + from, some, block, patch, v + tile * in.room(), v_point);
            else
                out.values<Gradients>(g, first + from, some, block - in.blocks(), patch, h + tile * out.room(),
                                      h_point);
        });
    }

    // Weights of filter f and channels [c, end) from the sums of their products, in each of some ranges of tiles
    void weights(int64_t f, int64_t c, int64_t end, const Real* sum, int64_t point, int64_t ranges) const {
        for (; c < end; c += LANES, sum += LANES) {
            Vec v[(9 + LANES - 1) / LANES * LANES] = {};
            transform<WeightGradients>(
                [&](int i, int j) {
                    const Real* from = sum + (i * REACH + j) * point;
                    Vec one = load(from);
                    for (int64_t r = 1; r < ranges; ++r) one += load(from + r * POINTS * point);
                    return one;
                },
                [&](int i, int j, Vec value) { v[3 * i + j] = value; });
            Real* to = w + (f * s.channels + c) * 9;
            for (int k = 0; k < 9; k += LANES) {
                transpose(v + k);
                for (int64_t i = 0; i < min(LANES, end - c); ++i)
                    store_lanes(to + 9 * i + k, v[k + i], 0, int(min(LANES, 9 - k)), 1);
            }
        }
    }

    // Few tiles: the sums of some filters and a panel of channels become weights while they are in a cache.
    void by_panels() const {
        const int64_t tiles = in.strips() * in.tiles, panels = ceil_div(s.channels, PANEL), high = min(HIGH, s.filters);
        const int64_t v_point = apart(tiles * in.room()), h_point = apart(tiles * out.room());
        const int64_t point = apart(high * PANEL);
        Real* v = scratch(1, POINTS * v_point);
        Real* h = scratch(2, POINTS * h_point);
        values(0, in.strips(), v, v_point, h, h_point);
        parallel(panels * ceil_div(s.filters, high), [&](int64_t task) {
            const int64_t f = task / panels * high, filters = min(high, s.filters - f);
            const int64_t c = task % panels * PANEL, columns = min(PANEL, s.channels - c);
            Real* sums = scratch(3, POINTS * point);
            for (int64_t k = 0; k < POINTS; ++k)
                product(h + k * h_point + f, 1, out.room(), filters, v + k * v_point + c, in.room(), columns, tiles,
                        sums + k * point, PANEL, false);
            for (int64_t i = 0; i < filters; ++i) weights(f + i, c, c + columns, sums + i * PANEL, point, 1);
        });
    }

    // Many tiles: a point at a time, whose values stay in a cache. Few sums are made for several ranges of tiles, each
    // by one thread in its own caches, and added up at the end. Where they are many there is one range, and its values
    // and its products are shared out.
    void by_points() const {
        const int64_t strips = in.strips(), tiles = in.tiles, point = apart(s.filters * in.room());
        const int64_t ranges = POINTS * point <= FEW_SUMS ? min(RANGES, ceil_div(strips * tiles, LEAST)) : 1;
        const int64_t range = ceil_div(strips, ranges), panels = ceil_div(s.channels, PANEL);
        // Large sums travel as well, once a chunk.
        const int64_t chunk = ranges > 1 ? CHUNK : max(int64_t(1) << 19, POINTS * point / 4);
        const int64_t most = max(chunk / (POINTS * (in.room() + out.room()) * tiles), 1);
        const int64_t high = ceil_div(range, ceil_div(range, most));
        const int64_t v_point = apart(high * tiles * in.room()), h_point = apart(high * tiles * out.room());
        Real* sums = scratch(3, ranges * POINTS * point);
        parallel(ranges, [&](int64_t r) {
            Real* v = scratch(1, POINTS * v_point);
            Real* h = scratch(2, POINTS * h_point);
            const int64_t begin = r * range, end = min(begin + range, strips);
            if (begin >= end) memset(sums + r * POINTS * point, 0, size_t(POINTS * point) * sizeof(Real));
            for (int64_t first = begin; first < end; first += high) {
                const int64_t count = min(high, end - first);
                values(first, count, v, v_point, h, h_point);
                parallel(POINTS * panels, [&](int64_t task) {
                    const int64_t k = task / panels, c = task % panels * PANEL;
                    product(h + k * h_point, 1, out.room(), s.filters, v + k * v_point + c, in.room(),
                            min(PANEL, s.channels - c), count * tiles, sums + (r * POINTS + k) * point + c, in.room(),
                            first > begin);
                });
            }
        });
        parallel(s.filters, [&](int64_t f) { weights(f, 0, s.channels, sums + f * in.room(), point, ranges); });
    }
};

}  // namespace

// w (F, C, 3, 3) from x (N, C, H, W) and g (N, F, OH, OW)
extern "C" void winograd_weight_grad(const Real* x, const Real* g, Real* w, const int64_t* sizes) {
    const Sizes& s = *reinterpret_cast<const Sizes*>(sizes);
    const Image in(s.batch, s.channels, s.height, s.width, s.top, s.left, REACH, s.out_height, s.out_width);
    const Image out(s.batch, s.filters, s.out_height, s.out_width, 0, 0, SIDE, s.out_height, s.out_width);
    const WeightGradient gradient{s, in, out, x, g, w};
    if (in.strips() * in.tiles <= FEW) gradient.by_panels();
    else gradient.by_points();
}
