// Implicit GEMM: convolution and its input gradient as a matrix product whose windows matrix is never stored whole.
//
//   long rows of a block of channels    panel of a tile      sums of a tile       conv_layout.hpp says how the source is
//     ┌───────────────────────┐          ┌────┐               ┌────┐              copied and where each tap finds its
//     │  ┄┄┄ tap ┄┄┄          │  packed  │    │   times       │    │              elements. For each block of channels, a
//     │     ┄┄┄ tap ┄┄┄       │ ───────→ │ k  │ ───────────→  │    │ rows         task goes over its tiles of COLUMNS
//     │        ┄┄┄ tap ┄┄┄    │  tap by  │    │ all panels    │    │              pixels. It packs a tile's panel and
//     └───────────────────────┘   tap    └────┘ of weights    └────┘              multiplies it by all weights.
//
// The panel and the long rows stay in the L2 cache, which is fast enough for three vectors a step of k. Unfinished sums
// are loaded and stored once for each block of channels. This costs less than packing the windows again for fewer rows.
//
// With few rows, packing does not pay. Then the micro-kernel reads the long rows directly. It also computes sums at the
// positions of zeros between lines (1 of 29 at a width of 28); these are not stored.
#pragma once
#include "conv_layout.hpp"
#include "packed_microkernel.hpp"
#include "threads.hpp"

enum Activation : int64_t { IDENTITY, RELU };

static Real activate(Real v, int64_t activation) { return activation == RELU && v <= 0 ? Real(0) : v; }

constexpr int64_t CHUNK_PIXELS = 768, MIN_CHUNK_PIXELS = 512;   // each chunk reads all weights once
constexpr int64_t COPY_BYTES = 640 * 1024;                      // of long rows at a time
constexpr int64_t PANELS_THAT_REPAY_PACKING = 8;
constexpr int64_t TASKS_PER_THREAD = 4;                         // at least: then all threads end at about the same time

struct ImplicitGemm {
    ConvLayout layout;
    const int64_t panels;    // of weights: ROWS rows each
    int64_t block;           // channels at a time
    int64_t slice;           // panels of a task
    int64_t chunk_vectors;   // of pixels, at most

    ImplicitGemm(const ConvShape& s, bool input_grad)
        : layout(s, input_grad, ceil_div(input_grad ? s.channels : s.filters, ROWS) >= PANELS_THAT_REPAY_PACKING,
                 pixels_of_chunk(s)),
          panels(ceil_div(layout.result_channels, ROWS)) {
        const int64_t limit = DEPTH / layout.max_taps();
        const int64_t fit = layout.in_place ? limit : COPY_BYTES / (layout.channel_pitch * int64_t(sizeof(Real)));
        block = equal_blocks(max(layout.source_channels, 1), min(limit, fit));
        layout.repeat_offsets(block);
        chunk_vectors = layout.positions / LANES;
        // Each slice of the panels packs the same windows again. So there are several only if threads would be idle.
        const int64_t threads = minicnn_threads(), tasks = layout.chunks() * s.groups;
        const bool share = tasks % threads && tasks < TASKS_PER_THREAD * threads;
        slice = ceil_div(panels, share ? min(threads, ceil_div(panels, PANELS_THAT_REPAY_PACKING)) : 1);
    }
    static int64_t pixels_of_chunk(const ConvShape& s) {
        const int64_t pixels = s.batch * s.groups * numel(s.output);   // in the input gradient: of one residue class
        return max(MIN_CHUNK_PIXELS, min(CHUNK_PIXELS, ceil_div(pixels, TASKS_PER_THREAD)));
    }
    int64_t slices() const { return ceil_div(panels, slice); }
    int64_t tasks() const { return layout.chunks() * layout.shape.groups * slices(); }

    // --- packing the weights ---

    // Packed weights: for each group, block of channels, residue class, panel and k, ROWS numbers.
    int64_t packed_size() const { return layout.shape.groups * panels * ROWS * layout.source_channels * layout.taps; }
    int64_t packed_offset(int64_t group, int64_t first, int64_t count, const ResidueClass& c) const {
        return ((group * layout.source_channels + first) * layout.taps + count * c.taps_before) * panels * ROWS;
    }
    void pack_weights(const Real* w, Real* to) const {
        const ConvShape& s = layout.shape;
        const int64_t taps = s.taps();
        const int64_t row_pitch = layout.input_grad ? taps : s.channels * taps;
        const int64_t channel_pitch = layout.input_grad ? s.channels * taps : taps;
        parallel(s.groups * panels, [&](int64_t task) {
            const int64_t group = task / panels, panel = task % panels;
            const int64_t rows = min(ROWS, layout.result_channels - panel * ROWS);
            const Real* from = w + group * s.filters * s.channels * taps + panel * ROWS * row_pitch;
            for (int64_t first = 0; first < layout.source_channels; first += block) {
                const int64_t count = min(block, layout.source_channels - first);
                for (const ResidueClass& c : layout.classes) {
                    const int64_t depth = count * int64_t(c.k.size());
                    Real* out = to + packed_offset(group, first, count, c) + panel * depth * ROWS;
                    if (!layout.input_grad) {   // the taps of all channels are neighbours, in the order of the sum
                        pack_by_transposing(from + first * taps, row_pitch, rows, depth, out);
                        continue;
                    }
                    for (int64_t i = first; i < first + count; ++i)
                        for (const int64_t k : c.k) {
                            const Real* weight = from + i * channel_pitch + k;
                            if (rows == ROWS) for (int64_t r = 0; r < ROWS; ++r) out[r] = weight[r * row_pitch];
                            else for (int64_t r = 0; r < ROWS; ++r) out[r] = r < rows ? weight[r * row_pitch] : Real(0);
                            out += ROWS;
                        }
                }
            }
        });
    }
    // to[k][r] = from[r][k]. pack_rows writes after the panel, where another thread's panel begins: so it packs into a
    // small buffer first.
    static void pack_by_transposing(const Real* from, int64_t pitch, int64_t rows, int64_t count, Real* to) {
        Real buffer[LANES * ROWS + LANES];
        for (int64_t k = 0; k < count; k += LANES, to += LANES * ROWS) {
            const int64_t steps = min(LANES, count - k);
            pack_rows<ROWS>(from + k, pitch, rows, steps, buffer);
            memcpy(to, buffer, size_t(steps * ROWS) * sizeof(Real));
        }
    }

    // --- a task: one chunk of pixels and one slice of the panels ---

    void run_task(int64_t i, const Real* x, const Real* weights, const Real* bias, Real* y, int64_t act) const {
        const int64_t group = i / slices() % layout.shape.groups;
        const Chunk chunk = layout.chunk(i / slices() / layout.shape.groups);
        const int64_t panel = i % slices() * slice, count = min(slice, panels - panel), size = ROWS * COLUMNS;
        const bool one_block = layout.source_channels <= block;
        x += (chunk.first_image * layout.shape.groups + group) * layout.source_channels * layout.source_plane;
        y += (chunk.first_image * layout.shape.groups + group) * layout.result_channels * layout.result_plane;
        Real* memory = layout.in_place ? nullptr : scratch(0, block * layout.channel_pitch);
        const int64_t tiles = int64_t(layout.classes.size()) * ceil_div(chunk_vectors, VECTORS) * count;
        Real* sums = scratch(1, one_block ? size : tiles * size);
        Real* windows = scratch(3, block * layout.max_taps() * COLUMNS);
        LaneRuns reads, writes;   // where the pixels of each vector are read and written
        for (int64_t first = 0; first == 0 || first < layout.source_channels; first += block) {
            const int64_t channels = min(block, layout.source_channels - first);
            const Real* rows = layout.long_rows(x + first * layout.source_plane, chunk, channels, memory);
            Real* tile = sums;
            if (layout.has_empty_class() && first == 0) fill_with_bias(chunk, group, panel, count, y, bias, act);
            for (const ResidueClass& c : layout.classes) {
                if (c.k.empty()) continue;
                const int64_t depth = channels * int64_t(c.k.size());
                const Real* a = weights + packed_offset(group, first, channels, c) + panel * depth * ROWS;
                const int64_t vectors = layout.list_runs(chunk, c, reads, writes);
                for (int64_t v = 0; v < vectors; v += VECTORS) {
                    const int n = int(min(VECTORS, vectors - v));
                    const Real* from = rows + v * LANES;
                    const int64_t* offset = c.offset.data();
                    if (layout.packed) pack_windows(rows, c, depth, reads, v, n, windows);
                    for (int64_t p = 0; p < count; ++p) {
                        const Real* left = a + p * depth * ROWS;
                        const auto window = [=](int64_t k) { return windows + k * COLUMNS; };
                        const auto tap = [=](int64_t k) { return from + offset[k]; };
                        if (layout.packed) microkernel(n, left, depth, window, tile, first > 0);
                        else microkernel(n, left, depth, tap, tile, first > 0);
                        if (first + block >= layout.source_channels)
                            store_tile(tile, n, writes, v, group, panel + p, y, bias, act);
                        if (!one_block) tile += size;
                    }
                }
            }
        }
    }

    // Writes the result of an empty sum, activation(bias), to all pixels of the rows of some panels.
    // Other classes overwrite their pixels later: a whole line takes a quarter of the time of every second pixel of it.
    void fill_with_bias(
        const Chunk& chunk, int64_t group, int64_t panel, int64_t count, Real* y, const Real* bias, int64_t act
    ) const {
        int64_t begin[3], end[3];
        for (int a = 0; a < 3; ++a) {
            const ChunkedAxis& axis = layout.axis[a];
            begin[a] = chunk.first[a] * axis.result_stride;
            end[a] = min((chunk.first[a] + axis.size) * axis.result_stride, axis.result_size);
        }
        for (int64_t image = 0; image < chunk.images; ++image)
            for (int64_t row = panel * ROWS; row < min((panel + count) * ROWS, layout.result_channels); ++row) {
                const int64_t channel = image * layout.shape.groups * layout.result_channels + row;
                Real* plane = y + channel * layout.result_plane;
                const Real value = activate(bias ? bias[group * layout.result_channels + row] : Real(0), act);
                for (int64_t a = begin[0]; a < end[0]; ++a)
                    for (int64_t b = begin[1]; b < end[1]; ++b) {
                        Real* line = plane + (a * layout.axis[1].result_size + b) * layout.axis[2].result_size;
                        std::fill(line + begin[2], line + end[2], value);
                    }
            }
    }

    // windows[k] = the elements that the pixels of a tile read through tap k.
    void pack_windows(
        const Real* rows, const ResidueClass& c, int64_t depth, const LaneRuns& reads, int64_t v, int n, Real* windows
    ) const {
        for (int i = 0; i < n; ++i, windows += LANES)
            for (int64_t p = reads.begin[v + i]; p < reads.begin[v + i + 1]; ++p)
                pack_run(rows, c.offset.data(), depth, reads.list[p], windows);
    }
    static __attribute__((noinline)) void pack_run(   // if inlined, its addresses do not fit into registers
        const Real* rows, const int64_t* offset, int64_t depth, LaneRun run, Real* to
    ) {
        const Real* from = rows + run.offset - run.first;
        const LaneMask mask(run.first, run.last);
        if (run.last - run.first == LANES)
            for (int64_t k = 0; k < depth; ++k) store(to + k * COLUMNS, load(from + offset[k]));
        else if (run.first == 0)
            for (int64_t k = 0; k < depth; ++k) store(to + k * COLUMNS, mask.load(from + offset[k]));
        else
            for (int64_t k = 0; k < depth; ++k) mask.store(to + k * COLUMNS, mask.load(from + offset[k]));
    }

    // Adds the bias, applies the activation and stores a finished tile, while it is still in the cache.
    void store_tile(
        const Real* tile, int n, const LaneRuns& writes, int64_t v, int64_t group, int64_t panel, Real* y,
        const Real* bias, int64_t act
    ) const {
        const int64_t row = panel * ROWS, rows = min(ROWS, layout.result_channels - row);
        const int64_t stride = layout.axis[2].result_stride, plane = layout.result_plane;
        y += row * plane;
        for (int i = 0; i < n; ++i) {
            const auto value = [&](int64_t r) {
                Vec sum = load(tile + (r * n + i) * LANES);
                if (bias) sum += bias[group * layout.result_channels + row + r];
                return act == RELU ? relu(sum) : sum;
            };
            for (int64_t p = writes.begin[v + i]; p < writes.begin[v + i + 1]; ++p) {
                const LaneRun run = writes.list[p];
                Real* to = y + run.offset;
                if (stride > 1) {
                    for (int64_t r = 0; r < rows; ++r) store_lanes(to + r * plane, value(r), run.first, run.last, stride);
                } else if (run.last - run.first == LANES) {
                    for (int64_t r = 0; r < rows; ++r) store(to + r * plane, value(r));
                } else {
                    const LaneMask mask(run.first, run.last);
                    for (int64_t r = 0; r < rows; ++r) mask.store(to - run.first + r * plane, value(r));
                }
            }
        }
    }
};

static void implicit_gemm(
    const ConvShape& s, const Real* x, const Real* w, const Real* bias, Real* y, int64_t act, bool input_grad
) {
    const ImplicitGemm gemm(s, input_grad);
    Real* weights = scratch(2, gemm.packed_size());
    gemm.pack_weights(w, weights);
    parallel(gemm.tasks(), [&](int64_t i) { gemm.run_task(i, x, weights, bias, y, act); });
}
