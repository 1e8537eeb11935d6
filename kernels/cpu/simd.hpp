// Vectors of the machine's width, by GCC's vector extensions: one source for AVX-512, AVX2, NEON and SSE.
//
// Arithmetic on a Vec is lane by lane: a * b + c becomes one fused multiply-add. Memory need not be aligned.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64, REGISTERS = 32;
#elif defined(__AVX2__)
constexpr int VECTOR_BYTES = 32, REGISTERS = 16;
#elif defined(__ARM_NEON)
constexpr int VECTOR_BYTES = 16, REGISTERS = 32;
#else
constexpr int VECTOR_BYTES = 16, REGISTERS = 16;
#endif

constexpr int LANES = VECTOR_BYTES / int(sizeof(Real));
typedef Real Vec __attribute__((vector_size(VECTOR_BYTES)));
typedef std::conditional_t<sizeof(Real) == 4, int32_t, int64_t> Index;   // an integer of Real's width
typedef Index Indices __attribute__((vector_size(VECTOR_BYTES)));

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }   // of `size`, the last shorter

static inline Vec load(const Real* from) {
    Vec v;
    memcpy(&v, from, sizeof v);   // one unaligned move
    return v;
}
static inline void store(Real* to, Vec v) { memcpy(to, &v, sizeof v); }
// The same value in all lanes; `Vec{} + x` would be a real addition for every broadcast.
static inline Vec all(Real x) { return x - Vec{}; }
static inline Vec rectified(Vec x) { return x <= 0 ? Vec{} : x; }   // ReLU; NaN stays NaN
static inline Indices numbers() {   // 0, 1, 2, ...
    Indices v;
    for (int i = 0; i < LANES; ++i) v[i] = Index(i);
    return v;
}
