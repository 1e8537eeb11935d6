// Pooling: the sizes, the cutting of rows into tasks, and moves of vectors at the end of an array.
#pragma once
#include <utility>
#include <vector>

#include "scratch.hpp"
#include "simd.hpp"
#include "threads.hpp"

constexpr int64_t TASK = 16384;   // elements of the input

// A tap is one offset of the pooling window. Output j reads element j·stride + tap·dilation - padding.
struct PoolAxis {
    int64_t input, output, kernel, stride, padding, dilation;
    int64_t reach() const { return dilation * (kernel - 1); }   // from a window's first element to its last
};

// As Python passes it: the number of planes, then six numbers for each axis. A missing axis has size 1.
struct PoolShape {
    int64_t planes;
    PoolAxis depth, row, column;
    explicit PoolShape(const int64_t* numbers) : planes(*numbers) {
        for (PoolAxis* a : {&depth, &row, &column}) {
            int64_t* fields[] = {&a->input, &a->output, &a->kernel, &a->stride, &a->padding, &a->dilation};
            for (int64_t* field : fields) *field = *++numbers;
        }
    }
    int64_t taps() const { return depth.kernel * row.kernel * column.kernel; }
};

// Calls work(plane, slice, begin, end, rows_after) for runs of rows [begin, end) of one slice of a plane. A task has one
// run or several; rows_after counts the rows of the task after this run. Each row is about row_elements of work.
template <class Work>
static void for_row_runs(int64_t planes, int64_t slices, int64_t rows, int64_t row_elements, Work work) {
    const int64_t total = planes * slices * rows, share = max(TASK / max(row_elements, 1), 1);
    parallel(ceil_div(total, share), [&](int64_t task) {
        const int64_t task_end = min(total, (task + 1) * share);
        for (int64_t row = task * share; row < task_end;) {
            const int64_t begin = row % rows, end = min(rows, begin + task_end - row);
            work(row / rows / slices, row / rows % slices, begin, end, task_end - row - (end - begin));
            row += end - begin;
        }
    });
}

// Loads and stores of a vector of which only the first `room` elements exist in memory.
template <class V, class T>
static inline V load_first(const T* from, int64_t room) {
    V v{};
    memcpy(&v, from, room >= LANES ? sizeof v : room * sizeof(T));
    return v;
}
template <class V, class T>
static inline void store_first(T* to, V v, int64_t room) {
    if (room >= LANES) memcpy(to, &v, sizeof v);
    else if (room > 0) memcpy(to, &v, room * sizeof(T));
}

// --- winners: the number of the tap that won its window, a byte in memory and an Index in a vector --------------------

typedef uint8_t Bytes __attribute__((vector_size(LANES)));

// GCC 12 converts 16 bytes one by one (68 instructions). Instead, each Index gets the word that contains its byte, shifted.
// VECTOR_BYTES bytes are read.
template <int... I>
static inline Indices widen(const uint8_t* from, std::integer_sequence<int, I...>) {
    constexpr int BYTES_PER_WORD = sizeof(Index);
    Indices words;
    memcpy(&words, from, sizeof words);
    return (__builtin_shufflevector(words, words, (I / BYTES_PER_WORD)...) >> Indices{(8 * (I % BYTES_PER_WORD))...}) & 255;
}
static inline Indices load_winners(const uint8_t* from) { return widen(from, std::make_integer_sequence<int, LANES>{}); }

template <int... I>
static inline Bytes narrow(Indices v, std::integer_sequence<int, I...>) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    typedef uint8_t AllBytes __attribute__((vector_size(VECTOR_BYTES)));   // 6 instructions; a conversion takes 33
    const AllBytes bytes = __builtin_shufflevector((AllBytes)v, (AllBytes)v, (I < LANES ? I * int(sizeof(Index)) : I)...);
    Bytes low;
    memcpy(&low, &bytes, sizeof low);
    return low;
#else
    return __builtin_convertvector(v, Bytes);
#endif
}
static inline Bytes to_bytes(Indices v) { return narrow(v, std::make_integer_sequence<int, VECTOR_BYTES>{}); }

// --- strides ----------------------------------------------------------------------------------------------------------

typedef std::make_integer_sequence<int, LANES> EachLane;

template <int... I>
static inline Vec even_lanes(Vec a, Vec b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, (I < LANES / 2 ? 2 * I : 2 * I + 1)...);
}

// The first (HALF = 0) or second (HALF = 1) half of a[0], b[0], a[1], b[1], ...
template <int HALF, int... I>
static inline Vec interleave(Vec a, Vec b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, (HALF * LANES / 2 + I / 2 + I % 2 * LANES)...);
}

// from[0], from[stride], from[2 stride], ... Nothing after the last of these is read.
template <int STRIDE>
static inline Vec load_strided(const Real* from, int64_t stride) {
    if (STRIDE == 1) return load(from);
    if (STRIDE == 2) return even_lanes(load(from), load(from + LANES - 1), EachLane{});
    Vec v;
    for (int i = 0; i < LANES; ++i) v[i] = from[i * stride];
    return v;
}
