// The adjoint of pooling: x[i] = Σ g[j] over all windows j and taps t with offset[t] + j·stride = i.
//
// The readers of an input are the windows that contain it. They are listed first, so each input is written once. Inputs
// i = m·stride + phase with the same phase are read by the same taps, at neighbour outputs. So each phase is a sum of
// contiguous loads; stride 2 interleaves its two phases when it stores them. Taps are added in ascending order, as in
// the reference.
#pragma once
#include "pool_shape.hpp"

struct Reader {   // tap k of output `at` along an axis reads the input
    int64_t at, k;
};

// For each input along an axis: its readers.
static std::vector<std::vector<Reader>> list_readers(const PoolAxis& a) {
    std::vector<std::vector<Reader>> readers(a.input);
    for (int64_t k = 0; k < a.kernel; ++k)
        for (int64_t j = 0; j < a.output; ++j) {
            const int64_t i = j * a.stride + k * a.dilation - a.padding;
            if (i >= 0 && i < a.input) readers[i].push_back({j, k});
        }
    return readers;
}

// A row of outputs that reads a given row of inputs.
struct ReadingRow {
    int64_t row;      // within its plane
    Index tap;        // the first tap in the row of the window that reads the row of inputs
    Real divisor;     // the factors of slice and row
    bool first_tap;   // in this slice, the output row reads no row of inputs above this row
};

// Input m·stride + phase is read by tap k of output m + shift.
struct ColumnTap {
    int64_t shift;
    Index k;
};

// The readers of all inputs.
struct Readers {
    std::vector<ColumnTap> taps;
    std::vector<int64_t> taps_end = std::vector<int64_t>(1);   // taps of a phase: taps_end[phase] to taps_end[phase + 1]
    std::vector<ReadingRow> rows;
    std::vector<int64_t> rows_end = std::vector<int64_t>(1);   // the same for each row of inputs
    int64_t before = 0, after = 0;   // elements that loads read before and after a row of outputs
    int64_t ahead = 0;               // the largest shift

    Readers(const PoolShape& p, const Real* divisors) {
        const PoolAxis &d = p.depth, &r = p.row, &c = p.column;
        for (int64_t phase = 0; phase < c.stride; ++phase) {
            for (int64_t k = 0; k < c.kernel; ++k) {
                const int64_t from = phase + c.padding - k * c.dilation, shift = from / c.stride;
                if (from % c.stride) continue;
                taps.push_back({shift, Index(k)});
                before = max(before, -shift), ahead = max(ahead, shift);
                after = max(after, (c.input - 1 - phase) / c.stride + shift + 1 - c.output);
            }
            taps_end.push_back(taps.size());
        }
        const auto row_readers = list_readers(r);
        for (const auto& slices : list_readers(d))
            for (const auto& readers : row_readers) {
                for (const Reader& z : slices)
                    for (const Reader& y : readers)
                        rows.push_back({z.at * r.output + y.at, Index((z.k * r.kernel + y.k) * c.kernel),
                                        divisors ? divisors[z.at] * divisors[d.output + y.at] : 1, y.k == 0});
                rows_end.push_back(rows.size());
            }
    }
};

// The part of g that a run of input rows reads: where it lies, or its copy. Row `low` of the plane is the first.
struct GradientRows {
    const Real* from;
    const uint8_t* winners;        // beside g, or
    const Index* copied_winners;   // beside the copy
    int64_t low, pitch;
};

// Copies the rows of outputs that input rows [begin, end) read, with zeros around them. In the copy of an average, each
// element is already divided. `ends` are the rows_end of these rows; a copied row has `reach` elements and `before` zeros.
template <bool WINNERS>
static GradientRows copy_rows(
    const PoolShape& p, const Readers& readers, GradientRows g, int64_t begin, int64_t end, const int64_t* ends,
    int64_t high, int64_t reach, const Real* columns
) {
    const int64_t before = readers.before, width = before + reach, copied = min(p.column.output, reach);
    const int64_t size = (high - g.low) * width + before;
    Real* const copy = scratch(0, size + VECTOR_BYTES) + before;
    Index* const winner_copy = WINNERS ? reinterpret_cast<Index*>(scratch(1, size)) + before : nullptr;
    for (int64_t row = begin; row < end; ++row)
        for (int64_t i = ends[row - begin]; i < ends[row - begin + 1]; ++i) {
            const ReadingRow& s = readers.rows[i];
            if (!s.first_tap && row - p.row.dilation >= begin) continue;   // it was copied for an earlier input row
            const int64_t at = (s.row - g.low) * p.column.output, to = (s.row - g.low) * width;
            for (int64_t j = -before; j < 0; ++j) copy[to + j] = 0;
            for (int64_t j = 0; j < copied; ++j)
                copy[to + j] = WINNERS ? g.from[at + j] : g.from[at + j] / (s.divisor * columns[j]);
            for (int64_t j = 0; WINNERS && j < copied; ++j) winner_copy[to + j] = g.winners[at + j];
            for (int64_t j = copied; j < reach; ++j) copy[to + j] = 0;
        }
    return {copy, nullptr, winner_copy, g.low, width};
}

// The sum for inputs m·stride + phase, where m counts the lanes: of all taps, or only of taps that won their window
// (WINNERS). TAPS is the number of taps of each phase, or 0 if phases have different numbers. DIRECT: g is read where it lies.
template <bool WINNERS, int TAPS, bool DIRECT>
static inline Vec sum_of_readers(
    const GradientRows& g, const ReadingRow* row, const ReadingRow* rows_end, const ColumnTap* taps,
    const int64_t* taps_end, const Real* columns, int64_t phase, int64_t m
) {
    const int64_t first = TAPS ? TAPS * phase : taps_end[phase], end = TAPS ? first + TAPS : taps_end[phase + 1];
    Vec total{};
    for (; row < rows_end; ++row)
        for (int64_t t = first; t < end; ++t) {
            const int64_t at = (row->row - g.low) * g.pitch + m + taps[t].shift;
            Vec v = load(g.from + at);
            if (WINNERS) {
                Indices winner;
                if (DIRECT) winner = load_winners(g.winners + at);
                else memcpy(&winner, g.copied_winners + at, sizeof winner);
                v = winner == row->tap + taps[t].k ? v : Vec{};
            } else if (DIRECT) {
                v /= row->divisor * load(columns + m + taps[t].shift);
            }
            total += v;
        }
    return total;
}

// Writes a row of inputs. sum(phase, m) returns the inputs m·stride + phase, m the lane.
template <int STRIDE, class Sum>
static inline void store_row(Real* out, int64_t columns, int64_t steps, int64_t stride, int64_t room, Sum sum) {
    for (int64_t m = 0; m < steps; m += LANES)
        if (STRIDE == 1) {
            store_first(out + m, sum(0, m), room - m);
        } else if (STRIDE == 2) {
            const Vec a = sum(0, m), b = sum(1, m);
            store_first(out + 2 * m, interleave<0>(a, b, EachLane{}), room - 2 * m);
            store_first(out + 2 * m + LANES, interleave<1>(a, b, EachLane{}), room - 2 * m - LANES);
        } else {
            for (int64_t phase = 0; phase < stride; ++phase) {
                const Vec total = sum(phase, m);
                for (int i = 0; i < LANES && (m + i) * stride + phase < columns; ++i)
                    out[(m + i) * stride + phase] = total[i];
            }
        }
}

// Writes rows of inputs. Not inlined: in one function with the code around it, the inner loop has too few registers.
template <bool WINNERS, int STRIDE, int TAPS, bool DIRECT>
static __attribute__((noinline)) void write_rows(
    const Readers& readers, GradientRows g, const int64_t* ends, int64_t rows, int64_t columns, int64_t run_time_stride,
    int64_t room, const Real* divisors, Real* out
) {
    const int64_t stride = STRIDE ? STRIDE : run_time_stride, steps = ceil_div(columns, stride);
    const ColumnTap* const taps = readers.taps.data();
    const int64_t* const taps_end = readers.taps_end.data();
    for (; rows > 0; --rows, ++ends, out += columns, room -= columns) {
        const ReadingRow *const first = readers.rows.data() + ends[0], *const last = readers.rows.data() + ends[1];
        store_row<STRIDE>(out, columns, steps, stride, room, [=](int64_t phase, int64_t m) {
            return sum_of_readers<WINNERS, TAPS, DIRECT>(g, first, last, taps, taps_end, divisors, phase, m);
        });
    }
}

template <bool WINNERS, int STRIDE, int TAPS>
static void for_inputs(const PoolShape& p, const Real* g, const Real* divisors, const uint8_t* winner, Real* x) {
    const auto &d = p.depth, &r = p.row, &c = p.column;
    const Readers readers(p, divisors);
    const int64_t steps = ceil_div(c.input, c.stride), reach = round_up(steps, LANES) + readers.ahead;
    const int64_t size = p.planes * d.output * r.output * c.output;
    const Real* const columns = divisors + d.output + r.output;
    for_row_runs(p.planes, d.input, r.input, c.input, [&](int64_t plane, int64_t slice, int64_t begin, int64_t end,
                                                          int64_t rows_after) {
        const int64_t *const ends = &readers.rows_end[slice * r.input + begin], first_row = plane * d.output * r.output;
        int64_t low = d.output * r.output, high = 0;   // the rows of outputs that are read
        for (int64_t i = ends[0]; i < ends[end - begin]; ++i)
            low = min(low, readers.rows[i].row), high = max(high, readers.rows[i].row + 1);
        const int64_t offset = (first_row + low) * c.output, room = (end - begin + rows_after) * c.input;
        const GradientRows in_place{g + offset, winner + offset, nullptr, low, c.output};
        Real* const out = x + ((plane * d.input + slice) * r.input + begin) * c.input;
        const bool direct = !readers.before && readers.after <= 0 &&
            (first_row + high - 1) * c.output + reach + VECTOR_BYTES <= size;
        if (direct) {
            write_rows<WINNERS, STRIDE, TAPS, true>(
                readers, in_place, ends, end - begin, c.input, c.stride, room, columns, out
            );
        } else {
            const auto copy = copy_rows<WINNERS>(p, readers, in_place, begin, end, ends, high, reach, columns);
            write_rows<WINNERS, STRIDE, TAPS, false>(
                readers, copy, ends, end - begin, c.input, c.stride, room, columns, out
            );
        }
    });
}

template <bool WINNERS>
static void over_inputs(const PoolShape& p, const Real* g, const Real* divisors, const uint8_t* winner, Real* x) {
    const int64_t stride = p.column.stride, kernel = p.column.kernel;
    if (stride == 2 && kernel == 2 && p.column.dilation == 1) for_inputs<WINNERS, 2, 1>(p, g, divisors, winner, x);
    else if (stride == 1 && kernel == 3) for_inputs<WINNERS, 1, 3>(p, g, divisors, winner, x);
    else if (stride == 1) for_inputs<WINNERS, 1, 0>(p, g, divisors, winner, x);
    else if (stride == 2) for_inputs<WINNERS, 2, 0>(p, g, divisors, winner, x);
    else for_inputs<WINNERS, 0, 0>(p, g, divisors, winner, x);
}
