// Images with a margin around them, samples innermost; a margin of 0 is never written. One below 0
// cuts rows or columns off.
#pragma once

#include "abi.h"

#include <algorithm>
#include <cstring>

// f(where in x, where in y, how many) for each run of numbers that both have
template <class F> void visit_kept_rows(const Pad &op, F f) {
    const int64_t top = std::max<int64_t>(0, -op.top), bottom = std::min(op.H, op.h - op.top);
    const int64_t left = std::max<int64_t>(0, -op.left), right = std::min(op.W, op.w - op.left);
    for (int64_t c = 0; c < op.C; c++)
        for (int64_t i = top; i < bottom; i++)
            f(((c * op.H + i) * op.W + left) * op.n,
              ((c * op.h + i + op.top) * op.w + left + op.left) * op.n, (right - left) * op.n);
}

// y within its margin = x, and the margin = fill
template <class T> void pad_forward(const Pad &op, T *y, const T *x) {
    if (op.fill != 0) std::fill_n(y, op.C * op.h * op.w * op.n, T(op.fill));
    visit_kept_rows(op, [&](int64_t from, int64_t to, int64_t count) {
        std::memcpy(y + to, x + from, count * sizeof(T));
    });
}

// dx = g within its margin and 0 where x was cut off, or += with accumulate
template <class T> void pad_backward(const Pad &op, T *dx, const T *g, bool accumulate) {
    if (!accumulate) std::fill_n(dx, op.C * op.H * op.W * op.n, T(0));
    visit_kept_rows(op, [&](int64_t to, int64_t from, int64_t count) {
        for (int64_t j = 0; j < count; j++) dx[to + j] += g[from + j];
    });
}
