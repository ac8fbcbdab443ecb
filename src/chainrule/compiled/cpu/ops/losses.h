// Losses and their gradients, samples innermost.
//
// The outputs o and targets t are (m, columns), of which the first n are samples; the gradient g is
// assigned, or added to with `accumulate`: then columns past n stay as they are, else they are 0.
#pragma once

#include "activations.h"

// The loss of one element, and its derivative d.
template <class T> inline T loss_and_grad(LossKind kind, T o, T t, T a, T &d) {
    const T e = o - t;
    using enum LossKind;
    switch (kind) {
    case MSE: d = 2 * e; return e * e;
    case L1: d = e > 0 ? 1 : e < 0 ? -1 : e; return std::fabs(e);
    case SMOOTH_L1: d = e / a > 1 ? 1 : e / a < -1 ? -1 : e / a; return d * (e - a / 2 * d);
    case HUBER: d = e > a ? a : e < -a ? -a : e; return d * (e - d / 2);
    case BCE: {
        const T yes = std::log(o), no = std::log1p(-o), both = o * (1 - o);
        const T smallest = T(9.999999960041972e-13);
        d = e / (both < smallest ? smallest : both);
        return (t - 1) * (no < -100 ? -100 : no) - t * (yes < -100 ? -100 : yes);
    }
    default: {
        const T small = std::exp(-std::fabs(o));
        d = (o < 0 ? small : T(1)) / (1 + small) - t;
        return std::log1p(small) + (o < 0 ? -o : T(0)) + (1 - t) * o;
    }
    }
}

// The sum of all elements' losses; g = scale times its derivative.
template <LossKind kind, class T>
inline T elementwise_loss_rows(const T *o, const T *t, T *g, int64_t ld, int64_t ldt, int64_t m,
                               int64_t n, int64_t columns, T a, T scale, bool accumulate) {
    constexpr int W = Simd<T>::W;
    T lanes[W] = {}, total = 0;
    for (int64_t i = 0; i < m; i++, o += ld, t += ldt, g += ld) {
        int64_t j = 0;
        auto one = [&](int64_t at, int lane) {
            T d;
            lanes[lane] += loss_and_grad<T>(kind, o[at], t[at], a, d);
            g[at] = accumulate ? g[at] + scale * d : scale * d;
        };
        for (; j + W <= n; j += W)
            for (int q = 0; q < W; q++) one(j + q, q);
        for (; j < n; j++) one(j, 0);
        for (; j < columns && !accumulate; j++) g[j] = 0;
    }
    for (T lane : lanes) total += lane;
    return total;
}

template <class T>
inline T elementwise_loss(LossKind kind, const T *o, const T *t, T *g, int64_t ld, int64_t ldt,
                          int64_t m, int64_t n, int64_t columns, T a, T scale, bool accumulate) {
    using enum LossKind;
    auto f = kind == MSE         ? elementwise_loss_rows<MSE, T>
             : kind == L1        ? elementwise_loss_rows<L1, T>
             : kind == SMOOTH_L1 ? elementwise_loss_rows<SMOOTH_L1, T>
             : kind == HUBER     ? elementwise_loss_rows<HUBER, T>
             : kind == BCE       ? elementwise_loss_rows<BCE, T>
                                 : elementwise_loss_rows<BCE_WITH_LOGITS, T>;
    return f(o, t, g, ld, ldt, m, n, columns, a, scale, accumulate);
}

// The sum over samples of -log softmax(o) (or of -o, with log_probabilities) at the class of each.
template <class T>
inline T cross_entropy(const T *o, const int64_t *target, const int64_t *order, T *g, T *scratch,
                       int64_t ld, int64_t m, int64_t n, int64_t columns, T scale,
                       bool log_probabilities, bool accumulate) {
    T total = 0;
    for (int64_t i = 0; i < m; i++)
        std::memcpy(scratch + i * columns, o + i * ld, columns * sizeof(T));
    if (!log_probabilities) softmax(scratch, columns, m, columns, true);
    for (int64_t j = 0; j < n; j++) {
        if (target[order[j]] < 0 || target[order[j]] >= m) return T(NAN);
        total -= scratch[target[order[j]] * columns + j];
    }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < columns; j += Simd<T>::W) {
            auto p = Simd<T>::splat(T(0));
            if (!log_probabilities) p = scale * exp<T>(Simd<T>::load(scratch + i * columns + j));
            Simd<T>::store(scratch + i * columns + j, p);
        }
    for (int64_t j = 0; j < n; j++) scratch[target[order[j]] * columns + j] -= scale;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < columns; j++) {
            const T d = j < n ? scratch[i * columns + j] : T(0);
            g[i * ld + j] = accumulate ? g[i * ld + j] + d : d;
        }
    return total;
}
