// Channels whose pixels are weighted sums of other pixels, samples innermost.
#pragma once

#include "abi.h"

#include "../simd/vector.h"

// y = the sums
template <class T> void resample_forward(const Resample &op, T *y, const T *x) {
    using S = Simd<T>;
    for (int64_t c = 0; c < op.C; c++, x += op.channel_size)
        for (int64_t i = 0; i < op.pixels; i++, y += op.n)
            for (int64_t j = 0; j < op.n; j += S::W) {
                auto total = S::splat(T(0));
                for (int64_t e = op.starts[i]; e < op.starts[i + 1]; e++)
                    total += T(op.weights[e]) * S::load(x + op.sources[e] + j);
                S::store(y + j, total);
            }
}

// dx += g times the weights
template <class T> void resample_backward(const Resample &op, T *dx, const T *g) {
    using S = Simd<T>;
    for (int64_t c = 0; c < op.C; c++, dx += op.channel_size)
        for (int64_t i = 0; i < op.pixels; i++, g += op.n)
            for (int64_t j = 0; j < op.n; j += S::W)
                for (int64_t e = op.starts[i]; e < op.starts[i + 1]; e++) {
                    T *to = dx + op.sources[e] + j;
                    S::store(to, S::load(to) + T(op.weights[e]) * S::load(g + j));
                }
}
