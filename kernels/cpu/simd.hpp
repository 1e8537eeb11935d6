// SIMD vectors of the machine's width, by GCC's vector extensions: one source for AVX-512, AVX2, NEON and SSE.
//
// A Vec holds LANES numbers. Arithmetic on it works lane by lane: a * b + c becomes one fused multiply-add (FMA).
// Loads and stores need no alignment. Comparisons give an Indices vector: all bits set where true, 0 where false.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

#include "integers.hpp"

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64, REGISTERS = 32;
#elif defined(__AVX2__)
constexpr int VECTOR_BYTES = 32, REGISTERS = 16;
#elif defined(__ARM_NEON)
constexpr int VECTOR_BYTES = 16, REGISTERS = 32;
#else
constexpr int VECTOR_BYTES = 16, REGISTERS = 16;
#endif

// The compiler is called with -DReal=float or -DReal=double.
constexpr int LANES = VECTOR_BYTES / int(sizeof(Real));
typedef Real Vec __attribute__((vector_size(VECTOR_BYTES)));
typedef std::conditional_t<sizeof(Real) == 4, int32_t, int64_t> Index;   // an integer as wide as Real
typedef Index Indices __attribute__((vector_size(VECTOR_BYTES)));

static inline Vec load(const Real* from) {
    Vec v;
    memcpy(&v, from, sizeof v);   // compiles to one unaligned load
    return v;
}
static inline void store(Real* to, Vec v) { memcpy(to, &v, sizeof v); }

// x in all lanes. `Vec{} + x` would cost a real addition: 0 + -0 is 0 and not -0.
static inline Vec broadcast(Real x) { return x - Vec{}; }

// 0, 1, 2, ..., LANES - 1
static inline Indices iota() {
    Indices v;
    for (int i = 0; i < LANES; ++i) v[i] = Index(i);
    return v;
}

static inline Vec relu(Vec x) { return x <= 0 ? Vec{} : x; }   // NaN stays NaN
