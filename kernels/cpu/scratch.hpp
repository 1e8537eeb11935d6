// Scratch memory: buffers of a thread that stay allocated from one call to the next.
#pragma once
#include <stdlib.h>

#include <new>

#include "integers.hpp"

constexpr int SCRATCH_BUFFERS = 4;

// Returns a buffer of at least `size` numbers, aligned to a page. Its content is undefined. Buffers that are in use at
// the same time need different slots.
static inline Real* scratch(int slot, int64_t size) {
    struct Buffer {
        void* memory = nullptr;
        int64_t bytes = 0;
        ~Buffer() { free(memory); }
    };
    static thread_local Buffer buffers[SCRATCH_BUFFERS];
    Buffer& b = buffers[slot];
    const int64_t bytes = round_up(size * int64_t(sizeof(Real)), 4096);
    if (bytes > b.bytes) {
        free(b.memory);
        b.memory = aligned_alloc(4096, size_t(bytes));
        b.bytes = b.memory ? bytes : 0;
        if (!b.memory) throw std::bad_alloc();
    }
    return static_cast<Real*>(b.memory);
}
