// Masked loads and stores, for a partial vector at the end of an array or beside zeros.
//
// A mask selects the lanes first, ..., last - 1. Memory of the other lanes is neither read nor written.
#pragma once
#include "simd.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

// Pointers are the address of lane 0, even if lane 0 is not selected.
struct LaneMask {
#if defined(__AVX512F__)
    uint32_t mask;
    LaneMask(int first, int last) : mask((1u << last) - (1u << first)) {}
    // The other lanes get their values from `others`.
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
    LaneMask(int first_lane, int end) : first(first_lane), last(end) {}
    Vec load(const Real* from, Vec others = Vec{}) const {
        for (int i = first; i < last; ++i) others[i] = from[i];
        return others;
    }
    void store(Real* to, Vec v) const {
        for (int i = first; i < last; ++i) to[i] = v[i];
    }
#endif
};

// Loads last - first numbers at `from` into lanes first, ..., last - 1. The other lanes are zero.
static inline Vec load_lanes(const Real* from, int first, int last) { return LaneMask(first, last).load(from - first); }

// Stores lanes first, ..., last - 1 to to[0], to[stride], to[2 stride], ...
static inline void store_lanes(Real* to, Vec v, int first, int last, int64_t stride) {
    if (stride == 1 && last - first == LANES) {
        store(to, v);
        return;
    }
    if (stride == 1) {
        LaneMask(first, last).store(to - first, v);
        return;
    }
#if defined(__AVX512F__) && defined(__BMI2__) && !defined(__clang__)   // Clang has no __builtin_shuffle
    if (stride == 2) {   // two masked stores, instead of one store for each lane
        Indices low, high;
        for (int i = 0; i < LANES; ++i) low[i] = Index(i / 2), high[i] = Index((i + LANES) / 2);
        LaneMask wide(first, last);
        const uint32_t mask = _pdep_u32(wide.mask, 0x55555555);
        wide.mask = mask & ((1u << LANES) - 1);
        wide.store(to - 2 * first, __builtin_shuffle(v, low));
        wide.mask = mask >> LANES;
        wide.store(to - 2 * first + LANES, __builtin_shuffle(v, high));
        return;
    }
#endif
    for (int i = first; i < last; ++i, to += stride) *to = v[i];
}
