// The convolutions of a Conv2d, channels innermost: no window is copied, no zero multiplied.
#pragma once

#include <algorithm>
#include <atomic>

#include "gemm.h"
#include "../threads.h"

// One call: all samples of all replicas. Python fills it in, field by field (convolutions.py).
struct Windows {
    int64_t learn, replicas, samples, threads, parts;
    int64_t H, W, C;                        // x (samples, H, W, C)
    int64_t h, w, O;                        // y or g (samples, h, w, O)
    int64_t kh, kw, sh, sw, top, left;      // window, stride, zeros before x
    int64_t x_stride, other_stride, bias_stride;  // from replica to replica
    const void *x, *other, *bias;           // other: weight (kh, kw, C, O), or g to learn from
    void *out;                              // y, or dL/dW (parts, kh, kw, C, O)
};

// y (R, C W) at one place of R samples = bias + windows (R, rows x K) weight (rows x K, C W).
template <class T, int R, int C>
inline void place(T *y, int64_t ldy, const T *x, int64_t ldx, int64_t row, const T *weight,
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
inline void learn(T *dw, const T *x, const T *g, int64_t m, const Windows &at) {
    using S = Simd<T>;
    typename S::V acc[R][C], v[C];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) acc[r][c] = S::load(dw + r * at.O + c * S::W);
    for (int64_t n = 0; n < m; n++)
        for (int64_t i = 0; i < at.h; i++) {
            const T *from = x + (n * at.H + i * at.sh) * at.W * at.C;
            for (int64_t j = 0; j < at.w; j++, from += at.sw * at.C, g += at.O) {
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
        for (int c = 0; c < C; c++) S::store(dw + r * at.O + c * S::W, acc[r][c]);
}

#define EACH_ROW(f, C) {f<T, 1, C>, f<T, 2, C>, f<T, 3, C>, f<T, 4, C>, f<T, 5, C>, f<T, 6, C>}
template <class T> constexpr decltype(&place<T, 1, 1>) places[][ROWS] = {
    EACH_ROW(place, 1), EACH_ROW(place, 2),
#if defined(__AVX512F__)
    EACH_ROW(place, 3), EACH_ROW(place, 4),
#endif
};
template <class T> constexpr decltype(&learn<T, 1, 1>) learners[][ROWS] = {
    EACH_ROW(learn, 1), EACH_ROW(learn, 2),
#if defined(__AVX512F__)
    EACH_ROW(learn, 3), EACH_ROW(learn, 4),
#endif
};
#undef EACH_ROW

// The entries of a window that lie within n, where it begins at `from`.
struct Within {
    int64_t first, count;
    Within(int64_t from, int64_t k, int64_t n)
        : first(std::max<int64_t>(0, -from)),
          count(std::max<int64_t>(0, std::min(k, n - from) - first)) {}
};

// y of some samples. ROWS of them are done together, place by place: at one place all have the
// same entries of the window within x, and the weights are read once for all.
template <class T>
void output(const Windows &at, T *y, const T *x, const T *weight, const T *bias, int64_t m) {
    constexpr int V = Simd<T>::W;
    const int64_t size = at.H * at.W * at.C, result = at.h * at.w * at.O;
    for (int64_t n = 0, r; n < m; n += r) {
        r = part(m - n, ROWS);
        for (int64_t o = 0, c; o < at.O; o += c * V) {
            c = part((at.O - o) / V, COLUMNS);
            for (int64_t i = 0; i < at.h; i++)
                for (int64_t j = 0; j < at.w; j++) {
                    const int64_t up = i * at.sh - at.top, across = j * at.sw - at.left;
                    const Within rows(up, at.kh, at.H), columns(across, at.kw, at.W);
                    const T *from = x + n * size;
                    from += ((up + rows.first) * at.W + across + columns.first) * at.C;
                    const int64_t entry = (rows.first * at.kw + columns.first) * at.C;
                    places<T>[c - 1][r - 1](
                        y + n * result + (i * at.w + j) * at.O + o, result, from, size,
                        at.W * at.C, weight + entry * at.O + o, at.O,
                        (at.kw - columns.count) * at.C * at.O, rows.count, columns.count * at.C,
                        bias ? bias + o : nullptr);
                }
        }
    }
}

// dw (kh, kw, C, O) += windows of x, each times its g; a few samples at a time, which stay in the
// cache while each entry of the window is done.
template <class T> void learn_all(const Windows &at, T *dw, const T *x, const T *g, int64_t m) {
    constexpr int V = Simd<T>::W;
    const int64_t bytes = sizeof(T) * (at.H * at.W * at.C + at.h * at.w * at.O);
    const int64_t some = std::max<int64_t>(1, (1 << 17) / bytes), row = at.kw * at.C;
    for (int64_t n = 0; n < m; n += some)
        for (int64_t o = 0, c; o < at.O; o += c * V) {
            c = part((at.O - o) / V, COLUMNS);
            for (int64_t i = 0; i < at.kh; i++)
                for (int64_t k = 0, r; k < row; k += r) {
                    r = part(row - k, ROWS);
                    learners<T>[c - 1][r - 1](
                        dw + (i * row + k) * at.O + o, x + (n * at.H + i) * at.W * at.C + k,
                        g + n * at.h * at.w * at.O + o, std::min(some, m - n), at);
                }
        }
}

template <class T> void part_of(const Windows &at, int64_t k, int64_t which) {
    const int64_t size = at.H * at.W * at.C, result = at.h * at.w * at.O;
    const int64_t first = at.samples * which / at.parts;
    const int64_t m = at.samples * (which + 1) / at.parts - first;
    const T *x = static_cast<const T *>(at.x) + k * at.x_stride + first * size;
    const T *other = static_cast<const T *>(at.other) + k * at.other_stride;
    T *out = static_cast<T *>(at.out);
    if (at.learn) {
        out += (k * at.parts + which) * at.kh * at.kw * at.C * at.O;
        learn_all<T>(at, out, x, other + first * result, m);
        return;
    }
    const T *bias = static_cast<const T *>(at.bias);
    output<T>(at, out + (k * at.samples + first) * result, x, other,
              bias ? bias + k * at.bias_stride : nullptr, m);
}

template <class T> void convolve(const Windows &at) {
    std::atomic<int64_t> next{0};
    const int64_t all = at.replicas * at.parts;
    auto work = [&] {
        for (int64_t i; (i = next++) < all;) part_of<T>(at, i / at.parts, i % at.parts);
    };
    together(std::min(at.threads, all) - 1, work);
}
