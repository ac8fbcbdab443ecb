// Normalizations, samples innermost: y = w (x - mean) / sqrt(var + eps) + b.
#pragma once

#include "abi.h"

#include <cmath>

#include "../simd/vector.h"

// Within a sample: each column of a group of rows by itself. w, b, dw and db may be null. The mean
// is freed of its own rounding, which counts where it is far above the spread.
template <class T>
void normalize_forward(const Normalize &op, T *y, T *moments, const T *x, const T *w, const T *b) {
    using S = Simd<T>;
    const int64_t groups = op.rows / op.group_rows;
    const T share = T(1) / T(op.group_rows);
    for (int64_t group = 0; group < groups; group++)
        for (int64_t j = 0; j < op.n; j += S::W) {
            const T *from = x + group * op.group_rows * op.n + j;
            auto total = S::splat(T(0)), rest = total, square = total;
            for (int64_t i = 0; i < op.group_rows; i++) total += S::load(from + i * op.n);
            auto mean = total * share;
            for (int64_t i = 0; i < op.group_rows; i++) rest += S::load(from + i * op.n) - mean;
            mean += rest * share;
            for (int64_t i = 0; i < op.group_rows; i++) {
                const auto c = S::load(from + i * op.n) - mean;
                square += c * c;
            }
            auto scale = square * share + T(op.eps);
            for (int q = 0; q < S::W; q++) scale[q] = 1 / std::sqrt(scale[q]);
            S::store(moments + group * op.n + j, mean);
            S::store(moments + (groups + group) * op.n + j, scale);
            for (int64_t i = group * op.group_rows; i < (group + 1) * op.group_rows; i++) {
                const int64_t k = i / op.rows_per_weight % op.weights;
                auto v = (S::load(x + i * op.n + j) - mean) * scale;
                if (w) v *= w[k];
                if (b) v += b[k];
                S::store(y + i * op.n + j, v);
            }
        }
}

// dx = s (g w - mean(g w) - x^ mean(g w x^)),   dw = sum of g x^,   db = sum of g
template <class T>
void normalize_backward(const Normalize &op, T *dx, const T *g, const T *x, const T *moments,
                        const T *w, bool accumulate) {
    using S = Simd<T>;
    const int64_t groups = op.rows / op.group_rows;
    const T share = T(1) / T(op.group_rows);
    for (int64_t group = 0; group < groups; group++)
        for (int64_t j = 0; j < op.n; j += S::W) {
            const auto mean = S::load(moments + group * op.n + j);
            const auto scale = S::load(moments + (groups + group) * op.n + j);
            auto total = S::splat(T(0)), along = total;
            auto visit = [&](auto f) {
                for (int64_t i = group * op.group_rows; i < (group + 1) * op.group_rows; i++) {
                    auto d = S::load(g + i * op.n + j);
                    if (w) d *= w[i / op.rows_per_weight % op.weights];
                    f(dx + i * op.n + j, d, (S::load(x + i * op.n + j) - mean) * scale);
                }
            };
            visit([&](T *, auto d, auto x_hat) { total += d, along += d * x_hat; });
            total *= share, along *= share;
            visit([&](T *to, auto d, auto x_hat) {
                const auto v = scale * (d - total - x_hat * along);
                S::store(to, accumulate ? S::load(to) + v : v);
            });
        }
}

// What is added to the gradients of w and b by one of several rows that share them: so they are
// cleared before.
template <class T>
void normalize_param_grads(const Normalize &op, T *dw, T *db, const T *g, const T *x,
                           const T *moments) {
    using S = Simd<T>;
    const int64_t groups = op.rows / op.group_rows;
    for (int64_t i = 0; i < op.rows; i++) {
        const int64_t group = i / op.group_rows, k = i / op.rows_per_weight % op.weights;
        auto along = S::splat(T(0)), total = along;
        for (int64_t j = 0; j < op.n; j += S::W) {
            const auto d = S::load(g + i * op.n + j);
            const auto mean = S::load(moments + group * op.n + j);
            const auto scale = S::load(moments + (groups + group) * op.n + j);
            along += d * (S::load(x + i * op.n + j) - mean) * scale, total += d;
        }
        if (dw) dw[k] += S::sum(along);
        if (db) db[k] += S::sum(total);
    }
}
