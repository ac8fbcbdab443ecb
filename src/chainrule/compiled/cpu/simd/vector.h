// Vectors of W numbers in one register.
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
#define FORCE_REGISTER(v) asm("" : "+v"(v))
#else
#define FORCE_REGISTER(v)
#endif

// What is called in a place or two with its own functions, for a loop that must know them.
#define ALWAYS_INLINE __attribute__((always_inline)) inline

// f(0), f(1) … f(n - 1), each a constant.
template <int n, class F> ALWAYS_INLINE void unroll(F f) {
    [&]<int... i>(std::integer_sequence<int, i...>) {
        (f(std::integral_constant<int, i>{}), ...);
    }(std::make_integer_sequence<int, n>{});
}

template <class T> struct ScalarTraits;
template <> struct ScalarTraits<float> {
    using Int = int32_t;
    static constexpr int mantissa = 23, bias = 127, terms = 8;
    static constexpr float lowest = -87.0f, highest = 88.0f, saturation = 10.0f;
};
template <> struct ScalarTraits<double> {
    using Int = int64_t;
    static constexpr int mantissa = 52, bias = 1023, terms = 14;
    static constexpr double lowest = -708.0, highest = 709.0, saturation = 20.0;
};

template <class T> struct Simd {
    using Int = typename ScalarTraits<T>::Int;
    static constexpr int W = VECTOR_BYTES / sizeof(T);
    typedef T V __attribute__((vector_size(VECTOR_BYTES)));
    typedef T Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(T)), may_alias));
    typedef Int I __attribute__((vector_size(VECTOR_BYTES)));

    static V load(const T *at) { return *reinterpret_cast<const Unaligned *>(at); }
    static void store(T *at, V x) { *reinterpret_cast<Unaligned *>(at) = x; }
    static V splat(T x) { return x - V{}; }
    // The sum of all numbers: to each is added the one half a vector further, then a quarter …
    template <int half = W / 2> static T sum(V x) {
        if constexpr (half == 0) return x[0];
        else return sum<half / 2>(x + turn<half>(x, std::make_integer_sequence<int, W>{}));
    }
    template <int by, int... i> static V turn(V x, std::integer_sequence<int, i...>) {
        return __builtin_shufflevector(x, x, ((i + by) % W)...);
    }
};

// a x + acc
template <class T>
inline typename Simd<T>::V fma(T a, typename Simd<T>::V x, typename Simd<T>::V acc) {
    return acc + a * x;
}

// W vectors as the rows of a matrix, transposed: blocks half as large change places each time.
template <int half, int i> constexpr int transposed_lane(int W, bool second) {
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
            rows[r] = __builtin_shufflevector(a, b, transposed_lane<half, i>(W, false)...);
            rows[r + half] = __builtin_shufflevector(a, b, transposed_lane<half, i>(W, true)...);
        }
        transpose<T, half / 2>(rows, all);
    }
}
