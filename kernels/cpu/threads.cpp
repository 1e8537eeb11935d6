// The thread pool behind threads.hpp.
//
// A job is one parallel loop. The caller announces it, and the workers join it. Waking a sleeping thread takes about
// 100 µs (measured in a virtual machine), as long as a small kernel runs. So a worker without work spins for a while
// before it sleeps: a training step, with one kernel after another, finds it awake. If workers sleep, the caller runs the
// first task alone. It wakes them if that task took long enough. It never waits for a worker that has not joined.
//
// Workers compute with the caller's treatment of denormal numbers, which are almost 0 and many times slower than others:
// exactly, or as 0.
//
// Only one job runs at a time. If the pool is busy, with the job of another caller or with a job that made this call, the
// caller runs all of its tasks alone.
#include <pthread.h>
#include <stdint.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
#ifdef EVERY_THREAD   // for checks: workers are always woken, however small the work
constexpr auto WAKING_TIME = std::chrono::microseconds(-1);
inline void after_a_task() { std::this_thread::yield(); }
#else
constexpr auto WAKING_TIME = std::chrono::microseconds(100);
inline void after_a_task() {}
#endif
constexpr int SPINS = 40000;   // before going to sleep: longer than Python takes from one kernel to the next

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

// The thread's register that says how numbers are rounded, and whether denormal ones are 0.
#if defined(__x86_64__)
constexpr uint64_t FLUSH = 1 << 15 | 1 << 6;   // of results, and of operands
inline uint64_t float_mode() { return __builtin_ia32_stmxcsr(); }
inline void set_float_mode(uint64_t mode) { __builtin_ia32_ldmxcsr(unsigned(mode)); }
#elif defined(__aarch64__)
constexpr uint64_t FLUSH = 1 << 24;
inline uint64_t float_mode() { uint64_t mode; asm volatile("mrs %0, fpcr" : "=r"(mode)); return mode; }
inline void set_float_mode(uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
constexpr uint64_t FLUSH = 0;   // not known
inline uint64_t float_mode() { return 0; }
inline void set_float_mode(uint64_t) {}
#endif

std::atomic<int> wanted_threads{1};   // the caller included

// The tasks that a thread runs first. A thread gets the same part of every job: then the numbers that one kernel wrote lie
// in the cache of the core that reads them in the next kernel. From another core's cache, reading takes three times as
// long. A thread that is done takes tasks from the shares of others.
struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
};

struct Pool {
    std::atomic<bool> busy{false};   // while a job runs; no mutex, because a task may call minicnn_run in the same thread
    std::mutex sleeping;
    std::condition_variable awake;
    int asleep = 0;   // sleeping workers; guarded by `sleeping`
    std::vector<std::thread> workers;
    std::atomic<uint64_t> job{0};      // number of the newest job; 0 before the first
    std::atomic<bool> open{false};     // while workers may join the job
    std::atomic<int> inside{0};        // workers that have joined, or that are about to see that the job is closed
    std::unique_ptr<Share[]> shares;   // of this job, one for each thread; the first is the caller's
    void (*work)(void*, int64_t) = nullptr;
    void* context = nullptr;
    uint64_t mode = 0;                 // the caller's float_mode
    std::atomic<bool> ending{false};

    // Runs the tasks of the thread's own share, and then the remaining tasks of the others.
    void drain(int own) {
        const int threads = int(workers.size()) + 1;
        for (int t = own; t < own + threads; ++t) {
            Share& share = shares[t % threads];
            for (int64_t i; (i = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end; after_a_task())
                work(context, i);
        }
    }

    void worker(int own, uint64_t seen) {
        for (;;) {
            for (int spin = 0; spin < SPINS && job.load(std::memory_order_acquire) == seen; ++spin) pause();
            if (job.load(std::memory_order_acquire) == seen) {
                std::unique_lock<std::mutex> lock(sleeping);
                ++asleep;
                awake.wait(lock, [&] { return job.load(std::memory_order_acquire) != seen; });
                --asleep;
            }
            seen = job.load(std::memory_order_acquire);
            if (ending) return;
            ++inside;
            if (open) {
                set_float_mode(mode);
                drain(own);
            }
            --inside;
        }
    }

    // Begins a new job. Returns how many workers sleep: they miss it unless they are woken.
    int announce() {
        std::lock_guard<std::mutex> lock(sleeping);   // no worker falls asleep after its last look at `job`
        job.fetch_add(1, std::memory_order_release);
        return asleep;
    }

    void run(int64_t tasks, void (*f)(void*, int64_t), void* c) {
        const int64_t threads = int64_t(workers.size()) + 1;
        work = f, context = c, mode = float_mode();
        for (int64_t t = 0; t < threads; ++t) {
            shares[t].next.store(tasks * t / threads, std::memory_order_relaxed);
            shares[t].end = tasks * (t + 1) / threads;
        }
        open = true;
        if (announce()) {
            const Clock::time_point begin = Clock::now();
            const int64_t first = shares[0].next.fetch_add(1, std::memory_order_relaxed);
            if (first < shares[0].end) work(context, first);
            if ((Clock::now() - begin) * (tasks - 1) > WAKING_TIME) awake.notify_all();
        }
        drain(0);
        open = false;
        for (int spin = 0; inside; ++spin)   // takes long only if another process uses a worker's processor
            spin < SPINS ? pause() : std::this_thread::yield();
    }

    void resize(int threads) {
        ending = true;
        announce();
        awake.notify_all();
        for (std::thread& w : workers) w.join();
        workers.clear();
        ending = false;
        shares.reset(new Share[size_t(threads)]);
        try {
            for (int i = 1; i < threads; ++i) workers.emplace_back(&Pool::worker, this, i, job.load());
        } catch (const std::system_error&) {
            wanted_threads.store(int(workers.size()) + 1);   // the system has no more threads
        }
    }
};

Pool* pool = new Pool;   // never destroyed: workers may still use it while the process ends

// A forked child process has the pool's memory, but not its threads. It gets a new pool, whose threads start with its first
// job.
void replace_pool() { pool = new Pool; }
const int at_fork = pthread_atfork(nullptr, nullptr, replace_pool);

}  // namespace

extern "C" {

int minicnn_threads() { return wanted_threads.load(std::memory_order_relaxed); }

void minicnn_set_threads(int threads) { wanted_threads.store(threads, std::memory_order_relaxed); }

// Lets this thread, and the workers in its jobs, treat denormal numbers as 0, or not. Returns whether this is possible.
int minicnn_flush_denormal(int flush) {
    set_float_mode(flush ? float_mode() | FLUSH : float_mode() & ~FLUSH);
    return FLUSH != 0;
}

void minicnn_run(int64_t tasks, void (*work)(void*, int64_t), void* context) {
    Pool* p = pool;
    const int threads = minicnn_threads();
    if (tasks < 2 || threads < 2 || p->busy.exchange(true, std::memory_order_acquire)) {
        for (int64_t i = 0; i < tasks; ++i) work(context, i);
        return;
    }
    if (int(p->workers.size()) != threads - 1) p->resize(threads);
    p->run(tasks, work, context);
    p->busy.store(false, std::memory_order_release);
}
}
