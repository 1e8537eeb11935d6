// Convolution and its input gradient as one matrix product: which elements meet, where they lie, and how to reach them.
//
// Along an axis, pixel p of class r reads, for its taps, element p·step + offset of what is read, and is written at
// p·spread + r. Forward there is one class, step is the stride and spread is 1. In the input gradient step is 1 and
// spread the stride: class r holds the pixels that leave the remainder r, and its taps are those that meet them:
// r + before - k·dilation is a multiple of the stride.
//
// A chunk of pixels (some rows of an image, or several small images) is copied as one long row: image after image, plane
// after plane, row after row, with as many zeros between them as taps reach over an edge; the zeros after a row are those
// before the next one.
//
//       row 0      0  row 1      0  row 2      0        A tap is then one offset for all pixels. Forward with a stride,
//     ┌───────────┬─┬───────────┬─┬───────────┬─┐       the elements of each remainder, a phase, make a long row of
//     └───────────┴─┴───────────┴─┴───────────┴─┘       their own, so that neighbours again read neighbours.
//
// Without padding and stride, x itself is such rows, if what lies between them is left out when pixels are packed.
#pragma once
#include <algorithm>
#include <vector>

#include "packed_microkernel.hpp"
#include "microkernel.hpp"

struct Conv {
    int64_t batch, groups, channels, filters;   // of each group
    int64_t input[3], output[3], kernel[3], stride[3], before[3], dilation[3];
};


struct Tap {
    int64_t k, ahead, phase;   // the offset is ahead · step + phase
};

struct Axis {
    int64_t read, written, step, spread;
    int64_t pixels;                          // of class 0, the largest
    std::vector<std::vector<Tap>> classes;   // the taps of each
    std::vector<int64_t> phases;             // that the taps read
    int64_t low = 0, high = 0;               // bounds of `ahead`
    int64_t size = 0, pitch = 0;             // of a chunk: pixels, and positions from one to the next in the axis outside

    void set(const Conv& s, int axis, bool gradient) {
        const int64_t stride = s.stride[axis];
        read = gradient ? s.output[axis] : s.input[axis], written = gradient ? s.input[axis] : s.output[axis];
        step = gradient ? 1 : stride, spread = gradient ? stride : 1;
        pixels = ceil_div(written, spread);
        classes.resize(size_t(min(spread, written)));
        std::vector<bool> used(size_t(step), false);
        for (int64_t k = 0, known = 0; k < s.kernel[axis]; ++k) {
            const int64_t forward = k * s.dilation[axis] - s.before[axis], offset = gradient ? -forward : forward;
            const int64_t rest = offset - floor_div(offset, stride) * stride;
            const int64_t mine = gradient ? (stride - rest) % stride : 0, phase = gradient ? 0 : rest;
            if (mine >= int64_t(classes.size())) continue;   // no pixel leaves this remainder
            const int64_t ahead = (offset + mine - phase) / stride;
            classes[size_t(mine)].push_back({k, ahead, phase});
            used[size_t(phase)] = true;
            low = known ? min(low, ahead) : ahead, high = known ? max(high, ahead) : ahead;
            known = 1;
        }
        for (int64_t p = 0; p < step; ++p)
            if (used[size_t(p)]) phases.push_back(p);
    }
    int64_t reach() const { return high - low; }
    int64_t chunks() const { return ceil_div(pixels, size); }
    int64_t in_class(int64_t r) const { return ceil_div(written - r, spread); }
    bool plain() const { return step == 1 && low >= 0 && pixels + high <= read; }

    // Chunks take at most `most` pixels along this axis. Returns how many may be taken along the next.
    int64_t cut(int64_t most) {
        size = equal_blocks(pixels, most);
        pitch = size + reach();
        if (size < pixels) return 1;
        const int64_t begin = max(low, 0), end = max(begin, min(ceil_div(read, step), pixels + high));
        pitch = max(size, end - begin + max(begin - low, pixels + high - end));
        return max(most / size, 1);
    }
};

struct Class {
    int64_t remainder[3];
    std::vector<int64_t> k;        // of its taps, in the kernel
    std::vector<int64_t> offset;   // of each channel of a block and each tap, in the long rows
    int64_t before;                // taps of the classes before it
};

// Lanes of a vector that are neighbours in memory.
struct Piece {
    int64_t place;
    int first, last;
};
struct Pieces {
    std::vector<Piece> list;
    std::vector<int64_t> begin;   // of vector v: begin[v] to begin[v + 1]

    // The next `count` lanes, from `at` on, are at `place` and on, `step` apart.
    void add(int64_t at, int64_t place, int64_t count, int64_t step) {
        for (const int64_t end = at + count; at < end;) {
            const int64_t first = at % LANES, last = min(LANES, first + end - at);
            upto(at / LANES + 1);
            if (int64_t(list.size()) > begin.back() && list.back().last == first &&
                list.back().place + (first - list.back().first) * step == place) {
                list.back().last = int(last);
            } else {
                list.push_back({place, int(first), int(last)});
            }
            at += last - first, place += (last - first) * step;
        }
    }
    void upto(int64_t vectors) {
        while (int64_t(begin.size()) < vectors) begin.push_back(int64_t(list.size()));
    }
};

struct Chunk {
    int64_t image, images, first[3];
};

struct Gather {
    const Conv& s;
    const bool gradient;
    const int64_t rows, summed;       // of each group
    const int64_t read, written;      // elements of a plane
    const bool dense;                 // whether pixels are packed without the zeros between them
    bool in_place = false;            // whether x itself is the long rows
    Axis axis[3];
    std::vector<Class> classes;
    int64_t taps = 0;                 // of all classes
    int64_t images, positions;        // of a chunk
    int64_t image, plane, channel;    // from one to the next in the long rows: in positions, and in elements

    Gather(const Conv& shape, bool grad, bool packed, int64_t pixels)
        : s(shape), gradient(grad), rows(grad ? s.channels : s.filters), summed(grad ? s.filters : s.channels),
          read(numel(grad ? s.output : s.input)), written(numel(grad ? s.input : s.output)), dense(packed) {
        int64_t most = pixels;
        bool plain = dense;
        for (int i = 2; i >= 0; --i) {
            axis[i].set(s, i, gradient);
            most = axis[i].cut(most);
            plain = plain && axis[i].plain();
        }
        const Axis &z = axis[0], &y = axis[1], &x = axis[2];
        images = equal_blocks(s.batch, most);
        image = z.pitch * y.pitch * x.pitch;
        const int64_t last = (images - 1) * image + ((z.size - 1) * y.pitch + y.size - 1) * x.pitch + x.size;
        positions = ceil_div(last, LANES) * LANES;
        plane = positions + (z.reach() * y.pitch + y.reach()) * x.pitch + x.reach();
        const int64_t planes = int64_t(z.phases.size() * y.phases.size() * x.phases.size());
        channel = (ceil_div(plane * planes, LANES) | 1) * LANES;   // odd, so that channels do not meet in one set of the cache
        if (plain) {
            in_place = true;
            for (Axis& a : axis) a.pitch = a.read;
            channel = read, image = s.groups * summed * read;
        }
        for (size_t a = 0; a < z.classes.size(); ++a)
            for (size_t b = 0; b < y.classes.size(); ++b)
                for (size_t c = 0; c < x.classes.size(); ++c) {
                    Class one{{int64_t(a), int64_t(b), int64_t(c)}, {}, {}, taps};
                    for (const Tap& p : z.classes[a])
                        for (const Tap& q : y.classes[b])
                            for (const Tap& r : x.classes[c]) {
                                one.k.push_back((p.k * s.kernel[1] + q.k) * s.kernel[2] + r.k);
                                one.offset.push_back(offset(p, q, r));
                            }
                    taps += int64_t(one.k.size());
                    classes.push_back(one);
                }
    }
    int64_t most_taps() const {
        size_t most = 1;
        for (const Class& c : classes) most = max(most, c.k.size());
        return int64_t(most);
    }
    bool sparse() const {   // whether there are pixels that no tap meets
        return std::any_of(classes.begin(), classes.end(), [](const Class& c) { return c.k.empty(); });
    }
    void repeat_offsets(int64_t channels) {
        for (Class& c : classes)
            for (size_t i = c.k.size(); i < c.k.size() * size_t(channels); ++i)
                c.offset.push_back(c.offset[i - c.k.size()] + channel);
    }
    int64_t chunks() const { return ceil_div(s.batch, images) * axis[0].chunks() * axis[1].chunks() * axis[2].chunks(); }
    Chunk chunk(int64_t i) const {
        Chunk c;
        for (int a = 2; a >= 0; --a) c.first[a] = i % axis[a].chunks() * axis[a].size, i /= axis[a].chunks();
        c.image = i * images;
        c.images = min(images, s.batch - c.image);
        return c;
    }

    // The long rows of some channels: x begins with the chunk's first image and first channel.
    const Real* rows_of(const Real* x, const Chunk& chunk, int64_t channels, Real* memory) const {
        const Axis &z = axis[0], &y = axis[1], &across = axis[2];
        if (in_place)
            return x + ((chunk.first[0] + z.low) * y.pitch + chunk.first[1] + y.low) * across.pitch + chunk.first[2] +
                across.low;
        for (int64_t c = 0; c < channels; ++c) {
            Real* out = memory + c * channel;
            for (int64_t pz : z.phases)
                for (int64_t py : y.phases)
                    for (int64_t px : across.phases) {
                        copy(x + c * read, chunk, pz, py, px, out);
                        out += plane;
                    }
        }
        return memory;
    }

    // Where the pixels of a class in a chunk are read, counted in its long rows, and written, counted from its first image.
    // Returns the number of vectors.
    int64_t pieces(const Chunk& chunk, const Class& c, Pieces& reads, Pieces& writes) const {
        const Axis &z = axis[0], &y = axis[1], &x = axis[2];
        int64_t n[3], at = 0;
        for (int a = 0; a < 3; ++a) n[a] = min(axis[a].size, axis[a].in_class(c.remainder[a]) - chunk.first[a]);
        reads = Pieces(), writes = Pieces();
        for (int64_t i = 0; i < chunk.images; ++i)
            for (int64_t a = 0; a < n[0]; ++a)
                for (int64_t b = 0; b < n[1]; ++b) {
                    const int64_t from = i * image + (a * y.pitch + b) * x.pitch;
                    const int64_t line = ((chunk.first[0] + a) * z.spread + c.remainder[0]) * y.written +
                        (chunk.first[1] + b) * y.spread + c.remainder[1];
                    const int64_t to = i * s.groups * rows * written + line * x.written + chunk.first[2] * x.spread +
                        c.remainder[2];
                    if (!dense) at = from;
                    reads.add(at, from, n[2], 1);
                    writes.add(at, to, n[2], x.spread);
                    at += max(n[2], 0);
                }
        reads.upto(ceil_div(at, LANES) + 1), writes.upto(ceil_div(at, LANES) + 1);
        return ceil_div(at, LANES);
    }

private:
    static int64_t number(const Axis& a, int64_t phase) {
        return std::find(a.phases.begin(), a.phases.end(), phase) - a.phases.begin();
    }
    int64_t offset(const Tap& p, const Tap& q, const Tap& r) const {
        const Axis &z = axis[0], &y = axis[1], &x = axis[2];
        const int64_t phase = (number(z, p.phase) * int64_t(y.phases.size()) + number(y, q.phase)) *
            int64_t(x.phases.size()) + number(x, r.phase);
        return phase * plane + ((p.ahead - z.low) * y.pitch + q.ahead - y.low) * x.pitch + r.ahead - x.low;
    }

    // The part of a chunk's long rows along an axis that lies inside of the image; `from` is what it begins with.
    struct Inside {
        int64_t begin, end, from;
        Inside(const Axis& a, int64_t first, int64_t phase) {
            const int64_t origin = first + a.low, length = a.read > phase ? ceil_div(a.read - phase, a.step) : 0;
            begin = max(-origin, 0);
            end = min(a.size + a.reach(), length - origin);
            from = (origin + begin) * a.step + phase;
        }
    };
    void copy(const Real* x, const Chunk& chunk, int64_t pz, int64_t py, int64_t px, Real* out) const {
        const int64_t* size = gradient ? s.output : s.input;
        const Inside z(axis[0], chunk.first[0], pz), y(axis[1], chunk.first[1], py), across(axis[2], chunk.first[2], px);
        memset(out, 0, size_t(plane) * sizeof(Real));
        for (int64_t i = 0; i < chunk.images; ++i)
            for (int64_t a = z.begin; a < z.end; ++a)
                for (int64_t b = y.begin; b < y.end; ++b) {
                    const int64_t line =
                        (z.from + (a - z.begin) * axis[0].step) * size[1] + y.from + (b - y.begin) * axis[1].step;
                    const Real* from = x + i * s.groups * summed * read + line * size[2] + across.from;
                    Real* row = out + i * image + (a * axis[1].pitch + b) * axis[2].pitch;
                    copy_row(from, row + across.begin, across.end - across.begin);
                }
    }
    void copy_row(const Real* from, Real* to, int64_t n) const {
        const int64_t step = axis[2].step;
        if (n <= 0) return;
        if (step == 1) {   // rows are too short for the library's memcpy
            int64_t i = 0;
            for (; i + LANES <= n; i += LANES) store(to + i, load(from + i));
            if (i < n) store_lanes(to + i, load_lanes(from + i, 0, int(n - i)), 0, int(n - i), 1);
        } else if (step == 2) {
            for (int64_t i = 0; i < n; ++i) to[i] = from[2 * i];
        } else {
            for (int64_t i = 0; i < n; ++i) to[i] = from[step * i];
        }
    }
};
