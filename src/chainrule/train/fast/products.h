// The three products of a linear layer, for matrices that lie in the cache; samples innermost.
#pragma once

#include "vectors.h"

// out (R, C W) = a (R, K) b (K, C W), with all of out in registers; out starts as it is (add),
// as the bias of its row, or as 0. Element (r, k) of a lies at a[r ar + k ak].
template <class T, int R, int C>
inline void tile(T *out, int64_t ldo, const T *a, int64_t ar, int64_t ak, const T *b, int64_t ldb,
                 int64_t K, const T *bias, bool add) {
    using S = Simd<T>;
    typename S::V acc[R][C], x[C];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++)
            acc[r][c] = add ? S::load(out + r * ldo + c * S::W) : S::splat(bias ? bias[r] : T(0));
    for (int64_t k = 0; k < K; k++) {
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) x[c] = S::load(b + k * ldb + c * S::W);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++)
#pragma GCC unroll 8
            for (int c = 0; c < C; c++) acc[r][c] += a[r * ar + k * ak] * x[c];
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) S::store(out + r * ldo + c * S::W, acc[r][c]);
}

template <class T> using Tile = decltype(&tile<T, 1, 1>);

// ROWS x COLUMNS vectors of sums, and what they are made of, fill the registers but for a few.
#if defined(__AVX512F__)
constexpr int ROWS = 6, COLUMNS = 4;
#else
constexpr int ROWS = 6, COLUMNS = 2;
#endif

template <class T, int C> constexpr Tile<T> column_of_tiles[ROWS] = {
    tile<T, 1, C>, tile<T, 2, C>, tile<T, 3, C>, tile<T, 4, C>, tile<T, 5, C>, tile<T, 6, C>};

template <class T> inline Tile<T> tile_of(int r, int c) {
#if defined(__AVX512F__)
    if (c == 4) return column_of_tiles<T, 4>[r - 1];
    if (c == 3) return column_of_tiles<T, 3>[r - 1];
#endif
    return c == 2 ? column_of_tiles<T, 2>[r - 1] : column_of_tiles<T, 1>[r - 1];
}

// The size of the next of equal parts of what is left, none larger than most.
inline int part(int64_t left, int most) {
    int64_t parts = (left + most - 1) / most;
    return int((left + parts - 1) / parts);
}

// out (m, n) = a (m, K) b (K, n); n counts in whole vectors.
template <class T>
inline void product(T *out, int64_t ldo, const T *a, int64_t ar, int64_t ak, const T *b,
                    int64_t ldb, int64_t m, int64_t K, int64_t n, const T *bias, bool add) {
    constexpr int W = Simd<T>::W;
    for (int64_t j = 0, c; j < n; j += c * W) {
        c = part((n - j) / W, COLUMNS);
        for (int64_t i = 0, r; i < m; i += r) {
            r = part(m - i, ROWS);
            tile_of<T>(int(r), int(c))(out + i * ldo + j, ldo, a + i * ar, ar, ak, b + j, ldb, K,
                                       bias ? bias + i : nullptr, add);
        }
    }
}

// sums (R, S) = g (R, n) x (S, n)^T, each as a vector of W partial sums.
template <class T, int R, int S>
inline void dots(typename Simd<T>::V (*sums)[Simd<T>::W], const T *g, int64_t ldg, const T *x,
                 int64_t ldx, int64_t n) {
    using M = Simd<T>;
    typename M::V acc[R][S] = {}, y[S];
    for (int64_t j = 0; j < n; j += M::W) {
#pragma GCC unroll 8
        for (int s = 0; s < S; s++) y[s] = M::load(x + s * ldx + j);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            auto v = M::load(g + r * ldg + j);
            KEEP(v);
#pragma GCC unroll 8
            for (int s = 0; s < S; s++) acc[r][s] += v * y[s];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int s = 0; s < S; s++) sums[r][s] = acc[r][s];
}

// The sums of W vectors as one vector: halves are added until each has one number left.
template <int W, int half, int i> constexpr int lane(int upper) {
    constexpr int group = i / half;            // of both vectors' groups, one after the other
    constexpr int groups = W / (2 * half);     // of one vector
    return (group / groups) * W + (group % groups) * 2 * half + i % half + upper * half;
}

template <class T, int half, int... i>
inline typename Simd<T>::V halve(typename Simd<T>::V a, typename Simd<T>::V b,
                                 std::integer_sequence<int, i...>) {
    constexpr int W = Simd<T>::W;
    return __builtin_shufflevector(a, b, lane<W, half, i>(0)...) +
           __builtin_shufflevector(a, b, lane<W, half, i>(1)...);
}

template <class T, int half> inline typename Simd<T>::V sums_of(const typename Simd<T>::V *v) {
    constexpr int W = Simd<T>::W;
    using All = std::make_integer_sequence<int, W>;
    constexpr int count = W / (2 * half);  // vectors to the left of the middle
    typename Simd<T>::V a, b;
    if constexpr (half == W / 2) {
        a = v[0], b = v[1];
    } else {
        a = sums_of<T, half * 2>(v), b = sums_of<T, half * 2>(v + count);
    }
    return halve<T, half>(a, b, All{});
}

template <class T, int R>
inline void row_of_dots(T *w, int64_t ldw, const T *g, int64_t ldg, const T *x, int64_t ldx,
                        int64_t k, int64_t n, bool add) {
    using M = Simd<T>;
    for (int64_t i = 0; i < k; i += M::W) {
        int64_t width = k - i < M::W ? k - i : M::W;
        typename M::V sums[R][M::W];
        for (int64_t s = 0, most; s < width; s += most) {
            most = width - s < 4 ? width - s : 4;
            auto at = reinterpret_cast<typename M::V(*)[M::W]>(&sums[0][s]);
            const T *from = x + (i + s) * ldx;
            if (most == 4) dots<T, R, 4>(at, g, ldg, from, ldx, n);
            else if (most == 3) dots<T, R, 3>(at, g, ldg, from, ldx, n);
            else if (most == 2) dots<T, R, 2>(at, g, ldg, from, ldx, n);
            else dots<T, R, 1>(at, g, ldg, from, ldx, n);
        }
        for (int r = 0; r < R; r++) {
            auto v = sums_of<T, 1>(sums[r]);
            T *to = w + r * ldw + i;
            if (width == M::W) M::store(to, add ? M::load(to) + v : v);
            else
                for (int s = 0; s < width; s++) to[s] = add ? to[s] + v[s] : v[s];
        }
    }
}

// w (m, k) = g (m, n) x (k, n)^T, or += with add; n counts in whole vectors.
template <class T>
inline void outer(T *w, int64_t ldw, const T *g, int64_t ldg, const T *x, int64_t ldx, int64_t m,
                  int64_t k, int64_t n, bool add) {
    for (int64_t i = 0, r; i < m; i += r) {
        r = part(m - i, 5);
        auto f = r == 5   ? row_of_dots<T, 5>
                 : r == 4 ? row_of_dots<T, 4>
                 : r == 3 ? row_of_dots<T, 3>
                 : r == 2 ? row_of_dots<T, 2>
                          : row_of_dots<T, 1>;
        f(w + i * ldw, ldw, g + i * ldg, ldg, x, ldx, k, n, add);
    }
}
