// Winograd's F(4×4, 3×3) for the weight gradient. winograd.hpp has the equations.
//
//     V = Bᵀ x B  of tiles (36, tiles, C)     H = A g Aᵀ  (36, tiles, F)     S = Hᵀ·V  (36, F, C)     dw = Gᵀ S G
//
//                  C               For each of the 36 points, S is a matrix product; packed_microkernel.hpp computes it.
//              ┌────┬────┬──┐
//        tiles │ V  │    │  │      Few tiles: S is four times as large as the weights, so storing all of it would cost more
//              └────┴────┴──┘      than the products. A task computes S of some filters and a panel of channels for all
//     tiles    ┌────┬────┬──┐      points, and transforms it to weights while it is in the L2 cache.
//    ┌─────┐   │    │    │  │
//  F │ H   │   │ S  │    │  │      Many tiles: a task takes a panel for one point. The values of this point are read many
//    └─────┘   └────┴────┴──┘      times and stay in the L2 cache. Chunk after chunk of tiles is added to S.
#include "winograd.hpp"

constexpr int64_t TASK_FILTERS = 4 * TILE_ROWS;   // with a panel of channels, S takes 220 kB
constexpr int64_t CHUNK = 1 << 18, LARGE_CHUNK = 1 << 19;   // numbers of V and H at a time
// S with at most FEW_SUMS numbers is computed for several ranges of tiles: at most MAX_RANGES, of MIN_RANGE tiles or more.
constexpr int64_t FEW_SUMS = 1 << 18, MAX_RANGES = 8, MIN_RANGE = 64;

namespace {

struct WeightGradient {
    const Winograd3x3& s;
    const TiledImages source, result;
    const Real *x, *g;
    Real* w;

    // Computes V and H of some strips. A task takes a quarter of the strips, for a block of channels or of filters.
    void transform_inputs(int64_t first, int64_t strips, Real* v, int64_t v_point, Real* h, int64_t h_point) const {
        const int64_t share = ceil_div(strips, 4), blocks = source.blocks() + result.blocks();
        parallel(blocks * ceil_div(strips, share), [&](int64_t task) {
            const int64_t block = task % blocks, from = task / blocks * share, count = min(share, strips - from);
            const int64_t tile = from * source.tiles;
            Real* patch = scratch(0, source.patch_size());
            if (block < source.blocks())
                source.transform_tiles<InputTransform>(
                    x, first + from, count, block, patch, v + tile * source.tile_pitch(), v_point
                );
            else
                result.transform_tiles<GradientTransform>(
                    g, first + from, count, block - source.blocks(), patch, h + tile * result.tile_pitch(), h_point
                );
        });
    }

    // Computes the weights of filter f and channels [c, end) from S, which is the sum over `ranges` arrays.
    void transform_sums(int64_t f, int64_t c, int64_t end, const Real* sums, int64_t point, int64_t ranges) const {
        for (; c < end; c += LANES, sums += LANES) {
            Vec v[(9 + LANES - 1) / LANES * LANES] = {};
            transform<WeightGradTransform>(
                [&](int i, int j) {
                    const Real* from = sums + (i * INPUT_TILE + j) * point;
                    Vec sum = load(from);
                    for (int64_t r = 1; r < ranges; ++r) sum += load(from + r * POINTS * point);
                    return sum;
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

    // Few tiles: S of some filters and a panel of channels becomes weights while it is in the cache.
    void by_panels() const {
        const int64_t tiles = source.strips() * source.tiles, panels = ceil_div(s.channels, PANEL);
        const int64_t share = min(TASK_FILTERS, s.filters), point = point_pitch(share * PANEL);
        const int64_t v_point = point_pitch(tiles * source.tile_pitch());
        const int64_t h_point = point_pitch(tiles * result.tile_pitch());
        Real* v = scratch(1, POINTS * v_point);
        Real* h = scratch(2, POINTS * h_point);
        transform_inputs(0, source.strips(), v, v_point, h, h_point);
        parallel(panels * ceil_div(s.filters, share), [&](int64_t task) {
            const int64_t f = task / panels * share, filters = min(share, s.filters - f);
            const int64_t c = task % panels * PANEL, columns = min(PANEL, s.channels - c);
            Real* sums = scratch(3, POINTS * point);
            for (int64_t k = 0; k < POINTS; ++k)
                multiply(h + k * h_point + f, 1, result.tile_pitch(), filters, v + k * v_point + c, source.tile_pitch(),
                         columns, tiles, sums + k * point, PANEL, false);
            for (int64_t i = 0; i < filters; ++i) transform_sums(f + i, c, c + columns, sums + i * PANEL, point, 1);
        });
    }

    // Many tiles: one point at a time, so that its values stay in the cache. If S is small, it is computed for several
    // ranges of tiles, each by one thread in its own cache, and added at the end. If S is large there is one range, and
    // the threads share its transforms and its products.
    void by_points() const {
        const int64_t strips = source.strips(), tiles = source.tiles, point = point_pitch(s.filters * source.tile_pitch());
        const int64_t ranges = POINTS * point <= FEW_SUMS ? min(MAX_RANGES, ceil_div(strips * tiles, MIN_RANGE)) : 1;
        const int64_t range = ceil_div(strips, ranges), panels = ceil_div(s.channels, PANEL);
        // A large S is loaded and stored once for each chunk, so chunks are larger then.
        const int64_t chunk = ranges > 1 ? CHUNK : max(LARGE_CHUNK, POINTS * point / 4);
        const int64_t limit = chunk / (POINTS * (source.tile_pitch() + result.tile_pitch()) * tiles);
        const int64_t chunk_strips = equal_blocks(range, limit);
        const int64_t v_point = point_pitch(chunk_strips * tiles * source.tile_pitch());
        const int64_t h_point = point_pitch(chunk_strips * tiles * result.tile_pitch());
        Real* sums = scratch(3, ranges * POINTS * point);
        parallel(ranges, [&](int64_t r) {
            Real* v = scratch(1, POINTS * v_point);
            Real* h = scratch(2, POINTS * h_point);
            const int64_t begin = r * range, end = min(begin + range, strips);
            if (begin >= end) memset(sums + r * POINTS * point, 0, size_t(POINTS * point) * sizeof(Real));
            for (int64_t first = begin; first < end; first += chunk_strips) {
                const int64_t count = min(chunk_strips, end - first);
                transform_inputs(first, count, v, v_point, h, h_point);
                parallel(POINTS * panels, [&](int64_t task) {
                    const int64_t k = task / panels, c = task % panels * PANEL;
                    multiply(h + k * h_point, 1, result.tile_pitch(), s.filters, v + k * v_point + c, source.tile_pitch(),
                             min(PANEL, s.channels - c), count * tiles, sums + (r * POINTS + k) * point + c,
                             source.tile_pitch(), first > begin);
                });
            }
        });
        parallel(s.filters, [&](int64_t f) {
            transform_sums(f, 0, s.channels, sums + f * source.tile_pitch(), point, ranges);
        });
    }
};

}  // namespace

// w (F, C, 3, 3) from x (N, C, H, W) and g (N, F, OH, OW); shape: a ConvShape
extern "C" void winograd_weight_grad(const Real* x, const Real* g, Real* w, const int64_t* shape) {
    const Winograd3x3 sizes(conv_shape(shape), false);
    const WeightGradient gradient{sizes, TiledImages::of_source(sizes), TiledImages::of_result(sizes), x, g, w};
    if (gradient.source.strips() * gradient.source.tiles <= FEW_TILES) gradient.by_panels();
    else gradient.by_points();
}
