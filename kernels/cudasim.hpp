// The keywords, built-in variables and built-in functions of CUDA, for g++: an unmodified file of cuda/ runs on a CPU.
//
// Each CUDA thread is a fiber. It runs until it waits for other threads (at a barrier or shuffle) or returns; then another
// fiber runs. The blocks of a grid run one after another. cudasim.cpp has the scheduler and all checks.
//
// The compiler gets a generated file: this header, the .cu file inside an unnamed namespace, CUDASIM_MARKS, and a
// CUDASIM_ENTRY for each kernel. The namespace makes `__shared__` variables of templates plain variables of the library.
#pragma once
#include <math.h>
#include <string.h>

// For functions of the simulator: their accesses are not traced (see cudasim.cpp).
#define CUDASIM_UNTRACED __attribute__((no_sanitize("thread"), noinline))

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __shared__ static   // a library has no other static variables, so its .bss section is the shared memory

struct uint3 {
    unsigned x, y, z;
};

extern "C" {
extern uint3 cudasim_thread, cudasim_block, cudasim_block_size, cudasim_grid_size;
void cudasim_wait_block(const char* file, int line);                                   // __syncthreads
void cudasim_wait_warp(unsigned mask, const char* what, const char* file, int line);   // __syncwarp
// Exchanges values within a warp: returns the values of all 32 lanes, 8 bytes each.
const void* cudasim_exchange(unsigned mask, const void* value, int size, const char* file, int line);
int cudasim_lane();
}

#define threadIdx cudasim_thread
#define blockIdx cudasim_block
#define blockDim cudasim_block_size
#define gridDim cudasim_grid_size
#define warpSize 32
#define __syncthreads() cudasim_wait_block(__FILE__, __LINE__)
#define __syncwarp(...) cudasim_wait_warp(0xffffffffu, "__syncwarp()", __FILE__, __LINE__)

namespace cudasim {

template <class T>
CUDASIM_UNTRACED T from_lane(unsigned mask, T value, int source, const char* file, int line) {
    struct Slot {
        alignas(8) char bytes[8];
    };
    static_assert(sizeof(T) <= sizeof(Slot), "a shuffle moves at most 8 bytes");
    const Slot* slots = static_cast<const Slot*>(cudasim_exchange(mask, &value, sizeof value, file, line));
    T result;
    memcpy(&result, slots[source].bytes, sizeof result);
    return result;
}

}  // namespace cudasim

// As in CUDA, a lane that reads outside of its segment of `width` lanes gets its own value.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) {
    int first = cudasim_lane() & ~(width - 1);
    return cudasim::from_lane(mask, value, first + (source & (width - 1)), file, line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
    int lane = cudasim_lane(), source = lane ^ lanes;
    return cudasim::from_lane(mask, value, source < (lane & ~(width - 1)) + width ? source : lane, file, line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, int by, int width = 32, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
    int lane = cudasim_lane();
    return cudasim::from_lane(mask, value, (lane & (width - 1)) + by < width ? lane + by : lane, file, line);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, int by, int width = 32, const char* file = __builtin_FILE(),
                 int line = __builtin_LINE()) {
    int lane = cudasim_lane();
    return cudasim::from_lane(mask, value, (lane & (width - 1)) >= by ? lane - by : lane, file, line);
}
inline CUDASIM_UNTRACED unsigned __ballot_sync(unsigned mask, int condition, const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
    int mine = condition != 0;
    unsigned votes = 0;
    const char* slots = static_cast<const char*>(cudasim_exchange(mask, &mine, sizeof mine, file, line));
    for (int lane = 0; lane < 32; ++lane) {
        int other;
        memcpy(&other, slots + 8 * lane, sizeof other);
        votes |= unsigned(other) << lane;
    }
    return votes;
}
inline int __any_sync(unsigned mask, int condition, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return __ballot_sync(mask, condition, file, line) != 0;
}
inline int __all_sync(unsigned mask, int condition, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return __ballot_sync(mask, condition, file, line) == 0xffffffffu;
}

template <class T>
inline T min(T a, T b) {
    return b < a ? b : a;
}
template <class T>
inline T max(T a, T b) {
    return a < b ? b : a;
}
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
template <class T>
inline T rsqrt(T x) {
    return T(1) / sqrt(x);
}
template <class T>
inline T __ldg(const T* address) {
    return *address;
}

namespace cudasim {

template <int... Index>
struct Indices {};
template <int N, int... Index>
struct MakeIndices : MakeIndices<N - 1, N - 1, Index...> {};
template <int... Index>
struct MakeIndices<0, Index...> {
    using type = Indices<Index...>;
};

// Calls a kernel. As for CUDA's driver, the arguments are given by their addresses.
template <class... Arguments, int... Index>
CUDASIM_UNTRACED void call(void (*kernel)(Arguments...), void** arguments, Indices<Index...>) {
    kernel(*static_cast<Arguments*>(arguments[Index])...);
}
template <class... Arguments>
CUDASIM_UNTRACED void call(void (*kernel)(Arguments...), void** arguments) {
    call(kernel, arguments, typename MakeIndices<sizeof...(Arguments)>::type());
}
template <class... Arguments>
CUDASIM_UNTRACED int sizes(void (*)(Arguments...), int* out) {
    int all[] = {int(sizeof(Arguments))..., 0};
    for (int i = 0; i < int(sizeof...(Arguments)); ++i) out[i] = all[i];
    return sizeof...(Arguments);
}

}  // namespace cudasim

// Symbols of the linker: the begin and the end of the shared memory (.bss), and of the whole library.
#define CUDASIM_MARKS                                                                                              \
    extern "C" __attribute__((visibility("hidden"))) char __ehdr_start[], __bss_start[], _end[];                   \
    extern "C" CUDASIM_UNTRACED void cudasim_marks(char** marks) {                                                  \
        marks[0] = __bss_start, marks[1] = _end, marks[2] = __ehdr_start, marks[3] = _end;                         \
    }
#define CUDASIM_ENTRY(name)                                                                                        \
    extern "C" CUDASIM_UNTRACED void cudasim_run_##name(void** values) { cudasim::call(name, values); }            \
    extern "C" CUDASIM_UNTRACED int cudasim_sizes_##name(int* out) { return cudasim::sizes(name, out); }
