// The CUDA simulator: tracing. Every read and write of a traced kernel is checked and counted.
//
// Checks: races between threads, accesses outside of all arrays, and reads of shared memory that no thread wrote. Shadow
// memory holds the last accesses of each byte. Counts: the sectors of global memory that a warp requests, and the bank
// conflicts of shared memory.
#pragma once
#include <unordered_map>
#include <unordered_set>

#include "cudasim_fiber.hpp"

namespace {

// --- tracing: races, bounds and uninitialised reads -----------------------------------------------------------------

// Time is counted in barriers: of the block, and of each warp. Two accesses of one block are in order if a barrier of the
// block lies between them, or a barrier of the warp that both threads belong to. Accesses of two blocks are never in order.
//
// A stamp says who accessed a byte last, and when. For several readers since the last barrier it keeps one of them, with a
// flag that tells how far apart the others are.
struct Stamp {
    int thread = -1;   // its number in the grid, with flags; -1: no access yet
    uint32_t block_time = 0, warp_time = 0;
};
constexpr int MANY_IN_WARP = 1 << 28;        // flag: other threads of the same warp, too
constexpr int MANY_IN_BLOCK = 1 << 29;       // flag: threads of other warps of the block, too
constexpr int MANY_BLOCKS = 1 << 30;         // flag: other blocks, too; it stays, because no barrier orders two blocks
constexpr int NUMBER = MANY_IN_WARP - 1;     // mask of the thread's number

// Shadow memory: the last accesses of one byte.
struct Shadow {
    Stamp write, read;
};

struct Memory {
    Range range;
    std::vector<Shadow> shadow;
    const char* kind;
};

// The lanes of a warp at one instruction: a request to memory.
struct Access {
    uintptr_t address[WARP];   // 0: the lane does not take part
    uint32_t size;
    bool write, shared;
};

// An instruction that reads or writes, told apart by its address in the code.
struct Site {
    std::vector<std::vector<Access>> warps;   // [warp][how often its lanes were here before]
    std::vector<uint32_t> visits;             // [thread]
};

bool tracing = false;
Range image{};
std::vector<Memory> memories;   // [0] is shared memory
std::unordered_map<void*, Site> sites;
std::unordered_set<uintptr_t> sectors_read, sectors_written, all_read, all_written;
std::vector<uint32_t> warp_time;
uint32_t block_time = 0;
long long block_number = 0;
Counts counts{};

int block_threads() { return int(threads.size()); }
int block_of(int thread) { return thread / block_threads(); }
int warp_of(int thread) { return thread % block_threads() / WARP; }
int running_thread() { return int(block_number * block_threads() + current); }   // its number in the grid

// Whether an access that happened before is ordered before an access of `thread` now.
bool in_order(const Stamp& before, int thread) {
    if (before.thread < 0) return true;
    if (before.thread & MANY_BLOCKS) return false;
    const int other = before.thread & NUMBER;
    const bool many_in_block = before.thread & MANY_IN_BLOCK, many_in_warp = before.thread & MANY_IN_WARP;
    if (other == thread && !many_in_block && !many_in_warp) return true;
    if (block_of(other) != block_of(thread)) return false;
    if (before.block_time != block_time) return true;
    const int warp = warp_of(thread);
    return !many_in_block && warp_of(other) == warp && before.warp_time != warp_time[warp];
}

struct Name {
    char text[80];
};

Name name_of_thread(int thread) {
    thread &= NUMBER;
    const int t = thread % block_threads(), b = block_of(thread);
    const unsigned nx = cudasim_block_size.x, ny = cudasim_block_size.y, gx = cudasim_grid_size.x, gy = cudasim_grid_size.y;
    Name name;
    snprintf(name.text, sizeof name.text, "thread (%u,%u,%u) of block (%u,%u,%u)", t % nx, t / nx % ny, t / nx / ny, b % gx,
             b / gx % gy, b / gx / gy);
    return name;
}

[[noreturn]] void race(const Memory& m, const char* now, const char* then, int thread, int other, void* code) {
    const bool blocks = block_of(other & NUMBER) != block_of(thread);
    fail("race in %s memory: %s %s what %s %s, with no %s between; %%%p", m.kind, name_of_thread(thread).text, now,
         name_of_thread(other).text, then, blocks ? "order at all" : "barrier", code);
    abandon();
}

Memory* find_memory(const char* p) {
    Memory* found = nullptr;
    for (Memory& m : memories)
        if (p >= m.range.begin && p < m.range.end) found = &m;
    return found;
}

template <class T>
bool is_inside(const char* p, const T& variable) {
    const char* begin = reinterpret_cast<const char*>(&variable);
    return p >= begin && p < begin + sizeof variable;
}

// Whether the address is on the thread's stack, in a built-in variable such as threadIdx, or a constant of the library.
bool is_private(const char* p) {
    const char* stack = threads[current].stack;
    return (p >= stack && p < stack + STACK) || is_inside(p, cudasim_thread) || is_inside(p, cudasim_block) ||
        is_inside(p, cudasim_block_size) || is_inside(p, cudasim_grid_size) || (p >= image.begin && p < image.end);
}

// The stamp of the readers `before` and of one more read, `now`.
Stamp joined(const Stamp& before, Stamp now) {
    if (before.thread < 0) return now;
    const int thread = now.thread, other = before.thread & NUMBER;
    const bool same_block = block_of(other) == block_of(thread);
    const bool same_block_time = same_block && before.block_time == block_time;
    if (before.thread & MANY_BLOCKS || !same_block) {
        // A write from now on races with one of two blocks. The first reader is kept, so that a message can name it.
        now = before, now.thread |= MANY_BLOCKS;
    } else if (same_block_time && (before.thread & MANY_IN_BLOCK || warp_of(other) != warp_of(thread))) {
        now.thread |= MANY_IN_BLOCK;
    } else if (same_block_time && before.warp_time == now.warp_time && (before.thread & MANY_IN_WARP || other != thread)) {
        now.thread |= MANY_IN_WARP;
    }
    return now;
}

// Checks an access to one byte against the accesses before, and remembers it.
void check_byte(const Memory& m, Shadow& s, bool write, int thread, void* code) {
    if (!in_order(s.write, thread)) race(m, write ? "writes" : "reads", "wrote", thread, s.write.thread, code);
    const Stamp now{thread, block_time, warp_time[current / WARP]};
    if (write) {
        if (!in_order(s.read, thread)) race(m, "writes", "read", thread, s.read.thread, code);
        s.write = now;
        return;
    }
    if (&m == &memories[0] && s.write.thread < 0) {
        fail("uninitialised: %s reads shared memory that no thread set; %%%p", name_of_thread(thread).text, code);
        abandon();
    }
    s.read = joined(s.read, now);
}

// Remembers which address the lane accesses at this instruction; sectors and bank conflicts are counted after the block.
void record(const char* p, size_t size, bool write, bool shared, void* code) {
    Site& site = sites[code];
    if (site.visits.empty()) site.visits.resize(block_threads()), site.warps.resize((block_threads() + WARP - 1) / WARP);
    const uint32_t visit = site.visits[current]++;
    std::vector<Access>& accesses = site.warps[current / WARP];
    if (accesses.size() <= visit) accesses.resize(visit + 1, Access{{}, 0, write, shared});
    accesses[visit].address[current % WARP] = reinterpret_cast<uintptr_t>(p);
    accesses[visit].size = uint32_t(size);
}

// Traced libraries call this for every access; `code` is the address of the instruction.
void watch(void* address, size_t size, bool write, void* code) {
    if (!tracing || failed) return;
    char* p = static_cast<char*>(address);
    Memory* m = find_memory(p);
    if (!m && is_private(p)) return;
    const int thread = running_thread();
    if (!m || p + size > m->range.end) {
        fail("out of bounds: %s %s %zu bytes outside of every array; %%%p", name_of_thread(thread).text,
             write ? "writes" : "reads", size, code);
        abandon();
    }
    for (size_t i = 0; i < size; ++i) check_byte(*m, m->shadow[p - m->range.begin + i], write, thread, code);
    record(p, size, write, m == &memories[0], code);
}

// --- tracing: counting sectors and bank conflicts -------------------------------------------------------------------

// Counts bank conflicts. Shared memory has 32 banks of 4 bytes. If each lane requests 8 bytes, the warp is served in two
// halves, and for 16 bytes in four quarters.
void count_shared(const Access& a) {
    int lanes = a.size <= 4 ? 32 : a.size == 8 ? 16 : 8;
    for (int first = 0; first < WARP; first += lanes) {
        std::vector<uintptr_t> words[32];
        bool any = false;
        for (int lane = first; lane < first + lanes; ++lane) {
            if (!a.address[lane]) continue;
            any = true;
            for (uintptr_t word = a.address[lane] / 4; word <= (a.address[lane] + a.size - 1) / 4; ++word) {
                auto& bank = words[word % 32];
                if (std::find(bank.begin(), bank.end(), word) == bank.end()) bank.push_back(word);
            }
        }
        if (!any) continue;
        size_t most = 0;
        for (auto& bank : words) most = std::max(most, bank.size());
        counts.shared_wavefronts += (long long)most;
        counts.shared_ideal += 1;
    }
    counts.shared_requests += 1;
}

// Counts the sectors of 32 bytes that a request touches.
void count_global(const Access& a) {
    static std::vector<uintptr_t> sectors;
    sectors.clear();
    for (int lane = 0; lane < WARP; ++lane)
        if (a.address[lane])
            for (uintptr_t s = a.address[lane] / 32; s <= (a.address[lane] + a.size - 1) / 32; ++s) {
                sectors.push_back(s);
                (a.write ? sectors_written : sectors_read).insert(s);
            }
    std::sort(sectors.begin(), sectors.end());
    counts.sectors_requested += std::unique(sectors.begin(), sectors.end()) - sectors.begin();
    counts.global_requests += 1;
}

void end_of_traced_block() {
    for (auto& [code, site] : sites) {
        for (auto& warp : site.warps) {
            for (const Access& a : warp) a.shared ? count_shared(a) : count_global(a);
            warp.clear();
        }
        std::fill(site.visits.begin(), site.visits.end(), 0);
    }
    counts.sectors_moved += (long long)(sectors_read.size() + sectors_written.size());
    all_read.insert(sectors_read.begin(), sectors_read.end());
    all_written.insert(sectors_written.begin(), sectors_written.end());
    sectors_read.clear(), sectors_written.clear();
    memories[0].shadow.assign(memories[0].shadow.size(), Shadow());
}

}  // namespace
