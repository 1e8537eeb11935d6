// The weight gradient of a convolution, as a matrix product whose windows matrix is never stored.
//
//     w[f, c, k] = Σ_{n,o} g[n, f, o] x[n, c, o·stride + k·dilation - padding]
//
// A row of the product is a channel and a tap (c, k); a tap is one offset of the kernel window. A column is a filter f.
// The sum runs over all output pixels (n, o). Each step of it adds an outer product, as in packed_microkernel.hpp.
//
//               filters                  A task works on chunks of up to 1024 pixels. It copies the part of x that they
//            ┌────┬────┬──┐              read into a patch, with zeros around it. It packs PANEL filters of g into a
//     pixels │    │    │  │ ← g          panel of whole vectors. A tile's rows are then pointers into the patch, one for
//            └────┴────┴──┘              each tap, and all of them move along the lines of pixels together. Windows are
//   c,k ┌──┐ ┌────┬────┬──┐              never gathered, and stride and dilation cost nothing.
//       ├──┤ ├────┼────┼──┤
//       │ x│ │ sum│    │  │              A panel is packed once for all rows of a task, a patch is copied once for all
//       └──┘ └────┴────┴──┘              filters. Tasks are blocks of channels and filters. If there are few of these,
//                                        they are split into ranges of pixels, whose sums are added at the end.
//
// The sizes alone decide how the work is cut and in which order sums are added. So the result does not depend on the
// number of threads.
#include "conv_shape.hpp"
#include "packed_microkernel.hpp"
#include "threads.hpp"

constexpr int PATCH_ROWS = REGISTERS == 32 ? 9 : 6;   // rows of a tile: each needs a register for its address
constexpr int64_t MAX_PIXELS = 1024;                  // of a chunk: a panel of 48 kB
constexpr int64_t MAX_ROWS = 640, MAX_SUMS = 81920;   // of a task: 320 kB or 640 kB of sums
constexpr int64_t MAX_PATCH = 65536;                  // numbers of a patch: more would push the sums out of the cache
constexpr int64_t MIN_TASKS = 8, MIN_RANGE = 64;      // fewer tasks are split into ranges of MIN_RANGE pixels or more

namespace {   // one process loads this for float and for double: without it the linker would merge the templates of both

// sum[r] += Σ over lines and pixels of row[r][line + pixel·stride] panel[pixel], for ROWS rows.
template <int VECTORS>
struct PatchMicrokernel {
    template <int ROWS>
    struct Tile {
        static void run(
            const Real* const* row, int64_t stride, const int64_t* line, int64_t lines, int64_t pixels, const Real* panel,
            Real* to, bool add
        ) {
            Vec sum[ROWS][VECTORS] = {};
            const Real* at[ROWS];
            for (int r = 0; r < ROWS; ++r) at[r] = row[r];
            for (int64_t l = 0; l < lines; ++l) {
                int64_t x = line[l];
                for (int64_t p = 0; p < pixels; ++p, x += stride, panel += VECTORS * LANES) {
                    Vec v[VECTORS];
#pragma GCC unroll 2
                    for (int j = 0; j < VECTORS; ++j) v[j] = load(panel + j * LANES);
#pragma GCC unroll 9
                    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
                        for (int j = 0; j < VECTORS; ++j) sum[r][j] += at[r][x] * v[j];
                }
            }
#pragma GCC unroll 9
            for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
                for (int j = 0; j < VECTORS; ++j, to += LANES) store(to, add ? load(to) + sum[r][j] : sum[r][j]);
        }
    };
    static constexpr auto TILES = kernels_by_rows<Tile>(std::make_integer_sequence<int, PATCH_ROWS>());
};

// How lines of output pixels are cut into chunks, and the layout of a chunk's patch in memory.
struct Cut {
    const ConvShape& s;
    int64_t pieces, piece;    // the number of pieces of a line, and the pixels of a piece
    int64_t units;            // pieces of all lines of all images
    int64_t chunk;            // units of a chunk
    int64_t line_step;        // lines of the patch between two output lines: a kernel of height 1 skips the lines between
    int64_t height, width;    // of a plane of the patch

    explicit Cut(const ConvShape& shape) : s(shape) {
        const int64_t lines = s.batch * s.output[0] * s.output[1];
        pieces = ceil_div(s.output[2], MAX_PIXELS);
        piece = ceil_div(s.output[2], pieces);
        units = lines * pieces;
        chunk = pieces > 1 ? 1 : MAX_PIXELS / s.output[2];
        width = (piece - 1) * s.stride[2] + (s.kernel[2] - 1) * s.dilation[2] + 1;
        line_step = s.kernel[1] == 1 ? 1 : s.stride[1];
        height = lines_read(min(chunk, s.output[1]));
    }
    int64_t lines_read(int64_t lines) const { return (lines - 1) * line_step + (s.kernel[1] - 1) * s.dilation[1] + 1; }
    int64_t plane() const { return height * width; }
    int64_t channel() const { return s.kernel[0] * plane(); }
    // Output planes that a chunk can touch.
    int64_t planes_of_chunk() const { return min(chunk, ceil_div(chunk - 1, s.output[1]) + 1); }
};

// Lines of one output plane that belong to a chunk. The patch has a segment for each of these.
struct Segment {
    int64_t image, plane, row, lines;
};

struct Chunk {
    int64_t units, first_pixel, pixels;   // pixels of each unit: a line, or the same piece of several lines
    int64_t segments = 0;
    Segment segment[MAX_PIXELS];
    int64_t line[MAX_PIXELS];             // where the line of each unit begins in the patch

    Chunk(const Cut& cut, int64_t first, int64_t end, int64_t segment_size) {
        const ConvShape& s = cut.s;
        units = min(cut.chunk, end - first);
        first_pixel = first % cut.pieces * cut.piece, pixels = min(cut.piece, s.output[2] - first_pixel);
        for (int64_t u = 0; u < units; ++segments) {
            const int64_t at = (first + u) / cut.pieces, row = at % s.output[1], plane = at / s.output[1];
            const int64_t lines = min(units - u, s.output[1] - row);
            segment[segments] = {plane / s.output[0], plane % s.output[0], row, lines};
            for (int64_t l = 0; l < lines; ++l) line[u + l] = segments * segment_size + l * cut.line_step * cut.width;
            u += lines;
        }
    }
};

// Copies lines of a patch: elements x[from], ..., x[from + count - 1] of each, and zeros outside of [0, size).
inline void copy_lines(
    const Real* x, int64_t pitch, int64_t lines, int64_t size, int64_t from, int64_t count, Real* to
) {
    const int64_t begin = min(max(-from, 0), count), end = max(min(count, size - from), begin);
    for (; lines > 0; --lines, x += pitch, to += count) {
        for (int64_t i = 0; i < begin; ++i) to[i] = 0;
        int64_t i = begin;
        for (; i + LANES <= end; i += LANES) store(to + i, load(x + from + i));
        if (i < end) store_lanes(to + i, load_lanes(x + from + i, 0, int(end - i)), 0, int(end - i), 1);
        for (i = end; i < count; ++i) to[i] = 0;
    }
}

// A block of the result: some channels and some filters of one group.
struct Block {
    const ConvShape& s;
    const Cut& cut;
    int64_t group, first_channel, channels, first_filter, filters;

    int64_t rows() const { return channels * s.taps(); }
    int64_t segment_size() const { return channels * cut.channel(); }
    int64_t panel_width(int64_t j) const { return filters - j <= LANES ? LANES : PANEL; }   // of the panel from filter j on

    // Writes the sums over units [begin, end) to w (filters, channels, taps).
    void compute(const Real* x, const Real* g, int64_t begin, int64_t end, Real* w) const {
        Real* patch = scratch(0, segment_size() * cut.planes_of_chunk());
        Real* panel = scratch(1, cut.chunk * cut.piece * PANEL);
        Real* sums = scratch(2, rows() * round_up(filters, PANEL));
        x += (group * s.channels + first_channel) * numel(s.input);
        g += (group * s.filters + first_filter) * numel(s.output);
        for (int64_t first = begin; first < end; first += cut.chunk) {
            const Chunk chunk(cut, first, end, segment_size());
            for (int64_t i = 0; i < chunk.segments; ++i)
                copy_segment(x, chunk.segment[i], chunk.first_pixel, patch + i * segment_size());
            for (int64_t j = 0; j < filters; j += PANEL) {
                pack_panel(g, chunk, j, panel);
                add_products(patch, chunk, j, panel, first > begin, sums + rows() * j);
            }
        }
        write_weights(sums, w);
    }

    // Copies the part of x that a segment reads: for each channel and each plane of the kernel, a plane of the patch.
    void copy_segment(const Real* x, const Segment& p, int64_t first_pixel, Real* to) const {
        const int64_t height = cut.lines_read(p.lines), width = cut.width;
        const int64_t top = p.row * s.stride[1] - s.padding[1], skip = s.stride[1] / cut.line_step;
        for (int64_t channel = 0; channel < channels; ++channel)
            for (int64_t k = 0; k < s.kernel[0]; ++k, to += cut.plane()) {
                const int64_t z = p.plane * s.stride[0] + k * s.dilation[0] - s.padding[0];
                const bool inside = z >= 0 && z < s.input[0];
                const int64_t begin = inside ? min(ceil_div(max(-top, 0), skip), height) : height;
                const int64_t end = max(min(height, ceil_div(s.input[1] - top, skip)), begin);
                const Real* from = x + (p.image * s.groups * s.channels + channel) * numel(s.input) +
                    z * s.input[1] * s.input[2];
                memset(to, 0, size_t(begin * width) * sizeof(Real));
                copy_lines(from + (top + begin * skip) * s.input[2], skip * s.input[2], end - begin, s.input[2],
                           first_pixel * s.stride[2] - s.padding[2], width, to + begin * width);
                memset(to + end * width, 0, size_t((height - end) * width) * sizeof(Real));
            }
    }

    // Packs the panel from filter j on: for each pixel of the chunk, the gradients of the panel's filters.
    void pack_panel(const Real* g, const Chunk& chunk, int64_t j, Real* panel) const {
        const int64_t plane = numel(s.output);
        for (int64_t i = 0; i < chunk.segments; ++i) {
            const Segment& p = chunk.segment[i];
            const int64_t count = p.lines * chunk.pixels;
            const Real* from = g + (p.image * s.groups * s.filters + j) * plane +
                (p.plane * s.output[1] + p.row) * s.output[2] + chunk.first_pixel;
            if (panel_width(j) == LANES) pack_rows<LANES>(from, plane, filters - j, count, panel);
            else pack_rows<PANEL>(from, plane, min(PANEL, filters - j), count, panel);
            panel += count * panel_width(j);
        }
    }

    // Adds the products of the patch and the panel to its sums (rows, panel width), tile by tile.
    void add_products(const Real* patch, const Chunk& chunk, int64_t j, const Real* panel, bool add, Real* sums) const {
        const int64_t taps = s.taps(), width = panel_width(j);
        const auto& tiles = width == LANES ? PatchMicrokernel<1>::TILES.of : PatchMicrokernel<PANEL_VECTORS>::TILES.of;
        for (int64_t r = 0; r < rows(); r += PATCH_ROWS) {
            const int64_t count = min(PATCH_ROWS, rows() - r);
            const Real* row[PATCH_ROWS];
            for (int64_t i = 0; i < count; ++i) {
                const int64_t channel = (r + i) / taps, tap = (r + i) % taps;
                const int64_t kx = tap % s.kernel[2], ky = tap / s.kernel[2] % s.kernel[1];
                const int64_t kz = tap / s.kernel[2] / s.kernel[1];
                row[i] = patch + channel * cut.channel() + kz * cut.plane() + ky * s.dilation[1] * cut.width
                         + kx * s.dilation[2];
            }
            tiles[count - 1](row, s.stride[2], chunk.line, chunk.units, chunk.pixels, panel, sums + r * width, add);
        }
    }

    // Transposes the sums: filters become rows.
    void write_weights(const Real* sums, Real* w) const {
        const int64_t filter_pitch = s.channels * s.taps();
        for (int64_t j = 0; j < filters; j += PANEL) {
            const Real* sum = sums + rows() * j;
            Real* to = w + (group * s.filters + first_filter + j) * filter_pitch + first_channel * s.taps();
            for (int64_t q = 0; q < min(PANEL, filters - j); q += LANES)
                for (int64_t r = 0; r < rows(); r += LANES) {
                    const int64_t count = min(LANES, rows() - r);
                    Vec v[LANES] = {};
                    for (int64_t i = 0; i < count; ++i) v[i] = load(sum + (r + i) * panel_width(j) + q);
                    transpose(v);
                    for (int64_t i = 0; i < min(LANES, filters - j - q); ++i)
                        store_lanes(to + (q + i) * filter_pitch + r, v[i], 0, int(count), 1);
                }
        }
    }
};

// w = the sum of `count` arrays of `size` numbers, which lie one after the other.
void add_arrays(const Real* arrays, int64_t count, int64_t size, Real* w) {
    constexpr int64_t PIECE = 4096;
    parallel(ceil_div(size, PIECE), [&](int64_t piece) {
        for (int64_t i = piece * PIECE; i < min((piece + 1) * PIECE, size); ++i) {
            Real sum = arrays[i];
            for (int64_t r = 1; r < count; ++r) sum += arrays[r * size + i];
            w[i] = sum;
        }
    });
}

}  // namespace

// w (F, C/G, K) from x (N, C, I) and g (N, F, O), N > 0; shape: a ConvShape
extern "C" void conv_weight_grad(const Real* x, const Real* g, Real* w, const int64_t* shape) {
    const ConvShape& s = conv_shape(shape);
    Cut cut(s);
    int64_t channels = min(s.channels, ceil_div(MAX_ROWS, s.taps()));
    channels = min(channels, ceil_div(MAX_PATCH, cut.channel() * cut.planes_of_chunk()));
    const int64_t channel_blocks = ceil_div(s.channels, channels);
    channels = ceil_div(s.channels, channel_blocks);
    int64_t filters = min(s.filters, round_up(ceil_div(MAX_SUMS, channels * s.taps()), PANEL));
    filters = round_up(equal_blocks(s.filters, filters), PANEL);
    const int64_t filter_blocks = ceil_div(s.filters, filters);
    const int64_t blocks = s.groups * channel_blocks * filter_blocks;
    const int64_t wanted_ranges = min(ceil_div(MIN_TASKS, blocks), ceil_div(cut.units * cut.piece, MIN_RANGE));
    const int64_t range = ceil_div(cut.units, wanted_ranges), ranges = ceil_div(cut.units, range);
    const int64_t size = s.groups * s.filters * s.channels * s.taps();
    cut.chunk = min(cut.chunk, range);
    Real* sums = ranges > 1 ? scratch(3, ranges * size) : w;
    parallel(blocks * ranges, [&](int64_t task) {
        const int64_t i = task / blocks, group = task % blocks / (channel_blocks * filter_blocks);
        const int64_t c = task % channel_blocks * channels, f = task / channel_blocks % filter_blocks * filters;
        const Block block{s, cut, group, c, min(channels, s.channels - c), f, min(filters, s.filters - f)};
        block.compute(x, g, i * range, min((i + 1) * range, cut.units), sums + i * size);
    });
    if (ranges > 1) add_arrays(sums, ranges, size, w);
}
