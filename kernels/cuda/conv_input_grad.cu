// The input gradient of a convolution, which is also the transposed convolution:
//
//     x[n,c,i] = Σ_{f,k} w[f,c,k] · g[n, f, (i + padding - k·dilation) / stride]
//
// over the taps k for which the division has no remainder and the quotient is a pixel of g, the gradient of the output.
// Every element of x gathers its terms. So no two threads write to the same address, and sums have a fixed order.
//
// direct          A thread computes an element of x: it goes over all taps, and reads g and w where the tap is valid.
// gemm_tiles      The matrix product of wᵀ (C, F·K) and gathered pixels of g (F·K, pixels of all images) in tiles of
//                 64 × 64, as in conv.cu. With a stride, most of the gathered matrix is zeros.
// implicit_gemm   A dense product without the zeros of gemm_tiles. Pixels whose i + padding has the same remainder by
//                 the stride form a class: they use the same taps, and read g at (i + padding) / stride - k·dilation /
//                 stride, which is base plus offset, as in the forward pass. All classes run in one launch of the
//                 kernels conv_implicit_gemm_* of conv.cu, with tables for g in place of x.
//
// If w has infinities or NaN, the two products also give NaN at the edges of x, because they multiply these weights by
// the zeros outside of g; direct does not.
#include "common.cuh"
#include "gather_gemm.cuh"

// Along one axis, the pixel of g that contributes to pixel i of x through tap k; negative if there is none.
__device__ __forceinline__ int reaching(int i, int k, int axis, const Conv& s) {
    const int o = i + s.padding[axis] - k * s.dilation[axis];
    return o % s.stride[axis] == 0 ? o / s.stride[axis] : -1;
}

extern "C" __global__ void __launch_bounds__(256) conv_input_grad_direct(const Real* g, const Real* w, Real* x,
                                                                         Conv s) {
    const long long index = blockIdx.x * 256LL + threadIdx.x;
    const int pixels = volume(s.input), outputs = volume(s.output), taps = volume(s.kernel);
    const int channels = s.groups * s.channels;
    if (index >= (long long)s.batch * channels * pixels) return;
    const int c = index / pixels % channels, image = index / pixels / channels * s.groups + c / s.channels;
    const Place i = place(index % pixels, s.input);
    Real sum = 0;
    for (int f = 0; f < s.filters; ++f) {
        const int filter = c / s.channels * s.filters + f;
        const Real* weight = w + (filter * s.channels + c % s.channels) * taps;
        for (int kz = 0; kz < s.kernel[0]; ++kz)
            for (int ky = 0; ky < s.kernel[1]; ++ky)
                for (int kx = 0; kx < s.kernel[2]; ++kx, ++weight) {
                    const Place o = {reaching(i.z, kz, 0, s), reaching(i.y, ky, 1, s), reaching(i.x, kx, 2, s)};
                    const int from = element(o, s.output);
                    if (from >= 0) sum += *weight * g[(image * s.filters + f) * outputs + from];
                }
    }
    x[index] = sum;
}

extern "C" __global__ void __launch_bounds__(256) conv_input_grad_gemm_tiles(const Real* g, const Real* w, Real* x,
                                                                             Conv s) {
    const int taps = volume(s.kernel), pixels = volume(s.input), outputs = volume(s.output);
    gemm_tiles(
        s.groups, s.channels, s.filters * taps, s.batch * pixels,
        [&](int group, int c, int k) {
            return w[((group * s.filters + k / taps) * s.channels + c) * taps + k % taps];
        },
        [&](int group, int k, int column) {
            const Place i = place(column % pixels, s.input), tap = place(k % taps, s.kernel);
            const Place o = {reaching(i.z, tap.z, 0, s), reaching(i.y, tap.y, 1, s), reaching(i.x, tap.x, 2, s)};
            const int from = element(o, s.output);
            const int filter = (column / pixels * s.groups + group) * s.filters + k / taps;
            return from >= 0 ? g[filter * outputs + from] : Real(0);
        },
        [&](int group, int c, int column, Real sum) {
            x[((column / pixels * s.groups + group) * s.channels + c) * pixels + column % pixels] = sum;
        });
}
