// The convolutions of a Conv2d, channels innermost: no window is copied, no zero multiplied.
#pragma once

#include <algorithm>
#include <atomic>

#include "abi.h"

#include "gemm.h"
#include "../threads.h"

// y (R, C W) at one place of R samples = bias + windows (R, rows x K) weight (rows x K, C W).
template <class T, int R, int C>
inline void output_kernel(T *y, int64_t ldy, const T *x, int64_t ldx, int64_t row, const T *weight,
                          int64_t ldw, int64_t skip, int64_t rows, int64_t K, const T *bias) {
    using S = Simd<T>;
    typename S::V acc[R][C], v[C];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) acc[r][c] = bias ? S::load(bias + c * S::W) : S::splat(T(0));
    for (int64_t i = 0; i < rows; i++, x += row, weight += skip)
        for (int64_t k = 0; k < K; k++, weight += ldw) {
#pragma GCC unroll 8
            for (int c = 0; c < C; c++) v[c] = S::load(weight + c * S::W);
#pragma GCC unroll 8
            for (int r = 0; r < R; r++)
#pragma GCC unroll 8
                for (int c = 0; c < C; c++) acc[r][c] += x[r * ldx + k] * v[c];
        }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) S::store(y + r * ldy + c * S::W, acc[r][c]);
}

// dw (R, C W) += entries (R) of the windows of x, each times its g (C W), over m samples.
template <class T, int R, int C>
inline void weight_grad_kernel(T *dw, const T *x, const T *g, int64_t m, const Conv2dArgs &args) {
    using S = Simd<T>;
    typename S::V acc[R][C], v[C];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) acc[r][c] = S::load(dw + r * args.O + c * S::W);
    for (int64_t n = 0; n < m; n++)
        for (int64_t i = 0; i < args.h; i++) {
            const T *from = x + (n * args.H + i * args.stride_h) * args.W * args.C;
            for (int64_t j = 0; j < args.w; j++, from += args.stride_w * args.C, g += args.O) {
#pragma GCC unroll 8
                for (int c = 0; c < C; c++) v[c] = S::load(g + c * S::W);
#pragma GCC unroll 8
                for (int r = 0; r < R; r++)
#pragma GCC unroll 8
                    for (int c = 0; c < C; c++) acc[r][c] += from[r] * v[c];
            }
        }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) S::store(dw + r * args.O + c * S::W, acc[r][c]);
}

#define EACH_ROW(f, C) {f<T, 1, C>, f<T, 2, C>, f<T, 3, C>, f<T, 4, C>, f<T, 5, C>, f<T, 6, C>}
template <class T>
constexpr decltype(&output_kernel<T, 1, 1>) output_kernels[][ROWS] = {
    EACH_ROW(output_kernel, 1),
    EACH_ROW(output_kernel, 2),
#if defined(__AVX512F__)
    EACH_ROW(output_kernel, 3),
    EACH_ROW(output_kernel, 4),
#endif
};
template <class T>
constexpr decltype(&weight_grad_kernel<T, 1, 1>) weight_grad_kernels[][ROWS] = {
    EACH_ROW(weight_grad_kernel, 1),
    EACH_ROW(weight_grad_kernel, 2),
#if defined(__AVX512F__)
    EACH_ROW(weight_grad_kernel, 3),
    EACH_ROW(weight_grad_kernel, 4),
#endif
};
#undef EACH_ROW

// The entries of a window that lie within n, where it begins at `from`.
struct WindowRange {
    int64_t first, count;
    WindowRange(int64_t from, int64_t k, int64_t n)
        : first(std::max<int64_t>(0, -from)),
          count(std::max<int64_t>(0, std::min(k, n - from) - first)) {}
};

// y of some samples. ROWS of them are done together, place by place: at one place all have the
// same entries of the window within x, and the weights are read once for all.
template <class T>
void convolve_outputs(const Conv2dArgs &args, T *y, const T *x, const T *weight, const T *bias,
                      int64_t m) {
    constexpr int V = Simd<T>::W;
    const int64_t size = args.H * args.W * args.C, result = args.h * args.w * args.O;
    for (int64_t n = 0, r; n < m; n += r) {
        r = balanced_block(m - n, ROWS);
        for (int64_t o = 0, c; o < args.O; o += c * V) {
            c = balanced_block((args.O - o) / V, COLUMNS);
            for (int64_t i = 0; i < args.h; i++)
                for (int64_t j = 0; j < args.w; j++) {
                    const int64_t top = i * args.stride_h - args.top;
                    const int64_t left = j * args.stride_w - args.left;
                    const WindowRange rows(top, args.kh, args.H), columns(left, args.kw, args.W);
                    const T *from = x + n * size;
                    from += ((top + rows.first) * args.W + left + columns.first) * args.C;
                    const int64_t entry = (rows.first * args.kw + columns.first) * args.C;
                    const auto kernel = output_kernels<T>[c - 1][r - 1];
                    T *to = y + n * result + (i * args.w + j) * args.O + o;
                    const int64_t skip = (args.kw - columns.count) * args.C * args.O;
                    kernel(to, result, from, size, args.W * args.C, weight + entry * args.O + o,
                           args.O, skip, rows.count, columns.count * args.C,
                           bias ? bias + o : nullptr);
                }
        }
    }
}

// dw (kh, kw, C, O) += windows of x, each times its g; a few samples at a time, which stay in the
// cache while each entry of the window is done.
template <class T>
void weight_grads(const Conv2dArgs &args, T *dw, const T *x, const T *g, int64_t m) {
    constexpr int V = Simd<T>::W;
    const int64_t bytes = sizeof(T) * (args.H * args.W * args.C + args.h * args.w * args.O);
    const int64_t group = std::max<int64_t>(1, (1 << 17) / bytes), row = args.kw * args.C;
    for (int64_t n = 0; n < m; n += group)
        for (int64_t o = 0, c; o < args.O; o += c * V) {
            c = balanced_block((args.O - o) / V, COLUMNS);
            for (int64_t i = 0; i < args.kh; i++)
                for (int64_t k = 0, r; k < row; k += r) {
                    r = balanced_block(row - k, ROWS);
                    const auto kernel = weight_grad_kernels<T>[c - 1][r - 1];
                    kernel(dw + (i * row + k) * args.O + o,
                           x + (n * args.H + i) * args.W * args.C + k,
                           g + n * args.h * args.w * args.O + o, std::min(group, m - n), args);
                }
        }
}

template <class T> void convolve_block(const Conv2dArgs &args, int64_t k, int64_t block) {
    const int64_t size = args.H * args.W * args.C, result = args.h * args.w * args.O;
    const int64_t first = args.samples * block / args.sample_blocks;
    const int64_t m = args.samples * (block + 1) / args.sample_blocks - first;
    const T *x = static_cast<const T *>(args.x) + k * args.x_stride + first * size;
    const T *other = static_cast<const T *>(args.other) + k * args.other_stride;
    T *out = static_cast<T *>(args.out);
    if (args.weight_grad) {
        out += (k * args.sample_blocks + block) * args.kh * args.kw * args.C * args.O;
        weight_grads<T>(args, out, x, other + first * result, m);
        return;
    }
    const T *bias = static_cast<const T *>(args.bias);
    convolve_outputs<T>(args, out + (k * args.samples + first) * result, x, other,
                        bias ? bias + k * args.bias_stride : nullptr, m);
}

template <class T> void convolve(const Conv2dArgs &args) {
    std::atomic<int64_t> next{0};
    const int64_t total = args.replicas * args.sample_blocks;
    auto task = [&] {
        for (int64_t i; (i = next++) < total;)
            convolve_block<T>(args, i / args.sample_blocks, i % args.sample_blocks);
    };
    run_on_threads(std::min(args.threads, total) - 1, task);
}
