// Integer arithmetic for sizes and indices. Divisors are positive.
#pragma once
#include <stdint.h>

static inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

// ⌈a / b⌉ for a >= 0: the number of blocks of size b that cover a elements.
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// ⌊a / b⌋, also for a < 0, where C++ rounds towards zero.
static inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

// The smallest multiple of b that is at least a >= 0.
static inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// n is cut into the fewest blocks of at most `limit` elements. Returns the block size that makes these blocks equal.
static inline int64_t equal_blocks(int64_t n, int64_t limit) { return ceil_div(n, ceil_div(n, max(limit, 1))); }

static inline int64_t greatest_common_divisor(int64_t a, int64_t b) { return b ? greatest_common_divisor(b, a % b) : a; }

static inline int64_t numel(const int64_t* size) { return size[0] * size[1] * size[2]; }
