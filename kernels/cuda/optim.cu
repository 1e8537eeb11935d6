// Optimizer steps: update every element of a parameter p, in place, with its gradient g and the optimizer's state.
//
//   Adam  g <- g + decay p;   m <- m + (1 - beta1) (g - m);   v <- beta2 v + (1 - beta2) g^2
//         p <- shrink p - rate m / (sqrt(v) + floor)      rate and floor contain the bias corrections;
//                                                         shrink is AdamW's decay; amsgrad takes the largest v so far
//   SGD   g <- g + decay p;   b <- momentum b + share g;   p <- p - lr b, with Nesterov p <- p - lr (g + momentum b)
//
// There is little arithmetic: the time is the time to move the bytes. Adam reads 16 bytes and writes 12 for each
// float32 element. Both rungs move these bytes once; they differ in the time in which no memory traffic runs.
//
//   optim_*_each  A launch for each tensor, a thread for each element. A network has a hundred tensors, most of them
//                 small: a launch costs microseconds, and a bias of 64 elements fills only two warps of a GPU.
//   optim_*       One launch for all tensors. Tables hold their addresses. A list of chunks says which part of which
//                 tensor a block updates, so all blocks have similar work. Loads and stores of four numbers.
#include "common.cuh"

constexpr int THREADS = 256;

struct Adam {
    Real rate, floor, fresh1, beta2, fresh2, decay, shrink;  // fresh1, fresh2: 1 - beta1, 1 - beta2, rounded once
};

__device__ __forceinline__ void adam(Real& p, Real g, Real& m, Real& v, Real& largest, bool amsgrad, Adam o) {
    p *= o.shrink;
    if (o.decay != 0) g += p * o.decay;
    m += (g - m) * o.fresh1;
    v = v * o.beta2 + g * g * o.fresh2;
    if (amsgrad && (v > largest || isnan(v))) largest = v;
    p -= m / (sqrt(amsgrad ? largest : v) + o.floor) * o.rate;
}

struct Sgd {
    Real lr, share, momentum, decay;
};

__device__ __forceinline__ void sgd(Real& p, Real g, Real& buffer, bool remembers, bool nesterov, Sgd o) {
    if (o.decay != 0) g += p * o.decay;
    if (remembers) {
        buffer = buffer * o.momentum + g * o.share;
        g = nesterov ? buffer * o.momentum + g : buffer;
    }
    p -= g * o.lr;
}

// arrays: the parameter, m, v and, with amsgrad, the largest v
extern "C" __global__ void __launch_bounds__(256) optim_adam_each(Real* const* arrays, const Real* gradient, int size,
                                                                  int amsgrad, Real rate, Real floor, Real fresh1,
                                                                  Real beta2, Real fresh2, Real decay, Real shrink) {
    long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= size) return;
    Real largest = amsgrad ? arrays[3][i] : Real(0);
    adam(arrays[0][i], gradient[i], arrays[1][i], arrays[2][i], largest, amsgrad,
         {rate, floor, fresh1, beta2, fresh2, decay, shrink});
    if (amsgrad) arrays[3][i] = largest;
}

// arrays: the parameter and, with momentum, its momentum buffer
extern "C" __global__ void __launch_bounds__(256) optim_sgd_each(Real* const* arrays, const Real* gradient, int size,
                                                                 int remembers, int nesterov, Real lr, Real share,
                                                                 Real momentum, Real decay) {
    long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= size) return;
    Real buffer = remembers ? arrays[1][i] : Real(0);
    sgd(arrays[0][i], gradient[i], buffer, remembers, nesterov, {lr, share, momentum, decay});
    if (remembers) arrays[1][i] = buffer;
}

// A part of a tensor: the number of the tensor, the first element and the number of elements, from the table of chunks.
struct Chunk {
    int tensor, start, size;
};

__device__ __forceinline__ Chunk chunk_of_block(const int* chunks) {
    return {chunks[3 * blockIdx.x], chunks[3 * blockIdx.x + 1], chunks[3 * blockIdx.x + 2]};
}

// Loads up to four numbers: one 128-bit load if at least four are left.
__device__ __forceinline__ void load(const Real* from, int left, Real* to) {
    if (left >= 4) {
        Vec4 four = *reinterpret_cast<const Vec4*>(from);
        to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
    } else {
#pragma unroll
        for (int u = 0; u < 3; ++u) to[u] = u < left ? from[u] : Real(0);
        to[3] = 0;
    }
}

__device__ __forceinline__ void store(const Real* from, int left, Real* to) {
    if (left >= 4) {
        *reinterpret_cast<Vec4*>(to) = {from[0], from[1], from[2], from[3]};
    } else {
#pragma unroll
        for (int u = 0; u < 3; ++u)
            if (u < left) to[u] = from[u];
    }
}

// arrays: all parameters, then all m, all v and, with amsgrad, all largest v;
// rates: rate and floor of each tensor, because each tensor counts its own steps
extern "C" __global__ void __launch_bounds__(256) optim_adam(Real* const* arrays, const Real* const* gradients,
                                                             const int* chunks, const Real* rates, int tensors,
                                                             int amsgrad, Real fresh1, Real beta2, Real fresh2,
                                                             Real decay, Real shrink) {
    Chunk chunk = chunk_of_block(chunks);
    const int t = chunk.tensor;
    Adam o = {rates[2 * t], rates[2 * t + 1], fresh1, beta2, fresh2, decay, shrink};
    Real *p_all = arrays[t] + chunk.start, *m_all = arrays[tensors + t] + chunk.start;
    Real *v_all = arrays[2 * tensors + t] + chunk.start;
    Real* largest_all = amsgrad ? arrays[3 * tensors + t] + chunk.start : nullptr;
    const Real* g_all = gradients[t] + chunk.start;
    for (int i = 4 * threadIdx.x; i < chunk.size; i += 4 * THREADS) {
        const int left = chunk.size - i;
        Real p[4], g[4], m[4], v[4], largest[4];
        load(p_all + i, left, p), load(g_all + i, left, g), load(m_all + i, left, m), load(v_all + i, left, v);
        if (amsgrad) load(largest_all + i, left, largest);
#pragma unroll
        for (int u = 0; u < 4; ++u) adam(p[u], g[u], m[u], v[u], largest[u], amsgrad, o);
        store(p, left, p_all + i), store(m, left, m_all + i), store(v, left, v_all + i);
        if (amsgrad) store(largest, left, largest_all + i);
    }
}

// arrays: all parameters and, with momentum, all momentum buffers; shares: `share` of each tensor
extern "C" __global__ void __launch_bounds__(256) optim_sgd(Real* const* arrays, const Real* const* gradients,
                                                            const int* chunks, const Real* shares, int tensors,
                                                            int remembers, int nesterov, Real lr, Real momentum,
                                                            Real decay) {
    Chunk chunk = chunk_of_block(chunks);
    const int t = chunk.tensor;
    Sgd o = {lr, shares[t], momentum, decay};
    Real *p_all = arrays[t] + chunk.start, *buffer_all = remembers ? arrays[tensors + t] + chunk.start : nullptr;
    const Real* g_all = gradients[t] + chunk.start;
    for (int i = 4 * threadIdx.x; i < chunk.size; i += 4 * THREADS) {
        const int left = chunk.size - i;
        Real p[4], g[4], buffer[4];
        load(p_all + i, left, p), load(g_all + i, left, g);
        if (remembers) load(buffer_all + i, left, buffer);
#pragma unroll
        for (int u = 0; u < 4; ++u) sgd(p[u], g[u], buffer[u], remembers, nesterov, o);
        store(p, left, p_all + i);
        if (remembers) store(buffer, left, buffer_all + i);
    }
}
