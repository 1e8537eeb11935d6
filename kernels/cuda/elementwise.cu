// Element-wise operations: an element of the result depends on the same element of the arguments only.
//
//   relu       y = max(x, 0)
//   relu_grad  x = g where y > 0, else 0
//   bias_act   y = act(x + b[channel]), act one of identity, relu, sigmoid, tanh
//
// The time is the time to move the bytes. Bias and activation in one kernel move half the bytes of two kernels, because
// x + b is never stored. NaN stays NaN.
//
//   direct  A thread for each element. bias_act computes the channel of each element with two divisions.
//   vec4    A thread for four elements, in one load and one store of 128 bits: a quarter of the instructions for the
//           same bytes, and four times as many bytes in flight. The bias repeats after each `period` of elements (whole
//           images). A thread reads its four biases once, then goes from period to period at the same offset.
#include "common.cuh"

__device__ __forceinline__ Real relu(Real x) { return x <= 0 ? Real(0) : x; }
__device__ __forceinline__ Real passed(Real g, Real y) { return y <= 0 ? Real(0) : g; }

__device__ __forceinline__ Real activate(Real x, int activation) {   // the number of the function in the list above
    if (activation == 1) return relu(x);
    if (activation == 2) return Real(1) / (Real(1) + exp(-x));
    if (activation == 3) return tanh(x);
    return x;
}

__device__ __forceinline__ long long this_thread() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }

__device__ __forceinline__ Vec4 load4(const Real* from) { return *reinterpret_cast<const Vec4*>(from); }
__device__ __forceinline__ void store4(Real* to, const Vec4& value) { *reinterpret_cast<Vec4*>(to) = value; }

extern "C" __global__ void __launch_bounds__(256) relu_direct(
    const Real* __restrict__ x, Real* __restrict__ y, int count) {
    const long long i = this_thread();
    if (i < count) y[i] = relu(x[i]);
}

extern "C" __global__ void __launch_bounds__(256) relu_vec4(
    const Real* __restrict__ x, Real* __restrict__ y, int count) {
    long long i = 4 * this_thread();
    if (i + 4 <= count) {
        const Vec4 v = load4(x + i);
        store4(y + i, {relu(v.x), relu(v.y), relu(v.z), relu(v.w)});
    } else {
        for (; i < count; ++i) y[i] = relu(x[i]);
    }
}

extern "C" __global__ void __launch_bounds__(256) relu_grad_direct(
    const Real* __restrict__ g, const Real* __restrict__ y, Real* __restrict__ x, int count) {
    const long long i = this_thread();
    if (i < count) x[i] = passed(g[i], y[i]);
}

extern "C" __global__ void __launch_bounds__(256) relu_grad_vec4(
    const Real* __restrict__ g, const Real* __restrict__ y, Real* __restrict__ x, int count) {
    long long i = 4 * this_thread();
    if (i + 4 <= count) {
        const Vec4 v = load4(g + i), at = load4(y + i);
        store4(x + i, {passed(v.x, at.x), passed(v.y, at.y), passed(v.z, at.z), passed(v.w, at.w)});
    } else {
        for (; i < count; ++i) x[i] = passed(g[i], y[i]);
    }
}

extern "C" __global__ void __launch_bounds__(256) bias_act_direct(
    const Real* __restrict__ x, const Real* __restrict__ b, Real* __restrict__ y, int count, int channels, int plane,
    int activation) {
    const long long i = this_thread();
    if (i < count) y[i] = activate(x[i] + b[int(i) / plane % channels], activation);
}

// A period is a multiple of four elements, or the whole array. `chunks` blocks cover a period, and each block goes over
// `repeats` periods. The bound of 4 blocks allows 64 registers: without it the compiler may spill some to fit more
// blocks.
extern "C" __global__ void __launch_bounds__(256, 4) bias_act_vec4(
    const Real* __restrict__ x, const Real* __restrict__ b, Real* __restrict__ y, int count, int channels, int plane,
    int period, int chunks, int repeats, int activation) {
    const int chunk = blockIdx.x % chunks, group = blockIdx.x / chunks;
    const long long offset = 4 * ((long long)chunk * blockDim.x + threadIdx.x);
    if (offset >= period) return;
    Real bias[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) bias[j] = b[unsigned(offset + j) / plane % channels];
    long long i = (long long)group * repeats * period + offset;
    for (int r = 0; r < repeats && i < count; ++r, i += period) {
        if (i + 4 <= count) {
            const Vec4 v = load4(x + i);
            store4(y + i, {activate(v.x + bias[0], activation), activate(v.y + bias[1], activation),
                           activate(v.z + bias[2], activation), activate(v.w + bias[3], activation)});
        } else {
            for (int j = 0; j < count - i; ++j) {   // not bias[j]: a variable index would move it to local memory
                y[i + j] = activate(x[i + j] + b[(offset + j) / plane % channels], activation);
            }
        }
    }
}
