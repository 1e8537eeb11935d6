// The CUDA simulator: fibers. Each CUDA thread has a stack of its own, and the processor switches from one to another.
//
// A fiber runs until it waits or its kernel returns. Then it switches back to the scheduler (cudasim.cpp), which chooses
// the next fiber. A switch saves the registers of one fiber and restores the registers of the other.
#pragma once
#include <sys/mman.h>

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <vector>

struct uint3 {
    unsigned x, y, z;
};

extern "C" void __sanitizer_start_switch_fiber(void** fake, const void* bottom, size_t size) __attribute__((weak));
extern "C" void __sanitizer_finish_switch_fiber(void* fake, const void** bottom, size_t* size) __attribute__((weak));

namespace {

constexpr size_t STACK = 1 << 20;   // CUDA gives a thread half of this; pages that are never touched cost nothing
constexpr size_t GUARD = 64 << 10;  // guard pages below the stack: a stack overflow faults here, not in another stack
constexpr int WARP = 32;
extern "C" void cudasim_begin();

#if defined(__x86_64__)

// Saves the callee-saved registers of the fiber that runs, and restores the registers of another fiber.
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

}  // namespace
