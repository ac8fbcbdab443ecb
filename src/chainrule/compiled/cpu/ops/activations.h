// Activations, in place, samples innermost: y = f(x), and on the way back g <- g f'(y).
//
// x, y and g are (m, n), their rows ld apart; n counts in whole vectors. a, b: the constants of f.
#pragma once

#include "abi.h"

#include <cmath>

#include "../simd/math.h"

// y = f(x), in place. a, b: the constants of the activation. All but comparisons let nan through.
template <class T>
inline typename Simd<T>::V activation(ActivationKind kind, typename Simd<T>::V x, T a, T b) {
    using S = Simd<T>;
    const auto zero = S::splat(T(0)), one = S::splat(T(1));
    using enum ActivationKind;
    switch (kind) {
    case RELU: return x < zero ? zero : x;
    case LEAKY_RELU: return x < zero ? a * x : x;
    case TANH: return tanh<T>(x);
    case SIGMOID: return one / (one + exp<T>(-x));
    case ELU: return x > zero ? a * x : b * expm1<T>(x > zero ? zero : x);
    case HARDTANH: x = x < S::splat(a) ? S::splat(a) : x; return x > S::splat(b) ? S::splat(b) : x;
    case SOFTSIGN: return x / (one + (x < zero ? -x : x));
    default: return x;
    }
}

// f'(x) from y = f(x).
template <class T>
inline typename Simd<T>::V activation_grad(ActivationKind kind, typename Simd<T>::V y, T a, T b) {
    using S = Simd<T>;
    const auto zero = S::splat(T(0)), one = S::splat(T(1));
    using enum ActivationKind;
    switch (kind) {
    case RELU: return y > zero ? one : zero;
    case LEAKY_RELU: return y > zero ? one : S::splat(a);
    case TANH: return one - y * y;
    case SIGMOID: return y - y * y;
    case ELU: return y > zero ? S::splat(a) : y + b;
    case HARDTANH: return (y > S::splat(a)) & (y < S::splat(b)) ? one : zero;
    case SOFTSIGN: {
        auto rest = one - (y < zero ? -y : y);
        return rest * rest;
    }
    default: return one;
    }
}

// The softmax of each column, or its logarithm.
template <class T> inline void softmax(T *x, int64_t ld, int64_t m, int64_t n, bool log) {
    using S = Simd<T>;
    for (int64_t j = 0; j < n; j += S::W) {
        auto largest = S::load(x + j);
        for (int64_t i = 1; i < m; i++) {
            auto v = S::load(x + i * ld + j);
            largest = v > largest ? v : largest;
        }
        auto total = S::splat(T(0));
        for (int64_t i = 0; i < m; i++) {
            auto v = S::load(x + i * ld + j) - largest, e = exp<T>(v);
            total += e;
            S::store(x + i * ld + j, log ? v : e);
        }
        if (log)
            for (int q = 0; q < S::W; q++) total[q] = std::log(total[q]);
        for (int64_t i = 0; i < m; i++) {
            auto v = S::load(x + i * ld + j);
            S::store(x + i * ld + j, log ? v - total : v / total);
        }
    }
}

template <ActivationKind kind, class T>
inline void activate_rows(T *x, int64_t ld, int64_t m, int64_t n, T a, T b) {
    using S = Simd<T>;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j += S::W)
            S::store(x + i * ld + j, activation<T>(kind, S::load(x + i * ld + j), a, b));
}

template <class T>
inline void activate(ActivationKind kind, T *x, int64_t ld, int64_t m, int64_t n, T a, T b) {
    using enum ActivationKind;
    switch (kind) {
    case IDENTITY: return;
    case RELU: return activate_rows<RELU>(x, ld, m, n, a, b);
    case LEAKY_RELU: return activate_rows<LEAKY_RELU>(x, ld, m, n, a, b);
    case TANH: return activate_rows<TANH>(x, ld, m, n, a, b);
    case SIGMOID: return activate_rows<SIGMOID>(x, ld, m, n, a, b);
    case ELU: return activate_rows<ELU>(x, ld, m, n, a, b);
    case HARDTANH: return activate_rows<HARDTANH>(x, ld, m, n, a, b);
    case SOFTSIGN: return activate_rows<SOFTSIGN>(x, ld, m, n, a, b);
    default: return softmax(x, ld, m, n, kind == LOG_SOFTMAX);
    }
}

// Where the gradient of a bias goes, which `rows` rows in a row share; null: nowhere.
template <class T> struct BiasGrad {
    T *grad;
    int64_t rows;
    bool accumulate;
};

// g <- g f'(x), and the sums of rows to the bias's gradient.
template <ActivationKind kind, class T>
inline void activation_backward_rows(T *g, const T *y, int64_t ld, int64_t m, int64_t n, T a, T b,
                                     BiasGrad<T> bias) {
    using S = Simd<T>;
    for (int64_t i = 0; i < m; i += bias.rows) {
        auto total = S::splat(T(0));
        for (int64_t r = i; r < i + bias.rows; r++)
            for (int64_t j = 0; j < n; j += S::W) {
                auto v = S::load(g + r * ld + j);
                if (kind != ActivationKind::IDENTITY) {
                    v *= activation_grad<T>(kind, S::load(y + r * ld + j), a, b);
                    S::store(g + r * ld + j, v);
                }
                total += v;
            }
        if (!bias.grad) continue;
        *bias.grad = S::sum(total) + (bias.accumulate ? *bias.grad : T(0));
        bias.grad++;
    }
}

// softmax: g <- y (g - sum g y);   log softmax: g <- g - e^y sum g
template <class T>
inline void softmax_backward(T *g, const T *y, int64_t ld, int64_t m, int64_t n, bool log) {
    using S = Simd<T>;
    for (int64_t j = 0; j < n; j += S::W) {
        auto total = S::splat(T(0));
        for (int64_t i = 0; i < m; i++) {
            auto v = S::load(g + i * ld + j);
            total += log ? v : v * S::load(y + i * ld + j);
        }
        for (int64_t i = 0; i < m; i++) {
            auto v = S::load(g + i * ld + j), p = S::load(y + i * ld + j);
            S::store(g + i * ld + j, log ? v - exp<T>(p) * total : p * (v - total));
        }
    }
}

template <class T>
inline void activation_backward(ActivationKind kind, T *g, const T *y, int64_t ld, int64_t m,
                                int64_t n, T a, T b, BiasGrad<T> bias) {
    using enum ActivationKind;
    switch (kind) {
    case RELU: return activation_backward_rows<RELU>(g, y, ld, m, n, a, b, bias);
    case LEAKY_RELU: return activation_backward_rows<LEAKY_RELU>(g, y, ld, m, n, a, b, bias);
    case TANH: return activation_backward_rows<TANH>(g, y, ld, m, n, a, b, bias);
    case SIGMOID: return activation_backward_rows<SIGMOID>(g, y, ld, m, n, a, b, bias);
    case ELU: return activation_backward_rows<ELU>(g, y, ld, m, n, a, b, bias);
    case HARDTANH: return activation_backward_rows<HARDTANH>(g, y, ld, m, n, a, b, bias);
    case SOFTSIGN: return activation_backward_rows<SOFTSIGN>(g, y, ld, m, n, a, b, bias);
    case IDENTITY: break;
    case SOFTMAX:
    case LOG_SOFTMAX: softmax_backward(g, y, ld, m, n, kind == LOG_SOFTMAX);
    }
    activation_backward_rows<IDENTITY>(g, y, ld, m, n, a, b, bias);
}

// y = x where x > 0, else w x
template <class T> void prelu_forward(const ParametricReLU &op, T *y, const T *x, const T *w) {
    using S = Simd<T>;
    for (int64_t i = 0; i < op.rows; i++) {
        const T slope = w[i / op.rows_per_weight];
        for (int64_t j = i * op.n; j < (i + 1) * op.n; j += S::W) {
            const auto v = S::load(x + j);
            S::store(y + j, v > S::splat(T(0)) ? v : slope * v);
        }
    }
}

// dx = g where x > 0, else w g;   dw = sum of g x where x <= 0; dx null: it is not asked for
template <class T>
void prelu_backward(const ParametricReLU &op, T *dx, T *dw, const T *g, const T *x, const T *w,
                    bool accumulate, bool accumulate_weight) {
    using S = Simd<T>;
    const auto zero = S::splat(T(0));
    for (int64_t first = 0; first < op.rows; first += op.rows_per_weight, w++, dw++) {
        auto total = zero;
        for (int64_t j = first * op.n; j < (first + op.rows_per_weight) * op.n; j += S::W) {
            const auto v = S::load(x + j), d = S::load(g + j);
            total += v > zero ? zero : d * v;
            if (!dx) continue;
            const auto there = v > zero ? d : *w * d;
            S::store(dx + j, accumulate ? S::load(dx + j) + there : there);
        }
        *dw = S::sum(total) + (accumulate_weight ? *dw : T(0));
    }
}
