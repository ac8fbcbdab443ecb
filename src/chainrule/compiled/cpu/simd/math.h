// The functions of vectors that the compiler has not.
#pragma once

#include "vector.h"

// 1 / n!, a table: of a function the compiler leaves some calls to the time of a run.
struct InverseFactorials {
    double of[16];
    constexpr InverseFactorials() : of() {
        of[0] = 1;
        for (int n = 1; n < 16; n++) of[n] = of[n - 1] / n;
    }
};
constexpr InverseFactorials inverse_factorial;

// e^x - 1 as 2^k (e^r - 1) + (2^k - 1), |r| <= log(2) / 2: nothing is lost near 0. For x in
// [lowest, highest], beyond which it is that of the limit; nan stays nan.
template <class T> inline typename Simd<T>::V expm1(typename Simd<T>::V x) {
    using S = Simd<T>;
    using V = typename S::V;
    using I = typename S::I;
    using N = ScalarTraits<T>;
    x = x < N::lowest ? S::splat(N::lowest) : x;
    x = x > N::highest ? S::splat(N::highest) : x;
    const T magic = T(3) * T(int64_t(1) << (N::mantissa - 1));
    V shifted = x * T(1.4426950408889634) + magic;
    V k = shifted - magic;
    const T high = sizeof(T) == 4 ? T(0.693359375) : T(0.693147180369123816490);
    const T low = sizeof(T) == 4 ? T(-2.12194440e-4) : T(1.90821492927058770002e-10);
    V r = (x - k * high) - k * low;
    V p = S::splat(T(inverse_factorial.of[N::terms]));
#pragma GCC unroll 16
    for (int i = N::terms - 1; i > 0; i--) p = p * r + T(inverse_factorial.of[i]);
    I bits = (I(shifted) - I(S::splat(magic)) + N::bias) << N::mantissa;
    V power = V(bits);
    return power * (p * r) + (power - T(1));
}

template <class T> inline typename Simd<T>::V exp(typename Simd<T>::V x) {
    return expm1<T>(x) + T(1);
}

template <class T> inline typename Simd<T>::V tanh(typename Simd<T>::V x) {
    using S = Simd<T>;
    auto limit = S::splat(ScalarTraits<T>::saturation);
    x = x > limit ? limit : x;
    x = x < -limit ? -limit : x;
    auto e = expm1<T>(x + x);
    return e / (e + T(2));
}
