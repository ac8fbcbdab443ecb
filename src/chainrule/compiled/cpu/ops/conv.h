// Convolutions of images whose samples are innermost, as they are defined; and transposed ones, whose
// way forward is another's way back.
//
// (C, H, W) numbers of a sample are C H W rows. Where a window's entries lie is a list, of steps
// from its first one; where the windows begin is another. Neighbours along W lie side by side, so
// a run of windows is as good as more samples. Padding is done before.
#pragma once

#include "abi.h"

#include <algorithm>

#include "gemm.h"

// y = bias + W windows of x, or += with accumulate
template <class T, class Op>
void conv_forward(const Op &op, T *y, const T *x, const T *w, const T *bias, bool accumulate) {
    const int64_t K = op.C * op.window_size, columns = op.run_length * op.n;
    for (int64_t r = 0; r < op.num_runs; r++)
        gemm<T>(y + r * columns, op.h * op.w * op.n, w, K, 1,
                IndexedRows<T>{x + op.run_offsets[r], op.window_offsets}, op.O, K, columns, bias,
                accumulate);
}

// W (O, C window) as (window, O, C): neighbours are read together in conv_input_grad.
template <class T, class Op> void transpose_weight(const Op &op, T *transposed, const T *w) {
    for (int64_t e = 0; e < op.window_size; e++)
        for (int64_t o = 0; o < op.O; o++)
            for (int64_t c = 0; c < op.C; c++)
                transposed[(e * op.O + o) * op.C + c] = w[(o * op.C + c) * op.window_size + e];
}

// dx += each entry's weights, times the g of the windows that it is in
template <class T, class Op>
void conv_input_grad(const Op &op, T *dx, const T *g, const T *transposed) {
    const int64_t columns = op.run_length * op.n;
    for (int64_t r = 0; r < op.num_runs; r++)
        for (int64_t e = 0; e < op.window_size; e++)
            gemm<T>(dx + op.run_offsets[r] + op.window_offsets[e], op.H * op.W * op.n,
                    transposed + e * op.O * op.C, 1, op.C,
                    StridedRows<T>{g + r * columns, op.h * op.w * op.n}, op.C, op.O, columns,
                    nullptr, true);
}

// dW = g windows^T, or += with accumulate
template <class T, class Op>
void conv_weight_grad(const Op &op, T *dw, const T *g, const T *x, bool accumulate) {
    const int64_t K = op.C * op.window_size, columns = op.run_length * op.n;
    gemm_nt<T>(dw, K, g, op.h * op.w * op.n, IndexedRows<T>{x, op.window_offsets}, op.O, K, columns,
               ListedSegments{op.num_runs, columns, op.run_offsets}, accumulate);
}

// y = bias + the sum of W's copies, each times an entry of x
template <class T>
void conv_transposed_forward(const TransposedConvolution &op, T *y, const T *x, const T *transposed,
                             const T *bias) {
    const int64_t pixels = op.H * op.W * op.n;
    for (int64_t c = 0; c < op.C; c++) std::fill_n(y + c * pixels, pixels, bias ? bias[c] : T(0));
    conv_input_grad<T>(op, y, x, transposed);
}
