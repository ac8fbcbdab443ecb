// What slides a window over images, samples innermost: convolutions, pooling, and padding.
//
// (C, H, W) numbers of a sample are C H W rows. Where a window's entries lie is a list, of steps
// from its first one; where the windows begin is another. Neighbours along W lie side by side, so
// a run of windows is as good as more samples.
#pragma once

#include "gemm.h"

// A convolution, as images.py writes it into Op::a. Padding is done before.
struct Convolution {
    int64_t weight, bias, x, y, n;          // places, and samples (of all lanes)
    int64_t C, H, W, O, h, w;               // x (C, H, W), y (O, h, w)
    int64_t entries;                        // of a window, in one channel
    int64_t runs, run;                      // windows side by side, which are done together
    const int64_t *reach, *starts;          // (C entries), (runs)
    int64_t fewer, in_bfloat16;             // R: by winograd.h, for windows of R x R; 0: as they are
    int64_t tile_rows;                      // of its tiles, how many rows at a time
    int64_t room;                           // what it keeps for a step
    int64_t weights_flow, x_flow;           // how gradients are written
};

// y = bias + W windows of x
template <class T> void slide(const Convolution &at, T *y, const T *x, const T *w, const T *bias) {
    const int64_t K = at.C * at.entries, some = at.run * at.n;
    for (int64_t r = 0; r < at.runs; r++)
        product<T>(y + r * some, at.h * at.w * at.n, w, K, 1,
                   Listed<T>{x + at.starts[r], at.reach}, at.O, K, some, bias, false);
}

// W (O, C entries) as (entries, O, C): neighbours are read together in slide_back.
template <class T> void turn(const Convolution &at, T *turned, const T *w) {
    for (int64_t e = 0; e < at.entries; e++)
        for (int64_t o = 0; o < at.O; o++)
            for (int64_t c = 0; c < at.C; c++)
                turned[(e * at.O + o) * at.C + c] = w[(o * at.C + c) * at.entries + e];
}

// dx += each entry's weights, times the g of the windows that it is in
template <class T> void slide_back(const Convolution &at, T *dx, const T *g, const T *turned) {
    const int64_t some = at.run * at.n;
    for (int64_t r = 0; r < at.runs; r++)
        for (int64_t e = 0; e < at.entries; e++)
            product<T>(dx + at.starts[r] + at.reach[e], at.H * at.W * at.n,
                       turned + e * at.O * at.C, 1, at.C,
                       Even<T>{g + r * some, at.h * at.w * at.n}, at.C, at.O, some, nullptr, true);
}

// dW = g windows^T, or += with add
template <class T> void slide_learn(const Convolution &at, T *dw, const T *g, const T *x, bool add) {
    const int64_t K = at.C * at.entries, some = at.run * at.n;
    outer<T>(dw, K, g, at.h * at.w * at.n, Listed<T>{x, at.reach}, at.O, K, some,
             Runs{at.runs, some, at.starts}, add);
}

// Pooling, as images.py writes it into Op::a.
struct Pooling {
    int64_t mean, x, y, n;                  // mean or maximum; places, and samples
    int64_t C, channel, places, entries;    // numbers of a channel of x; windows; entries of one
    const int64_t *reach, *starts;          // (entries), (places)
    int64_t x_flow;
};

// The maximum of a window; nan wins.
template <class T> typename Simd<T>::V most_of(const Pooling &at, const T *from) {
    auto most = Simd<T>::load(from);
    for (int64_t e = 1; e < at.entries; e++) {
        const auto v = Simd<T>::load(from + at.reach[e]);
        most = (v > most) | (v != v) ? v : most;
    }
    return most;
}

template <class T> void pool(const Pooling &at, T *y, const T *x) {
    using S = Simd<T>;
    const T share = T(1) / T(at.entries);
    for (int64_t c = 0; c < at.C; c++, x += at.channel)
        for (int64_t p = 0; p < at.places; p++, y += at.n)
            for (int64_t j = 0; j < at.n; j += S::W) {
                const T *from = x + at.starts[p] + j;
                if (!at.mean) {
                    S::store(y + j, most_of<T>(at, from));
                    continue;
                }
                auto total = S::load(from);
                for (int64_t e = 1; e < at.entries; e++) total += S::load(from + at.reach[e]);
                S::store(y + j, total * share);
            }
}

// dx += g where x is the maximum, the first such; or a share of g for each
template <class T> void pool_back(const Pooling &at, T *dx, const T *g, const T *x) {
    using S = Simd<T>;
    const T share = T(1) / T(at.entries);
    for (int64_t c = 0; c < at.C; c++, x += at.channel, dx += at.channel)
        for (int64_t p = 0; p < at.places; p++, g += at.n)
            for (int64_t j = 0; j < at.n; j += S::W) {
                const T *from = x + at.starts[p] + j;
                T *to = dx + at.starts[p] + j;
                auto left = S::load(g + j);
                if (at.mean) {
                    for (int64_t e = 0; e < at.entries; e++)
                        S::store(to + at.reach[e], S::load(to + at.reach[e]) + left * share);
                    continue;
                }
                const auto most = most_of<T>(at, from);
                for (int64_t e = 0; e < at.entries; e++) {
                    const auto hit = S::load(from + at.reach[e]) == most;
                    const auto none = S::splat(T(0));
                    S::store(to + at.reach[e], S::load(to + at.reach[e]) + (hit ? left : none));
                    left = hit ? none : left;
                }
            }
}

// Rows with a margin around them; what nobody writes is 0.
struct Padding {
    int64_t x, y, n;
    int64_t C, H, W, h, w, top, left;       // x (C, H, W), y (C, h, w)
    int64_t x_flow;
};

template <class T> void widen(const Padding &at, T *y, const T *x) {
    for (int64_t c = 0; c < at.C; c++)
        for (int64_t i = 0; i < at.H; i++, x += at.W * at.n)
            std::memcpy(y + ((c * at.h + at.top + i) * at.w + at.left) * at.n, x,
                        at.W * at.n * sizeof(T));
}

template <class T> void narrow(const Padding &at, T *dx, const T *g, bool add) {
    const int64_t row = at.W * at.n;
    for (int64_t c = 0; c < at.C; c++)
        for (int64_t i = 0; i < at.H; i++, dx += row) {
            const T *from = g + ((c * at.h + at.top + i) * at.w + at.left) * at.n;
            for (int64_t j = 0; j < row; j++) dx[j] = add ? dx[j] + from[j] : from[j];
        }
}
