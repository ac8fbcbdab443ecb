// Vectors of W numbers in one register, and the functions of them that the compiler has not.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#ifndef VECTOR_BYTES
#if defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#endif

// Keep a vector in a register: used several times, it would be loaded as often.
#if defined(__x86_64__)
#define KEEP(v) asm("" : "+v"(v))
#else
#define KEEP(v)
#endif

template <class T> struct Number;
template <> struct Number<float> {
    using Int = int32_t;
    static constexpr int mantissa = 23, bias = 127, terms = 8;
    static constexpr float lowest = -87.0f, highest = 88.0f, flat = 10.0f;
};
template <> struct Number<double> {
    using Int = int64_t;
    static constexpr int mantissa = 52, bias = 1023, terms = 14;
    static constexpr double lowest = -708.0, highest = 709.0, flat = 20.0;
};

template <class T> struct Simd {
    using Int = typename Number<T>::Int;
    static constexpr int W = VECTOR_BYTES / sizeof(T);
    typedef T V __attribute__((vector_size(VECTOR_BYTES)));
    typedef T Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(T)), may_alias));
    typedef Int I __attribute__((vector_size(VECTOR_BYTES)));

    static V load(const T *at) { return *reinterpret_cast<const Unaligned *>(at); }
    static void store(T *at, V x) { *reinterpret_cast<Unaligned *>(at) = x; }
    static V splat(T x) { return x - V{}; }
    static T sum(V x) {
        T total = 0;
        for (int i = 0; i < W; i++) total += x[i];
        return total;
    }
};

// acc + a x
template <class T> inline typename Simd<T>::V more(typename Simd<T>::V acc, T a, typename Simd<T>::V x) {
    return acc + a * x;
}

// e^x - 1 as 2^k (e^r - 1) + (2^k - 1), |r| <= log(2) / 2: nothing is lost near 0. For x in
// [lowest, highest], beyond which it is that of the limit; nan stays nan.
template <class T> inline typename Simd<T>::V expm1_of(typename Simd<T>::V x) {
    using S = Simd<T>;
    using V = typename S::V;
    using I = typename S::I;
    using N = Number<T>;
    x = x < N::lowest ? S::splat(N::lowest) : x;
    x = x > N::highest ? S::splat(N::highest) : x;
    const T magic = T(3) * T(int64_t(1) << (N::mantissa - 1));
    V shifted = x * T(1.4426950408889634) + magic;
    V k = shifted - magic;
    const T high = sizeof(T) == 4 ? T(0.693359375) : T(0.693147180369123816490);
    const T low = sizeof(T) == 4 ? T(-2.12194440e-4) : T(1.90821492927058770002e-10);
    V r = (x - k * high) - k * low;
    V p = S::splat(T(1));
    for (int i = N::terms; i > 1; i--) p = p * r / T(i) + T(1);
    I bits = (I(shifted) - I(S::splat(magic)) + N::bias) << N::mantissa;
    V power = V(bits);
    return power * (p * r) + (power - T(1));
}

template <class T> inline typename Simd<T>::V exp_of(typename Simd<T>::V x) {
    return expm1_of<T>(x) + T(1);
}

template <class T> inline typename Simd<T>::V tanh_of(typename Simd<T>::V x) {
    using S = Simd<T>;
    auto limit = S::splat(Number<T>::flat);
    x = x > limit ? limit : x;
    x = x < -limit ? -limit : x;
    auto e = expm1_of<T>(x + x);
    return e / (e + T(2));
}

// W vectors as the rows of a matrix, transposed: blocks half as large change places each time.
template <int half, int i> constexpr int swapped(int W, bool second) {
    const bool other = i / half % 2;
    return second ? (other ? W + i : i + half) : (other ? W + i - half : i);
}

template <class T, int half, int... i>
inline void transpose(typename Simd<T>::V *rows, std::integer_sequence<int, i...> all) {
    constexpr int W = Simd<T>::W;
    if constexpr (half > 0) {
#pragma GCC unroll 16
        for (int r = 0; r < W; r++) {
            if (r / half % 2) continue;
            const auto a = rows[r], b = rows[r + half];
            rows[r] = __builtin_shufflevector(a, b, swapped<half, i>(W, false)...);
            rows[r + half] = __builtin_shufflevector(a, b, swapped<half, i>(W, true)...);
        }
        transpose<T, half / 2>(rows, all);
    }
}
