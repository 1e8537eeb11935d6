// Winograd's F(4×4, 3×3) forward and for the input gradient; winograd.hpp has the equations.
//
//     V = Bᵀ x B  of tiles (36, tiles, C)      U = G w Gᵀ  (36, C, F)      M = V·U  (36, tiles, F)      y = Aᵀ M A
//
//            F, a panel at a time      For each of the 36 points M is a product of matrices, the outer-product form of
//          ┌────┬────┬──┐              packed_microkernel.hpp. With many tiles U is made once for all of them, and a task takes some
//        C │ U  │    │  │              rows of tiles, so few that V and the part of M for one panel stay in the
//          └────┴────┴──┘              second-level cache. With few tiles the weights are most of the work: V is made
//     C    ┌────┬────┬──┐              once, a task takes a panel, and U is made for a block of channels at a time and
//    ┌───┐ │    │    │  │              used up while it is in that cache.
//  V │   │ │ M  │    │  │ tiles
//    └───┘ └────┴────┴──┘
#include "winograd.hpp"
#include "threads.hpp"

constexpr int64_t DEPTH = 256;   // channels of a block; half of it, 590 kB of U for a panel, where U is used up at once
constexpr int64_t TILES = 48;    // of a task

namespace {

struct Winograd {
    const Sizes& s;
    const Image in, out;
    const int64_t panels;   // of filters
    const bool few;         // tiles
    const int64_t depth;    // channels of a block
    const int64_t size;     // of a panel of a block of U, for one point
    const Real *w, *bias;
    Real* y;
    const bool rectify;

    Winograd(const Sizes& sizes, const Real* weights, const Real* add, Real* to, bool relu)
        : s(sizes), in(s.batch, s.channels, s.height, s.width, s.top, s.left, REACH, s.out_height, s.out_width),
          out(s.batch, s.filters, s.out_height, s.out_width, 0, 0, SIDE, s.out_height, s.out_width),
          panels(ceil_div(s.filters, PANEL)), few(in.strips() * in.tiles <= FEW),
          depth(ceil_div(ceil_div(s.channels, ceil_div(s.channels, few ? DEPTH / 2 : DEPTH)), LANES) * LANES),
          size(apart(depth * PANEL)), w(weights), bias(add), y(to), rectify(relu) {}

    // U of a panel and channels [c, end), of one block: for each point, channel by channel, PANEL filters
    void weights(int64_t panel, int64_t c, int64_t end, Real* u) const {
        const int64_t row = s.turned ? 9 : 9 * s.channels;
        for (; c < end; ++c)
            for (int64_t f = panel * PANEL; f < min(panel * PANEL + PANEL, s.filters); f += LANES) {
                const int64_t count = min(LANES, s.filters - f);
                const Real* from = w + (s.turned ? c * s.filters : c) * 9 + f * row;
                Real lines[9 * LANES];
                for (int k = 0; k < 9; k += LANES) {
                    const int some = int(min(LANES, 9 - k));
                    Vec v[LANES] = {};
                    for (int64_t i = 0; i < count; ++i) v[i] = load_lanes(from + i * row + k, 0, some);
                    transpose(v);
                    for (int i = 0; i < some; ++i) store(lines + (s.turned ? 8 - k - i : k + i) * LANES, v[i]);
                }
                Real* to = u + c % depth * PANEL + f % PANEL;
                transform<Weights>([&](int i, int j) { return load(lines + (3 * i + j) * LANES); },
                                   [&](int i, int j, Vec v) { store(to + (i * REACH + j) * size, v); });
            }
    }

    // y of some strips and a panel, from V and from block(c), the U of the channels from c on; `point` lies between the
    // values of V at two points
    template <class Block>
    void results(int64_t first, int64_t strips, int64_t panel, Block block, const Real* v, int64_t point) const {
        const int64_t tiles = strips * in.tiles, columns = min(PANEL, s.filters - panel * PANEL);
        const int64_t step = apart(tiles * PANEL);
        Real* m = scratch(3, POINTS * step);
        Real* patch = scratch(0, out.patch());
        for (int64_t c = 0; c < s.channels; c += depth) {
            const Real* u = block(c);
            for (int64_t k = 0; k < POINTS; ++k)
                product(v + k * point + c, in.room(), 1, tiles, u + k * size, PANEL, columns,
                        min(depth, s.channels - c), m + k * step, PANEL, c > 0);
        }
        for (int64_t i = 0; i < columns; i += LANES) {
            Real some[LANES] = {};
            if (bias) memcpy(some, bias + panel * PANEL + i, size_t(min(LANES, columns - i)) * sizeof(Real));
            const Vec add = load(some);
            const Real* from = m + i;
            for (int64_t strip = first; strip < first + strips; ++strip) {
                for (int64_t t = 0; t < in.tiles; ++t, from += PANEL) {
                    Real* to = patch + t * SIDE * LANES;
                    transform<Results>([&](int a, int b) { return load(from + (a * REACH + b) * step); },
                                       [&](int a, int b, Vec value) {
                                           value += add;
                                           if (rectify) value = relu(value);
                                           store(to + (a * out.pitch + b) * LANES, value);
                                       });
                }
                out.empty(patch, strip, panel * PANEL_VECTORS + i / LANES, y);
            }
        }
    }

    // Few tiles: their V is shared, and a panel's U is used up while it is in a cache.
    void by_panels(const Real* x) const {
        const int64_t strips = in.strips(), point = apart(strips * in.tiles * in.room());
        Real* v = scratch(1, POINTS * point);
        parallel(in.blocks(), [&](int64_t block) {
            in.values<Data>(x, 0, strips, block, scratch(0, in.patch()), v, point);
        });
        parallel(panels, [&](int64_t panel) {
            const auto block = [&](int64_t c) {
                Real* u = scratch(2, POINTS * size);
                weights(panel, c, min(c + depth, s.channels), u);
                return u;
            };
            results(0, strips, panel, block, v, point);
        });
    }

    // Many tiles: U is shared, and the V of some strips is used up.
    void by_tiles(const Real* x) const {
        const int64_t blocks = ceil_div(s.channels, depth);
        Real* u = scratch(2, panels * blocks * POINTS * size);
        const auto place = [&](int64_t panel, int64_t c) { return u + (panel * blocks + c / depth) * POINTS * size; };
        parallel(panels * in.blocks(), [&](int64_t task) {
            const int64_t panel = task / in.blocks(), c = task % in.blocks() * LANES;
            weights(panel, c, min(c + LANES, s.channels), place(panel, c));
        });
        const int64_t high = ceil_div(in.strips(), ceil_div(in.strips() * in.tiles, TILES));
        const int64_t point = apart(high * in.tiles * in.room());
        parallel(ceil_div(in.strips(), high), [&](int64_t task) {
            const int64_t first = task * high, strips = min(high, in.strips() - first);
            Real* v = scratch(1, POINTS * point);
            for (int64_t block = 0; block < in.blocks(); ++block)
                in.values<Data>(x, first, strips, block, scratch(0, in.patch()), v, point);
            for (int64_t panel = 0; panel < panels; ++panel)
                results(first, strips, panel, [&](int64_t c) { return place(panel, c); }, v, point);
        });
    }
};

}  // namespace

// y (N, F, OH, OW) from x (N, C, H, W) and w (F, C, 3, 3), turned (C, F, 3, 3); bias (F) may be null; sizes: a Sizes
extern "C" void winograd(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* sizes, int64_t rectify
) {
    const Winograd winograd(*reinterpret_cast<const Sizes*>(sizes), w, bias, y, rectify);
    if (winograd.few) winograd.by_panels(x);
    else winograd.by_tiles(x);
}
