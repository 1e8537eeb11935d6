// Parallel loops. All native kernels share one pool of threads; threads.cpp builds it as a library of its own.
#pragma once
#include <stdint.h>

extern "C" void minicnn_run(int64_t tasks, void (*work)(void*, int64_t), void* context);
extern "C" int minicnn_threads();

// Calls work(i) for i = 0, ..., tasks - 1 on several threads; the calling thread is one of them. Each thread first does
// its own share of the tasks and then helps the others. So any thread may run any task. The result stays the same as
// long as every task writes its own elements only.
template <class Work>
inline void parallel(int64_t tasks, Work work) {
    minicnn_run(tasks, [](void* context, int64_t i) { (*static_cast<Work*>(context))(i); }, &work);
}
