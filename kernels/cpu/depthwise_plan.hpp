// Depthwise convolution: the layout of a patch, the lines of a plane that are copied before they are convolved.
//
// polyphase.hpp defines source, result, tap, residue class and phase. The axes are (outer, middle, columns). A line is a
// row of columns; the outer and middle coordinates tell lines apart. A plane with two axes has a middle axis of size 1.
//
//      line 0        line 1        line 2             sum[kx][q] = Σ_ky w[ky,kx] patch[q + line_offset[ky]]
//    ┌─────────────┬─────────────┬─────────────┐            y[q] = Σ_kx sum[kx][q + kx]   if column q + kx exists
//    └─────────────┴─────────────┴─────────────┘
//     │ vector  │ vector  │ vector  │ ...             A tap that reaches over the end of a line reads the next line; a
//                                                     mask, which depends on the column, turns this into zero.
//
// Lines of zeros lie above and below the lines of the plane, but no zeros at the ends of lines. So each tap is ONE offset
// for all pixels, and a block of the plane is one run of vectors, however short the lines are.
//
// Stride: source lines with the same remainder form a phase, and lie together in the patch. Along the columns, all pixels
// are computed and every stride-th is kept. In the input gradient, zeros are put between the columns of the source, and
// each residue class of lines has its own subset of the taps.
#pragma once
#include <vector>

#include "masked.hpp"
#include "polyphase.hpp"

namespace {   // one process loads this for float and for double: without it the linker would merge the functions of both

constexpr int64_t MAX_PATCH = 16384;   // numbers: a larger plane is cut along its outer axis
constexpr bool FAST_SHIFTS = VECTOR_BYTES >= 32;   // narrower vectors have no fast shift by a run-time number of lanes

// Result lines of one residue class: all of them read the same taps.
struct LineClass {
    int64_t remainder[2];
    std::vector<int64_t> weights;   // for each row of the kernel: where its weights begin
    std::vector<int64_t> offsets;   // and the offset in the patch of the line that it reads
};

struct Plan {
    PolyphaseAxis outer, middle;
    int64_t source_columns, result_columns;   // of a line in memory
    int64_t source_spacing;    // distance of the source's columns in a line of the patch: > 1 with zeros between them
    int64_t result_spacing;    // distance of the computed pixels that are kept
    int64_t pitch;             // numbers of a line of the patch
    int64_t kernel_columns, taps;
    int64_t first_column, column_step;   // offset of the kernel's first column in the patch, and the distance of columns
    bool reversed;             // the first column in the patch is the last in the kernel
    bool all_columns;          // whether one pass computes all columns of the kernel
    int64_t block, blocks;     // of the outer axis: pixels at a time, and how many times
    int64_t middle_lines;      // lines of a phase along the middle axis
    int64_t phase_size, patch_size;
    int64_t margin;            // guard numbers on both sides of the patch: they are read, and then masked out
    std::vector<Real> masks;   // for each vector of a period and each column of the kernel: which lanes count
    int64_t period;            // vectors after which the masks repeat
    std::vector<LineClass> classes;

    // `shifts_gradient`: the weight gradient, which shifts g (the result) and not the sums.
    Plan(const ConvShape& s, bool input_grad, bool shifts_gradient = false)
        : outer(s, 0, input_grad), middle(s, 1, input_grad) {
        const int64_t computed = (s.output[2] - 1) * s.stride[2] + 1;   // pixels of a line, including dropped pixels
        source_columns = input_grad ? s.output[2] : s.input[2], result_columns = input_grad ? s.input[2] : s.output[2];
        source_spacing = input_grad ? s.stride[2] : 1, result_spacing = input_grad ? 1 : s.stride[2];
        pitch = max(computed, s.input[2]);
        kernel_columns = s.kernel[2], taps = s.taps();
        column_step = s.dilation[2], reversed = input_grad;
        first_column = input_grad ? s.padding[2] - (kernel_columns - 1) * column_step : -s.padding[2];
        all_columns = FAST_SHIFTS && (kernel_columns == 3 || kernel_columns == 5 || kernel_columns == 7) &&
            (kernel_columns - 1) * column_step <= LANES;
        middle_lines = middle.pixels + middle.reach();
        const int64_t phases = outer.source_stride * middle.source_stride;
        block = equal_blocks(outer.pixels, MAX_PATCH / (phases * middle_lines * pitch) - outer.reach());
        blocks = ceil_div(outer.pixels, block);
        phase_size = (block + outer.reach()) * middle_lines * pitch;
        patch_size = phases * phase_size;
        margin = s.padding[2] + (kernel_columns - 1) * column_step + 4 * LANES;
        make_masks(computed, input_grad ? computed : s.input[2], shifts_gradient);
        list_classes(s);
    }
    int64_t block_pixels(int64_t i) const { return min(block, outer.pixels - i * block); }   // along the outer axis
    // Numbers of the patch from the first pixel of a block to its last.
    int64_t run_length(int64_t i) const {
        const int64_t lines = (block_pixels(i) - 1) * middle_lines + middle.pixels - 1;
        return lines * pitch + (result_columns - 1) * result_spacing + 1;
    }
    // Whether the run of pixels is the result as it lies in memory: no computed pixel is dropped.
    bool in_place() const {
        return classes.size() == 1 && middle_lines == 1 && result_spacing == 1 && pitch == result_columns;
    }

private:
    void make_masks(int64_t computed, int64_t columns, bool shifts_gradient) {
        period = pitch / greatest_common_divisor(pitch, LANES);
        masks.assign(size_t(kernel_columns * period * LANES), Real(0));
        for (int64_t i = 0; i < period * LANES; ++i)
            for (int64_t c = 0; c < kernel_columns; ++c) {
                const int64_t shift = shifts_gradient && all_columns ? c * column_step % pitch : 0;
                const int64_t pixel = (i + pitch - shift) % pitch, read = pixel + first_column + c * column_step;
                const bool dropped = shifts_gradient && (pixel % result_spacing || pixel >= computed);
                if (read >= 0 && read < columns && !dropped)
                    memset(&masks[size_t((i / LANES * kernel_columns + c) * LANES + i % LANES)], 255, sizeof(Real));
            }
    }
    void list_classes(const ConvShape& s) {
        for (size_t r = 0; r < outer.classes.size(); ++r)
            for (size_t q = 0; q < middle.classes.size(); ++q) {
                LineClass found{{int64_t(r), int64_t(q)}, {}, {}};
                for (const Tap& i : outer.classes[r])
                    for (const Tap& j : middle.classes[q]) {
                        const int64_t phase = i.phase * middle.source_stride + j.phase;
                        const int64_t line = (i.shift - outer.low) * middle_lines + j.shift - middle.low;
                        found.weights.push_back((i.k * s.kernel[1] + j.k) * kernel_columns);
                        found.offsets.push_back(phase * phase_size + line * pitch);
                    }
                classes.push_back(found);
            }
    }
};

}  // namespace
