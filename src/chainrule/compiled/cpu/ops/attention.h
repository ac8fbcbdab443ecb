// Attention of a sequence to itself: steps are blocks of samples, which are innermost.
//
// x, y and their gradients have rows ldx and ldy apart; a block is n samples.
#pragma once

#include "abi.h"

#include "activations.h"

// z (n) = the sum of a_d b_d over `count` rows of n samples, times the scale
template <class T>
void dot_rows(T *z, const T *a, int64_t lda, const T *b, int64_t ldb, int64_t count, int64_t n,
              T scale) {
    using S = Simd<T>;
    for (int64_t j = 0; j < n; j += S::W) {
        auto total = S::splat(T(0));
        for (int64_t d = 0; d < count; d++) total += S::load(a + d * lda + j) * S::load(b + d * ldb + j);
        S::store(z + j, total * scale);
    }
}

// y_d = scale p b_d for `count` rows of n samples, or += with accumulate; p (n)
template <class T>
void scale_rows(T *y, int64_t ldy, const T *p, const T *b, int64_t ldb, int64_t count, int64_t n,
                T scale, bool accumulate) {
    using S = Simd<T>;
    for (int64_t j = 0; j < n; j += S::W) {
        const auto factor = S::load(p + j) * scale;
        for (int64_t d = 0; d < count; d++) {
            T *to = y + d * ldy + j;
            const auto v = factor * S::load(b + d * ldb + j);
            S::store(to, accumulate ? S::load(to) + v : v);
        }
    }
}

// to (n) = a b
template <class T> void multiply_row(T *to, const T *a, const T *b, int64_t n) {
    using S = Simd<T>;
    for (int64_t j = 0; j < n; j += S::W) S::store(to + j, S::load(a + j) * S::load(b + j));
}

// f(where the head's queries, keys and values are in x, where its rows of y are, query t, how many
// keys it sees, which row of the shares is its first)
template <class F> void visit_queries(const Attention &op, F f) {
    const int64_t part = op.heads * op.size * op.ldx;
    for (int64_t h = 0; h < op.heads; h++)
        for (int64_t t = 0; t < op.steps; t++) {
            const int64_t q = h * op.size * op.ldx, seen = op.causal ? t + 1 : op.steps;
            f(q, q + part, q + 2 * part, h * op.size * op.ldy, t * op.n, seen,
              (h * op.steps + t) * op.steps);
        }
}

// mask: null where nothing is dropped; scratch (n)
template <class T>
void attention_forward(const Attention &op, T *y, T *shares, const T *x, const T *mask, T *scratch) {
    const int64_t n = op.n, size = op.size;
    visit_queries(op, [&](int64_t q, int64_t k, int64_t v, int64_t to, int64_t t, int64_t seen,
                          int64_t row) {
        T *p = shares + row * n;
        for (int64_t s = 0; s < seen; s++)
            dot_rows<T>(p + s * n, x + q + t, op.ldx, x + k + s * n, op.ldx, size, n, T(op.scale));
        softmax<T>(p, n, seen, n, false);
        for (int64_t s = 0; s < seen; s++) {
            const T *share = p + s * n;
            if (mask) multiply_row(scratch, share, mask + (row + s) * op.ldm, n), share = scratch;
            scale_rows<T>(y + to + t, op.ldy, share, x + v + s * n, op.ldx, size, n, T(1), s > 0);
        }
    });
}

// dx += what comes back to queries, keys and values; scratch (steps + 1, n)
template <class T>
void attention_backward(const Attention &op, T *dx, const T *g, const T *x, const T *shares,
                        const T *mask, T *scratch) {
    const int64_t n = op.n, size = op.size;
    T *kept = scratch + op.steps * n;
    visit_queries(op, [&](int64_t q, int64_t k, int64_t v, int64_t from, int64_t t, int64_t seen,
                          int64_t row) {
        const T *p = shares + row * n, *dy = g + from + t;
        for (int64_t s = 0; s < seen; s++) {
            T *dp = scratch + s * n;
            dot_rows<T>(dp, dy, op.ldy, x + v + s * n, op.ldx, size, n, T(1));
            if (mask) multiply_row(dp, dp, mask + (row + s) * op.ldm, n);
        }
        softmax_backward<T>(scratch, p, n, seen, n, false);
        for (int64_t s = 0; s < seen; s++) {
            const T *dscore = scratch + s * n, *share = p + s * n;
            if (mask) multiply_row(kept, share, mask + (row + s) * op.ldm, n), share = kept;
            scale_rows<T>(dx + v + s * n, op.ldx, share, dy, op.ldy, size, n, T(1), true);
            scale_rows<T>(dx + q + t, op.ldx, dscore, x + k + s * n, op.ldx, size, n,
                          T(op.scale), true);
            scale_rows<T>(dx + k + s * n, op.ldx, dscore, x + q + t, op.ldx, size, n,
                          T(op.scale), true);
        }
    });
}
