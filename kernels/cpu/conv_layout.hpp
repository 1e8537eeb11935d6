// The memory layout of implicit GEMM: where a task copies its source, and where each tap finds its elements in the copy.
//
// Convolution and its input gradient are one matrix product: weights (rows, taps of all channels) times windows (taps of
// all channels, pixels). polyphase.hpp defines source, result, tap, residue class and phase.
//
// A task takes a chunk of pixels: some lines of an image, or several small images. It copies the part of the source
// that they read into one long row: image after image, plane after plane, line after line. Zeros separate them: as many
// as a tap can reach beyond an edge. The zeros after a line also serve as the zeros before the next line.
//
//       line 0     0  line 1     0  line 2     0        So a tap is one offset that is the same for all pixels. Each phase
//     ┌───────────┬─┬───────────┬─┬───────────┬─┐       has a long row of its own. So neighbour pixels read neighbours,
//     └───────────┴─┴───────────┴─┴───────────┴─┘       also with a stride.
//
// Without padding and stride no copy is needed, because the source in memory has the same layout. Only its lines may
// have more elements than a chunk needs, and packing skips these elements.
#pragma once
#include <algorithm>
#include <vector>

#include "microkernel.hpp"
#include "polyphase.hpp"
#include "scratch.hpp"

// An axis that is cut into chunks of pixels.
struct ChunkedAxis : PolyphaseAxis {
    int64_t size = 0;    // pixels of a chunk
    int64_t pitch = 0;   // positions of the long row for one step along the next outer axis

    using PolyphaseAxis::PolyphaseAxis;
    int64_t chunks() const { return ceil_div(pixels, size); }
    bool needs_no_copy() const { return source_stride == 1 && low >= 0 && pixels + high <= source_size; }

    // Makes chunks of at most `limit` pixels along this axis. Returns the limit for the next outer axis.
    int64_t cut(int64_t limit) {
        size = equal_blocks(pixels, limit);
        pitch = size + reach();
        if (size < pixels) return 1;
        // The whole axis is in the chunk: its elements, and the zeros of the side that needs more of them.
        const int64_t begin = max(low, 0), end = max(begin, min(ceil_div(source_size, source_stride), pixels + high));
        pitch = max(size, end - begin + max(begin - low, pixels + high - end));
        return max(limit / size, 1);
    }
};

// A residue class in all three axes.
struct ResidueClass {
    int64_t remainder[3];
    std::vector<int64_t> k;        // the index of each tap in the kernel
    std::vector<int64_t> offset;   // in the long rows, of each channel of a block and each tap
    int64_t taps_before;           // the number of taps of all earlier classes
};

// Lanes first, ..., last - 1 of a vector, whose elements are evenly spaced in memory from `offset` on.
struct LaneRun {
    int64_t offset;
    int first, last;
};

// The runs of many vectors. Pixels fill the lanes of vector after vector.
struct LaneRuns {
    std::vector<LaneRun> list;
    std::vector<int64_t> begin;   // the runs of vector v are list[begin[v]], ..., list[begin[v + 1] - 1]

    // Adds `count` lanes from lane `at` on, counted over all vectors. Their elements are offset, offset + stride, ...
    void add(int64_t at, int64_t offset, int64_t count, int64_t stride) {
        for (const int64_t end = at + count; at < end;) {
            const int64_t first = at % LANES, last = min(LANES, first + end - at);
            begin_vectors(at / LANES + 1);
            if (int64_t(list.size()) > begin.back() && list.back().last == first &&
                list.back().offset + (first - list.back().first) * stride == offset) {
                list.back().last = int(last);   // continues the last run
            } else {
                list.push_back({offset, int(first), int(last)});
            }
            at += last - first, offset += (last - first) * stride;
        }
    }
    void begin_vectors(int64_t count) {
        while (int64_t(begin.size()) < count) begin.push_back(int64_t(list.size()));
    }
};

struct Chunk {
    int64_t first_image, images, first[3];   // `first`: its first pixel along each axis
};

struct ConvLayout {
    const ConvShape& shape;
    const bool input_grad;
    const int64_t result_channels, source_channels;   // of one group
    const int64_t source_plane, result_plane;         // elements
    const bool packed;       // whether windows are packed, without the positions of zeros
    bool in_place = false;   // whether the source itself serves as the long rows
    ChunkedAxis axis[3];
    std::vector<ResidueClass> classes;
    int64_t taps = 0;              // of all classes
    int64_t images, positions;     // of a chunk: images, and positions of pixels in the long row
    int64_t image_pitch, phase_pitch, channel_pitch;   // distances in the long rows

    ConvLayout(const ConvShape& s, bool grad, bool pack, int64_t chunk_pixels)
        : shape(s), input_grad(grad), result_channels(grad ? s.channels : s.filters),
          source_channels(grad ? s.filters : s.channels), source_plane(numel(grad ? s.output : s.input)),
          result_plane(numel(grad ? s.input : s.output)), packed(pack) {
        int64_t limit = chunk_pixels;
        in_place = packed;
        for (int i = 2; i >= 0; --i) {
            axis[i] = ChunkedAxis(s, i, input_grad);
            limit = axis[i].cut(limit);
            in_place = in_place && axis[i].needs_no_copy();
        }
        const ChunkedAxis &z = axis[0], &y = axis[1], &x = axis[2];
        images = equal_blocks(s.batch, limit);
        image_pitch = z.pitch * y.pitch * x.pitch;
        const int64_t last = (images - 1) * image_pitch + ((z.size - 1) * y.pitch + y.size - 1) * x.pitch + x.size;
        positions = round_up(last, LANES);
        phase_pitch = positions + (z.reach() * y.pitch + y.reach()) * x.pitch + x.reach();
        const int64_t phases = int64_t(z.phases.size() * y.phases.size() * x.phases.size());
        // An odd number of vectors: otherwise all channels would compete for the same sets of the cache.
        channel_pitch = (ceil_div(phase_pitch * phases, LANES) | 1) * LANES;
        if (in_place) {
            for (ChunkedAxis& a : axis) a.pitch = a.source_size;
            channel_pitch = source_plane, image_pitch = s.groups * source_channels * source_plane;
        }
        list_classes();
    }

    int64_t max_taps() const {   // of one class, and at least 1
        size_t most = 1;
        for (const ResidueClass& c : classes) most = std::max(most, c.k.size());
        return int64_t(most);
    }
    bool has_empty_class() const {   // then some result elements read nothing
        return std::any_of(classes.begin(), classes.end(), [](const ResidueClass& c) { return c.k.empty(); });
    }
    void repeat_offsets(int64_t channels) {
        for (ResidueClass& c : classes)
            for (size_t i = c.k.size(); i < c.k.size() * size_t(channels); ++i)
                c.offset.push_back(c.offset[i - c.k.size()] + channel_pitch);
    }
    int64_t chunks() const {
        return ceil_div(shape.batch, images) * axis[0].chunks() * axis[1].chunks() * axis[2].chunks();
    }
    Chunk chunk(int64_t i) const {
        Chunk c;
        for (int a = 2; a >= 0; --a) c.first[a] = i % axis[a].chunks() * axis[a].size, i /= axis[a].chunks();
        c.first_image = i * images;
        c.images = min(images, shape.batch - c.first_image);
        return c;
    }

    // Copies the long rows of some channels to `memory`, or finds them in x. x begins with the chunk's first image and the
    // first of the channels. Returns the address of the long rows.
    const Real* long_rows(const Real* x, const Chunk& chunk, int64_t channels, Real* memory) const {
        const ChunkedAxis &z = axis[0], &y = axis[1], &across = axis[2];
        if (in_place)
            return x + ((chunk.first[0] + z.low) * y.pitch + chunk.first[1] + y.low) * across.pitch + chunk.first[2] +
                across.low;
        for (int64_t c = 0; c < channels; ++c) {
            Real* out = memory + c * channel_pitch;
            for (int64_t pz : z.phases)
                for (int64_t py : y.phases)
                    for (int64_t px : across.phases) {
                        copy_phase(x + c * source_plane, chunk, pz, py, px, out);
                        out += phase_pitch;
                    }
        }
        return memory;
    }

    // Lists where the pixels of a class in a chunk are read and written. Offsets of reads are in the long rows; offsets of
    // writes count from the chunk's first image. Returns the number of vectors.
    int64_t list_runs(const Chunk& chunk, const ResidueClass& c, LaneRuns& reads, LaneRuns& writes) const {
        const ChunkedAxis &z = axis[0], &y = axis[1], &x = axis[2];
        int64_t n[3], at = 0;
        for (int a = 0; a < 3; ++a)
            n[a] = min(axis[a].size, axis[a].pixels_in_class(c.remainder[a]) - chunk.first[a]);
        reads = LaneRuns(), writes = LaneRuns();
        for (int64_t i = 0; i < chunk.images; ++i)
            for (int64_t a = 0; a < n[0]; ++a)
                for (int64_t b = 0; b < n[1]; ++b) {
                    const int64_t from = i * image_pitch + (a * y.pitch + b) * x.pitch;
                    const int64_t line = ((chunk.first[0] + a) * z.result_stride + c.remainder[0]) * y.result_size +
                        (chunk.first[1] + b) * y.result_stride + c.remainder[1];
                    const int64_t to = i * shape.groups * result_channels * result_plane + line * x.result_size +
                        chunk.first[2] * x.result_stride + c.remainder[2];
                    if (!packed) at = from;   // a pixel's lane is its position in the long row
                    reads.add(at, from, n[2], 1);
                    writes.add(at, to, n[2], x.result_stride);
                    at += max(n[2], 0);
                }
        const int64_t vectors = ceil_div(at, LANES);
        reads.begin_vectors(vectors + 1), writes.begin_vectors(vectors + 1);
        return vectors;
    }

private:
    void list_classes() {
        const ChunkedAxis &z = axis[0], &y = axis[1], &x = axis[2];
        for (size_t a = 0; a < z.classes.size(); ++a)
            for (size_t b = 0; b < y.classes.size(); ++b)
                for (size_t c = 0; c < x.classes.size(); ++c) {
                    ResidueClass found{{int64_t(a), int64_t(b), int64_t(c)}, {}, {}, taps};
                    for (const Tap& p : z.classes[a])
                        for (const Tap& q : y.classes[b])
                            for (const Tap& r : x.classes[c]) {
                                found.k.push_back((p.k * shape.kernel[1] + q.k) * shape.kernel[2] + r.k);
                                found.offset.push_back(tap_offset(p, q, r));
                            }
                    taps += int64_t(found.k.size());
                    classes.push_back(found);
                }
    }
    static int64_t phase_index(const ChunkedAxis& a, int64_t phase) {
        return std::find(a.phases.begin(), a.phases.end(), phase) - a.phases.begin();
    }
    int64_t tap_offset(const Tap& p, const Tap& q, const Tap& r) const {
        const ChunkedAxis &z = axis[0], &y = axis[1], &x = axis[2];
        const int64_t phase = (phase_index(z, p.phase) * int64_t(y.phases.size()) + phase_index(y, q.phase)) *
            int64_t(x.phases.size()) + phase_index(x, r.phase);
        return phase * phase_pitch + ((p.shift - z.low) * y.pitch + q.shift - y.low) * x.pitch + r.shift - x.low;
    }

    // Positions [begin, end) of a chunk's long row along an axis lie inside of the image. Position `begin` is source
    // element `from`.
    struct Inside {
        int64_t begin, end, from;
        Inside(const ChunkedAxis& a, int64_t first, int64_t phase) {
            const int64_t origin = first + a.low;
            const int64_t length = a.source_size > phase ? ceil_div(a.source_size - phase, a.source_stride) : 0;
            begin = max(-origin, 0);
            end = min(a.size + a.reach(), length - origin);
            from = (origin + begin) * a.source_stride + phase;
        }
    };
    void copy_phase(const Real* x, const Chunk& chunk, int64_t pz, int64_t py, int64_t px, Real* out) const {
        const int64_t* size = input_grad ? shape.output : shape.input;
        const Inside z(axis[0], chunk.first[0], pz), y(axis[1], chunk.first[1], py), across(axis[2], chunk.first[2], px);
        memset(out, 0, size_t(phase_pitch) * sizeof(Real));
        for (int64_t i = 0; i < chunk.images; ++i)
            for (int64_t a = z.begin; a < z.end; ++a)
                for (int64_t b = y.begin; b < y.end; ++b) {
                    const int64_t line = (z.from + (a - z.begin) * axis[0].source_stride) * size[1] + y.from +
                        (b - y.begin) * axis[1].source_stride;
                    const Real* from = x + i * shape.groups * source_channels * source_plane + line * size[2] + across.from;
                    Real* row = out + i * image_pitch + (a * axis[1].pitch + b) * axis[2].pitch;
                    copy_line(from, row + across.begin, across.end - across.begin);
                }
    }
    void copy_line(const Real* from, Real* to, int64_t n) const {
        const int64_t stride = axis[2].source_stride;
        if (n <= 0) return;
        if (stride == 1) {   // lines are short: for them the library's memcpy is slower
            int64_t i = 0;
            for (; i + LANES <= n; i += LANES) store(to + i, load(from + i));
            if (i < n) store_lanes(to + i, load_lanes(from + i, 0, int(n - i)), 0, int(n - i), 1);
        } else if (stride == 2) {
            for (int64_t i = 0; i < n; ++i) to[i] = from[2 * i];
        } else {
            for (int64_t i = 0; i < n; ++i) to[i] = from[stride * i];
        }
    }
};
