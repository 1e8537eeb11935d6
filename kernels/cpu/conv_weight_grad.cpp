// The weight gradient of a convolution, as a product of matrices that nobody builds.
//
//     w[f, c, k] = Σ_{n,o} g[n, f, o] x[n, c, o stride + k dilation - padding]
//
// is, with a row for each channel and tap (c, k), a column for each filter f and one step of the sum for each output
// pixel, the outer-product form of packed_microkernel.hpp:
//
//               filters                  For some 384 pixels at a time, a task copies the part of x that they see into a
//            ┌────┬────┬──┐              patch with its zeros around it, and turns PANEL filters of g into a panel of
//     pixels │    │    │  │ ← g          whole vectors. Then a tile's rows are pointers into the patch, a tap each, that
//            └────┴────┴──┘              walk along the lines of pixels together: no window is ever unrolled, and any
//   c,k ┌──┐ ┌────┬────┬──┐              stride and dilation costs nothing.
//       ├──┤ ├────┼────┼──┤
//       │ x│ │ sum│    │  │              A panel is filled once for all rows of a task, a patch once for all filters.
//       └──┘ └────┴────┴──┘              Tasks are blocks of channels and of filters and, where these are few, ranges of
//                                        pixels whose sums are added up at the end. Sizes alone decide where the cuts are
// and in which order is added, so the result depends on no number of threads.
#include "packed_microkernel.hpp"
#include "threads.hpp"

constexpr int SPREAD = REGISTERS == 32 ? 9 : 6;   // rows of a tile: each takes a register for its address
constexpr int64_t PIXELS = 1024;                   // most of a chunk: a panel of 48 kB
constexpr int64_t ROWS = 640, SUMS = 81920;       // most rows and sums of a task: 320 kB or 640 kB
constexpr int64_t PATCH = 65536;                  // numbers of a patch that leave room for the sums
constexpr int64_t TASKS = 8, SHORTEST = 64;       // fewer tasks are cut into ranges of at least so many pixels

namespace {   // float's and double's templates must not become one in the process

struct Shape {
    int64_t images, groups, channels, filters;   // channels and filters of a group
    int64_t in[3], out[3], kernel[3], stride[3], before[3], dilation[3];
    int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
    int64_t inputs() const { return in[0] * in[1] * in[2]; }
    int64_t outputs() const { return out[0] * out[1] * out[2]; }
};

// sum[r] += Σ over lines and pixels of row[r][line + pixel step] panel[pixel]
template <int VECTORS>
struct Panel {
    template <int COUNT>
    struct Tile {
        static void run(
            const Real* const* row, int64_t step, const int64_t* line, int64_t lines, int64_t pixels, const Real* panel,
            Real* to, bool add
        ) {
            Vec sum[COUNT][VECTORS] = {};
            const Real* at[COUNT];
            for (int r = 0; r < COUNT; ++r) at[r] = row[r];
            for (int64_t l = 0; l < lines; ++l) {
                int64_t x = line[l];
                for (int64_t p = 0; p < pixels; ++p, x += step, panel += VECTORS * LANES) {
                    Vec v[VECTORS];
#pragma GCC unroll 2
                    for (int j = 0; j < VECTORS; ++j) v[j] = load(panel + j * LANES);
#pragma GCC unroll 9
                    for (int r = 0; r < COUNT; ++r)
#pragma GCC unroll 2
                        for (int j = 0; j < VECTORS; ++j) sum[r][j] += at[r][x] * v[j];
                }
            }
#pragma GCC unroll 9
            for (int r = 0; r < COUNT; ++r)
#pragma GCC unroll 2
                for (int j = 0; j < VECTORS; ++j, to += LANES) store(to, add ? load(to) + sum[r][j] : sum[r][j]);
        }
    };
    static constexpr auto TILES = kernels_by_rows<Tile>(std::make_integer_sequence<int, SPREAD>());
};

// How lines of output pixels are cut, and how the patch of a chunk lies in memory.
struct Cut {
    const Shape& s;
    int64_t pieces, piece;    // of a line, and the pixels in it
    int64_t units;            // pieces of all lines
    int64_t chunk;            // units in a chunk
    int64_t down;             // lines of the patch from one output to the next: a kernel of one line skips the others
    int64_t height, width;    // of a plane of the patch

    explicit Cut(const Shape& shape) : s(shape) {
        const int64_t lines = s.images * s.out[0] * s.out[1];
        pieces = ceil_div(s.out[2], PIXELS);
        piece = ceil_div(s.out[2], pieces);
        units = lines * pieces;
        chunk = pieces > 1 ? 1 : PIXELS / s.out[2];
        width = (piece - 1) * s.stride[2] + (s.kernel[2] - 1) * s.dilation[2] + 1;
        down = s.kernel[1] == 1 ? 1 : s.stride[1];
        height = (min(chunk, s.out[1]) - 1) * down + (s.kernel[1] - 1) * s.dilation[1] + 1;
    }
    int64_t plane() const { return height * width; }
    int64_t channel() const { return s.kernel[0] * plane(); }
    // planes of outputs that a chunk of so many units can touch
    int64_t planes() const { return min(chunk, ceil_div(chunk - 1, s.out[1]) + 1); }
};

// Some lines of a patch, each x[from ... from + count) where it exists and zeros elsewhere.
inline void copy_lines(
    const Real* x, int64_t down, int64_t lines, int64_t size, int64_t from, int64_t count, Real* to
) {
    const int64_t begin = min(max(-from, 0), count), end = max(min(count, size - from), begin);
    for (; lines > 0; --lines, x += down, to += count) {
        for (int64_t i = 0; i < begin; ++i) to[i] = 0;
        int64_t i = begin;
        for (; i + LANES <= end; i += LANES) store(to + i, load(x + from + i));
        if (i < end) store_lanes(to + i, load_lanes(x + from + i, 0, int(end - i)), 0, int(end - i), 1);
        for (i = end; i < count; ++i) to[i] = 0;
    }
}

// The sums of channels [c, c + cs) and filters [f, f + fs) of a group over units [begin, end), into w (filters, rows)
void block(
    const Shape& s, const Cut& cut, const Real* x, const Real* g, int64_t group, int64_t c, int64_t cs, int64_t f,
    int64_t fs, int64_t begin, int64_t end, Real* w
) {
    const int64_t taps = s.taps(), rows = cs * taps, segment = cs * cut.channel();
    Real* patch = scratch(0, segment * cut.planes());
    Real* panel = scratch(1, cut.chunk * cut.piece * PANEL);
    Real* sums = scratch(2, rows * ceil_div(fs, PANEL) * PANEL);
    const int64_t all_channels = s.groups * s.channels, all_filters = s.groups * s.filters;
    g += (group * s.filters + f) * s.outputs();
    x += (group * s.channels + c) * s.inputs();
    int64_t line[PIXELS];
    for (int64_t chunk = begin; chunk < end; chunk += cut.chunk) {
        const int64_t units = min(cut.chunk, end - chunk);
        const int64_t start = chunk % cut.pieces * cut.piece;   // of the pieces
        const int64_t pixels = min(cut.piece, s.out[2] - start);
        // The patch: a segment for each plane of outputs that the chunk touches.
        int64_t segments = 0;
        struct { int64_t image, plane, row, lines; } part[PIXELS];
        for (int64_t u = 0; u < units; ++segments) {
            const int64_t at = (chunk + u) / cut.pieces, row = at % s.out[1], plane = at / s.out[1];
            const int64_t lines = min(units - u, s.out[1] - row);
            part[segments] = {plane / s.out[0], plane % s.out[0], row, lines};
            for (int64_t l = 0; l < lines; ++l) line[u + l] = segments * segment + l * cut.down * cut.width;
            u += lines;
        }
        for (int64_t i = 0; i < segments; ++i) {
            const auto& p = part[i];
            const int64_t high = (p.lines - 1) * cut.down + (s.kernel[1] - 1) * s.dilation[1] + 1;
            const int64_t top = p.row * s.stride[1] - s.before[1], skip = s.stride[1] / cut.down;
            Real* to = patch + i * segment;
            for (int64_t channel = 0; channel < cs; ++channel)
                for (int64_t k = 0; k < s.kernel[0]; ++k, to += cut.plane()) {
                    const int64_t z = p.plane * s.stride[0] + k * s.dilation[0] - s.before[0];
                    const bool inside = z >= 0 && z < s.in[0];
                    const int64_t begin = inside ? min(ceil_div(max(-top, 0), skip), high) : high;
                    const int64_t end = max(min(high, ceil_div(s.in[1] - top, skip)), begin);
                    const Real* from = x + ((p.image * all_channels + channel) * s.in[0] + z) * s.in[1] * s.in[2];
                    memset(to, 0, size_t(begin * cut.width) * sizeof(Real));
                    copy_lines(from + (top + begin * skip) * s.in[2], skip * s.in[2], end - begin, s.in[2],
                               start * s.stride[2] - s.before[2], cut.width, to + begin * cut.width);
                    memset(to + end * cut.width, 0, size_t((high - end) * cut.width) * sizeof(Real));
                }
        }
        for (int64_t j = 0; j < fs; j += PANEL) {
            const bool narrow = fs - j <= LANES;
            Real* to = panel;
            for (int64_t i = 0; i < segments; ++i) {
                const auto& p = part[i];
                const int64_t count = p.lines * pixels;
                const Real* from = g + (p.image * all_filters + j) * s.outputs()
                                   + (p.plane * s.out[1] + p.row) * s.out[2] + start;
                if (narrow) pack_rows<LANES>(from, s.outputs(), fs - j, count, to);
                else pack_rows<PANEL>(from, s.outputs(), min(PANEL, fs - j), count, to);
                to += count * (narrow ? LANES : PANEL);
            }
            Real* sum = sums + rows * j;
            for (int64_t r = 0; r < rows; r += SPREAD) {
                const int64_t count = min(SPREAD, rows - r);
                const Real* row[SPREAD];
                for (int64_t i = 0; i < count; ++i) {
                    const int64_t channel = (r + i) / taps, tap = (r + i) % taps;
                    const int64_t kx = tap % s.kernel[2], ky = tap / s.kernel[2] % s.kernel[1];
                    const int64_t kz = tap / s.kernel[2] / s.kernel[1];
                    row[i] = patch + channel * cut.channel() + kz * cut.plane() + ky * s.dilation[1] * cut.width
                             + kx * s.dilation[2];
                }
                (narrow ? Panel<1>::TILES.of : Panel<PANEL_VECTORS>::TILES.of)[count - 1](
                    row, s.stride[2], line, units, pixels, panel, sum + r * (narrow ? LANES : PANEL), chunk > begin
                );
            }
        }
    }
    for (int64_t j = 0; j < fs; j += PANEL) {
        const int64_t wide = fs - j <= LANES ? LANES : PANEL;
        const Real* sum = sums + rows * j;
        Real* to = w + ((group * s.filters + f + j) * s.channels + c) * taps;
        for (int64_t q = 0; q < min(PANEL, fs - j); q += LANES)
            for (int64_t r = 0; r < rows; r += LANES) {
                const int64_t count = min(LANES, rows - r);
                Vec v[LANES] = {};
                for (int64_t i = 0; i < count; ++i) v[i] = load(sum + (r + i) * wide + q);
                transpose(v);
                for (int64_t i = 0; i < min(LANES, fs - j - q); ++i)
                    store_lanes(to + (q + i) * s.channels * taps + r, v[i], 0, int(count), 1);
            }
    }
}

}  // namespace

// w (F, C/G, K) from x (N, C, I) and g (N, F, O), N > 0; sizes: a Shape
extern "C" void conv_weight_grad(const Real* x, const Real* g, Real* w, const int64_t* sizes) {
    const Shape& s = *reinterpret_cast<const Shape*>(sizes);
    Cut cut(s);
    int64_t cs = min(s.channels, ceil_div(ROWS, s.taps()));
    cs = min(cs, ceil_div(PATCH, cut.channel() * cut.planes()));
    const int64_t c_blocks = ceil_div(s.channels, cs);
    cs = ceil_div(s.channels, c_blocks);
    int64_t fs = min(s.filters, ceil_div(ceil_div(SUMS, cs * s.taps()), PANEL) * PANEL);
    fs = ceil_div(ceil_div(s.filters, ceil_div(s.filters, fs)), PANEL) * PANEL;
    const int64_t f_blocks = ceil_div(s.filters, fs);
    const int64_t blocks = s.groups * c_blocks * f_blocks;
    const int64_t ranges = min(ceil_div(TASKS, blocks), ceil_div(cut.units * cut.piece, SHORTEST));
    const int64_t range = ceil_div(cut.units, ranges), size = s.groups * s.filters * s.channels * s.taps();
    const int64_t used = ceil_div(cut.units, range);
    cut.chunk = min(cut.chunk, range);
    Real* sums = used > 1 ? scratch(3, used * size) : w;
    parallel(blocks * used, [&](int64_t task) {
        const int64_t i = task / blocks, c = task % c_blocks * cs, f = task / c_blocks % f_blocks * fs;
        block(
            s, cut, x, g, task % blocks / (c_blocks * f_blocks), c, min(cs, s.channels - c), f,
            min(fs, s.filters - f), i * range, min((i + 1) * range, cut.units), sums + i * size
        );
    });
    if (used == 1) return;
    constexpr int64_t PIECE = 4096;
    parallel(ceil_div(size, PIECE), [&](int64_t piece) {
        for (int64_t i = piece * PIECE; i < min((piece + 1) * PIECE, size); ++i) {
            Real sum = sums[i];
            for (int64_t r = 1; r < used; ++r) sum += sums[r * size + i];
            w[i] = sum;
        }
    });
}
