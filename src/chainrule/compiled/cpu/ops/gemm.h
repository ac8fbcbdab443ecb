// The three products of a linear layer, for matrices that lie in the cache; samples innermost.
#pragma once

#include <algorithm>

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
// or bf16x2. The last W columns of out begin `overlap` before those before them end. So many blocks of R rows
// are done, one below the other.
template <class T, class A, class B, int R, int C>
inline void micro_kernel(T *out, int64_t ldo, const A *a, int64_t ar, int64_t ak, B b, int64_t K,
                         const T *bias, bool accumulate, int64_t overlap, int64_t blocks) {
    using S = Simd<T>;
    typename S::V acc[R][C];
    typename Simd<A>::V x[C];
    for (; blocks > 0; blocks--, out += R * ldo, a += R * ar) {
        auto at = [=](int r, int c) {
            return out + r * ldo + c * S::W - (c == C - 1 ? overlap : 0);
        };
#pragma GCC unroll 8
        for (int r = 0; r < R; r++)
#pragma GCC unroll 4
            for (int c = 0; c < C; c++) acc[r][c] = accumulate ? S::load(at(r, c)) : S::splat(T(0));
        if (bias) {
#pragma GCC unroll 8
            for (int r = 0; r < R; r++)
#pragma GCC unroll 4
                for (int c = 0; c < C; c++) acc[r][c] += bias[r];
            bias += R;
        }
        for (int64_t k = 0; k < K; k++) {
#pragma GCC unroll 4
            for (int c = 0; c < C; c++) {
                x[c] = Simd<A>::load(b.row(k) + c * S::W);
                FORCE_REGISTER(x[c]);
            }
#pragma GCC unroll 8
            for (int r = 0; r < R; r++)
#pragma GCC unroll 4
                for (int c = 0; c < C; c++) acc[r][c] = fma(a[r * ar + k * ak], x[c], acc[r][c]);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; r++)
#pragma GCC unroll 4
            for (int c = 0; c < C; c++) S::store(at(r, c), acc[r][c]);
    }
}

template <class T, class A, class B> using MicroKernel = decltype(&micro_kernel<T, A, B, 1, 1>);

// ROWS x COLUMNS vectors of sums, and what they are made of, fill the registers but for a few. What
// is best differs from processor to processor; it is measured (../measure.h).
constexpr int ROWS = MICRO_KERNEL_ROWS, COLUMNS = MICRO_KERNEL_COLUMNS;
constexpr int REGISTERS = ROWS * COLUMNS < 16 ? 16 : 32;

// An entry of a is loaded for each column, or the columns of a block: where these are two, an odd column joins the
// last two, rather than to be alone.
constexpr int MAX_COLUMNS = COLUMNS == 2 ? 3 : COLUMNS;

// As many rows as the registers have room for beside so many columns and an entry of a.
constexpr int max_rows(int columns) {
    const int fit = (REGISTERS - 1) / columns - 1;
    return fit < 8 ? fit : 8;
}

template <class T, class A, class B, int C, int... r>
constexpr MicroKernel<T, A, B> select_rows(int rows, std::integer_sequence<int, r...>) {
    constexpr MicroKernel<T, A, B> kernels[] = {micro_kernel<T, A, B, r + 1, C>...};
    return kernels[rows - 1];
}

template <class T, class A, class B, int C = MAX_COLUMNS>
inline MicroKernel<T, A, B> select_micro_kernel(int rows, int columns) {
    if constexpr (C > 1)
        if (columns < C) return select_micro_kernel<T, A, B, C - 1>(rows, columns);
    return select_rows<T, A, B, C>(rows, std::make_integer_sequence<int, max_rows(C)>{});
}

// The next of the blocks of what is left: so many of one size, and the others have one more.
struct Blocks {
    int size, count;
};

// Blocks as equal as can be, none larger than max_size.
inline Blocks balance_blocks(int64_t left, int max_size) {
    const int all = (int(left) + max_size - 1) / max_size;
    return {int(left) / all, all - int(left) % all};
}

// Columns of the next block, of so many that are left.
inline int select_columns(int64_t left) {
    if (left <= MAX_COLUMNS) return int(left);
    return COLUMNS == 2 ? 2 : balance_blocks(left, COLUMNS).size;
}

// out (m, n) = a (m, K) b (K, n); n counts in whole vectors, and the last of these in out begins `overlap`
// before the others end.
template <class T, class A, class B>
inline void gemm(T *out, int64_t ldo, const A *a, int64_t ar, int64_t ak, B b, int64_t m, int64_t K,
                 int64_t n, const T *bias, bool accumulate, int64_t overlap = 0) {
    constexpr int W = Simd<T>::W;
    for (int64_t j = 0, c; j < n; j += c * W) {
        c = select_columns((n - j) / W);
        for (int64_t i = 0, rows; i < m; i += rows) {
            const Blocks blocks = balance_blocks(m - i, max_rows(int(c)));
            rows = blocks.size * blocks.count;
            select_micro_kernel<T, A, B>(blocks.size, int(c))(
                out + i * ldo + j, ldo, a + i * ar, ar, ak, b.skip_columns(j), K,
                bias ? bias + i : nullptr, accumulate, j + c * W == n ? overlap : 0, blocks.count);
        }
    }
}

// out (m, n) = a (K, m)^T b (K, n), a block of a at a time, which is copied side by side.
template <class T>
inline void gemm_tn_copied(T *out, int64_t ldo, const T *a, int64_t lda, const T *b, int64_t ldb,
                           int64_t m, int64_t K, int64_t n, bool accumulate) {
    constexpr int64_t MAX_DEPTH = 64, MAX_WIDTH = 96;
    alignas(64) T block[MAX_DEPTH * MAX_WIDTH];
    for (int64_t i = 0, width; i < m; i += width) {
        width = std::min(m - i, MAX_WIDTH);
        for (int64_t k = 0, depth; k < K; k += depth) {
            depth = std::min(K - k, MAX_DEPTH);
            for (int64_t r = 0; r < depth; r++)
                std::copy_n(a + (k + r) * lda + i, width, block + r * MAX_WIDTH);
            gemm<T>(out + i * ldo, ldo, block, 1, MAX_WIDTH, StridedRows<T>{b + k * ldb, ldb},
                    width, depth, n, nullptr, accumulate || k > 0);
        }
    }
}

// out (m, n) = a (K, m)^T b (K, n), where few entries of a row of a are read at once: not as it lies
// where it is more than the core's cache holds for long, or where that takes few of its rows at once.
template <class T>
inline void gemm_tn(T *out, int64_t ldo, const T *a, int64_t lda, const T *b, int64_t ldb,
                    int64_t m, int64_t K, int64_t n, bool accumulate) {
    constexpr int64_t PAGE = 4096;  // rows so far apart share a set of the cache
    constexpr int64_t CACHE = REGISTERS == 16 ? 1 << 19 : 1 << 20;
    if (lda * sizeof(T) % PAGE == 0 || m * K * int64_t(sizeof(T)) > CACHE)
        gemm_tn_copied(out, ldo, a, lda, b, ldb, m, K, n, accumulate);
    else gemm<T>(out, ldo, a, 1, lda, StridedRows<T>{b, ldb}, m, K, n, nullptr, accumulate);
}

// Pieces of rows that are summed over together: g's are `step` apart, x's as well, or where a list says.
struct EvenSegments {
    int64_t count, step;
    int64_t start(int64_t i) const { return i * step; }
};
struct ListedSegments {
    int64_t count, step;
    const int64_t *starts;
    int64_t start(int64_t i) const { return starts[i]; }
};

// keep(r, s, sum) for each entry of g (R, n) x (S, n)^T over all segments, as a vector of W partial sums.
template <class T, int R, int S, class X, class Segments>
inline void dot_block(const T *g, int64_t ldg, X x, int64_t n, const Segments &segments,
                      auto keep) {
    using M = Simd<T>;
    typename M::V acc[R][S] = {}, y[S];
    for (int64_t i_segment = 0; i_segment < segments.count; i_segment++, g += segments.step) {
        const X segment = x.skip_columns(segments.start(i_segment));
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
        for (int s = 0; s < S; s++) keep(r, s, acc[r][s]);
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

template <class T, int R, class X, class Segments>
inline void gemm_nt_rows(T *w, int64_t ldw, const T *g, int64_t ldg, X x, int64_t k, int64_t n,
                         const Segments &segments, bool accumulate) {
    using M = Simd<T>;
    for (int64_t i = 0; i < k; i += M::W) {
        int64_t width = k - i < M::W ? k - i : M::W;
        typename M::V sums[R][M::W];
        for (int64_t s = 0, count; s < width; s += count) {
            count = width - s < 4 ? width - s : 4;
            auto keep = [&](int r, int c, typename M::V sum) { sums[r][s + c] = sum; };
            const X from = x.skip_rows(i + s);
            if (count == 4) dot_block<T, R, 4>(g, ldg, from, n, segments, keep);
            else if (count == 3) dot_block<T, R, 3>(g, ldg, from, n, segments, keep);
            else if (count == 2) dot_block<T, R, 2>(g, ldg, from, n, segments, keep);
            else dot_block<T, R, 1>(g, ldg, from, n, segments, keep);
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

// The same for one row of x, or two, and W rows of g at a time. Returns how many rows are done.
template <class T, int S, class X, class Segments>
inline int64_t gemm_nt_columns(T *w, int64_t ldw, const T *g, int64_t ldg, X x, int64_t m,
                               int64_t n, const Segments &segments, bool accumulate) {
    using M = Simd<T>;
    constexpr int R = std::min(M::W, 8 / S);
    int64_t i = 0;
    for (; i + M::W <= m; i += M::W) {
        typename M::V sums[S][M::W];
        for (int first = 0; first < M::W; first += R)
            dot_block<T, R, S>(g + (i + first) * ldg, ldg, x, n, segments,
                               [&](int r, int s, auto sum) { sums[s][first + r] = sum; });
        for (int s = 0; s < S; s++) {
            const auto v = horizontal_add<T, 1>(sums[s]);
            for (int r = 0; r < M::W; r++) {
                T &to = w[(i + r) * ldw + s];
                to = accumulate ? to + v[r] : v[r];
            }
        }
    }
    return i;
}

// Rows of g, for which it is worth the while to transpose x.
constexpr int64_t MIN_TRANSPOSED_ROWS = 8;

// The same for the first entries of x, which returns how many: x is transposed, a strip that the cache
// holds at a time, and the sums are those of a product. The entries that no vector is left for are
// among these where they are many: then the last vector overlaps with the one before.
template <class T, class A, class X, class Segments>
inline int64_t gemm_nt_transposed(T *w, int64_t ldw, const A *g, int64_t ldg, X x, int64_t m,
                                  int64_t k, int64_t n, const Segments &segments, bool accumulate) {
    using S = Simd<A>;
    constexpr int64_t W = S::W, MAX_DEPTH = 128, STRIP = 16384 / sizeof(A);
    static_assert(STRIP / W / MAX_DEPTH > 1 && COLUMNS > 1);  // vectors that overlap share a tile
    alignas(64) A transposed[STRIP];
    const int64_t vectors = k / W + (k > W && k % W > W / 4), done = std::min(k, vectors * W);
    const int64_t max_width = STRIP / W / std::min((n + W - 1) / W * W, MAX_DEPTH);
    for (int64_t i = 0, width; i < vectors; i += width) {
        width = balance_blocks(vectors - i, int(max_width)).size;
        bool adds = accumulate;
        for (int64_t i_segment = 0; i_segment < segments.count; i_segment++) {
            const X segment = x.skip_columns(segments.start(i_segment));
            for (int64_t j = 0, depth; j < n; j += depth) {
                depth = std::min(n - j, MAX_DEPTH);
                for (int64_t q = 0; q < width; q++) {
                    const X rows = segment.skip_rows(std::min((i + q) * W, done - W));
                    for (int64_t s = 0; s < depth; s += W) {
                        typename S::V block[W];
                        for (int r = 0; r < W; r++) block[r] = S::load(rows.row(r) + j + s);
                        transpose<A, W / 2>(block, std::make_integer_sequence<int, W>{});
                        for (int r = 0; r < W; r++)
                            S::store(transposed + ((s + r) * width + q) * W, block[r]);
                    }
                }
                gemm<T>(w + i * W, ldw, g + i_segment * segments.step + j, ldg, 1,
                        StridedRows<A>{transposed, width * W}, m, depth, width * W, nullptr, adds,
                        i + width == vectors ? vectors * W - done : 0);
                adds = true;
            }
        }
    }
    return done;
}

// w (m, k) = g (m, n) x (k, n)^T over all segments, or += with accumulate. Where n is no whole number
// of vectors, g is 0 up to the next.
template <class T, class X, class Segments>
inline void gemm_nt(T *w, int64_t ldw, const T *g, int64_t ldg, X x, int64_t m, int64_t k,
                    int64_t n, const Segments &segments, bool accumulate) {
    if (m >= MIN_TRANSPOSED_ROWS) {
        const int64_t done =
            gemm_nt_transposed<T>(w, ldw, g, ldg, x, m, k, n, segments, accumulate);
        w += done, k -= done, x = x.skip_rows(done);
    }
    int64_t i = 0;
    if (k == 1) i = gemm_nt_columns<T, 1>(w, ldw, g, ldg, x, m, n, segments, accumulate);
    if (k == 2) i = gemm_nt_columns<T, 2>(w, ldw, g, ldg, x, m, n, segments, accumulate);
    for (int64_t r; k && i < m; i += r) {
        r = balance_blocks(m - i, 5).size;
        auto f = r == 5   ? gemm_nt_rows<T, 5, X, Segments>
                 : r == 4 ? gemm_nt_rows<T, 4, X, Segments>
                 : r == 3 ? gemm_nt_rows<T, 3, X, Segments>
                 : r == 2 ? gemm_nt_rows<T, 2, X, Segments>
                          : gemm_nt_rows<T, 1, X, Segments>;
        f(w + i * ldw, ldw, g + i * ldg, ldg, x, k, n, segments, accumulate);
    }
}
