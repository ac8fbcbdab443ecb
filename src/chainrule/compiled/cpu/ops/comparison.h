// How two numbers that are known with a probability each are ordered, samples innermost.
#pragma once

#include "activations.h"

// log (e^a + e^b)
template <class T> inline typename Simd<T>::V log_add(typename Simd<T>::V a, typename Simd<T>::V b) {
    const auto larger = a > b ? a : b, smaller = a > b ? b : a;
    auto rest = exp<T>(smaller - larger);
    for (int q = 0; q < Simd<T>::W; q++) rest[q] = std::log1p(rest[q]);
    return larger + rest;
}

// The parts of the operation's shares: log softmax s1 and s2, and the logarithms of their sums up to
// each entry and from each on.
template <class P> struct LessEqualShares {
    P s1, s2, up1, up2, down1, down2;
    LessEqualShares(P shares, int64_t size)
        : s1(shares), s2(s1 + size), up1(s2 + size), up2(up1 + size), down1(up2 + size),
          down2(down1 + size) {}
};

// up[i] = log of the sum of e^s up to i, down[i] = from i on
template <class T> void log_sums(T *up, T *down, const T *s, int64_t L, int64_t n) {
    using S = Simd<T>;
    for (int64_t j = 0; j < n; j += S::W) {
        auto total = S::load(s + j);
        S::store(up + j, total);
        for (int64_t i = 1; i < L; i++)
            S::store(up + i * n + j, total = log_add<T>(total, S::load(s + i * n + j)));
        S::store(down + (L - 1) * n + j, total = S::load(s + (L - 1) * n + j));
        for (int64_t i = L - 1; i-- > 0;)
            S::store(down + i * n + j, total = log_add<T>(total, S::load(s + i * n + j)));
    }
}

// y = (log P(i > j), log P(i <= j)): the sums over i of P(i) P(j < i), over j of P(j) P(i <= j)
template <class T> void less_equal_forward(const LessEqual &op, T *y, T *shares, const T *x) {
    using S = Simd<T>;
    const int64_t L = op.classes, n = op.n;
    const LessEqualShares<T *> in(shares, L * n);
    std::memcpy(shares, x, 2 * L * n * sizeof(T));
    softmax(in.s1, n, L, n, true), softmax(in.s2, n, L, n, true);
    log_sums(in.up1, in.down1, in.s1, L, n), log_sums(in.up2, in.down2, in.s2, L, n);
    for (int64_t j = 0; j < n; j += S::W) {
        auto at = [&](const T *rows, int64_t i) { return S::load(rows + i * n + j); };
        auto greater = at(in.s1, 1) + at(in.up2, 0), at_most = at(in.s2, 0) + at(in.up1, 0);
        for (int64_t i = 2; i < L; i++)
            greater = log_add<T>(greater, at(in.s1, i) + at(in.up2, i - 1));
        for (int64_t i = 1; i < L; i++)
            at_most = log_add<T>(at_most, at(in.s2, i) + at(in.up1, i));
        S::store(y + j, greater), S::store(y + n + j, at_most);
    }
}

// ds1[i] = g0 P(i) P(j < i) / P(i > j) + g1 P(i) P(j >= i) / P(i <= j), ds2 likewise;
// dx = ds - softmax x sum ds, or += with accumulate
template <class T>
void less_equal_backward(const LessEqual &op, T *dx, const T *g, const T *y, const T *shares,
                         bool accumulate) {
    using S = Simd<T>;
    const int64_t L = op.classes, n = op.n;
    const LessEqualShares<const T *> in(shares, L * n);
    for (int64_t j = 0; j < n; j += S::W) {
        auto at = [&](const T *rows, int64_t i) { return S::load(rows + i * n + j); };
        // The other one's sums where the case is "greater", and where it is "at most"
        auto distribute = [&](T *to, const T *s, auto greater, auto at_most) {
            auto derivative = [&](int64_t i) {
                return at(g, 0) * exp<T>(at(s, i) + greater(i) - at(y, 0)) +
                       at(g, 1) * exp<T>(at(s, i) + at_most(i) - at(y, 1));
            };
            auto total = S::splat(T(0));
            for (int64_t i = 0; i < L; i++) total += derivative(i);
            for (int64_t i = 0; i < L; i++) {
                const auto d = derivative(i) - exp<T>(at(s, i)) * total;
                T *place = to + i * n + j;
                S::store(place, accumulate ? S::load(place) + d : d);
            }
        };
        const auto none = S::splat(T(-INFINITY));
        distribute(
            dx, in.s1, [&](int64_t i) { return i > 0 ? at(in.up2, i - 1) : none; },
            [&](int64_t i) { return at(in.down2, i); });
        distribute(
            dx + L * n, in.s2, [&](int64_t i) { return i + 1 < L ? at(in.down1, i + 1) : none; },
            [&](int64_t i) { return at(in.up1, i); });
    }
}
