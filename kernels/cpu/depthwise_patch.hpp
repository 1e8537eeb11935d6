// Depthwise convolution: copying lines into patches, with zeros where the plane ends. depthwise_plan.hpp has the layout.
#pragma once
#include "depthwise_plan.hpp"
#include "scratch.hpp"

namespace {

constexpr int64_t FILLED = 4096;   // numbers of patches that a task fills before it uses the first of them

// Lines are short: for them the library's memcpy is slower.
inline void copy(const Real* from, int64_t count, Real* to) {
    if (count >= LANES) {
        for (int64_t i = 0; i < count - LANES; i += LANES) store(to + i, load(from + i));
        store(to + count - LANES, load(from + count - LANES));   // the last vector overlaps the vector before it
        return;
    }
#pragma GCC unroll 4
    for (int n = LANES / 2; n; n /= 2)
        if (count & n) {
            memcpy(to, from, size_t(n) * sizeof(Real));
            from += n, to += n;
        }
}

// zero_fill and spread write whole vectors. A vector may write past the end, because the next line is written later.
inline void zero_fill(Real* to, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES) store(to + i, Vec{});
}

// to[i · spacing] = from[i] for i < count, with zeros between.
void spread(const Real* from, int64_t count, int64_t spacing, Real* to) {
    if (spacing == 1) {
        copy(from, count, to);
    } else if (spacing == 2) {
        Indices low, high;   // interleave a vector with zeros
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
        for (int64_t i = 0; i < count; ++i, to += spacing) {
            *to = from[i];
            for (int64_t j = 1; j < spacing; ++j) to[j] = 0;
        }
    }
}

// to[i] = from[i · spacing] for i < count. Up to 2 LANES numbers after the last are read.
void take_every(const Real* from, int64_t count, int64_t spacing, Real* to) {
    if (spacing == 1) {
        copy(from, count, to);
    } else if (spacing == 2) {
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
        for (int64_t i = 0; i < count; ++i) to[i] = from[i * spacing];
    }
}

// Copies the lines that a block of plane x reads. `has_zeros`: an earlier plane has already written the lines of zeros.
void fill_patch(const Plan& plan, const Real* x, int64_t block, bool has_zeros, Real* patch) {
    const PolyphaseAxis &a = plan.outer, &b = plan.middle;
    const int64_t lines = plan.block + a.reach(), top = block * plan.block + a.low, pitch = plan.pitch;
    const bool contiguous = a.source_stride == 1 && plan.middle_lines == 1 && b.source_stride == 1 && b.source_size == 1 &&
        plan.source_spacing == 1 && pitch == plan.source_columns;
    if (contiguous) {   // one copy for all lines
        const int64_t first = min(lines, max(-top, 0)), count = max(min(lines, a.source_size - top) - first, 0);
        if (!has_zeros) zero_fill(patch, first * pitch);
        if (count > 0) copy(x + (top + first) * pitch, count * pitch, patch + first * pitch);
        if (!has_zeros) zero_fill(patch + (first + count) * pitch, (lines - first - count) * pitch);
        return;
    }
    for (int64_t p = 0; p < a.source_stride; ++p)
        for (int64_t q = 0; q < b.source_stride; ++q)
            for (int64_t i = 0; i < lines; ++i)
                for (int64_t j = 0; j < plan.middle_lines; ++j, patch += pitch) {
                    const int64_t z = (top + i) * a.source_stride + p, y = (j + b.low) * b.source_stride + q;
                    const bool inside = z >= 0 && z < a.source_size && y >= 0 && y < b.source_size;
                    const Real* line = x + (z * b.source_size + y) * plan.source_columns;
                    if (inside) spread(line, plan.source_columns, plan.source_spacing, patch);
                    else zero_fill(patch, pitch);
                }
}

// Calls work(plane, block, patch) for blocks [begin, end), counted over all planes. `pitch` is the distance of planes.
// Several patches are filled before the first is used: numbers that were just stored are slow to load at another
// alignment.
template <class Work>
void for_patches(const Plan& plan, const Real* x, int64_t pitch, int64_t begin, int64_t end, Work work) {
    const int64_t size = plan.patch_size + 2 * plan.margin, at_once = ceil_div(FILLED, plan.patch_size);
    Real* patch = scratch(0, min(at_once, end - begin) * size) + plan.margin;
    for (int64_t i = begin; i < end; i += at_once) {
        const int64_t count = min(at_once, end - i);
        for (int64_t j = 0; j < count; ++j) {
            const bool has_zeros = plan.blocks == 1 && i > begin;
            fill_patch(plan, x + (i + j) / plan.blocks * pitch, (i + j) % plan.blocks, has_zeros, patch + j * size);
        }
        for (int64_t j = 0; j < count; ++j) work((i + j) / plan.blocks, (i + j) % plan.blocks, patch + j * size);
    }
}

}  // namespace
