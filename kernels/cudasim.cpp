// The CUDA simulator: runs CUDA kernels on the CPU and checks what their threads do.
//
//   fibers      Each CUDA thread is a fiber with a stack of its own. The blocks of a grid run one after another.
//   scheduler   A thread runs until it waits or returns. When no thread can go on, threads that wait at the same barrier
//               or shuffle are released together. If some threads of the block or warp are missing there, the kernel has a
//               bug: a GPU may hang. The launch then ends with a message that names the line.
//   shared      Shared memory is filled with NaN before each block, so that reads of uninitialised values show.
//   tracing     A library built with -fsanitize=thread calls a function for every read and write. The functions are here,
//               not in ThreadSanitizer's runtime. They count and check the accesses. In CUDA only barriers of the block or
//               the warp order two accesses, so the simulator finds every race of a launch, and reports no false ones.
//
// cudasim_fiber.hpp has the fibers, cudasim_trace.hpp the tracing; this file has the scheduler and the entry points.
// Plain C++17 without dependencies. One launch at a time: the caller holds a lock.
#include <chrono>
#include <numeric>
#include <random>

#include "cudasim_trace.hpp"

namespace {

// --- the scheduler: running a block ---------------------------------------------------------------------------------

Options settings{};
Range shared_memory{};
std::vector<int> order;  // in which the threads run
std::mt19937 shuffler;

// Fails with a message: `waiting` waits at a place that other threads will never reach.
void fail_divergent(const Thread& waiting) {
    int at = 0;
    const Thread* other = nullptr;
    for (const Thread& t : threads) {
        if (t.state == waiting.state && t.line == waiting.line && t.file == waiting.file) {
            ++at;
            continue;
        }
        if (!other) other = &t;
    }
    char where[120] = "has returned";
    if (other && other->state != State::done)
        snprintf(where, sizeof where, "waits at %s in %s:%d", other->what, file_name(other->file), other->line);
    fail("divergent: %d of %zu threads of block (%u,%u,%u) wait at %s in %s:%d, but thread (%u,%u,%u) %s", at,
         threads.size(), cudasim_block.x, cudasim_block.y, cudasim_block.z, waiting.what, file_name(waiting.file), waiting.line,
         other ? other->index.x : 0, other ? other->index.y : 0, other ? other->index.z : 0, other ? where : "is missing");
}

// Releases the warps whose lanes all wait at the same place. Returns whether there was one.
bool release_warps() {
    bool any = false;
    for (size_t first = 0; first < threads.size(); first += WARP) {
        Thread& t = threads[first];
        size_t last = std::min(first + WARP, threads.size());
        bool all = last - first == WARP;
        for (size_t i = first; i < last; ++i)
            all &= threads[i].state == State::at_warp && threads[i].line == t.line && threads[i].file == t.file;
        if (!all) continue;
        if (!t.exchanges) ++warp_time[first / WARP];
        for (size_t i = first; i < last; ++i) threads[i].state = State::ready;
        any = true;
    }
    return any;
}

// Releases the block if all of its threads wait at the same __syncthreads. Returns whether they did.
bool release_block() {
    for (const Thread& t : threads)
        if (t.state != State::at_barrier || t.line != threads[0].line || t.file != threads[0].file) return false;
    for (Thread& t : threads) t.state = State::ready;
    ++block_time;
    return true;
}

void run_block(std::vector<int>& order, const Options& options, std::mt19937& random) {
    for (Thread& t : threads) t.state = State::fresh, t.parity = 0;
    while (!failed) {
        if (options.order == 2) std::shuffle(order.begin(), order.end(), random);
        for (int i : order) {
            if (failed) break;
            if (threads[i].state == State::fresh || threads[i].state == State::ready) enter_fiber(i);
        }
        if (failed || release_warps() || release_block()) continue;
        const Thread* waiting = nullptr;
        for (const Thread& t : threads)
            if (t.state != State::done && (!waiting || t.state == State::at_warp)) waiting = &t;
        if (!waiting) return;
        const size_t partial = threads.size() % WARP;   // lanes of the last warp, if it is not whole
        const bool in_last_warp = waiting - &threads[0] >= long(threads.size() - partial);
        if (waiting->state == State::at_warp && partial && in_last_warp)
            fail("divergent: the last warp has %zu lanes, but %s in %s:%d is for all 32", partial, waiting->what,
                 file_name(waiting->file), waiting->line);
        fail_divergent(*waiting);
    }
    for (Thread& t : threads)  // after a failure: abandon the fibers
        if (t.state != State::done && t.state != State::fresh) free_stacks.push_back(t.stack);
}

}  // namespace

extern "C" {

void cudasim_wait_block(const char* file, int line) { wait(State::at_barrier, "__syncthreads()", file, line); }

void cudasim_wait_warp(unsigned mask, const char* what, const char* file, int line) {
    if (mask != 0xffffffffu) fail("%s:%d: this simulator knows only the mask of all 32 lanes", file_name(file), line);
    threads[current].exchanges = false;
    wait(State::at_warp, what, file, line);
}

const void* cudasim_exchange(unsigned mask, const void* value, int size, const char* file, int line) {
    if (mask != 0xffffffffu) fail("%s:%d: this simulator knows only the mask of all 32 lanes", file_name(file), line);
    Thread& t = threads[current];
    // Two sets of slots, used in turn: no lane can be two shuffles ahead of a lane that still has to read.
    Slots& s = slots[current / WARP * 2 + (t.parity++ & 1)];
    memcpy(s.bytes[current % WARP], value, size_t(size));
    t.exchanges = true;
    wait(State::at_warp, "a shuffle or vote", file, line);
    return s.bytes;
}

int cudasim_lane() { return current % WARP; }

// Prepares the launch of a kernel. `shared` is the shared memory of its library, `library` the whole library with its
// constants, and `arrays` all arrays that the kernel may access. A failure writes a message to `text`; "%0x..." in it is
// the address of an instruction.
void cudasim_prepare(void (*entry)(void**), void** values, const unsigned* grid, const unsigned* block, const Range* shared,
                     const Range* library, const Range* arrays, int n_arrays, const Options* options, char* text,
                     size_t text_size) {
    kernel = entry, arguments = values, message = text, message_size = text_size, failed = false;
    cudasim_grid_size = {grid[0], grid[1], grid[2]};
    cudasim_block_size = {block[0], block[1], block[2]};
    cudasim_block = {0, 0, 0};
    size_t size = size_t(block[0]) * block[1] * block[2];
    settings = *options, shared_memory = *shared, image = *library, shuffler.seed(options->seed);
    tracing = options->traced;
    counts = Counts{}, block_number = 0, block_time = 0;
    memories.clear(), sites.clear(), all_read.clear(), all_written.clear();
    try {
        threads.resize(size);
        slots.resize((size + WARP - 1) / WARP * 2);
        warp_time.assign((size + WARP - 1) / WARP, 0);
        for (unsigned i = 0; i < size; ++i)
            threads[i].index = {i % block[0], i / block[0] % block[1], i / block[0] / block[1]};
        order.resize(size);
        std::iota(order.begin(), order.end(), 0);
        if (options->order == 1) std::reverse(order.begin(), order.end());
        if (tracing) {
            memories.push_back({*shared, std::vector<Shadow>(size_t(shared->end - shared->begin)), "shared"});
            for (int i = 0; i < n_arrays; ++i)
                memories.push_back({arrays[i], std::vector<Shadow>(size_t(arrays[i].end - arrays[i].begin)), "global"});
        }
    } catch (const std::exception& error) {
        memories.clear();
        fail("no memory to trace every byte of the arrays: %s; use smaller ones", error.what());
    }
}

// Runs blocks of the grid for about `seconds`. Returns 0 after the last block, 1 after a failure, and 2 if blocks are left:
// then the caller checks for Ctrl-C and calls again.
int cudasim_continue(double seconds, Counts* out) {
    const auto begin = std::chrono::steady_clock::now();
    uint3& b = cudasim_block;
    const uint3 grid = cudasim_grid_size;
    while (!failed && b.z < grid.z) {
        // NaN in every floating-point type. No memset: AddressSanitizer would report its writes between two arrays.
        for (char* p = shared_memory.begin; p != shared_memory.end; ++p) *p = char(0xff);
        try {
            run_block(order, settings, shuffler);
            if (tracing) end_of_traced_block();
        } catch (const std::exception& error) {
            fail("the simulator fails: %s", error.what());
        }
        ++block_number;
        if (++b.x == grid.x) b.x = 0, ++b.y;
        if (b.y == grid.y) b.y = 0, ++b.z;
        if (std::chrono::steady_clock::now() - begin > std::chrono::duration<double>(seconds) && !failed && b.z < grid.z)
            return 2;
    }
    counts.sectors_ideal = (long long)(all_read.size() + all_written.size());
    *out = counts;
    memories.clear(), sites.clear();
    return failed;
}

// The compiler calls this (-fsanitize=alignment) at an access whose address is not a multiple of the type's alignment.
struct Place {
    const char* file;
    unsigned line, column;
};
void __ubsan_handle_type_mismatch_v1_abort(const Place* place, void* address) {
    fail("misaligned: %s needs an address that is a multiple of the type's alignment, got %p; %s:%u",
         name_of_thread(running_thread()).text, address, file_name(place->file), place->line);
    abandon();
}

// A traced library calls these for every access.
#define ACCESS(bytes)                                                                                              \
    void __tsan_read##bytes(void* p) { watch(p, bytes, false, __builtin_return_address(0)); }                     \
    void __tsan_write##bytes(void* p) { watch(p, bytes, true, __builtin_return_address(0)); }                     \
    void __tsan_unaligned_read##bytes(void* p) { watch(p, bytes, false, __builtin_return_address(0)); }           \
    void __tsan_unaligned_write##bytes(void* p) { watch(p, bytes, true, __builtin_return_address(0)); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
void __tsan_read_range(void* p, size_t size) { watch(p, size, false, __builtin_return_address(0)); }
void __tsan_write_range(void* p, size_t size) { watch(p, size, true, __builtin_return_address(0)); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
}
