// Depthwise convolution: each channel has m filters of its own, and no sum runs over channels.
//
//     y[n, c·m + r, o] = Σ_k w[c·m + r, k] · x[n, c, o·stride + k·dilation - padding]
//
// A matrix product does not help here: its tiles need 64 filters or more, and a channel has only m. There is little
// arithmetic, K products per element, so the time depends on how often each element is read from memory. The rungs
// conv_direct, conv_input_grad_direct and conv_weight_grad_direct read it K times. This file has a better rung for each
// direction. A block works on a box of up to 1024 pixels of one plane. It first loads the elements that the box needs
// (the patch) into shared memory:
//
// conv            A thread computes 4 pixels from a patch of x, so each weight that it reads is used for 4 products.
//                 The patch is used for all m filters of its channel.
// input_grad      A thread computes pixels of x from a patch of g. Pixel i meets tap k in the output (i + padding -
//                 k·dilation) / stride, if that is an integer. Along an axis, these taps are `period` apart, and their
//                 outputs are `back` apart. So the inner loop steps through the valid taps without a division or a
//                 check.
// weight_grad     A thread keeps the sums of 9 taps in registers: 9 products for each element of g that it reads. The
//                 patch is of x. A block goes over a slice of boxes and images, then adds the sums of its threads in a
//                 fixed order. conv_weight_grad_sum adds the slices.
#include "common.cuh"
#include "gather_gemm.cuh"

constexpr int MEMORY = 2304;  // elements of a patch and the weights of a filter; the wrapper chooses a box that fits
constexpr int PIXELS = 4;     // per thread
constexpr int TAPS = 9;       // per block in weight_grad

struct Box {
    int size[3];
};

// Moves p by blockDim.x elements in a box, without a division; `step` is blockDim.x as a place.
__device__ __forceinline__ void move_on(Place& p, const Place& step, const int (&size)[3]) {
    p.x += step.x, p.y += step.y, p.z += step.z;
    if (p.x >= size[2]) p.x -= size[2], ++p.y;
    if (p.y >= size[1]) p.y -= size[1], ++p.z;
}

// Loads a box of a plane that begins at `corner`; elements outside of the plane are zeros.
__device__ __forceinline__ void load(Real* patch, const int (&size)[3], const Real* plane, const int (&limits)[3],
                                     const Place& corner) {
    const Place step = place(blockDim.x, size);
    Place p = place(threadIdx.x, size);
    for (int i = threadIdx.x; i < volume(size); i += blockDim.x) {
        const int from = element({corner.z + p.z, corner.y + p.y, corner.x + p.x}, limits);
        patch[i] = from >= 0 ? plane[from] : Real(0);
        move_on(p, step, size);
    }
}

// The number of boxes along each axis; the first pixel of a box.
struct Boxes {
    int count[3];
};
__device__ __forceinline__ Boxes boxes(const int (&limits)[3], const Box& box) {
    return {{ceil_div(limits[0], box.size[0]), ceil_div(limits[1], box.size[1]), ceil_div(limits[2], box.size[2])}};
}
__device__ __forceinline__ Place beginning(int index, const Boxes& all, const Box& box) {
    const Place p = place(index, all.count);
    return {p.z * box.size[0], p.y * box.size[1], p.x * box.size[2]};
}

// The size, along an axis, of the patch of x that a box of outputs reads.
__device__ __forceinline__ int seen(const Box& box, const Conv& s, int axis) {
    return (box.size[axis] - 1) * s.stride[axis] + (s.kernel[axis] - 1) * s.dilation[axis] + 1;
}

// Grid: planes of x × boxes of outputs. s.filters is m, s.groups the channels.
extern "C" __global__ void __launch_bounds__(256, 2) depthwise_conv(const Real* __restrict__ x,
                                                                    const Real* __restrict__ w, Real* __restrict__ y,
                                                                    Conv s, Box box) {
    __shared__ Real patch[MEMORY];
    const Boxes all = boxes(s.output, box);
    const int plane = blockIdx.x / volume(all.count), taps = volume(s.kernel), outputs = volume(s.output);
    const Place first = beginning(blockIdx.x % volume(all.count), all, box), corner = reads(first, {0, 0, 0}, s);
    const int size[3] = {seen(box, s, 0), seen(box, s, 1), seen(box, s, 2)};
    Real* weights = patch + volume(size);
    load(patch, size, x + plane * volume(s.input), s.input, corner);

    const Place step = place(blockDim.x, box.size);
    Place p = place(threadIdx.x, box.size);
    int from[PIXELS], to[PIXELS];  // indices in the patch and in a plane of y; `to` is -1 for a pixel outside
#pragma unroll
    for (int i = 0; i < PIXELS; ++i) {
        const bool inside = int(threadIdx.x + i * blockDim.x) < volume(box.size);
        to[i] = inside ? element({first.z + p.z, first.y + p.y, first.x + p.x}, s.output) : -1;
        from[i] = to[i] < 0 ? 0 : (p.z * s.stride[0] * size[1] + p.y * s.stride[1]) * size[2] + p.x * s.stride[2];
        move_on(p, step, box.size);
    }
    for (int r = 0; r < s.filters; ++r) {
        const Real* filter = w + (plane % s.groups * s.filters + r) * taps;
        for (int k = threadIdx.x; k < taps; k += blockDim.x) weights[k] = filter[k];
        __syncthreads();
        Real sum[PIXELS] = {};
        int k = 0;
        for (int kz = 0; kz < s.kernel[0]; ++kz)
            for (int ky = 0; ky < s.kernel[1]; ++ky) {
                int at = (kz * s.dilation[0] * size[1] + ky * s.dilation[1]) * size[2];
                for (int kx = 0; kx < s.kernel[2]; ++kx, at += s.dilation[2]) {
                    const Real weight = weights[k++];
#pragma unroll
                    for (int i = 0; i < PIXELS; ++i) sum[i] += weight * patch[from[i] + at];
                }
            }
        Real* out = y + (plane * s.filters + r) * outputs;
#pragma unroll
        for (int i = 0; i < PIXELS; ++i)
            if (to[i] >= 0) out[to[i]] = sum[i];
        __syncthreads();  // before the next weights are loaded
    }
}

// Along an axis, taps that meet the same pixel are `period` apart, and their outputs are `back` apart.
struct Stride {
    int period, back;
};
__device__ __forceinline__ Stride stride_of(const Conv& s, int axis) {
    int period = 1;
    while (period * s.dilation[axis] % s.stride[axis]) ++period;
    return {period, period * s.dilation[axis] / s.stride[axis]};
}

// The first tap that meets pixel i (the number of taps if none does), and its output.
struct Meeting {
    int tap, output;
};
__device__ __forceinline__ Meeting first_meeting(int i, const Conv& s, int axis) {
    for (int k = 0; k < min(s.stride[axis], s.kernel[axis]); ++k) {
        const int distance = i + s.padding[axis] - k * s.dilation[axis];
        if (distance % s.stride[axis] == 0) return {k, distance / s.stride[axis]};
    }
    return {s.kernel[axis], 0};
}

// The first output that a box beginning at pixel i can read: a quotient, positive or negative, rounded up.
__device__ __forceinline__ int first_output(int i, const Conv& s, int axis) {
    const int distance = i + s.padding[axis] - (s.kernel[axis] - 1) * s.dilation[axis];
    return distance > 0 ? ceil_div(distance, s.stride[axis]) : -(-distance / s.stride[axis]);
}

// Grid: planes of x × boxes of pixels of x.
extern "C" __global__ void __launch_bounds__(256, 2) depthwise_input_grad(const Real* __restrict__ g,
                                                                       const Real* __restrict__ w,
                                                                       Real* __restrict__ x, Conv s, Box box) {
    __shared__ Real patch[MEMORY];
    const Boxes all = boxes(s.input, box);
    const int plane = blockIdx.x / volume(all.count), taps = volume(s.kernel);
    const Place first = beginning(blockIdx.x % volume(all.count), all, box), step = place(blockDim.x, box.size);
    const Place corner = {first_output(first.z, s, 0), first_output(first.y, s, 1), first_output(first.x, s, 2)};
    int size[3];
#pragma unroll
    for (int a = 0; a < 3; ++a) size[a] = (box.size[a] - 1 + (s.kernel[a] - 1) * s.dilation[a]) / s.stride[a] + 1;
    const Stride sz = stride_of(s, 0), sy = stride_of(s, 1), sx = stride_of(s, 2);
    Real* weights = patch + volume(size);
    Real sum[PIXELS] = {};
    for (int r = 0; r < s.filters; ++r) {
        load(patch, size, g + (plane * s.filters + r) * volume(s.output), s.output, corner);
        const Real* filter = w + (plane % s.groups * s.filters + r) * taps;
        for (int k = threadIdx.x; k < taps; k += blockDim.x) weights[k] = filter[k];
        __syncthreads();
        Place p = place(threadIdx.x, box.size);
#pragma unroll
        for (int i = 0; i < PIXELS; ++i) {
            if (int(threadIdx.x + i * blockDim.x) < volume(box.size)) {
                const Meeting mz = first_meeting(first.z + p.z, s, 0), my = first_meeting(first.y + p.y, s, 1),
                              mx = first_meeting(first.x + p.x, s, 2);
                for (int kz = mz.tap, oz = mz.output - corner.z; kz < s.kernel[0]; kz += sz.period, oz -= sz.back)
                    for (int ky = my.tap, oy = my.output - corner.y; ky < s.kernel[1]; ky += sy.period, oy -= sy.back) {
                        const int row = (oz * size[1] + oy) * size[2] - corner.x;
                        const int weight = (kz * s.kernel[1] + ky) * s.kernel[2];
                        for (int kx = mx.tap, ox = mx.output; kx < s.kernel[2]; kx += sx.period, ox -= sx.back)
                            sum[i] += weights[weight + kx] * patch[row + ox];
                    }
            }
            move_on(p, step, box.size);
        }
        __syncthreads();  // before the next patch is loaded
    }
    Place p = place(threadIdx.x, box.size);
#pragma unroll
    for (int i = 0; i < PIXELS; ++i) {
        const int to = element({first.z + p.z, first.y + p.y, first.x + p.x}, s.input);
        if (to >= 0 && int(threadIdx.x + i * blockDim.x) < volume(box.size)) x[plane * volume(s.input) + to] = sum[i];
        move_on(p, step, box.size);
    }
}

// Grid: (filters × groups of TAPS taps, slices). A slice has `length` boxes of outputs, image after image.
extern "C" __global__ void __launch_bounds__(256, 2) depthwise_weight_grad(const Real* __restrict__ x,
                                                                        const Real* __restrict__ g,
                                                                        Real* __restrict__ parts, Conv s, Box box,
                                                                        int length) {
    __shared__ Real patch[MEMORY], sums[8][TAPS];
    const Boxes all = boxes(s.output, box);
    const int count = volume(all.count), taps = volume(s.kernel), filters = s.groups * s.filters;
    const int filter = blockIdx.x / ceil_div(taps, TAPS), first_tap = blockIdx.x % ceil_div(taps, TAPS) * TAPS;
    const int size[3] = {seen(box, s, 0), seen(box, s, 1), seen(box, s, 2)};
    int offset[TAPS];  // of each tap in the patch; taps after the last repeat it and are not stored
#pragma unroll
    for (int t = 0; t < TAPS; ++t) {
        const Place k = place(min(first_tap + t, taps - 1), s.kernel);
        offset[t] = (k.z * s.dilation[0] * size[1] + k.y * s.dilation[1]) * size[2] + k.x * s.dilation[2];
    }
    const Place step = place(blockDim.x, box.size), mine = place(threadIdx.x, box.size);
    Real sum[TAPS] = {};
    const int last = min(int(blockIdx.y + 1) * length, s.batch * count);
    for (int b = blockIdx.y * length; b < last; ++b) {
        const int image = b / count;
        const Place first = beginning(b % count, all, box);
        load(patch, size, x + (image * s.groups + filter / s.filters) * volume(s.input), s.input,
             reads(first, {0, 0, 0}, s));
        __syncthreads();
        const Real* plane = g + (image * filters + filter) * volume(s.output);
        Place p = mine;
        for (int i = threadIdx.x; i < volume(box.size); i += blockDim.x) {
            const int o = element({first.z + p.z, first.y + p.y, first.x + p.x}, s.output);
            if (o >= 0) {
                const Real value = plane[o];
                const int row = (p.z * s.stride[0] * size[1] + p.y * s.stride[1]) * size[2];
                const Real* from = patch + row + p.x * s.stride[2];
#pragma unroll
                for (int t = 0; t < TAPS; ++t) sum[t] += value * from[offset[t]];
            }
            move_on(p, step, box.size);
        }
        __syncthreads();
    }
#pragma unroll
    for (int t = 0; t < TAPS; ++t) {
        for (int lanes = 16; lanes > 0; lanes /= 2) sum[t] += __shfl_down_sync(0xffffffff, sum[t], lanes);
        if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32][t] = sum[t];
    }
    __syncthreads();
    const int t = threadIdx.x, warps = blockDim.x / 32;
    if (t >= TAPS || first_tap + t >= taps) return;
    Real total = sums[0][t];
    for (int warp = 1; warp < warps; ++warp) total += sums[warp][t];
    parts[(blockIdx.y * filters + filter) * taps + first_tap + t] = total;
}
