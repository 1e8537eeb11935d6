// The pool behind threads.hpp.
//
// Waking a sleeping thread takes some 100 µs (measured in a virtual machine), as long as a small kernel runs. So a worker
// that has run out of work looks for more for a while before it sleeps: a training step, with one kernel after another,
// finds it awake. Where all sleep, the caller does the first task alone and wakes them if it finds that the rest is
// worth it; and nobody waits for a worker that comes too late. A caller that finds the pool at work, for somebody else
// or for the task that it is part of itself, does all of its own tasks alone.
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
#ifdef EVERY_THREAD   // for checks: however small the work, others get some of it
constexpr auto WAKING = std::chrono::microseconds(-1);
inline void after_a_task() { std::this_thread::yield(); }
#else
constexpr auto WAKING = std::chrono::microseconds(100);
inline void after_a_task() {}
#endif
constexpr int LOOKS = 40000;   // for work before going to sleep: longer than Python takes from one kernel to the next

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

std::atomic<int> wanted{1};   // threads, the caller included

// Tasks that are a thread's own unless it is late: the same part of every job, so that what one kernel has written lies
// in the cache of the core that reads it in the next (reading it from another core's takes three times as long).
struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
};

struct Pool {
    std::atomic<bool> busy{false};   // while a job runs; no mutex, for a task may ask again in the same thread
    std::mutex sleeping;
    std::condition_variable awake;
    int asleep = 0;   // workers; guarded by `sleeping`
    std::vector<std::thread> workers;
    std::atomic<uint64_t> job{0};      // number of the newest job; 0 before the first
    std::atomic<bool> open{false};     // while workers may join in: what follows is that job's
    std::atomic<int> inside{0};        // workers that have joined in, or are about to see that it is too late
    std::unique_ptr<Share[]> shares;   // of each thread, the caller's first
    void (*work)(void*, int64_t) = nullptr;
    void* context = nullptr;
    std::atomic<bool> ending{false};

    // The thread's own share, then what is left of the others'.
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
            for (int look = 0; look < LOOKS && job.load(std::memory_order_acquire) == seen; ++look) pause();
            if (job.load(std::memory_order_acquire) == seen) {
                std::unique_lock<std::mutex> lock(sleeping);
                ++asleep;
                awake.wait(lock, [&] { return job.load(std::memory_order_acquire) != seen; });
                --asleep;
            }
            seen = job.load(std::memory_order_acquire);
            if (ending) return;
            ++inside;
            if (open) drain(own);
            --inside;
        }
    }

    // Begins a new job; returns how many workers sleep through it unless they are woken.
    int announce() {
        std::lock_guard<std::mutex> lock(sleeping);   // nobody falls asleep between looking and waiting
        job.fetch_add(1, std::memory_order_release);
        return asleep;
    }

    void run(int64_t tasks, void (*f)(void*, int64_t), void* c) {
        const int64_t threads = int64_t(workers.size()) + 1;
        work = f, context = c;
        for (int64_t t = 0; t < threads; ++t) {
            shares[t].next.store(tasks * t / threads, std::memory_order_relaxed);
            shares[t].end = tasks * (t + 1) / threads;
        }
        open = true;
        if (announce()) {
            const Clock::time_point begin = Clock::now();
            const int64_t first = shares[0].next.fetch_add(1, std::memory_order_relaxed);
            if (first < shares[0].end) work(context, first);
            if ((Clock::now() - begin) * (tasks - 1) > WAKING) awake.notify_all();
        }
        drain(0);
        open = false;
        for (int look = 0; inside; ++look)   // long only if somebody else has a worker's processor
            look < LOOKS ? pause() : std::this_thread::yield();
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
            wanted.store(int(workers.size()) + 1);   // the system has no more for us
        }
    }
};

Pool* pool = new Pool;   // never destroyed: workers may still look at it when the process ends

// A forked child has the pool's memory without its threads: it starts its own when it first has work for them.
void begin_anew() { pool = new Pool; }
const int at_fork = pthread_atfork(nullptr, nullptr, begin_anew);

}  // namespace

extern "C" {

int minicnn_threads() { return wanted.load(std::memory_order_relaxed); }

void minicnn_set_threads(int threads) { wanted.store(threads, std::memory_order_relaxed); }

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
