// Depthwise convolution, one channel a group: forward, input gradient and weight gradient.
//
// With 9 products a pixel for a 3×3 kernel, all is won or lost in how a plane is read. The lines of x that a block of a
// plane sees are copied into a patch, with lines of zeros above and below but nothing at their ends. Then each tap is
// ONE offset for all pixels, and the block is one run of vectors, however short its lines are:
//
//      line 0        line 1        line 2             part[kx][q] = Σ_ky w[ky,kx] patch[q + line[ky]]
//    ┌─────────────┬─────────────┬─────────────┐             y[q] = Σ_kx part[kx][q + kx] if column q + kx exists
//    └─────────────┴─────────────┴─────────────┘
//     │ vector  │ vector  │ vector  │ ...             Where a tap reaches over the end of a line it meets the next one;
//                                                     a mask, known for each column, turns that into zero.
//
// A load that is not aligned costs two, so sums are shifted by kx and not what is summed: a vector of a line is loaded
// once for all columns of the kernel (if it has 3, 5 or 7; else a column at a time).
//
// With a stride s, lines of y are s lines of x apart: those that leave the same remainder modulo s, a phase, are
// neighbours in the patch. All columns are computed, and every s-th is kept. The input gradient is the same over g,
// spread with zeros between its columns; lines of x with the same remainder, a class, have their own subset of the taps.
// In the weight gradient the sum runs over q instead, a vector of sums for each tap, and g is shifted.
#include <vector>

#include "packed_microkernel.hpp"
#include "threads.hpp"

namespace {   // float's and double's templates must not become one in the process

constexpr int64_t PATCH = 16384;   // numbers of a patch: larger planes are cut along their first axis
constexpr int64_t TASK = 4096;     // numbers of the patches that a task fills before it uses the first of them
constexpr bool SHIFTS = VECTOR_BYTES >= 32;   // narrower vectors have no fast shift by a number known at run time

struct Sizes {
    int64_t images, groups, channels, filters;   // a group has one channel and `filters` filters
    int64_t in[3], out[3], kernel[3], stride[3], before[3], dilation[3];
};

struct Tap {
    int64_t k, phase, ahead;   // pixel j of its class reads element (j + ahead) step + phase
};

// One of the two axes whose coordinates tell lines apart.
struct Axis {
    int64_t read, written;         // sizes
    int64_t step, spread;          // pixel j of class r is written at j spread + r
    int64_t pixels;                // of a class
    int64_t low = 0, reach = 0;    // the least `ahead`, and from there to the largest
    std::vector<std::vector<Tap>> classes;

    Axis(const Sizes& s, int axis, bool gradient) {
        const int64_t stride = s.stride[axis];
        read = gradient ? s.out[axis] : s.in[axis], written = gradient ? s.in[axis] : s.out[axis];
        step = gradient ? 1 : stride, spread = gradient ? stride : 1;
        pixels = ceil_div(written, spread);
        classes.resize(size_t(spread));
        bool first = true;
        for (int64_t r = 0; r < spread; ++r)
            for (int64_t k = 0; k < s.kernel[axis]; ++k) {
                const int64_t offset = k * s.dilation[axis] - s.before[axis], at = gradient ? r - offset : offset;
                const int64_t rest = (at % stride + stride) % stride, ahead = (at - rest) / stride;
                if (gradient && rest) continue;
                classes[size_t(r)].push_back({k, rest, ahead});
                const int64_t high = first || ahead > low + reach ? ahead : low + reach;
                low = first ? ahead : min(low, ahead), reach = high - low;
                first = false;
            }
    }
};

// Lines that meet the same taps: `row` holds the offsets of the taps but for their column, `k` where their weights are.
struct Class {
    int64_t r[2];
    std::vector<int64_t> k, row;
};

int64_t divisor(int64_t a, int64_t b) { return b ? divisor(b, a % b) : a; }

struct Plan {
    Axis a, b;                       // of lines
    int64_t read, written;           // columns
    int64_t between, step;           // columns of what is read lie so far apart, pixels that are kept too
    int64_t pitch;                   // from line to line
    int64_t kernel, taps;            // columns of the kernel, and all of it
    int64_t first, apart;            // offset of the first of them in the patch, and from one to the next
    bool reversed;                   // the first in the patch is the last in the kernel
    bool shifted;                    // all columns at once
    int64_t block, blocks;           // pixels of the first axis at a time
    int64_t wide, phase, size;       // lines of a phase along the second axis; what a phase and the patch hold
    int64_t margin;                  // numbers on both sides of the patch that are read and masked out
    std::vector<Real> masks;         // for each vector, until they repeat, and each column of the kernel
    int64_t period;                  // vectors until they repeat
    std::vector<Class> classes;

    Plan(const Sizes& s, bool gradient, bool weights = false) : a(s, 0, gradient), b(s, 1, gradient) {
        const int64_t far = (s.out[2] - 1) * s.stride[2] + 1;   // columns from the first window to the last
        read = gradient ? s.out[2] : s.in[2], written = gradient ? s.in[2] : s.out[2];
        between = gradient ? s.stride[2] : 1, step = gradient ? 1 : s.stride[2];
        pitch = far > s.in[2] ? far : s.in[2];
        kernel = s.kernel[2], taps = s.kernel[0] * s.kernel[1] * kernel;
        apart = s.dilation[2], reversed = gradient;
        first = gradient ? s.before[2] - (kernel - 1) * apart : -s.before[2];
        shifted = SHIFTS && (kernel == 3 || kernel == 5 || kernel == 7) && (kernel - 1) * apart <= LANES;
        wide = b.pixels + b.reach;
        const int64_t phases = a.step * b.step, most = PATCH / (phases * wide * pitch) - a.reach;
        blocks = ceil_div(a.pixels, most < 1 ? 1 : most);
        block = ceil_div(a.pixels, blocks);
        blocks = ceil_div(a.pixels, block);
        phase = (block + a.reach) * wide * pitch;
        size = phases * phase;
        margin = s.before[2] + (kernel - 1) * apart + 4 * LANES;
        period = pitch / divisor(pitch, LANES);
        const int64_t extent = gradient ? far : s.in[2];
        masks.assign(size_t(kernel * period * LANES), Real(0));
        for (int64_t i = 0; i < period * LANES; ++i)
            for (int64_t c = 0; c < kernel; ++c) {
                const int64_t shift = weights && shifted ? c * apart % pitch : 0;
                const int64_t at = (i + pitch - shift) % pitch, to = at + first + c * apart;
                if (to >= 0 && to < extent && !(weights && (at % step || at >= far)))
                    memset(&masks[size_t((i / LANES * kernel + c) * LANES + i % LANES)], 255, sizeof(Real));
            }
        for (int64_t r = 0; r < a.spread; ++r)
            for (int64_t q = 0; q < b.spread; ++q) {
                Class of{{r, q}, {}, {}};
                for (const Tap& i : a.classes[size_t(r)])
                    for (const Tap& j : b.classes[size_t(q)]) {
                        of.k.push_back((i.k * s.kernel[1] + j.k) * kernel);
                        of.row.push_back(
                            (i.phase * b.step + j.phase) * phase + ((i.ahead - a.low) * wide + j.ahead - b.low) * pitch
                        );
                    }
                classes.push_back(of);
            }
    }
    int64_t high(int64_t of) const { return min(block, a.pixels - of * block); }   // pixels of a block
    // from its first pixel to the last
    int64_t length(int64_t of) const {
        return ((high(of) - 1) * wide + b.pixels - 1) * pitch + (written - 1) * step + 1;
    }
    bool direct() const { return classes.size() == 1 && wide == 1 && step == 1 && pitch == written; }   // nothing to leave out
};

inline void copy(const Real* from, int64_t count, Real* to) {
    if (count >= LANES) {
        for (int64_t i = 0; i < count - LANES; i += LANES) store(to + i, load(from + i));
        store(to + count - LANES, load(from + count - LANES));
        return;
    }
#pragma GCC unroll 4
    for (int part = LANES / 2; part; part /= 2)
        if (count & part) {
            memcpy(to, from, size_t(part) * sizeof(Real));
            from += part, to += part;
        }
}

// Here and below a vector may go over the end: what comes next is written later.
inline void zero(Real* to, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES) store(to + i, Vec{});
}

// `count` numbers become neighbours `gap` apart, with zeros between them and perhaps behind them
void spread(const Real* from, int64_t count, int64_t gap, Real* to) {
    if (gap == 1) {
        copy(from, count, to);
    } else if (gap == 2) {
        Indices low, high;
        for (int i = 0; i < LANES; ++i) {
            low[i] = Index(i % 2 ? LANES : i / 2);
            high[i] = Index(i % 2 ? LANES : (i + LANES) / 2);
        }
        for (int64_t i = 0; i < count; i += LANES) {
            Vec v{};
            if (count - i >= LANES) {
                v = load(from + i);
            } else {
                Real last[LANES] = {};
                copy(from + i, count - i, last);
                v = load(last);
            }
            store(to + 2 * i, __builtin_shuffle(v, Vec{}, low));
            store(to + 2 * i + LANES, __builtin_shuffle(v, Vec{}, high));
        }
    } else {
        for (int64_t i = 0; i < count; ++i, to += gap) {
            *to = from[i];
            for (int64_t j = 1; j < gap; ++j) to[j] = 0;
        }
    }
}

// every gap-th number becomes a neighbour of the one before; reads up to 2 LANES numbers more
void gather(const Real* from, int64_t count, int64_t gap, Real* to) {
    if (gap == 1) {
        copy(from, count, to);
    } else if (gap == 2) {
        Indices even;
        for (int i = 0; i < LANES; ++i) even[i] = Index(2 * i);
        for (int64_t i = 0; i < count; i += LANES) {
            const Vec v = __builtin_shuffle(load(from + 2 * i), load(from + 2 * i + LANES), even);
            Real last[LANES];
            if (count - i >= LANES) {
                store(to + i, v);
            } else {
                store(last, v);
                copy(last, count - i, to + i);
            }
        }
    } else {
        for (int64_t i = 0; i < count; ++i) to[i] = from[i * gap];
    }
}

// The lines that a block sees, zeros where there are none (`zeros`: these are there already).
void fill(const Plan& plan, const Real* x, int64_t block, bool zeros, Real* patch) {
    const Axis &a = plan.a, &b = plan.b;
    const int64_t lines = plan.block + a.reach, top = block * plan.block + a.low, line = plan.pitch;
    if (a.step == 1 && plan.wide == 1 && b.step == 1 && b.read == 1 && plan.between == 1 && line == plan.read) {
        const int64_t first = min(lines, top < 0 ? -top : 0), some = min(lines, a.read - top) - first;
        const int64_t end = some > 0 ? first + some : first;
        if (!zeros) zero(patch, first * line);
        if (some > 0) copy(x + (top + first) * line, some * line, patch + first * line);
        if (!zeros) zero(patch + end * line, (lines - end) * line);
        return;
    }
    for (int64_t p = 0; p < a.step; ++p)
        for (int64_t q = 0; q < b.step; ++q)
            for (int64_t i = 0; i < lines; ++i)
                for (int64_t j = 0; j < plan.wide; ++j, patch += line) {
                    const int64_t z = (top + i) * a.step + p, y = (j + b.low) * b.step + q;
                    if (z < 0 || z >= a.read || y < 0 || y >= b.read) zero(patch, line);
                    else spread(x + (z * b.read + y) * plan.read, plan.read, plan.between, patch);
                }
}

// The blocks of planes [begin, end), `some` at a time: their patches are filled, then work(plane, block, patch) is called
// for each. (What has just been stored is slow to load at another alignment.)
template <class Work>
void patches(const Plan& plan, const Real* x, int64_t stride, int64_t begin, int64_t end, Work work) {
    const int64_t pitch = plan.size + 2 * plan.margin, some = ceil_div(TASK, plan.size);
    Real* patch = scratch(0, min(some, end - begin) * pitch) + plan.margin;
    for (int64_t i = begin; i < end; i += some) {
        const int64_t count = min(some, end - i);
        for (int64_t j = 0; j < count; ++j) {
            const bool zeros = plan.blocks == 1 && i > begin;
            fill(plan, x + (i + j) / plan.blocks * stride, (i + j) % plan.blocks, zeros, patch + j * pitch);
        }
        for (int64_t j = 0; j < count; ++j) work((i + j) / plan.blocks, (i + j) % plan.blocks, patch + j * pitch);
    }
}

inline Vec masked(Vec v, const Real* mask) { return Vec(Indices(v) & Indices(load(mask))); }

// Shuffled by these, two vectors one after the other begin `by` lanes later.
inline Indices later(int64_t by) {
    Indices lanes;
    for (int i = 0; i < LANES; ++i) lanes[i] = Index(i);
    return lanes + Index(by);
}

// A run of `length` pixels for COUNT columns of the kernel from the c-th on, added to those before; ROWS is how many
// lines of it meet these pixels, or 0 for any number. Nothing is written behind the run.
template <int COUNT, int ROWS>
void correlate(const Plan& plan, const Class& of, int64_t c, const Real* patch, const Real* w, int64_t length, Real* to) {
    constexpr int AHEAD = COUNT > 1;   // a shift takes the next vector of sums as well
    const int64_t rows = ROWS ? ROWS : int64_t(of.row.size()), *row = of.row.data(), *at = of.k.data();
    const int64_t next = plan.reversed ? -1 : 1;
    patch += plan.first + c * plan.apart;
    w += plan.reversed ? plan.kernel - 1 - c : c;
    Real near[ROWS ? ROWS * COUNT : 1];   // the weights side by side: broadcast without working out where they are
    for (int r = 0; r < ROWS; ++r)
        for (int k = 0; k < COUNT; ++k) near[r * COUNT + k] = w[at[r] + k * next];
    const auto weight = [&](int64_t r, int k) { return ROWS ? near[r * COUNT + k] : w[at[r] + k * next]; };
    Indices shift[COUNT];
    for (int k = 0; k < COUNT; ++k) shift[k] = later(k * plan.apart);
    Vec last[COUNT] = {};
#pragma GCC unroll 7
    for (int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 7
        for (int k = 0; AHEAD && k < COUNT; ++k) last[k] += weight(r, k) * load(patch + row[r]);
    const Real* mask = plan.masks.data() + c * LANES;
    const Real* const repeat = mask + plan.period * plan.kernel * LANES;
    for (int64_t q = 0; q < length; q += 2 * LANES) {
        Vec sum[2][COUNT] = {}, y[2] = {};
#pragma GCC unroll 7
        for (int64_t r = 0; r < rows; ++r) {
            const Real* from = patch + row[r] + q + AHEAD * LANES;
            const Vec v[2] = {load(from), load(from + LANES)};
#pragma GCC unroll 7
            for (int k = 0; k < COUNT; ++k) {
                const Real by = weight(r, k);
                sum[0][k] += by * v[0], sum[1][k] += by * v[1];
            }
        }
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
#pragma GCC unroll 7
            for (int k = 0; k < COUNT; ++k) {
                const Vec here = AHEAD ? (i ? sum[0][k] : last[k]) : sum[i][k];
                y[i] += masked(k ? __builtin_shuffle(here, sum[i][k], shift[k]) : here, mask + k * LANES);
            }
            mask += plan.kernel * LANES;
            if (mask == repeat) mask -= plan.period * plan.kernel * LANES;
        }
#pragma GCC unroll 7
        for (int k = 0; k < COUNT; ++k) last[k] = sum[1][k];
        const bool whole = q + 2 * LANES <= length;
        if (c) {
            Real before[2 * LANES] = {};
            copy(to + q, min(2 * LANES, length - q), before);
            y[0] += load(before), y[1] += load(before + LANES);
        }
        if (whole) {
            store(to + q, y[0]), store(to + q + LANES, y[1]);
        } else {
            Real end[2 * LANES];
            store(end, y[0]), store(end + LANES, y[1]);
            copy(end, length - q, to + q);
        }
    }
}

template <int COUNT>
void correlate(const Plan& plan, const Class& of, const Real* patch, const Real* w, int64_t length, Real* to) {
    if (of.row.size() == COUNT) correlate<COUNT, COUNT>(plan, of, 0, patch, w, length, to);
    else correlate<COUNT, 0>(plan, of, 0, patch, w, length, to);
}

// A block of a plane of y from its patch.
void pixels(const Plan& plan, const Real* patch, const Real* w, int64_t block, Real* y, Real* sums) {
    const Axis &a = plan.a, &b = plan.b;
    const int64_t high = plan.high(block), length = plan.length(block);
    for (const Class& of : plan.classes) {
        Real* to = plan.direct() ? y + block * plan.block * plan.written : sums;
        if (!plan.shifted)
            for (int64_t c = 0; c < plan.kernel; ++c) correlate<1, 0>(plan, of, c, patch, w, length, to);
        else if (plan.kernel == 3) correlate<3>(plan, of, patch, w, length, to);
        else if (plan.kernel == 5) correlate<5>(plan, of, patch, w, length, to);
        else correlate<7>(plan, of, patch, w, length, to);
        if (plan.direct()) continue;
        for (int64_t i = 0; i < high; ++i)
            for (int64_t j = 0; j < b.pixels; ++j) {
                const int64_t z = (block * plan.block + i) * a.spread + of.r[0], v = j * b.spread + of.r[1];
                if (z < a.written && v < b.written)
                    gather(
                        sums + (i * plan.wide + j) * plan.pitch, plan.written, plan.step,
                        y + (z * b.written + v) * plan.written
                    );
            }
    }
}

// sum[r][k] += Σ_q g[q] x[q + row[r] + column], for COUNT columns from the c-th on, where masks allow it
template <int ROWS, int COUNT>
void dot(const Plan& plan, const Real* g, const Real* patch, const int64_t* row, int64_t c, int64_t length, Real* to) {
    Vec sum[ROWS][COUNT];
    const Real* from[ROWS];
    Indices shift[COUNT], lane;
    lane = later(0);
    for (int k = 0; k < COUNT; ++k) shift[k] = later(LANES - k * plan.apart);
    for (int r = 0; r < ROWS; ++r) from[r] = patch + row[r] + plan.first + c * plan.apart;
#pragma GCC unroll 3
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 7
        for (int k = 0; k < COUNT; ++k) sum[r][k] = load(to + (r * plan.kernel + c + k) * LANES);
    Vec last{};
    int64_t phase = 0;
    const auto step = [&](int64_t q, Vec v, bool edge) __attribute__((always_inline)) {
        const Real* mask = plan.masks.data() + (phase * plan.kernel + c) * LANES;
        if (++phase == plan.period) phase = 0;
        Vec x[ROWS];
#pragma GCC unroll 3
        for (int r = 0; r < ROWS; ++r) x[r] = load(from[r] + q);
#pragma GCC unroll 7
        for (int k = 0; k < COUNT; ++k) {
            Indices only = Indices(load(mask + k * LANES));
            if (edge) {
                const Indices at = lane + Index(q - k * plan.apart);
                only &= (at >= 0) & (at < Index(length));
            }
            const Vec by = k ? __builtin_shuffle(last, v, shift[k]) : v;
#pragma GCC unroll 3
            for (int r = 0; r < ROWS; ++r) sum[r][k] += by * Vec(Indices(x[r]) & only);
        }
        last = v;
    };
    const int64_t end = length + (COUNT - 1) * plan.apart;
    for (int64_t q = 0; q < end; q += LANES) {
        if (q && q + LANES <= length) {
            step(q, load(g + q), false);
        } else {
            Real some[LANES] = {};
            if (q < length) copy(g + q, min(LANES, length - q), some);
            step(q, load(some), true);
        }
    }
#pragma GCC unroll 3
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 7
        for (int k = 0; k < COUNT; ++k) store(to + (r * plan.kernel + c + k) * LANES, sum[r][k]);
}

template <int COUNT>
void dots(const Plan& plan, const Real* g, const Real* patch, int64_t c, int64_t length, Real* sums) {
    const std::vector<int64_t>& row = plan.classes[0].row;
    const int64_t rows = int64_t(row.size());
    for (int64_t r = 0; r < rows; r += 3) {
        const auto function = rows - r == 1 ? dot<1, COUNT> : rows - r == 2 ? dot<2, COUNT> : dot<3, COUNT>;
        function(plan, g, patch, row.data() + r, c, length, sums + r * plan.kernel * LANES);
    }
}

// A run of pixels for all taps
void dots(const Plan& plan, const Real* g, const Real* patch, int64_t length, Real* sums) {
    if (!plan.shifted)
        for (int64_t c = 0; c < plan.kernel; ++c) dots<1>(plan, g, patch, c, length, sums);
    else if (plan.kernel == 3) dots<3>(plan, g, patch, 0, length, sums);
    else if (plan.kernel == 5) dots<5>(plan, g, patch, 0, length, sums);
    else dots<7>(plan, g, patch, 0, length, sums);
}

// Forward and input gradient: each plane of x gives `filters` planes of y, of channel i % channels
void convolve(const Real* x, const Real* w, Real* y, const Sizes& s, bool gradient) {
    const Plan plan(s, gradient);
    const int64_t in = s.in[0] * s.in[1] * s.in[2], out = s.out[0] * s.out[1] * s.out[2];
    const int64_t read = gradient ? out : in, written = gradient ? in : out;
    const int64_t all = s.images * s.groups * plan.blocks, some = ceil_div(4 * TASK, plan.size);
    parallel(ceil_div(all, some), [&](int64_t task) {
        Real* sums = scratch(1, plan.block * plan.wide * plan.pitch + 4 * LANES);
        const auto work = [&](int64_t i, int64_t block, const Real* patch) {
            for (int64_t f = i * s.filters; f < (i + 1) * s.filters; ++f)
                pixels(plan, patch, w + f % (s.groups * s.filters) * plan.taps, block, y + f * written, sums);
        };
        patches(plan, x, read, task * some, min((task + 1) * some, all), work);
    });
}

}  // namespace

// y (N, F, O) from x (N, C, I) and w (F, 1, K)
extern "C" void depthwise(const Real* x, const Real* w, Real* y, const int64_t* sizes) {
    convolve(x, w, y, *reinterpret_cast<const Sizes*>(sizes), false);
}

// x (N, C, I) from g (N, C, O) and w (C, 1, K)
extern "C" void depthwise_input_grad(const Real* g, const Real* w, Real* x, const int64_t* sizes) {
    convolve(g, w, x, *reinterpret_cast<const Sizes*>(sizes), true);
}

// w (F, 1, K) from x (N, C, I) and g (N, F, O)
extern "C" void depthwise_weight_grad(const Real* x, const Real* g, Real* w, const int64_t* sizes) {
    const Sizes& s = *reinterpret_cast<const Sizes*>(sizes);
    const Plan plan(s, false, true);
    const int64_t read = s.in[0] * s.in[1] * s.in[2], written = s.out[0] * s.out[1] * s.out[2];
    const int64_t lines = plan.b.pixels, count = s.filters * plan.taps, room = plan.block * plan.wide * plan.pitch + 4 * LANES;
    parallel(s.groups, [&](int64_t group) {
        Real* spaced = scratch(1, room);   // g, as far apart as the pixels in the patch
        Real* sums = scratch(2, count * LANES);
        memset(spaced, 0, size_t(room) * sizeof(Real));
        memset(sums, 0, size_t(count * LANES) * sizeof(Real));
        const auto work = [&](int64_t n, int64_t block, const Real* patch) {
            const int64_t high = plan.high(block), length = plan.length(block);
            for (int64_t f = 0; f < s.filters; ++f) {
                const Real* from = g + ((n * s.groups + group) * s.filters + f) * written
                                   + block * plan.block * lines * plan.written;
                if (!plan.direct()) {
                    for (int64_t i = 0; i < high; ++i)
                        for (int64_t j = 0; j < lines; ++j, from += plan.written)
                            spread(from, plan.written, plan.step, spaced + (i * plan.wide + j) * plan.pitch);
                    from = spaced;
                }
                dots(plan, from, patch, length, sums + f * plan.taps * LANES);
            }
        };
        patches(plan, x + group * read, s.groups * read, 0, s.images * plan.blocks, work);
        for (int64_t k = 0; k < count; ++k) {
            Real sum = 0;
            for (int i = 0; i < LANES; ++i) sum += sums[k * LANES + i];
            w[group * count + k] = sum;
        }
    });
}
