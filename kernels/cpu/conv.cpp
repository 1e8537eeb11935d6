// Convolution and its input gradient, as three rungs.
//
//     conv             y[n,f,o] = Σ_{c,k} w[f,c,k] · x[n, c, o·stride + k·dilation - before]     (0 outside of x)
//     conv_input_grad  x[n,c,i] = Σ_{f,k} w[f,c,k] · g[n, f, (i + before - k·dilation) / stride]    (where whole)
//
// direct          The sums as they stand: one element of the result after another.
// gemm_tiles      The sum is the inner product of a matrix product, weights (rows, depth) by windows (depth, pixels of
//                 the image). A tile of windows is computed, index by index, and multiplied by all rows of weights.
// implicit_gemm   Windows overlap, so they are not written out. A task copies what its pixels see, once, with zeros
//                 around it, such that each tap reads neighbours for neighbours; see below. Weights are packed once.
//
// The last two end in the micro-kernel of microkernel.hpp. With a bias and an activation they finish a tile while it is warm.
#include <algorithm>
#include <vector>

#include "conv_layout.hpp"
#include "threads.hpp"
enum Activation : int64_t { IDENTITY, RELU };

static Real activate(Real v, int64_t activation) { return activation == RELU && v <= 0 ? Real(0) : v; }

// --- lower rungs -----------------------------------------------------------------------------------------------------

// What element `pixel` of a result sees through tap `k`, as an index into one plane; -1 for nothing.
static int64_t seen(const Conv& s, int64_t pixel, int64_t k, bool gradient) {
    const int64_t* size = gradient ? s.output : s.input;
    const int64_t* of = gradient ? s.input : s.output;
    int64_t place = 0, scale = 1;
    for (int axis = 2; axis >= 0; --axis) {
        const int64_t offset = k % s.kernel[axis] * s.dilation[axis] - s.before[axis];
        int64_t at = pixel % of[axis];
        if (gradient) {
            at -= offset;
            if (at % s.stride[axis]) return -1;
            at /= s.stride[axis];
        } else {
            at = at * s.stride[axis] + offset;
        }
        if (at < 0 || at >= size[axis]) return -1;
        place += at * scale, scale *= size[axis];
        pixel /= of[axis], k /= s.kernel[axis];
    }
    return place;
}

static void direct(const Conv& s, const Real* x, const Real* w, const Real* bias, Real* y, int64_t act, bool gradient) {
    const int64_t rows = gradient ? s.channels : s.filters, summed = gradient ? s.filters : s.channels;
    const int64_t read = numel(gradient ? s.output : s.input), written = numel(gradient ? s.input : s.output);
    const int64_t taps = numel(s.kernel);
    parallel(s.batch * s.groups * rows, [&](int64_t plane) {
        const int64_t row = plane % rows, group = plane / rows % s.groups;
        const Real* from = x + plane / rows * summed * read;
        const Real* weights = w + group * s.filters * s.channels * taps;
        for (int64_t pixel = 0; pixel < written; ++pixel) {
            Real sum = 0;
            for (int64_t c = 0; c < summed; ++c)
                for (int64_t k = 0; k < taps; ++k) {
                    const int64_t at = seen(s, pixel, k, gradient);
                    const int64_t f = gradient ? c : row, channel = gradient ? row : c;
                    if (at >= 0) sum += weights[(f * s.channels + channel) * taps + k] * from[c * read + at];
                }
            if (bias) sum += bias[group * rows + row];
            y[plane * written + pixel] = activate(sum, act);
        }
    });
}

static void gemm_tiles(
    const Conv& s, const Real* x, const Real* w, const Real* bias, Real* y, int64_t act, bool gradient
) {
    const int64_t rows = gradient ? s.channels : s.filters, summed = gradient ? s.filters : s.channels;
    const int64_t read = numel(gradient ? s.output : s.input), written = numel(gradient ? s.input : s.output);
    const int64_t taps = numel(s.kernel), depth = summed * taps, tiles = ceil_div(written, COLUMNS);
    parallel(s.batch * s.groups * tiles, [&](int64_t task) {
        const int64_t image = task / tiles, group = image % s.groups;   // images of one group
        const int64_t first = task % tiles * COLUMNS, columns = min(COLUMNS, written - first);
        Real* windows = scratch(0, depth * COLUMNS);
        for (int64_t k = 0; k < depth; ++k)
            for (int64_t i = 0; i < COLUMNS; ++i) {
                const int64_t at = i < columns ? seen(s, first + i, k % taps, gradient) : -1;
                windows[k * COLUMNS + i] = at < 0 ? Real(0) : x[(image * summed + k / taps) * read + at];
            }
        Real* panel = scratch(1, depth * ROWS);
        Real tile[ROWS * COLUMNS];
        for (int64_t row = 0; row < rows; row += ROWS) {
            for (int64_t k = 0; k < depth; ++k)
                for (int64_t r = 0; r < ROWS; ++r) {
                    const int64_t f = gradient ? k / taps : row + r, c = gradient ? row + r : k / taps;
                    const int64_t from = ((group * s.filters + f) * s.channels + c) * taps + k % taps;
                    panel[k * ROWS + r] = row + r < rows ? w[from] : Real(0);
                }
            microkernel<VECTORS>(panel, depth, [&](int64_t k) { return windows + k * COLUMNS; }, tile, false);
            for (int64_t r = 0; r < min(ROWS, rows - row); ++r)
                for (int64_t i = 0; i < columns; ++i) {
                    const Real sum = tile[r * COLUMNS + i] + (bias ? bias[group * rows + row + r] : Real(0));
                    y[(image * rows + row + r) * written + first + i] = activate(sum, act);
                }
        }
    });
}

// --- implicit_gemm ---------------------------------------------------------------------------------------------------
//
//   long rows of a block of channels    panel of a tile      sums of a tile       conv_layout.hpp says what is copied and
//     ┌───────────────────────┐          ┌────┐               ┌────┐              where taps find it. For each block
//     │  ┄┄┄ tap ┄┄┄          │  packed  │    │   times       │    │              of channels a task goes over its
//     │     ┄┄┄ tap ┄┄┄       │ ───────→ │ k  │ ───────────→  │    │ rows         tiles of COLUMNS pixels: a tile's
//     │        ┄┄┄ tap ┄┄┄    │  tap by  │    │ all panels    │    │              panel is packed from the long rows
//     └───────────────────────┘   tap    └────┘ of weights    └────┘              and multiplied by all its weights.
//
// The panel and the long rows stay in L2, from which a tile's three vectors come in time; unfinished sums, touched once
// a block, may travel, which costs less than packing windows anew for fewer rows of them. With few rows packing does not
// pay: then tiles lie in the long rows as they are, and the sums at the zeros between them (1 of 29 at a width of 28)
// are left out.

constexpr int64_t PIXELS = 768, LEAST = 512;   // of a chunk: all weights pass by once for each
constexpr int64_t COPY = 640 * 1024;           // bytes of long rows at a time
constexpr int64_t FEW = 8;                     // panels of weights that repay packing
constexpr int64_t TASKS = 4;                   // at least, and of each thread, so that all end at about the same time

struct Product {
    Gather gather;
    const int64_t panels;
    int64_t block;     // channels at a time
    int64_t height;    // panels of a task
    int64_t vectors;   // of a chunk, at most

    Product(const Conv& s, bool gradient)
        : gather(s, gradient, ceil_div(gradient ? s.channels : s.filters, ROWS) >= FEW, pixels(s)),
          panels(ceil_div(gather.rows, ROWS)) {
        const int64_t most = DEPTH / gather.most_taps();
        const int64_t fit = gather.in_place ? most : COPY / (gather.channel * int64_t(sizeof(Real)));
        block = equal_blocks(max(gather.summed, 1), min(most, fit));
        gather.repeat_offsets(block);
        vectors = gather.positions / LANES;
        // Each slice of the rows packs the same windows anew: there are more than one only where threads would wait.
        const int64_t threads = minicnn_threads(), tasks = gather.chunks() * s.groups;
        const bool share = tasks % threads && tasks < TASKS * threads;
        height = ceil_div(panels, share ? min(threads, ceil_div(panels, FEW)) : 1);
    }
    static int64_t pixels(const Conv& s) {
        const int64_t all = s.batch * s.groups * numel(s.output);   // of one class, in the input gradient
        return max(LEAST, min(PIXELS, ceil_div(all, TASKS)));
    }
    int64_t slices() const { return ceil_div(panels, height); }

    // Packed weights: for each group, block of channels, class, panel and k, ROWS numbers.
    int64_t packed_size() const { return gather.s.groups * panels * ROWS * gather.summed * gather.taps; }
    int64_t packed(int64_t group, int64_t first, int64_t count, const Class& c) const {
        return ((group * gather.summed + first) * gather.taps + count * c.before) * panels * ROWS;
    }
    void pack(const Real* w, Real* to) const {
        const Conv& s = gather.s;
        const int64_t size = numel(s.kernel);
        const int64_t row = gather.gradient ? size : s.channels * size, sum = gather.gradient ? s.channels * size : size;
        parallel(s.groups * panels, [&](int64_t task) {
            const int64_t group = task / panels, panel = task % panels, m = min(ROWS, gather.rows - panel * ROWS);
            const Real* from = w + group * s.filters * s.channels * size + panel * ROWS * row;
            for (int64_t first = 0; first < gather.summed; first += block) {
                const int64_t count = min(block, gather.summed - first);
                for (const Class& c : gather.classes) {
                    const int64_t depth = count * int64_t(c.k.size());
                    Real* out = to + packed(group, first, count, c) + panel * depth * ROWS;
                    if (!gather.gradient) {   // taps of channels are neighbours, in the order in which they are summed
                        turn(from + first * size, row, m, depth, out);
                        continue;
                    }
                    for (int64_t i = first; i < first + count; ++i)
                        for (const int64_t k : c.k) {
                            const Real* one = from + i * sum + k;
                            if (m == ROWS) for (int64_t r = 0; r < ROWS; ++r) out[r] = one[r * row];
                            else for (int64_t r = 0; r < ROWS; ++r) out[r] = r < m ? one[r * row] : Real(0);
                            out += ROWS;
                        }
                }
            }
        });
    }
    // to[k][r] = from[r][k] for m rows; not a number behind is written, for another thread's panel begins there
    static void turn(const Real* from, int64_t row, int64_t m, int64_t count, Real* to) {
        Real some[LANES * ROWS + LANES];
        for (int64_t k = 0; k < count; k += LANES, to += LANES * ROWS) {
            const int64_t here = min(LANES, count - k);
            pack_rows<ROWS>(from + k, row, m, here, some);
            memcpy(to, some, size_t(here * ROWS) * sizeof(Real));
        }
    }

    void task(int64_t i, const Real* x, const Real* weights, const Real* bias, Real* y, int64_t act) const {
        const int64_t slice = i % slices(), group = i / slices() % gather.s.groups;
        const Chunk chunk = gather.chunk(i / slices() / gather.s.groups);
        const int64_t panel = slice * height, count = min(height, panels - panel), size = ROWS * COLUMNS;
        const bool once = gather.summed <= block;
        x += (chunk.image * gather.s.groups + group) * gather.summed * gather.read;
        y += (chunk.image * gather.s.groups + group) * gather.rows * gather.written;
        Real* memory = gather.in_place ? nullptr : scratch(0, block * gather.channel);
        Real* sums = scratch(1, once ? size : int64_t(gather.classes.size()) * ceil_div(vectors, VECTORS) * count * size);
        Real* columns = scratch(3, block * gather.most_taps() * COLUMNS);
        Pieces reads, writes;
        for (int64_t first = 0; first == 0 || first < gather.summed; first += block) {
            const int64_t channels = min(block, gather.summed - first);
            const Real* rows = gather.rows_of(x + first * gather.read, chunk, channels, memory);
            Real* tile = sums;
            if (gather.sparse() && first == 0) fill(chunk, group, panel, count, y, bias, act);
            for (const Class& c : gather.classes) {
                if (c.k.empty()) continue;
                const int64_t depth = channels * int64_t(c.k.size());
                const Real* a = weights + packed(group, first, channels, c) + panel * depth * ROWS;
                const int64_t n = gather.pieces(chunk, c, reads, writes);
                for (int64_t v = 0; v < n; v += VECTORS) {
                    const int wide = int(min(VECTORS, n - v));
                    const Real* from = rows + v * LANES;
                    const int64_t* offset = c.offset.data();
                    if (gather.dense) pack_columns(rows, c, depth, reads, v, wide, columns);
                    for (int64_t p = 0; p < count; ++p) {
                        if (gather.dense)
                            microkernel(wide, a + p * depth * ROWS, depth, [=](int64_t k) { return columns + k * COLUMNS; }, tile, first > 0);
                        else
                            microkernel(wide, a + p * depth * ROWS, depth, [=](int64_t k) { return from + offset[k]; }, tile, first > 0);
                        if (first + block >= gather.summed) finish(tile, wide, writes, v, group, panel + p, y, bias, act);
                        if (!once) tile += size;
                    }
                }
            }
        }
    }

    // What no tap meets, in some panels of rows: whole lines at once take a quarter of the time of every second pixel.
    void fill(
        const Chunk& chunk, int64_t group, int64_t panel, int64_t count, Real* y, const Real* bias, int64_t act
    ) const {
        int64_t begin[3], end[3];
        for (int a = 0; a < 3; ++a) {
            const Axis& axis = gather.axis[a];
            begin[a] = chunk.first[a] * axis.spread;
            end[a] = min((chunk.first[a] + axis.size) * axis.spread, axis.written);
        }
        for (int64_t image = 0; image < chunk.images; ++image)
            for (int64_t row = panel * ROWS; row < min((panel + count) * ROWS, gather.rows); ++row) {
                Real* plane = y + (image * gather.s.groups * gather.rows + row) * gather.written;
                const Real value = activate(bias ? bias[group * gather.rows + row] : Real(0), act);
                for (int64_t a = begin[0]; a < end[0]; ++a)
                    for (int64_t b = begin[1]; b < end[1]; ++b) {
                        Real* line = plane + (a * gather.axis[1].written + b) * gather.axis[2].written;
                        std::fill(line + begin[2], line + end[2], value);
                    }
            }
    }

    // columns[k] = the pixels of a tile, seen through tap k
    void pack_columns(
        const Real* rows, const Class& c, int64_t depth, const Pieces& reads, int64_t v, int wide, Real* columns
    ) const {
        for (int i = 0; i < wide; ++i, columns += LANES)
            for (int64_t p = reads.begin[v + i]; p < reads.begin[v + i + 1]; ++p)
                pack_piece(rows, c.offset.data(), depth, reads.list[p], columns);
    }
    static __attribute__((noinline)) void pack_piece(   // inlined, its addresses are spilled
        const Real* rows, const int64_t* offset, int64_t depth, Piece piece, Real* to
    ) {
        const Real* from = rows + piece.place - piece.first;
        const LaneMask part(piece.first, piece.last);
        if (piece.last - piece.first == LANES)
            for (int64_t k = 0; k < depth; ++k) store(to + k * COLUMNS, load(from + offset[k]));
        else if (piece.first == 0)
            for (int64_t k = 0; k < depth; ++k) store(to + k * COLUMNS, part.load(from + offset[k]));
        else
            for (int64_t k = 0; k < depth; ++k) part.store(to + k * COLUMNS, part.load(from + offset[k]));
    }

    void finish(
        const Real* tile, int wide, const Pieces& writes, int64_t v, int64_t group, int64_t panel, Real* y,
        const Real* bias, int64_t act
    ) const {
        const int64_t row = panel * ROWS, m = min(ROWS, gather.rows - row), spread = gather.axis[2].spread;
        const int64_t plane = gather.written;
        y += row * plane;
        for (int i = 0; i < wide; ++i) {
            const auto value = [&](int64_t r) {
                Vec sum = load(tile + (r * wide + i) * LANES);
                if (bias) sum += bias[group * gather.rows + row + r];
                return act == RELU ? (sum <= 0 ? Vec{} : sum) : sum;
            };
            for (int64_t p = writes.begin[v + i]; p < writes.begin[v + i + 1]; ++p) {
                const Piece piece = writes.list[p];
                Real* to = y + piece.place;
                if (spread > 1) {
                    for (int64_t r = 0; r < m; ++r) store_lanes(to + r * plane, value(r), piece.first, piece.last, spread);
                } else if (piece.last - piece.first == LANES) {
                    for (int64_t r = 0; r < m; ++r) store(to + r * plane, value(r));
                } else {
                    const LaneMask part(piece.first, piece.last);
                    for (int64_t r = 0; r < m; ++r) part.store(to - piece.first + r * plane, value(r));
                }
            }
        }
    }
};

static void implicit_gemm(
    const Conv& s, const Real* x, const Real* w, const Real* bias, Real* y, int64_t act, bool gradient
) {
    const Product product(s, gradient);
    Real* weights = scratch(2, product.packed_size());
    product.pack(w, weights);
    parallel(product.gather.chunks() * s.groups * product.slices(), [&](int64_t i) {
        product.task(i, x, weights, bias, y, act);
    });
}

// --- entries: bias (rows) may be null --------------------------------------------------------------------------------

static const Conv& conv(const int64_t* sizes) { return *reinterpret_cast<const Conv*>(sizes); }

extern "C" void conv_direct(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* sizes, int64_t activation
) {
    direct(conv(sizes), x, w, bias, y, activation, false);
}
extern "C" void conv_gemm_tiles(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* sizes, int64_t activation
) {
    gemm_tiles(conv(sizes), x, w, bias, y, activation, false);
}
extern "C" void conv_implicit_gemm(
    const Real* x, const Real* w, const Real* bias, Real* y, const int64_t* sizes, int64_t activation
) {
    implicit_gemm(conv(sizes), x, w, bias, y, activation, false);
}
extern "C" void conv_input_grad_direct(
    const Real* g, const Real* w, const Real* bias, Real* x, const int64_t* sizes, int64_t activation
) {
    direct(conv(sizes), g, w, bias, x, activation, true);
}
extern "C" void conv_input_grad_gemm_tiles(
    const Real* g, const Real* w, const Real* bias, Real* x, const int64_t* sizes, int64_t activation
) {
    gemm_tiles(conv(sizes), g, w, bias, x, activation, true);
}
extern "C" void conv_input_grad_implicit_gemm(
    const Real* g, const Real* w, const Real* bias, Real* x, const int64_t* sizes, int64_t activation
) {
    implicit_gemm(conv(sizes), g, w, bias, x, activation, true);
}
