// The three products of a linear layer, for matrices that lie in the cache; samples innermost.
#pragma once

#include "../simd/bf16.h"

// The rows of a matrix, at even steps or each where a list says.
template <class T> struct Even {
    const T *from;
    int64_t ld;
    const T *row(int64_t k) const { return from + k * ld; }
    Even below(int64_t k) const { return {from + k * ld, ld}; }
    Even right(int64_t j) const { return {from + j, ld}; }
};
template <class T> struct Listed {
    const T *from;
    const int64_t *at;
    const T *row(int64_t k) const { return from + at[k]; }
    Listed below(int64_t k) const { return {from, at + k}; }
    Listed right(int64_t j) const { return {from + j, at}; }
};

// out (R, C W) = a (R, K) b (K, C W), with all of out in registers; out starts as it is (add),
// as the bias of its row, or as 0. Element (r, k) of a lies at a[r ar + k ak]. A is T, or Pair.
template <class T, class A, class B, int R, int C>
inline void tile(T *out, int64_t ldo, const A *a, int64_t ar, int64_t ak, B b, int64_t K,
                 const T *bias, bool add) {
    using S = Simd<T>;
    typename S::V acc[R][C];
    typename Simd<A>::V x[C];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++)
            acc[r][c] = add ? S::load(out + r * ldo + c * S::W) : S::splat(bias ? bias[r] : T(0));
    for (int64_t k = 0; k < K; k++) {
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) x[c] = Simd<A>::load(b.row(k) + c * S::W);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++)
#pragma GCC unroll 8
            for (int c = 0; c < C; c++) acc[r][c] = more(acc[r][c], a[r * ar + k * ak], x[c]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) S::store(out + r * ldo + c * S::W, acc[r][c]);
}

template <class T, class A, class B> using Tile = decltype(&tile<T, A, B, 1, 1>);

// ROWS x COLUMNS vectors of sums, and what they are made of, fill the registers but for a few.
#if defined(__AVX512F__)
constexpr int ROWS = 6, COLUMNS = 4;
#else
constexpr int ROWS = 6, COLUMNS = 2;
#endif

template <class T, class A, class B, int C> constexpr Tile<T, A, B> column_of_tiles[ROWS] = {
    tile<T, A, B, 1, C>, tile<T, A, B, 2, C>, tile<T, A, B, 3, C>,
    tile<T, A, B, 4, C>, tile<T, A, B, 5, C>, tile<T, A, B, 6, C>};

template <class T, class A, class B> inline Tile<T, A, B> tile_of(int r, int c) {
#if defined(__AVX512F__)
    if (c == 4) return column_of_tiles<T, A, B, 4>[r - 1];
    if (c == 3) return column_of_tiles<T, A, B, 3>[r - 1];
#endif
    return c == 2 ? column_of_tiles<T, A, B, 2>[r - 1] : column_of_tiles<T, A, B, 1>[r - 1];
}

// The size of the next of equal parts of what is left, none larger than most.
inline int part(int64_t left, int most) {
    int64_t parts = (left + most - 1) / most;
    return int((left + parts - 1) / parts);
}

// out (m, n) = a (m, K) b (K, n); n counts in whole vectors.
template <class T, class A, class B>
inline void product(T *out, int64_t ldo, const A *a, int64_t ar, int64_t ak, B b, int64_t m,
                    int64_t K, int64_t n, const T *bias, bool add) {
    constexpr int W = Simd<T>::W;
    for (int64_t j = 0, c; j < n; j += c * W) {
        c = part((n - j) / W, COLUMNS);
        for (int64_t i = 0, r; i < m; i += r) {
            r = part(m - i, ROWS);
            tile_of<T, A, B>(int(r), int(c))(out + i * ldo + j, ldo, a + i * ar, ar, ak, b.right(j), K,
                                          bias ? bias + i : nullptr, add);
        }
    }
}

// out (m, n) = a (K, m)^T b (K, n), where the rows of a lie so that the cache takes few of them at
// once: by its transpose b^T a. Then a is read as it lies, and not down its columns; what is read
// again is copied side by side before.
template <class T>
inline void product_apart(T *out, int64_t ldo, const T *a, int64_t lda, const T *b, int64_t ldb,
                         int64_t m, int64_t K, int64_t n, bool add) {
    using S = Simd<T>;
    constexpr int64_t W = S::W, SAMPLES = 64 / W * W, DEEP = 64, WIDE = 8;
    alignas(64) T turned[SAMPLES * WIDE * W], beside[DEEP * WIDE * W];
    const int64_t vectors = m / W;
    for (int64_t i = 0, wide; i < vectors; i += wide) {
        wide = vectors - i < WIDE ? vectors - i : WIDE;
        for (int64_t first = 0, some; first < n; first += some) {
            some = n - first < SAMPLES ? n - first : SAMPLES;
            for (int64_t k = 0, deep; k < K; k += deep) {
                deep = K - k < DEEP ? K - k : DEEP;
                for (int64_t r = 0; r < deep; r++)
                    for (int64_t q = 0; q < wide * W; q += W)
                        S::store(beside + r * wide * W + q, S::load(a + (k + r) * lda + i * W + q));
                for (int64_t j = 0, r; j < some; j += r) {
                    r = part(some - j, ROWS);
                    for (int64_t q = 0, c; q < wide; q += c) {
                        c = part(wide - q, COLUMNS);
                        tile_of<T, T, Even<T>>(int(r), int(c))(
                            turned + (j * wide + q) * W, wide * W, b + k * ldb + first + j, 1, ldb,
                            Even<T>{beside + q * W, wide * W}, deep, nullptr, k > 0);
                    }
                }
            }
            for (int64_t q = 0; q < wide; q++)
                for (int64_t j = 0; j < some; j += W) {
                    typename S::V block[W];
                    for (int r = 0; r < W; r++) block[r] = S::load(turned + ((j + r) * wide + q) * W);
                    transpose<T, W / 2>(block, std::make_integer_sequence<int, W>{});
                    for (int r = 0; r < W; r++) {
                        T *to = out + ((i + q) * W + r) * ldo + first + j;
                        S::store(to, add ? S::load(to) + block[r] : block[r]);
                    }
                }
        }
    }
    const int64_t done = vectors * W;
    product<T>(out + done * ldo, ldo, a + done, 1, lda, Even<T>{b, ldb}, m - done, K, n, nullptr, add);
}

// out (m, n) = a (K, m)^T b (K, n)
template <class T>
inline void product_back(T *out, int64_t ldo, const T *a, int64_t lda, const T *b, int64_t ldb,
                         int64_t m, int64_t K, int64_t n, bool add) {
    constexpr int64_t PAGE = 4096;  // rows so far apart share a set of the cache
    if (lda * sizeof(T) % PAGE == 0) product_apart(out, ldo, a, lda, b, ldb, m, K, n, add);
    else product<T>(out, ldo, a, 1, lda, Even<T>{b, ldb}, m, K, n, nullptr, add);
}

// Pieces of rows that are summed over together: g's are `step` apart, x's where a list says.
struct Runs {
    int64_t count, step;
    const int64_t *starts;
};
constexpr int64_t FIRST = 0;
constexpr Runs WHOLE{1, 0, &FIRST};

// sums (R, S) = g (R, n) x (S, n)^T over all runs, each as a vector of W partial sums.
template <class T, int R, int S, class X>
inline void dots(typename Simd<T>::V (*sums)[Simd<T>::W], const T *g, int64_t ldg, X x, int64_t n,
                 const Runs &runs) {
    using M = Simd<T>;
    typename M::V acc[R][S] = {}, y[S];
    for (int64_t run = 0; run < runs.count; run++, g += runs.step) {
        const X here = x.right(runs.starts[run]);
        for (int64_t j = 0; j < n; j += M::W) {
#pragma GCC unroll 8
            for (int s = 0; s < S; s++) y[s] = M::load(here.row(s) + j);
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) {
                auto v = M::load(g + r * ldg + j);
                KEEP(v);
#pragma GCC unroll 8
                for (int s = 0; s < S; s++) acc[r][s] += v * y[s];
            }
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

template <class T, int R, class X>
inline void row_of_dots(T *w, int64_t ldw, const T *g, int64_t ldg, X x, int64_t k, int64_t n,
                        const Runs &runs, bool add) {
    using M = Simd<T>;
    for (int64_t i = 0; i < k; i += M::W) {
        int64_t width = k - i < M::W ? k - i : M::W;
        typename M::V sums[R][M::W];
        for (int64_t s = 0, most; s < width; s += most) {
            most = width - s < 4 ? width - s : 4;
            auto at = reinterpret_cast<typename M::V(*)[M::W]>(&sums[0][s]);
            const X from = x.below(i + s);
            if (most == 4) dots<T, R, 4>(at, g, ldg, from, n, runs);
            else if (most == 3) dots<T, R, 3>(at, g, ldg, from, n, runs);
            else if (most == 2) dots<T, R, 2>(at, g, ldg, from, n, runs);
            else dots<T, R, 1>(at, g, ldg, from, n, runs);
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

constexpr int64_t MANY = 8;  // rows of g, for which it is worth the while to transpose x

// The same for the first entries of x, whole vectors of them, which returns how many those are:
// x is transposed, a strip that the cache holds at a time, and the sums are those of a product.
template <class T, class A, class X>
inline int64_t outer_turned(T *w, int64_t ldw, const A *g, int64_t ldg, X x, int64_t m, int64_t k,
                            int64_t n, const Runs &runs, bool add) {
    using S = Simd<A>;
    constexpr int64_t W = S::W, DEEP = 64 / W * W, STRIP = 4096;
    alignas(64) A turned[STRIP];
    const int64_t vectors = k / W, most = STRIP / (n < DEEP ? n : DEEP) / W;
    for (int64_t i = 0, wide; i < vectors; i += wide) {
        wide = vectors - i < most ? vectors - i : most;
        bool begun = add;
        for (int64_t run = 0; run < runs.count; run++) {
            const X here = x.right(runs.starts[run]);
            for (int64_t j = 0, some; j < n; j += some) {
                some = n - j < DEEP ? n - j : DEEP;
                for (int64_t q = 0; q < wide; q++)
                    for (int64_t s = 0; s < some; s += W) {
                        typename S::V block[W];
                        for (int r = 0; r < W; r++) block[r] = S::load(here.row((i + q) * W + r) + j + s);
                        transpose<A, W / 2>(block, std::make_integer_sequence<int, W>{});
                        for (int r = 0; r < W; r++) S::store(turned + ((s + r) * wide + q) * W, block[r]);
                    }
                for (int64_t o = 0, r; o < m; o += r) {
                    r = part(m - o, ROWS);
                    for (int64_t q = 0, c; q < wide; q += c) {
                        c = part(wide - q, COLUMNS);
                        tile_of<T, A, Even<A>>(int(r), int(c))(
                            w + o * ldw + (i + q) * W, ldw, g + o * ldg + run * runs.step + j, ldg, 1,
                            Even<A>{turned + q * W, wide * W}, some, nullptr, begun);
                    }
                }
                begun = true;
            }
        }
    }
    return vectors * W;
}

// w (m, k) = g (m, n) x (k, n)^T, or += with add; n counts in whole vectors.
template <class T, class X>
inline void outer(T *w, int64_t ldw, const T *g, int64_t ldg, X x, int64_t m, int64_t k, int64_t n,
                  const Runs &runs, bool add) {
    if (m >= MANY) {
        const int64_t done = outer_turned<T>(w, ldw, g, ldg, x, m, k, n, runs, add);
        w += done, k -= done, x = x.below(done);
    }
    for (int64_t i = 0, r; k && i < m; i += r) {
        r = part(m - i, 5);
        auto f = r == 5   ? row_of_dots<T, 5, X>
                 : r == 4 ? row_of_dots<T, 4, X>
                 : r == 3 ? row_of_dots<T, 3, X>
                 : r == 2 ? row_of_dots<T, 2, X>
                          : row_of_dots<T, 1, X>;
        f(w + i * ldw, ldw, g + i * ldg, ldg, x, k, n, runs, add);
    }
}
