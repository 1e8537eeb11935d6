// Pooling: maxima with their winners, averages, and the adjoint of each. Every output is written once.
//
// A window is a list of taps, and tap t of output j of a row lies at offset[t] + j stride: one load gives a tap of LANES
// neighbouring windows, for stride 2 two loads and a shuffle. Rows that touch the padding, or the end of the array, are
// copied into a small buffer with their padding around them first; all others are read where they are.
//
//     over_outputs   y[j] = op over t of x[offset[t] + j stride]        max_pool, pick, avg_pool
//     over_inputs    x[i] = sum of y[j] over all taps (j, t) that read i  max_unpool, avg_pool_input_grad
//
// The second turns the first around: inputs i = m stride + phase are read by the taps of their phase alone, at
// neighbouring j, so each phase is a sum of contiguous loads, and the phases are interleaved when they are stored. Taps
// are added in ascending order, as the reference does.
//
// Where a plane is one window, its average is a sum of neighbours.
//
// A row's last vector spills into the row that follows, which is written next; only the end of a task is written with
// care. Tasks are runs of rows of all planes.
#include "simd.hpp"
#include "threads.hpp"

#include <type_traits>
#include <utility>
#include <vector>

typedef uint8_t Bytes __attribute__((vector_size(LANES)));

constexpr int64_t TASK = 16384;   // elements of the input

struct Axis {
    int64_t in, out, kernel, stride, before, dilation;
    int64_t reach() const { return dilation * (kernel - 1); }
};

struct Pool {
    int64_t planes;
    Axis depth, row, column;
    explicit Pool(const int64_t* g) : planes(*g) {
        for (Axis* a : {&depth, &row, &column}) {
            int64_t* fields[] = {&a->in, &a->out, &a->kernel, &a->stride, &a->before, &a->dilation};
            for (int64_t* field : fields) *field = *++g;
        }
    }
    int64_t taps() const { return depth.kernel * row.kernel * column.kernel; }
};

static inline int64_t up(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

// Moves of a vector of which only `room` elements exist.
template <class V, class T>
static inline V get(const T* from, int64_t room) {
    V v{};
    memcpy(&v, from, room >= LANES ? sizeof v : room * sizeof(T));
    return v;
}
template <class V, class T>
static inline void put(T* to, V v, int64_t room) {
    if (room >= LANES) memcpy(to, &v, sizeof v);
    else if (room > 0) memcpy(to, &v, room * sizeof(T));
}
// Winners are bytes in memory and integers beside a Vec. GCC 12 converts 16 bytes one by one (68 instructions): so every
// integer gets the word that holds its byte, shifted. Reads VECTOR_BYTES.
template <int... I>
static inline Indices widened(const uint8_t* from, std::integer_sequence<int, I...>) {
    constexpr int PER = sizeof(Index);
    Indices words;
    memcpy(&words, from, sizeof words);
    return (__builtin_shufflevector(words, words, (I / PER)...) >> Indices{(8 * (I % PER))...}) & 255;
}
static inline Indices winners(const uint8_t* from) { return widened(from, std::make_integer_sequence<int, LANES>{}); }

template <int... I>
static inline Bytes narrowed(Indices v, std::integer_sequence<int, I...>) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    typedef uint8_t All __attribute__((vector_size(VECTOR_BYTES)));   // 6 instructions where a conversion takes 33
    const All bytes = __builtin_shufflevector((All)v, (All)v, (I < LANES ? I * int(sizeof(Index)) : I)...);
    Bytes low;
    memcpy(&low, &bytes, sizeof low);
    return low;
#else
    return __builtin_convertvector(v, Bytes);
#endif
}
static inline Bytes bytes(Indices v) { return narrowed(v, std::make_integer_sequence<int, VECTOR_BYTES>{}); }

template <int... I>
static inline Vec evens(Vec a, Vec b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, (I < LANES / 2 ? 2 * I : 2 * I + 1)...);
}
template <int HALF, int... I>
static inline Vec zip(Vec a, Vec b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, (HALF * LANES / 2 + I / 2 + I % 2 * LANES)...);
}
typedef std::make_integer_sequence<int, LANES> Each;

// Every stride-th element; nothing behind the last one is read.
template <int STRIDE>
static inline Vec strided(const Real* from, int64_t stride) {
    if (STRIDE == 1) return load(from);
    if (STRIDE == 2) return evens(load(from), load(from + LANES - 1), Each{});
    Vec v;
    for (int i = 0; i < LANES; ++i) v[i] = from[i * stride];
    return v;
}

// Calls work(plane, slice, begin, end) for runs of rows: those of one slice of one plane, of a task's share of all.
template <class Work>
static void in_slices(int64_t planes, int64_t slices, int64_t rows, int64_t row_elements, Work work) {
    const int64_t total = planes * slices * rows, share = max(TASK / max(row_elements, 1), 1);
    parallel((total + share - 1) / share, [&](int64_t task) {
        const int64_t end = min(total, (task + 1) * share);
        for (int64_t row = task * share; row < end;) {
            const int64_t begin = row % rows, stop = min(rows, begin + end - row);
            work(row / rows / slices, row / rows % slices, begin, stop, end - row - (stop - begin));
            row += stop - begin;
        }
    });
}

static thread_local std::vector<Real> scratch;
static thread_local std::vector<Index> scratch_winners;

template <class T>
static T* room_for(std::vector<T>& buffer, int64_t n) {
    if (int64_t(buffer.size()) < n) buffer.resize(n);
    return buffer.data();
}

// --- one value a window -----------------------------------------------------------------------------------------

struct Place {
    int64_t at, room;     // of the vector in the output, and how many elements may be stored from there
    int64_t column;       // of its first element
    int64_t slice, row;   // of the output
};

// Calls op(value, taps, place) for every vector of outputs; value(t) is tap t of each window, `fill` in the padding.
template <int TAPS, int STRIDE, class Op>
static void outputs(const Pool& p, const Real* x, Real fill, Op op) {
    const auto &d = p.depth, &r = p.row, &c = p.column;
    const int64_t width = c.stride * (up(c.out) - 1) + c.reach() + 1;   // what the vectors of a row read
    const int64_t size = p.planes * d.in * r.in * c.in, stride = STRIDE ? STRIDE : c.stride;
    const int64_t taps = TAPS ? TAPS : p.taps();
    const bool columns_inside = c.before == 0 && c.stride * (c.out - 1) + c.reach() < c.in;
    in_slices(p.planes, d.out, r.out, c.in * r.stride, [&](int64_t plane, int64_t slice, int64_t begin, int64_t end,
                                                           int64_t rows_after) {
        const int64_t deep = slice * d.stride - d.before, top = begin * r.stride - r.before;
        const int64_t height = (end - 1 - begin) * r.stride + r.reach() + 1;
        int64_t pitch = c.in, slab = d.dilation * r.in * c.in;
        const int64_t first = (plane * d.in + deep) * r.in * c.in + top * c.in;
        const Real* from = x + first;
        const bool inside = columns_inside && deep >= 0 && deep + d.reach() < d.in && top >= 0 && top + height <= r.in;
        if (!inside || first + (d.kernel - 1) * slab + (height - 1) * pitch + width > size) {
            pitch = width, slab = height * width;
            Real* to = room_for(scratch, d.kernel * slab);
            from = to;
            const int64_t n = max(min(c.in, width - c.before), 0);
            for (int64_t k = 0; k < d.kernel; ++k)
                for (int64_t h = 0; h < height; ++h, to += width) {
                    const int64_t z = deep + k * d.dilation, y = top + h;
                    const bool there = z >= 0 && z < d.in && y >= 0 && y < r.in;
                    const int64_t before = there ? min(c.before, width) : width, copied = there ? n : 0;
                    for (int64_t i = 0; i < before; ++i) to[i] = fill;
                    memcpy(to + before, x + ((plane * d.in + z) * r.in + y) * c.in, copied * sizeof(Real));
                    for (int64_t i = before + copied; i < width; ++i) to[i] = fill;
                }
        }
        int64_t offset[TAPS ? TAPS : 1], *offsets = offset;
        std::vector<int64_t> more;
        if (!TAPS) more.resize(taps), offsets = more.data();
        for (int64_t t = 0; t < taps; ++t)
            offsets[t] = t / (r.kernel * c.kernel) * slab + t / c.kernel % r.kernel * r.dilation * pitch +
                         t % c.kernel * c.dilation;
        int64_t at = ((plane * d.out + slice) * r.out + begin) * c.out;
        int64_t room = (end - begin + rows_after) * c.out;
        for (int64_t row = begin; row < end; ++row, from += r.stride * pitch, at += c.out, room -= c.out)
            for (int64_t j = 0; j < c.out; j += LANES)
                op([&](int64_t t) { return strided<STRIDE>(from + j * stride + offsets[t], stride); }, taps,
                   Place{at + j, room - j, j, slice, row});
    });
}

template <class Op>
static void over_outputs(const Pool& p, const Real* x, Real fill, Op op) {
    const int64_t taps = p.taps(), stride = p.column.stride;
    if (taps == 4 && stride == 2) outputs<4, 2>(p, x, fill, op);
    else if (taps == 9 && stride == 2) outputs<9, 2>(p, x, fill, op);
    else if (taps == 9 && stride == 1) outputs<9, 1>(p, x, fill, op);
    else if (stride == 1) outputs<0, 1>(p, x, fill, op);
    else if (stride == 2) outputs<0, 2>(p, x, fill, op);
    else outputs<0, 0>(p, x, fill, op);
}

// For each output along an axis its first tap that is not in the padding; -1 if, dilated, they all are.
static std::vector<Index> first_taps(const Axis& a) {
    std::vector<Index> first(up(a.out));
    for (int64_t j = 0; j < a.out; ++j) {
        const int64_t tap = max(ceil_div(a.before - j * a.stride, a.dilation), 0);
        first[j] = tap < a.kernel && j * a.stride - a.before + tap * a.dilation < a.in ? Index(tap) : -1;
    }
    return first;
}

// The largest of each window and its tap; NaN wins, and the first of equals. Padding is -infinity: it can only draw with
// its window, so the search begins with the first tap outside of it.
extern "C" void max_pool(const Real* x, Real* y, uint8_t* winner, const int64_t* geometry) {
    const Pool p(geometry);
    const std::vector<Index> slices = first_taps(p.depth), rows = first_taps(p.row), columns = first_taps(p.column);
    over_outputs(p, x, -Real(INFINITY), [&](auto value, int64_t taps, Place at) {
        const Index slice = slices[at.slice], row = rows[at.row];
        Indices won;
        memcpy(&won, &columns[at.column], sizeof won);
        won = (won | slice | row) < 0 ? Indices{} : won + (slice * Index(p.row.kernel) + row) * Index(p.column.kernel);
        Vec best = value(0);
#pragma GCC unroll 9
        for (int64_t t = 1; t < taps; ++t) {
            const Vec v = value(t);
            const Indices better = (v > best) | (v != v);
            best = better ? v : best;
            won = better ? Indices{} + Index(t) : won;
        }
        put(y + at.at, best, at.room);
        put(winner + at.at, bytes(won), at.room);
    });
}

// The elements that won their windows.
extern "C" void pick(const Real* x, const uint8_t* winner, Real* y, const int64_t* geometry) {
    const Pool p(geometry);
    over_outputs(p, x, 0, [&](auto value, int64_t taps, Place at) {
        uint8_t end[VECTOR_BYTES];
        const bool near = at.room < VECTOR_BYTES;
        if (near) memcpy(end, winner + at.at, at.room);
        const Indices won = winners(near ? end : winner + at.at);
        Vec out{};
        for (int64_t t = 0; t < taps; ++t) out = won == Index(t) ? value(t) : out;
        put(y + at.at, out, at.room);
    });
}

// --- a window that is the whole of its plane ----------------------------------------------------------------------

static bool whole(const Pool& p) {
    const auto one = [](const Axis& a) { return a.out == 1 && a.before == 0 && a.kernel == a.in && a.dilation == 1; };
    return one(p.depth) && one(p.row) && one(p.column);
}

// Calls work(plane, where it begins, n), n elements to a plane.
template <class Work>
static void in_planes(const Pool& p, Work work) {
    const int64_t n = p.taps(), share = max(TASK / n, 1);
    parallel((p.planes + share - 1) / share, [&](int64_t task) {
        for (int64_t i = task * share; i < min(p.planes, (task + 1) * share); ++i) work(i, i * n, n);
    });
}

static Real sum(const Real* x, int64_t n) {
    Vec parts[4]{};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int k = 0; k < 4; ++k) parts[k] += load(x + i + k * LANES);
    for (; i + LANES <= n; i += LANES) parts[0] += load(x + i);
    const Vec all = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    Real total = 0;
    for (int k = 0; k < LANES; ++k) total += all[k];
    for (; i < n; ++i) total += x[i];
    return total;
}

static void fill(Real* x, Real value, int64_t n) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) store(x + i, broadcast(value));
    for (; i < n; ++i) x[i] = value;
}

// --- averages -----------------------------------------------------------------------------------------------------

// The sum of each window over its divisor: the product of what `divisors` holds for slice, row and column.
extern "C" void avg_pool(const Real* x, const Real* divisors, Real* y, const int64_t* geometry) {
    const Pool p(geometry);
    const Real *rows = divisors + p.depth.out, *columns = rows + p.row.out;
    if (whole(p))
        return in_planes(p, [&](int64_t plane, int64_t at, int64_t n) {
            y[plane] = sum(x + at, n) / (*columns * (*divisors * *rows));
        });
    over_outputs(p, x, 0, [&](auto value, int64_t taps, Place at) {
        Vec total = value(0);
#pragma GCC unroll 9
        for (int64_t t = 1; t < taps; ++t) total += value(t);
        const Vec below = get<Vec>(columns + at.column, p.column.out - at.column);
        put(y + at.at, total / (below * (divisors[at.slice] * rows[at.row])), at.room);
    });
}

// --- back to the elements of the windows ------------------------------------------------------------------------

struct Reader {   // tap k of output `at` along an axis reads some input
    int64_t at, k;
};

// For each input along an axis, who reads it.
static std::vector<std::vector<Reader>> readers(const Axis& a) {
    std::vector<std::vector<Reader>> of(a.in);
    for (int64_t k = 0; k < a.kernel; ++k)
        for (int64_t j = 0; j < a.out; ++j) {
            const int64_t i = j * a.stride + k * a.dilation - a.before;
            if (i >= 0 && i < a.in) of[i].push_back({j, k});
        }
    return of;
}

struct Source {    // a row of outputs of which some taps read a given row of inputs
    int64_t row;   // within its plane
    Index tap;      // the first of these taps
    Real share;    // of the divisor
    bool first;    // no row of inputs before this one is read by it, in this slice
};
struct Tap {   // input m stride + phase is tap k of output m + shift
    int64_t shift;
    Index k;
};

// x[i] = sum of g over all taps that read i, or over those that won (WINNERS). TAPS: how many each phase has, 0 if they
// have different numbers.
template <bool WINNERS, int STRIDE, int TAPS>
static void inputs(const Pool& p, const Real* g, const Real* divisors, const uint8_t* winner, Real* x) {
    const auto &d = p.depth, &r = p.row, &c = p.column;
    const int64_t stride = STRIDE ? STRIDE : c.stride, steps = (c.in + stride - 1) / stride;
    std::vector<Tap> taps;
    std::vector<int64_t> taps_of(1);   // where those of a phase end
    int64_t before = 0, after = 0, ahead = 0;   // how far loads reach beyond a row of outputs, and ahead of its inputs
    for (int64_t phase = 0; phase < stride; ++phase) {
        for (int64_t k = 0; k < c.kernel; ++k) {
            const int64_t from = phase + c.before - k * c.dilation;
            if (from % stride) continue;
            taps.push_back({from / stride, Index(k)});
            before = max(before, -from / stride), ahead = max(ahead, from / stride);
            after = max(after, (c.in - 1 - phase) / stride + from / stride + 1 - c.out);
        }
        taps_of.push_back(taps.size());
    }
    std::vector<Source> sources;
    std::vector<int64_t> sources_of(1);   // where those of a row of inputs end
    const auto rows = readers(r);
    for (const auto& slices : readers(d))
        for (const auto& row : rows) {
            for (const Reader& z : slices)
                for (const Reader& y : row)
                    sources.push_back({z.at * r.out + y.at, Index((z.k * r.kernel + y.k) * c.kernel),
                                       divisors ? divisors[z.at] * divisors[d.out + y.at] : 1, y.k == 0});
            sources_of.push_back(sources.size());
        }
    const int64_t reach = up(steps) + ahead, width = before + reach, size = p.planes * d.out * r.out * c.out;
    const Real* const columns = divisors + d.out + r.out;
    in_slices(p.planes, d.in, r.in, c.in, [&](int64_t plane, int64_t slice, int64_t begin, int64_t end, int64_t rows_after) {
        const int64_t *ends = &sources_of[slice * r.in + begin], first_row = plane * d.out * r.out, n = steps, n_columns = c.in, c_out = c.out;
        const Source *const all = sources.data(), *const stop = all + ends[end - begin];
        const Tap* const tap = taps.data();
        const int64_t* const taps_end = taps_of.data();
        int64_t low = d.out * r.out, high = 0;   // the rows of outputs that are read
        for (const Source* s = all + *ends; s < stop; ++s) low = min(low, s->row), high = max(high, s->row + 1);
        const bool direct = !before && after <= 0 && (first_row + high - 1) * c.out + reach + VECTOR_BYTES <= size;
        const Real* from = g + (first_row + low) * c.out;
        const uint8_t* winners_from = winner + (first_row + low) * c.out;
        const Index* copied_winners = nullptr;
        if (!direct) {
            Real* const copy = room_for(scratch, (high - low) * width + before + VECTOR_BYTES) + before;
            Index* const winner_copy = WINNERS ? room_for(scratch_winners, (high - low) * width + before) + before : nullptr;
            const int64_t copied = min(c.out, reach);
            for (int64_t row = begin; row < end; ++row)
                for (const Source* s = all + ends[row - begin]; s < all + ends[row - begin + 1]; ++s) {
                    if (!s->first && row - r.dilation >= begin) continue;   // it was copied for an earlier row
                    const int64_t at = (s->row - low) * c.out, to = (s->row - low) * width;
                    for (int64_t i = -before; i < 0; ++i) copy[to + i] = 0;
                    for (int64_t i = 0; i < copied; ++i)
                        copy[to + i] = WINNERS ? from[at + i] : from[at + i] / (s->share * columns[i]);
                    for (int64_t i = 0; WINNERS && i < copied; ++i) winner_copy[to + i] = winners_from[at + i];
                    for (int64_t i = copied; i < reach; ++i) copy[to + i] = 0;
                }
            from = copy, copied_winners = winner_copy;
        }
        Real* out = x + ((plane * d.in + slice) * r.in + begin) * c.in;
        int64_t room = (end - begin + rows_after) * c.in;
        const auto sum = [&](auto is_direct, int64_t phase, int64_t m) {
            constexpr bool DIRECT = decltype(is_direct)::value;
            const Source *const s0 = all + ends[0], *const s1 = all + ends[1];
            const int64_t t0 = TAPS ? TAPS * phase : taps_end[phase], t1 = TAPS ? t0 + TAPS : taps_end[phase + 1];
            Vec total{};
            for (const Source* s = s0; s < s1; ++s)
                for (int64_t t = t0; t < t1; ++t) {
                    const int64_t at = (s->row - low) * (DIRECT ? c_out : width) + m + tap[t].shift;
                    Vec v = load(from + at);
                    if (WINNERS) {
                        Indices won;
                        if (DIRECT) won = winners(winners_from + at);
                        else memcpy(&won, copied_winners + at, sizeof won);
                        v = won == s->tap + tap[t].k ? v : Vec{};
                    } else if (DIRECT) v /= s->share * load(columns + m + tap[t].shift);
                    total += v;
                }
            return total;
        };
        const auto run = [&](auto is_direct) {
            for (; begin < end; ++begin, ++ends, out += n_columns, room -= n_columns)
                for (int64_t m = 0; m < n; m += LANES)
                    if (STRIDE == 1) put(out + m, sum(is_direct, 0, m), room - m);
                    else if (STRIDE == 2) {
                        const Vec a = sum(is_direct, 0, m), b = sum(is_direct, 1, m);
                        put(out + 2 * m, zip<0>(a, b, Each{}), room - 2 * m);
                        put(out + 2 * m + LANES, zip<1>(a, b, Each{}), room - 2 * m - LANES);
                    } else
                        for (int64_t phase = 0; phase < stride; ++phase) {
                            const Vec total = sum(is_direct, phase, m);
                            for (int i = 0; i < LANES && (m + i) * stride + phase < n_columns; ++i)
                                out[(m + i) * stride + phase] = total[i];
                        }
        };
        if (direct) run(std::true_type{});
        else run(std::false_type{});
    });
}

template <bool WINNERS>
static void over_inputs(const Pool& p, const Real* g, const Real* divisors, const uint8_t* winner, Real* x) {
    const int64_t stride = p.column.stride, kernel = p.column.kernel;
    if (stride == 2 && kernel == 2 && p.column.dilation == 1) inputs<WINNERS, 2, 1>(p, g, divisors, winner, x);
    else if (stride == 1 && kernel == 3) inputs<WINNERS, 1, 3>(p, g, divisors, winner, x);
    else if (stride == 1) inputs<WINNERS, 1, 0>(p, g, divisors, winner, x);
    else if (stride == 2) inputs<WINNERS, 2, 0>(p, g, divisors, winner, x);
    else inputs<WINNERS, 0, 0>(p, g, divisors, winner, x);
}

// Each gradient added to the element that won its window.
extern "C" void max_unpool(const Real* g, const uint8_t* winner, Real* x, const int64_t* geometry) {
    over_inputs<true>(Pool(geometry), g, nullptr, winner, x);
}

// Each gradient over its divisor added to all elements of its window.
extern "C" void avg_pool_input_grad(const Real* g, const Real* divisors, Real* x, const int64_t* geometry) {
    const Pool p(geometry);
    if (whole(p))
        return in_planes(p, [&](int64_t plane, int64_t at, int64_t n) {
            fill(x + at, g[plane] / (divisors[2] * (divisors[0] * divisors[1])), n);
        });
    over_inputs<false>(p, g, divisors, nullptr, x);
}
