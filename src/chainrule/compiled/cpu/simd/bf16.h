// Products of bfloat16 numbers, with sums in float: two neighbours along the sum in one go.
#pragma once

#include "vector.h"

#if defined(__AVX512BF16__) && defined(__AVX512VL__) && VECTOR_BYTES >= 32
#include <immintrin.h>
#define HAS_BFLOAT16 1
#else
#define HAS_BFLOAT16 0
#endif

using bf16 = uint16_t;    // the bits of one
using bf16x2 = uint32_t;  // of two, the first in the lower half
template <> struct ScalarTraits<bf16x2> {
    using Int = int32_t;
};

#if HAS_BFLOAT16
#if VECTOR_BYTES == 64
using FloatVector = __m512;
using Bfloat16Pairs = __m512bh;
inline FloatVector dot_pairs(FloatVector acc, int a, Bfloat16Pairs x) {
    return _mm512_dpbf16_ps(acc, __m512bh(_mm512_set1_epi32(a)), x);
}
inline void store_rounded(bf16 *to, FloatVector x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), __m256i(_mm512_cvtneps_pbh(x)));
}
inline Simd<bf16x2>::V load_widened(const bf16 *at) {
    return Simd<bf16x2>::V(
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(at))));
}
#else
using FloatVector = __m256;
using Bfloat16Pairs = __m256bh;
inline FloatVector dot_pairs(FloatVector acc, int a, Bfloat16Pairs x) {
    return _mm256_dpbf16_ps(acc, __m256bh(_mm256_set1_epi32(a)), x);
}
inline void store_rounded(bf16 *to, FloatVector x) {
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to), __m128i(_mm256_cvtneps_pbh(x)));
}
inline Simd<bf16x2>::V load_widened(const bf16 *at) {
    return Simd<bf16x2>::V(
        _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(at))));
}
#endif

// a's first x's first + a's second x's second + acc
inline Simd<float>::V fma(bf16x2 a, Simd<bf16x2>::V x, Simd<float>::V acc) {
    return Simd<float>::V(dot_pairs(FloatVector(acc), int(a), Bfloat16Pairs(x)));
}

inline void store(bf16 *to, Simd<float>::V x) { store_rounded(to, FloatVector(x)); }

// Rows (m, n) of numbers as (m / 2, n) pairs of neighbours in a column; n counts in whole vectors.
inline void interleave_rows(bf16x2 *to, const bf16 *from, int64_t m, int64_t n) {
    for (int64_t i = 0; i < m; i += 2, from += 2 * n, to += n)
        for (int64_t j = 0; j < n; j += Simd<bf16x2>::W)
            Simd<bf16x2>::store(to + j,
                                load_widened(from + j) | (load_widened(from + n + j) << 16));
}
#else  // nobody asks for them
void store(bf16 *to, Simd<float>::V x);
void interleave_rows(bf16x2 *to, const bf16 *from, int64_t m, int64_t n);
#endif
