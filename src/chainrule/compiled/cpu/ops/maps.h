// Functions of each number whose derivative needs their input: y = f(x), dx = g f'(x).
#pragma once

#include "abi.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "../simd/math.h"

// f of each number of a vector.
template <class T, class F> inline typename Simd<T>::V map_lanes(typename Simd<T>::V x, F f) {
    for (int q = 0; q < Simd<T>::W; q++) x[q] = f(x[q]);
    return x;
}

// 0.5 (1 + tanh(c (x + d x^3))), and c (1 + 3 d x^2): of GELU's approximation.
template <class T> struct GeluTanh {
    typename Simd<T>::V below, slope;
    explicit GeluTanh(typename Simd<T>::V x) {
        const T c = T(0.79788456080286535588), d = T(0.044715);
        const auto one = Simd<T>::splat(T(1));
        below = T(0.5) * (one + tanh<T>(c * (x + d * x * x * x)));
        slope = c * (one + 3 * d * x * x);
    }
};

// x / 6 + 1 / 2 within [0, 1]
template <class T> inline typename Simd<T>::V hard_sigmoid(typename Simd<T>::V x) {
    const auto zero = Simd<T>::splat(T(0)), one = Simd<T>::splat(T(1));
    x = x / T(6) + T(0.5);
    x = x < zero ? zero : x;
    return x > one ? one : x;
}

// log(1 + e^x), which does not overflow
template <class T> inline T softplus(T x) {
    return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
}

// f(x) and f'(x). a, b: the constants of f.
template <MapKind kind, class T>
inline typename Simd<T>::V map_value(typename Simd<T>::V x, T a, T b) {
    using S = Simd<T>;
    const auto zero = S::splat(T(0)), one = S::splat(T(1));
    using enum MapKind;
    if constexpr (kind == LEAKY_RELU) return x > zero ? x : a * x;
    if constexpr (kind == ELU) return x > zero ? x : a * expm1<T>(x > zero ? zero : x);
    if constexpr (kind == GELU)
        return map_lanes<T>(x, [](T v) { return v * T(0.5) * (1 + std::erf(v * T(M_SQRT1_2))); });
    if constexpr (kind == GELU_TANH) return x * GeluTanh<T>(x).below;
    if constexpr (kind == SILU) return x / (one + exp<T>(-x));
    if constexpr (kind == SOFTPLUS)
        return map_lanes<T>(x, [=](T v) { return a * v > b ? v : std::log1p(std::exp(a * v)) / a; });
    if constexpr (kind == EXP) return map_lanes<T>(x, [](T v) { return std::exp(v); });
    if constexpr (kind == NEGATIVE) return -x;
    if constexpr (kind == CELU) return x > zero ? x : a * expm1<T>((x > zero ? zero : x) / a);
    if constexpr (kind == MISH)
        return map_lanes<T>(x, [](T v) { return v * std::tanh(softplus(v)); });
    if constexpr (kind == LOG_SIGMOID) return map_lanes<T>(x, [](T v) { return -softplus(-v); });
    if constexpr (kind == TANHSHRINK) return x - tanh<T>(x);
    if constexpr (kind == HARDSHRINK) return (x >= S::splat(-a)) & (x <= S::splat(a)) ? zero : x;
    if constexpr (kind == SOFTSHRINK)
        return x > S::splat(a) ? x - a : x < S::splat(-a) ? x + a : x - x;
    if constexpr (kind == HARDSIGMOID) return hard_sigmoid<T>(x);
    if constexpr (kind == HARDSWISH) return x * hard_sigmoid<T>(x);
    if constexpr (kind == THRESHOLD) return x <= S::splat(a) ? S::splat(b) : x;
    return x;
}

template <MapKind kind, class T>
inline typename Simd<T>::V map_grad(typename Simd<T>::V x, T a, T b) {
    using S = Simd<T>;
    const auto zero = S::splat(T(0)), one = S::splat(T(1));
    using enum MapKind;
    if constexpr (kind == LEAKY_RELU) return x > zero ? one : S::splat(a);
    if constexpr (kind == ELU) return x > zero ? one : a * exp<T>(x > zero ? zero : x);
    if constexpr (kind == GELU)
        return map_lanes<T>(x, [](T v) {
            const T bump = std::exp(T(-0.5) * v * v) * T(0.39894228040143267794);
            return T(0.5) * (1 + std::erf(v * T(M_SQRT1_2))) + v * bump;
        });
    if constexpr (kind == GELU_TANH) {
        const GeluTanh<T> parts(x);
        return parts.below + 2 * x * parts.below * (one - parts.below) * parts.slope;
    }
    if constexpr (kind == SILU) {
        const auto s = one / (one + exp<T>(-x));
        return s * (one + x * (one - s));
    }
    if constexpr (kind == SOFTPLUS) {
        const auto z = a * x;
        return z > S::splat(b) ? one : one / (one + exp<T>(-z));
    }
    if constexpr (kind == EXP) return map_lanes<T>(x, [](T v) { return std::exp(v); });
    if constexpr (kind == NEGATIVE) return -one;
    if constexpr (kind == CELU) return x > zero ? one : exp<T>((x > zero ? zero : x) / a);
    if constexpr (kind == MISH)
        return map_lanes<T>(x, [](T v) {
            const T t = std::tanh(softplus(v));
            return t + v * (1 - t * t) / (1 + std::exp(-v));
        });
    if constexpr (kind == LOG_SIGMOID) return one / (one + exp<T>(x));
    if constexpr (kind == TANHSHRINK) {
        const auto t = tanh<T>(x);
        return t * t;
    }
    if constexpr (kind == HARDSHRINK || kind == SOFTSHRINK)
        return (x >= S::splat(-a)) & (x <= S::splat(a)) ? zero : one;
    const auto inside = (x > S::splat(T(-3))) & (x < S::splat(T(3)));
    if constexpr (kind == HARDSIGMOID) return inside ? one / T(6) : zero;
    if constexpr (kind == HARDSWISH) return inside ? x / T(3) + T(0.5) : hard_sigmoid<T>(x);
    if constexpr (kind == THRESHOLD) return x <= S::splat(a) ? zero : one;
    return one;
}

// f(kind as a constant)
template <class F> inline void dispatch_map(MapKind kind, F f) {
    using enum MapKind;
    switch (kind) {
    case IDENTITY: return f(std::integral_constant<MapKind, IDENTITY>());
    case LEAKY_RELU: return f(std::integral_constant<MapKind, LEAKY_RELU>());
    case ELU: return f(std::integral_constant<MapKind, ELU>());
    case GELU: return f(std::integral_constant<MapKind, GELU>());
    case GELU_TANH: return f(std::integral_constant<MapKind, GELU_TANH>());
    case SILU: return f(std::integral_constant<MapKind, SILU>());
    case SOFTPLUS: return f(std::integral_constant<MapKind, SOFTPLUS>());
    case EXP: return f(std::integral_constant<MapKind, EXP>());
    case NEGATIVE: return f(std::integral_constant<MapKind, NEGATIVE>());
    case CELU: return f(std::integral_constant<MapKind, CELU>());
    case MISH: return f(std::integral_constant<MapKind, MISH>());
    case LOG_SIGMOID: return f(std::integral_constant<MapKind, LOG_SIGMOID>());
    case TANHSHRINK: return f(std::integral_constant<MapKind, TANHSHRINK>());
    case HARDSHRINK: return f(std::integral_constant<MapKind, HARDSHRINK>());
    case SOFTSHRINK: return f(std::integral_constant<MapKind, SOFTSHRINK>());
    case HARDSIGMOID: return f(std::integral_constant<MapKind, HARDSIGMOID>());
    case HARDSWISH: return f(std::integral_constant<MapKind, HARDSWISH>());
    case THRESHOLD: return f(std::integral_constant<MapKind, THRESHOLD>());
    }
}

// y = f(x), or += f(x) where the operation accumulates
template <class T> void map_forward(const Map &op, T *y, const T *x) {
    using S = Simd<T>;
    dispatch_map(op.kind, [&](auto kind) {
        for (int64_t i = 0; i < op.rows; i++)
            for (int64_t j = 0; j < op.n; j += S::W) {
                T *to = y + i * op.ldy + j;
                const auto v = map_value<kind(), T>(S::load(x + i * op.ldx + j), T(op.alpha),
                                                    T(op.beta));
                S::store(to, op.accumulate ? S::load(to) + v : v);
            }
    });
}

// dx = g f'(x), or += with accumulate
template <class T> void map_backward(const Map &op, T *dx, const T *g, const T *x, bool accumulate) {
    using S = Simd<T>;
    dispatch_map(op.kind, [&](auto kind) {
        for (int64_t i = 0; i < op.rows; i++)
            for (int64_t j = 0; j < op.n; j += S::W) {
                const int64_t at = i * op.ldx + j;
                auto d = S::load(g + i * op.ldy + j);
                if (kind() != MapKind::IDENTITY)
                    d *= map_grad<kind(), T>(S::load(x + at), T(op.alpha), T(op.beta));
                S::store(dx + at, accumulate ? S::load(dx + at) + d : d);
            }
    });
}
