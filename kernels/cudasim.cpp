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
// Plain C++17 without dependencies. One launch at a time: the caller holds a lock.
#include <sys/mman.h>

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <chrono>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <unordered_map>
#include <unordered_set>
#include <vector>

struct uint3 {
    unsigned x, y, z;
};

// --- fibers: stacks, and the switch from one to another -------------------------------------------------------------

extern "C" void __sanitizer_start_switch_fiber(void** fake, const void* bottom, size_t size) __attribute__((weak));
extern "C" void __sanitizer_finish_switch_fiber(void* fake, const void** bottom, size_t* size) __attribute__((weak));

namespace {

constexpr size_t STACK = 1 << 20;   // CUDA gives a thread half of this; pages that are never touched cost nothing
constexpr size_t GUARD = 64 << 10;  // guard pages below the stack: a stack overflow faults here, not in another stack
constexpr int WARP = 32;
extern "C" void cudasim_begin();

#if defined(__x86_64__)

// Saves the callee-saved registers of the fiber that runs, and restores those of another fiber.
asm(R"(
.text
.hidden cudasim_switch
.globl cudasim_switch
cudasim_switch:
    pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
    ret
)");
extern "C" __attribute__((visibility("hidden"))) void cudasim_switch(void** from, void* to);

struct Context {
    void* top = nullptr;
    void prepare(char* stack) {
        void** sp = reinterpret_cast<void**>(stack + STACK);
        *--sp = nullptr;  // the return address of the first function; it also aligns the stack as after a call
        *--sp = reinterpret_cast<void*>(&cudasim_begin);
        sp -= 6;
        std::fill(sp, sp + 6, nullptr);
        top = sp;
    }
    static void change(Context& from, Context& to) { cudasim_switch(&from.top, to.top); }
};

#else
}  // namespace
#include <ucontext.h>
namespace {

struct Context {
    ucontext_t state;
    void prepare(char* stack) {
        getcontext(&state);
        state.uc_stack.ss_sp = stack;
        state.uc_stack.ss_size = STACK;
        state.uc_link = nullptr;
        makecontext(&state, &cudasim_begin, 0);
    }
    static void change(Context& from, Context& to) { swapcontext(&from.state, &to.state); }
};

#endif

enum class State : uint8_t { fresh, ready, at_barrier, at_warp, done };

struct Thread {
    Context context;
    char* stack = nullptr;
    uint3 index;
    State state = State::fresh;
    bool exchanges = false;  // it waits at a shuffle, which orders no accesses, and not at __syncwarp
    unsigned mask = 0;
    uint32_t parity = 0;     // which of the two sets of slots the next shuffle uses
    const char* what = "";   // the barrier or shuffle that it waits at
    const char* file = "";
    int line = 0;
    void* fake = nullptr;    // AddressSanitizer's fake stack
};

// The values that the lanes of a warp exchange.
struct Slots {
    alignas(16) char bytes[WARP][8];
};

struct Options {
    int order;      // of the threads: 0 forward, 1 backward, 2 shuffled
    unsigned seed;  // of the shuffling
    int traced;     // the library calls a function for every read and write
};

struct Range {
    char *begin, *end;
};

// Counts of a traced launch, with the same layout as the class Counts in Python.
struct Counts {
    long long global_requests, sectors_requested, sectors_moved, sectors_ideal;
    long long shared_requests, shared_wavefronts, shared_ideal;
};

std::vector<Thread> threads;
std::vector<Slots> slots;  // two sets for each warp
std::vector<char*> free_stacks;
Context scheduler;
void* scheduler_fake = nullptr;
const void* scheduler_bottom = nullptr;
size_t scheduler_size = 0;
int current = 0;
void (*kernel)(void**) = nullptr;
void** arguments = nullptr;
char* message = nullptr;
size_t message_size = 0;
bool failed = false;

void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
void fail(const char* format, ...) {
    if (failed) return;  // the first failure is the cause of the others
    failed = true;
    va_list values;
    va_start(values, format);
    vsnprintf(message, message_size, format, values);
    va_end(values);
}

const char* file_name(const char* path) {
    const char* slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

}  // namespace

extern "C" {
uint3 cudasim_thread, cudasim_block, cudasim_block_size, cudasim_grid_size;
}

namespace {

// Switches back to the scheduler. AddressSanitizer must know whether the fiber will run again.
void leave_fiber(bool for_good) {
    Thread& t = threads[current];
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(for_good ? nullptr : &t.fake, scheduler_bottom, scheduler_size);
    Context::change(t.context, scheduler);
    if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(t.fake, nullptr, nullptr);
}

void enter_fiber(int i) {
    Thread& t = threads[i];
    current = i;
    cudasim_thread = t.index;
    if (t.state == State::fresh) {
        if (free_stacks.empty()) {
            const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
            void* memory = mmap(nullptr, GUARD + STACK, PROT_READ | PROT_WRITE, flags, -1, 0);
            if (memory == MAP_FAILED) return fail("no memory for the stack of a thread");
            mprotect(memory, GUARD, PROT_NONE);
            free_stacks.push_back(static_cast<char*>(memory) + GUARD);
        }
        t.stack = free_stacks.back();
        free_stacks.pop_back();
        t.context.prepare(t.stack);
        t.fake = nullptr;
    }
    t.state = State::ready;
    if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&scheduler_fake, t.stack, STACK);
    Context::change(scheduler, t.context);
    if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(scheduler_fake, nullptr, nullptr);
    if (t.state == State::done) free_stacks.push_back(t.stack);  // still warm in the cache for the next thread
}

// Ends the thread that runs, after its last statement or after a failure.
[[noreturn]] void abandon() {
    leave_fiber(true);
    __builtin_unreachable();
}

extern "C" void cudasim_begin() {
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(nullptr, &scheduler_bottom, &scheduler_size);
    try {
        kernel(arguments);
    } catch (const std::exception& error) {  // tracing ran out of memory
        fail("the simulator fails: %s", error.what());
    }
    threads[current].state = State::done;
    abandon();
}

void wait(State state, const char* what, const char* file, int line) {
    Thread& t = threads[current];
    t.state = state, t.what = what, t.file = file, t.line = line;
    leave_fiber(false);
}

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
        fail("uninitialised: %s reads shared memory that nobody wrote; %%%p", name_of_thread(thread).text, code);
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
