// The maximum or mean of windows, samples innermost.
#pragma once

#include "abi.h"

#include "../simd/vector.h"

// The maximum of a window; nan wins.
template <class T> typename Simd<T>::V window_max(const Pool &op, const T *from) {
    auto largest = Simd<T>::load(from);
    for (int64_t e = 1; e < op.window_size; e++) {
        const auto v = Simd<T>::load(from + op.window_offsets[e]);
        largest = (v > largest) | (v != v) ? v : largest;
    }
    return largest;
}

// What an entry counts in a window's mean.
template <class T> T window_share(const Pool &op, int64_t window) {
    return T(1) / (op.divisors ? T(op.divisors[window]) : T(op.window_size));
}

template <class T> void pool_forward(const Pool &op, T *y, const T *x) {
    using S = Simd<T>;
    for (int64_t c = 0; c < op.C; c++, x += op.channel_size)
        for (int64_t p = 0; p < op.windows; p++, y += op.n) {
            const T share = window_share<T>(op, p);
            for (int64_t j = 0; j < op.n; j += S::W) {
                const T *from = x + op.starts[p] + j;
                if (!op.mean) {
                    S::store(y + j, window_max<T>(op, from));
                    continue;
                }
                auto total = S::load(from);
                for (int64_t e = 1; e < op.window_size; e++)
                    total += S::load(from + op.window_offsets[e]);
                S::store(y + j, total * share);
            }
        }
}

// dx += g where x is the maximum, the first such; or a share of g for each
template <class T> void pool_backward(const Pool &op, T *dx, const T *g, const T *x) {
    using S = Simd<T>;
    for (int64_t c = 0; c < op.C; c++, x += op.channel_size, dx += op.channel_size)
        for (int64_t p = 0; p < op.windows; p++, g += op.n) {
            const T share = window_share<T>(op, p);
            for (int64_t j = 0; j < op.n; j += S::W) {
                const T *from = x + op.starts[p] + j;
                T *to = dx + op.starts[p] + j;
                auto remaining = S::load(g + j);
                if (op.mean) {
                    for (int64_t e = 0; e < op.window_size; e++)
                        S::store(to + op.window_offsets[e],
                                 S::load(to + op.window_offsets[e]) + remaining * share);
                    continue;
                }
                const auto largest = window_max<T>(op, from);
                for (int64_t e = 0; e < op.window_size; e++) {
                    const auto hit = S::load(from + op.window_offsets[e]) == largest;
                    const auto none = S::splat(T(0));
                    S::store(to + op.window_offsets[e],
                             S::load(to + op.window_offsets[e]) + (hit ? remaining : none));
                    remaining = hit ? none : remaining;
                }
            }
        }
}
