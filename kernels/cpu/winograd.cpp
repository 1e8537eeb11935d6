// Winograd's F(4×4, 3×3), forward and for the input gradient. winograd.hpp has the equations.
//
//     V = Bᵀ x B  of tiles (36, tiles, C)      U = G w Gᵀ  (36, C, F)      M = V·U  (36, tiles, F)      y = Aᵀ M A
//
//            F, a panel at a time      For each of the 36 points, M is a matrix product (packed_microkernel.hpp).
//          ┌────┬────┬──┐
//        C │ U  │    │  │              Many tiles: U is computed once for all of them. A task takes a few rows of tiles,
//          └────┴────┴──┘              few enough that V and M of one panel stay in the L2 cache.
//     C    ┌────┬────┬──┐
//    ┌───┐ │    │    │  │              Few tiles: the weights are most of the work. V is computed once, and a task takes a
//  V │   │ │ M  │    │  │ tiles        panel. It computes U for one block of channels at a time and uses it while it is in
//    └───┘ └────┴────┴──┘              the L2 cache.
//
// A NaN or an infinity in x spreads over all results of its tiles, and large numbers can overflow in V. So the results are
// watched: `finite` becomes 0 if one of them is not finite, and the caller convolves in another way.
#include "winograd.hpp"

constexpr int64_t CHANNELS = 256;     // of a block; half of this with few tiles: 590 kB of U for a panel
constexpr int64_t TASK_TILES = 48;

namespace {

struct Winograd {
    const Winograd3x3& s;
    const TiledImages source, result;
    const int64_t panels;    // of filters
    const bool few_tiles;
    const int64_t block;     // channels of a block
    const int64_t u_point;   // numbers of U of a panel and a block, for one point
    const Real *w, *bias;
    Real* y;
    int64_t* finite;
    const bool with_relu;

    Winograd(const Winograd3x3& sizes, const Real* weights, const Real* b, Real* to, int64_t* all_finite, bool activation)
        : s(sizes), source(TiledImages::of_source(s)), result(TiledImages::of_result(s)),
          panels(ceil_div(s.filters, PANEL)), few_tiles(source.strips() * source.tiles <= FEW_TILES),
          block(round_up(equal_blocks(s.channels, few_tiles ? CHANNELS / 2 : CHANNELS), LANES)),
          u_point(point_pitch(block * PANEL)), w(weights), bias(b), y(to), finite(all_finite), with_relu(activation) {}

    // Computes U of a panel and channels [c, end) of one block: for each point and channel, PANEL filters.
    void transform_weights(int64_t panel, int64_t c, int64_t end, Real* u) const {
        const int64_t filter_pitch = s.input_grad ? 9 : 9 * s.channels, channel_pitch = s.input_grad ? 9 * s.filters : 9;
        for (; c < end; ++c)
            for (int64_t f = panel * PANEL; f < min(panel * PANEL + PANEL, s.filters); f += LANES) {
                const int64_t count = min(LANES, s.filters - f);
                const Real* from = w + c * channel_pitch + f * filter_pitch;
                Real taps[9 * LANES];   // lanes are filters
                for (int k = 0; k < 9; k += LANES) {
                    const int lanes = int(min(LANES, 9 - k));
                    Vec v[LANES] = {};
                    for (int64_t i = 0; i < count; ++i) v[i] = load_lanes(from + i * filter_pitch + k, 0, lanes);
                    transpose(v);
                    // In the input gradient the kernel is flipped.
                    for (int i = 0; i < lanes; ++i) store(taps + (s.input_grad ? 8 - k - i : k + i) * LANES, v[i]);
                }
                Real* to = u + c % block * PANEL + f % PANEL;
                transform<WeightTransform>([&](int i, int j) { return load(taps + (3 * i + j) * LANES); },
                                           [&](int i, int j, Vec v) { store(to + (i * INPUT_TILE + j) * u_point, v); });
            }
    }

    // Computes y of some strips and a panel from V and U. block_of_u(c) returns U of the channels from c on; `v_point` is
    // the distance in V of two points' values.
    template <class BlockOfU>
    void compute_result(
        int64_t first, int64_t strips, int64_t panel, BlockOfU block_of_u, const Real* v, int64_t v_point
    ) const {
        const int64_t tiles = strips * source.tiles, columns = min(PANEL, s.filters - panel * PANEL);
        const int64_t m_point = point_pitch(tiles * PANEL);
        Real* m = scratch(3, POINTS * m_point);
        for (int64_t c = 0; c < s.channels; c += block) {
            const Real* u = block_of_u(c);
            for (int64_t k = 0; k < POINTS; ++k)
                multiply(v + k * v_point + c, source.tile_pitch(), 1, tiles, u + k * u_point, PANEL, columns,
                         min(block, s.channels - c), m + k * m_point, PANEL, c > 0);
        }
        for (int64_t i = 0; i < columns; i += LANES) transform_result(first, strips, panel, i, m, m_point);
    }

    // Writes y for the filters from i on of a panel: at most LANES filters.
    void transform_result(int64_t first, int64_t strips, int64_t panel, int64_t i, const Real* m, int64_t m_point) const {
        Real* patch = scratch(0, result.patch_size());
        Real bias_lanes[LANES] = {};
        const int64_t f = panel * PANEL + i;
        if (bias) memcpy(bias_lanes, bias + f, size_t(min(LANES, s.filters - f)) * sizeof(Real));
        const Vec b = load(bias_lanes);
        const Real* from = m + i;
        Vec zero{};   // stays 0 if all results are finite, and becomes NaN otherwise
        for (int64_t strip = first; strip < first + strips; ++strip) {
            for (int64_t t = 0; t < source.tiles; ++t, from += PANEL) {
                Real* to = patch + t * OUTPUT_TILE * LANES;
                transform<OutputTransform>(
                    [&](int i, int j) { return load(from + (i * INPUT_TILE + j) * m_point); },
                    [&](int i, int j, Vec value) {
                        value += b;
                        zero += value * Real(0);
                        if (with_relu) value = relu(value);
                        store(to + (i * result.pitch + j) * LANES, value);
                    });
            }
            result.write_patch(patch, strip, panel * PANEL_VECTORS + i / LANES, y);
        }
        Real lanes[LANES];
        store(lanes, zero);
        for (int64_t lane = 0; lane < min(LANES, s.filters - f); ++lane)
            if (lanes[lane] != 0) __atomic_store_n(finite, 0, __ATOMIC_RELAXED);
    }

    // Few tiles: all tasks share V. A task takes a panel, and computes its U block by block.
    void by_panels(const Real* x) const {
        const int64_t strips = source.strips(), v_point = point_pitch(strips * source.tiles * source.tile_pitch());
        Real* v = scratch(1, POINTS * v_point);
        parallel(source.blocks(), [&](int64_t lanes) {
            source.transform_tiles<InputTransform>(x, 0, strips, lanes, scratch(0, source.patch_size()), v, v_point);
        });
        parallel(panels, [&](int64_t panel) {
            const auto block_of_u = [&](int64_t c) {
                Real* u = scratch(2, POINTS * u_point);
                transform_weights(panel, c, min(c + block, s.channels), u);
                return u;
            };
            compute_result(0, strips, panel, block_of_u, v, v_point);
        });
    }

    // Many tiles: all tasks share U. A task takes a few strips, and computes their V.
    void by_strips(const Real* x) const {
        const int64_t blocks = ceil_div(s.channels, block);
        Real* u = scratch(2, panels * blocks * POINTS * u_point);
        const auto u_of = [&](int64_t panel, int64_t c) { return u + (panel * blocks + c / block) * POINTS * u_point; };
        parallel(panels * source.blocks(), [&](int64_t task) {
            const int64_t panel = task / source.blocks(), c = task % source.blocks() * LANES;
            transform_weights(panel, c, min(c + LANES, s.channels), u_of(panel, c));
        });
        const int64_t share = ceil_div(source.strips(), ceil_div(source.strips() * source.tiles, TASK_TILES));
        const int64_t v_point = point_pitch(share * source.tiles * source.tile_pitch());
        parallel(ceil_div(source.strips(), share), [&](int64_t task) {
            const int64_t first = task * share, strips = min(share, source.strips() - first);
            Real* v = scratch(1, POINTS * v_point);
            for (int64_t lanes = 0; lanes < source.blocks(); ++lanes)
                source.transform_tiles<InputTransform>(
                    x, first, strips, lanes, scratch(0, source.patch_size()), v, v_point
                );
            for (int64_t panel = 0; panel < panels; ++panel)
                compute_result(first, strips, panel, [&](int64_t c) { return u_of(panel, c); }, v, v_point);
        });
    }
};

void run(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* shape, int64_t* finite, bool with_relu,
    bool input_grad
) {
    const Winograd3x3 sizes(conv_shape(shape), input_grad);
    const Winograd winograd(sizes, w, bias, y, finite, with_relu);
    *finite = 1;
    if (winograd.few_tiles) winograd.by_panels(x);
    else winograd.by_strips(x);
}

}  // namespace

// --- entry points: shapes are a ConvShape, bias may be null; `finite` (1) tells whether all results are finite --------

// y (N, F, OH, OW) from x (N, C, H, W) and w (F, C, 3, 3); bias (F)
extern "C" void winograd(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* shape, int64_t* finite, int64_t with_relu
) {
    run(x, w, bias, y, shape, finite, with_relu, false);
}

// x (N, C, H, W) from g (N, F, OH, OW) and w (F, C, 3, 3); bias (C)
extern "C" void winograd_input_grad(
    const Real* g, const Real* w, const Real* bias, Real* x, const int64_t* shape, int64_t* finite, int64_t with_relu
) {
    run(g, w, bias, x, shape, finite, with_relu, true);
}
