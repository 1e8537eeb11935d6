// The one pool of threads that all native kernels share; threads.cpp is a library of its own.
#pragma once
#include <stdint.h>

extern "C" void minicnn_run(int64_t tasks, void (*work)(void*, int64_t), void* context);
extern "C" int minicnn_threads();

// Calls work(i) for i = 0 ... tasks - 1, by several threads at once; the caller is one of them. Each has its own part of
// the tasks and then helps others, so no result may depend on who runs which; none does if each writes its own places.
template <class Work>
inline void parallel(int64_t tasks, Work work) {
    minicnn_run(tasks, [](void* context, int64_t i) { (*static_cast<Work*>(context))(i); }, &work);
}
