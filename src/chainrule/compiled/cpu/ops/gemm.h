// The three products of a linear layer, for matrices that lie in the cache; samples innermost.
#pragma once

#include "../simd/bf16.h"

// The rows of a matrix, at even steps or each where a list says.
template <class T> struct StridedRows {
    const T *from;
    int64_t ld;
    const T *row(int64_t k) const { return from + k * ld; }
    StridedRows skip_rows(int64_t k) const { return {from + k * ld, ld}; }
    StridedRows skip_columns(int64_t j) const { return {from + j, ld}; }
};
template <class T> struct IndexedRows {
    const T *from;
    const int64_t *at;
    const T *row(int64_t k) const { return from + at[k]; }
    IndexedRows skip_rows(int64_t k) const { return {from, at + k}; }
    IndexedRows skip_columns(int64_t j) const { return {from + j, at}; }
};

// out (R, C W) = a (R, K) b (K, C W), with all of out in registers; out starts as it is (accumulate)
// or as 0, plus the bias of its row, where there is one. Element (r, k) of a lies at a[r ar + k ak]. A is T,
// or bf16x2.
template <class T, class A, class B, int R, int C>
inline void micro_kernel(T *out, int64_t ldo, const A *a, int64_t ar, int64_t ak, B b, int64_t K,
                         const T *bias, bool accumulate) {
    using S = Simd<T>;
    typename S::V acc[R][C];
    typename Simd<A>::V x[C];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++)
            acc[r][c] = accumulate ? S::load(out + r * ldo + c * S::W) : S::splat(T(0));
    if (bias)
#pragma GCC unroll 8
        for (int r = 0; r < R; r++)
#pragma GCC unroll 8
            for (int c = 0; c < C; c++) acc[r][c] += bias[r];
    for (int64_t k = 0; k < K; k++) {
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) x[c] = Simd<A>::load(b.row(k) + c * S::W);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++)
#pragma GCC unroll 8
            for (int c = 0; c < C; c++) acc[r][c] = fma(a[r * ar + k * ak], x[c], acc[r][c]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) S::store(out + r * ldo + c * S::W, acc[r][c]);
}

template <class T, class A, class B> using MicroKernel = decltype(&micro_kernel<T, A, B, 1, 1>);

// ROWS x COLUMNS vectors of sums, and what they are made of, fill the registers but for a few. What
// is best differs from processor to processor; it is measured (../measure.h).
constexpr int ROWS = MICRO_KERNEL_ROWS, COLUMNS = MICRO_KERNEL_COLUMNS;
static_assert(COLUMNS <= 4);

template <class T, class A, class B, int R>
inline MicroKernel<T, A, B> select_columns(int c) {
    if constexpr (COLUMNS >= 4)
        if (c == 4) return micro_kernel<T, A, B, R, 4>;
    if constexpr (COLUMNS >= 3)
        if (c == 3) return micro_kernel<T, A, B, R, 3>;
    return c == 2 ? micro_kernel<T, A, B, R, 2> : micro_kernel<T, A, B, R, 1>;
}

template <class T, class A, class B, int R = ROWS>
inline MicroKernel<T, A, B> select_micro_kernel(int r, int c) {
    if constexpr (R > 1)
        if (r < R) return select_micro_kernel<T, A, B, R - 1>(r, c);
    return select_columns<T, A, B, R>(c);
}

// The size of the next of equal blocks of what is left, none larger than max_size.
inline int balanced_block(int64_t left, int max_size) {
    int64_t blocks = (left + max_size - 1) / max_size;
    return int((left + blocks - 1) / blocks);
}

// out (m, n) = a (m, K) b (K, n); n counts in whole vectors.
template <class T, class A, class B>
inline void gemm(T *out, int64_t ldo, const A *a, int64_t ar, int64_t ak, B b, int64_t m, int64_t K,
                 int64_t n, const T *bias, bool accumulate) {
    constexpr int W = Simd<T>::W;
    for (int64_t j = 0, c; j < n; j += c * W) {
        c = balanced_block((n - j) / W, COLUMNS);
        for (int64_t i = 0, r; i < m; i += r) {
            r = balanced_block(m - i, ROWS);
            select_micro_kernel<T, A, B>(int(r), int(c))(out + i * ldo + j, ldo, a + i * ar, ar, ak,
                                                         b.skip_columns(j), K,
                                                         bias ? bias + i : nullptr, accumulate);
        }
    }
}

// out (m, n) = a (K, m)^T b (K, n), where the rows of a lie so that the cache takes few of them at
// once: by its transpose b^T a. Then a is read as it lies, and not down its columns; what is read
// again is copied side by side before.
template <class T>
inline void gemm_tn_packed(T *out, int64_t ldo, const T *a, int64_t lda, const T *b, int64_t ldb,
                           int64_t m, int64_t K, int64_t n, bool accumulate) {
    using S = Simd<T>;
    constexpr int64_t W = S::W, MAX_COLUMNS = 64 / W * W, MAX_DEPTH = 64, MAX_WIDTH = 8;
    alignas(64) T transposed[MAX_COLUMNS * MAX_WIDTH * W], packed[MAX_DEPTH * MAX_WIDTH * W];
    const int64_t vectors = m / W;
    for (int64_t i = 0, width; i < vectors; i += width) {
        width = vectors - i < MAX_WIDTH ? vectors - i : MAX_WIDTH;
        for (int64_t first = 0, columns; first < n; first += columns) {
            columns = n - first < MAX_COLUMNS ? n - first : MAX_COLUMNS;
            for (int64_t k = 0, depth; k < K; k += depth) {
                depth = K - k < MAX_DEPTH ? K - k : MAX_DEPTH;
                for (int64_t r = 0; r < depth; r++)
                    for (int64_t q = 0; q < width * W; q += W)
                        S::store(packed + r * width * W + q,
                                 S::load(a + (k + r) * lda + i * W + q));
                for (int64_t j = 0, r; j < columns; j += r) {
                    r = balanced_block(columns - j, ROWS);
                    for (int64_t q = 0, c; q < width; q += c) {
                        c = balanced_block(width - q, COLUMNS);
                        select_micro_kernel<T, T, StridedRows<T>>(int(r), int(c))(
                            transposed + (j * width + q) * W, width * W, b + k * ldb + first + j, 1,
                            ldb, StridedRows<T>{packed + q * W, width * W}, depth, nullptr, k > 0);
                    }
                }
            }
            for (int64_t q = 0; q < width; q++)
                for (int64_t j = 0; j < columns; j += W) {
                    typename S::V block[W];
                    for (int r = 0; r < W; r++)
                        block[r] = S::load(transposed + ((j + r) * width + q) * W);
                    transpose<T, W / 2>(block, std::make_integer_sequence<int, W>{});
                    for (int r = 0; r < W; r++) {
                        T *to = out + ((i + q) * W + r) * ldo + first + j;
                        S::store(to, accumulate ? S::load(to) + block[r] : block[r]);
                    }
                }
        }
    }
    const int64_t done = vectors * W;
    gemm<T>(out + done * ldo, ldo, a + done, 1, lda, StridedRows<T>{b, ldb}, m - done, K, n,
            nullptr, accumulate);
}

// out (m, n) = a (K, m)^T b (K, n)
template <class T>
inline void gemm_tn(T *out, int64_t ldo, const T *a, int64_t lda, const T *b, int64_t ldb,
                    int64_t m, int64_t K, int64_t n, bool accumulate) {
    constexpr int64_t PAGE = 4096;  // rows so far apart share a set of the cache
    if (lda * sizeof(T) % PAGE == 0) gemm_tn_packed(out, ldo, a, lda, b, ldb, m, K, n, accumulate);
    else gemm<T>(out, ldo, a, 1, lda, StridedRows<T>{b, ldb}, m, K, n, nullptr, accumulate);
}

// Pieces of rows that are summed over together: g's are `step` apart, x's where a list says.
struct Segments {
    int64_t count, step;
    const int64_t *starts;
};
constexpr int64_t ZERO_OFFSET = 0;
constexpr Segments SINGLE_SEGMENT{1, 0, &ZERO_OFFSET};

// sums (R, S) = g (R, n) x (S, n)^T over all segments, each as a vector of W partial sums.
template <class T, int R, int S, class X>
inline void dot_block(typename Simd<T>::V (*sums)[Simd<T>::W], const T *g, int64_t ldg, X x,
                      int64_t n, const Segments &segments) {
    using M = Simd<T>;
    typename M::V acc[R][S] = {}, y[S];
    for (int64_t i_segment = 0; i_segment < segments.count; i_segment++, g += segments.step) {
        const X segment = x.skip_columns(segments.starts[i_segment]);
        for (int64_t j = 0; j < n; j += M::W) {
#pragma GCC unroll 8
            for (int s = 0; s < S; s++) y[s] = M::load(segment.row(s) + j);
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) {
                auto v = M::load(g + r * ldg + j);
                FORCE_REGISTER(v);
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
template <int W, int half, int i> constexpr int extract_lane(int upper) {
    constexpr int group = i / half;         // of both vectors' groups, one after the other
    constexpr int groups = W / (2 * half);  // of one vector
    return (group / groups) * W + (group % groups) * 2 * half + i % half + upper * half;
}

template <class T, int half, int... i>
inline typename Simd<T>::V add_halves(typename Simd<T>::V a, typename Simd<T>::V b,
                                      std::integer_sequence<int, i...>) {
    constexpr int W = Simd<T>::W;
    return __builtin_shufflevector(a, b, extract_lane<W, half, i>(0)...) +
           __builtin_shufflevector(a, b, extract_lane<W, half, i>(1)...);
}

template <class T, int half>
inline typename Simd<T>::V horizontal_add(const typename Simd<T>::V *v) {
    constexpr int W = Simd<T>::W;
    using All = std::make_integer_sequence<int, W>;
    constexpr int count = W / (2 * half);  // vectors to the left of the middle
    typename Simd<T>::V a, b;
    if constexpr (half == W / 2) {
        a = v[0], b = v[1];
    } else {
        a = horizontal_add<T, half * 2>(v), b = horizontal_add<T, half * 2>(v + count);
    }
    return add_halves<T, half>(a, b, All{});
}

template <class T, int R, class X>
inline void gemm_nt_rows(T *w, int64_t ldw, const T *g, int64_t ldg, X x, int64_t k, int64_t n,
                         const Segments &segments, bool accumulate) {
    using M = Simd<T>;
    for (int64_t i = 0; i < k; i += M::W) {
        int64_t width = k - i < M::W ? k - i : M::W;
        typename M::V sums[R][M::W];
        for (int64_t s = 0, count; s < width; s += count) {
            count = width - s < 4 ? width - s : 4;
            auto at = reinterpret_cast<typename M::V(*)[M::W]>(&sums[0][s]);
            const X from = x.skip_rows(i + s);
            if (count == 4) dot_block<T, R, 4>(at, g, ldg, from, n, segments);
            else if (count == 3) dot_block<T, R, 3>(at, g, ldg, from, n, segments);
            else if (count == 2) dot_block<T, R, 2>(at, g, ldg, from, n, segments);
            else dot_block<T, R, 1>(at, g, ldg, from, n, segments);
        }
        for (int r = 0; r < R; r++) {
            auto v = horizontal_add<T, 1>(sums[r]);
            T *to = w + r * ldw + i;
            if (width == M::W) M::store(to, accumulate ? M::load(to) + v : v);
            else
                for (int s = 0; s < width; s++) to[s] = accumulate ? to[s] + v[s] : v[s];
        }
    }
}

// Rows of g, for which it is worth the while to transpose x.
constexpr int64_t MIN_TRANSPOSED_ROWS = 8;

// The same for the first entries of x, whole vectors of them, which returns how many those are:
// x is transposed, a strip that the cache holds at a time, and the sums are those of a product.
template <class T, class A, class X>
inline int64_t gemm_nt_transposed(T *w, int64_t ldw, const A *g, int64_t ldg, X x, int64_t m,
                                  int64_t k, int64_t n, const Segments &segments, bool accumulate) {
    using S = Simd<A>;
    constexpr int64_t W = S::W, MAX_DEPTH = 64 / W * W, STRIP = 4096;
    alignas(64) A transposed[STRIP];
    const int64_t vectors = k / W, 
                  depth = n < MAX_DEPTH ? (n + W - 1) / W * W : MAX_DEPTH,
                  max_width = STRIP / depth / W;
    for (int64_t i = 0, width; i < vectors; i += width) {
        width = vectors - i < max_width ? vectors - i : max_width;
        bool adds = accumulate;
        for (int64_t i_segment = 0; i_segment < segments.count; i_segment++) {
            const X segment = x.skip_columns(segments.starts[i_segment]);
            for (int64_t j = 0, columns; j < n; j += columns) {
                columns = n - j < MAX_DEPTH ? n - j : MAX_DEPTH;
                for (int64_t q = 0; q < width; q++)
                    for (int64_t s = 0; s < columns; s += W) {
                        typename S::V block[W];
                        for (int r = 0; r < W; r++)
                            block[r] = S::load(segment.row((i + q) * W + r) + j + s);
                        transpose<A, W / 2>(block, std::make_integer_sequence<int, W>{});
                        for (int r = 0; r < W; r++)
                            S::store(transposed + ((s + r) * width + q) * W, block[r]);
                    }
                for (int64_t o = 0, r; o < m; o += r) {
                    r = balanced_block(m - o, ROWS);
                    for (int64_t q = 0, c; q < width; q += c) {
                        c = balanced_block(width - q, COLUMNS);
                        select_micro_kernel<T, A, StridedRows<A>>(int(r), int(c))(
                            w + o * ldw + (i + q) * W, ldw,
                            g + o * ldg + i_segment * segments.step + j, ldg, 1,
                            StridedRows<A>{transposed + q * W, width * W}, columns, nullptr, adds);
                    }
                }
                adds = true;
            }
        }
    }
    return vectors * W;
}

// w (m, k) = g (m, n) x (k, n)^T, or += with accumulate; n counts in whole vectors.
template <class T, class X>
inline void gemm_nt(T *w, int64_t ldw, const T *g, int64_t ldg, X x, int64_t m, int64_t k,
                    int64_t n, const Segments &segments, bool accumulate) {
    if (m >= MIN_TRANSPOSED_ROWS) {
        const int64_t done =
            gemm_nt_transposed<T>(w, ldw, g, ldg, x, m, k, n, segments, accumulate);
        w += done, k -= done, x = x.skip_rows(done);
    }
    for (int64_t i = 0, r; k && i < m; i += r) {
        r = balanced_block(m - i, 5);
        auto f = r == 5   ? gemm_nt_rows<T, 5, X>
                 : r == 4 ? gemm_nt_rows<T, 4, X>
                 : r == 3 ? gemm_nt_rows<T, 3, X>
                 : r == 2 ? gemm_nt_rows<T, 2, X>
                          : gemm_nt_rows<T, 1, X>;
        f(w + i * ldw, ldw, g + i * ldg, ldg, x, k, n, segments, accumulate);
    }
}
