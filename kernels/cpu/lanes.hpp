// Parts of vectors: lanes that exist, where memory ends or zeros begin.
#pragma once
#include "simd.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

// Lanes first to last - 1. Addresses are those of lane 0; nothing is touched but the lanes. Loaded, the rest is
// that of `others`.
struct Part {
#if defined(__AVX512F__)
    uint32_t mask;
    Part(int first, int last) : mask((1u << last) - (1u << first)) {}
    Vec load(const Real* from, Vec others = Vec{}) const {
        if (sizeof(Real) == 4) return (Vec)_mm512_mask_loadu_ps((__m512)others, __mmask16(mask), from);
        return (Vec)_mm512_mask_loadu_pd((__m512d)others, __mmask8(mask), from);
    }
    void store(Real* to, Vec v) const {
        if (sizeof(Real) == 4) _mm512_mask_storeu_ps(to, __mmask16(mask), (__m512)v);
        else _mm512_mask_storeu_pd(to, __mmask8(mask), (__m512d)v);
    }
#else
    int first, last;
    Part(int from, int to) : first(from), last(to) {}
    Vec load(const Real* from, Vec others = Vec{}) const {
        for (int i = first; i < last; ++i) others[i] = from[i];
        return others;
    }
    void store(Real* to, Vec v) const {
        for (int i = first; i < last; ++i) to[i] = v[i];
    }
#endif
};

// Lanes first to last - 1 of a vector, which are neighbours at `from`; the others are zero.
static inline Vec load_lanes(const Real* from, int first, int last) { return Part(first, last).load(from - first); }

// Lanes first to last - 1 go to `to` and on, `step` apart.
static inline void store_lanes(Real* to, Vec v, int first, int last, int64_t step) {
    if (step == 1 && last - first == LANES) {
        store(to, v);
        return;
    }
    if (step == 1) {
        Part(first, last).store(to - first, v);
        return;
    }
#if defined(__AVX512F__) && defined(__BMI2__) && !defined(__clang__)   // which has no __builtin_shuffle
    if (step == 2) {   // two vectors of every other lane, instead of one number at a time
        Indices low, high;
        for (int i = 0; i < LANES; ++i) low[i] = Index(i / 2), high[i] = Index((i + LANES) / 2);
        Part wide(first, last);
        const uint32_t mask = _pdep_u32(wide.mask, 0x55555555);
        wide.mask = mask & ((1u << LANES) - 1);
        wide.store(to - 2 * first, __builtin_shuffle(v, low));
        wide.mask = mask >> LANES;
        wide.store(to - 2 * first + LANES, __builtin_shuffle(v, high));
        return;
    }
#endif
    for (int i = first; i < last; ++i, to += step) *to = v[i];
}
