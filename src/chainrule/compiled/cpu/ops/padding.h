// Images with a margin around them, samples innermost; a margin of 0 is never written.
#pragma once

#include "abi.h"

#include <algorithm>
#include <cstring>

// y within its margin = x, and the margin = fill
template <class T> void pad_forward(const Pad &op, T *y, const T *x) {
    if (op.fill != 0) std::fill_n(y, op.C * op.h * op.w * op.n, T(op.fill));
    for (int64_t c = 0; c < op.C; c++)
        for (int64_t i = 0; i < op.H; i++, x += op.W * op.n)
            std::memcpy(y + ((c * op.h + op.top + i) * op.w + op.left) * op.n, x,
                        op.W * op.n * sizeof(T));
}

// dx = g within its margin, or += with accumulate
template <class T> void pad_backward(const Pad &op, T *dx, const T *g, bool accumulate) {
    const int64_t row = op.W * op.n;
    for (int64_t c = 0; c < op.C; c++)
        for (int64_t i = 0; i < op.H; i++, dx += row) {
            const T *from = g + ((c * op.h + op.top + i) * op.w + op.left) * op.n;
            for (int64_t j = 0; j < row; j++) dx[j] = accumulate ? dx[j] + from[j] : from[j];
        }
}
