// Normalizations, samples innermost: y = w (x - mean) / sqrt(var + eps) + b.
#pragma once

#include "abi.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../simd/vector.h"

// Within a sample: each column of a group of rows by itself. w, b, dw and db may be null. The mean
// is freed of its own rounding, which counts where it is far above the spread.
template <class T>
void normalize_forward(const Normalize &op, T *y, T *moments, const T *x, const T *w, const T *b) {
    using S = Simd<T>;
    const int64_t groups = op.rows / op.group_rows;
    const T share = T(1) / T(op.group_rows);
    const T eps = op.eps < 0 ? std::numeric_limits<T>::epsilon() : T(op.eps);
    for (int64_t group = 0; group < groups; group++)
        for (int64_t j = 0; j < op.n; j += S::W) {
            const T *from = x + group * op.group_rows * op.n + j;
            auto total = S::splat(T(0)), rest = total, square = total;
            for (int64_t i = 0; i < op.group_rows; i++) total += S::load(from + i * op.n);
            auto mean = total * share;
            for (int64_t i = 0; i < op.group_rows; i++) rest += S::load(from + i * op.n) - mean;
            mean = op.centred ? mean + rest * share : S::splat(T(0));
            for (int64_t i = 0; i < op.group_rows; i++) {
                const auto c = S::load(from + i * op.n) - mean;
                square += c * c;
            }
            auto scale = square * share + eps;
            for (int q = 0; q < S::W; q++) scale[q] = 1 / std::sqrt(scale[q]);
            S::store(moments + group * op.n + j, mean);
            S::store(moments + (groups + group) * op.n + j, scale);
            for (int64_t i = group * op.group_rows; i < (group + 1) * op.group_rows; i++) {
                const int64_t k = i / op.rows_per_weight % op.weights;
                auto v = (S::load(x + i * op.n + j) - mean) * scale;
                if (w) v *= w[k];
                if (b) v += b[k];
                S::store(y + i * op.n + j, v);
            }
        }
}

// dx = s (g w - mean(g w) - x^ mean(g w x^)), without mean(g w) where x was not centred;   dw = sum of g x^,   db = sum of g
template <class T>
void normalize_backward(const Normalize &op, T *dx, const T *g, const T *x, const T *moments,
                        const T *w, bool accumulate) {
    using S = Simd<T>;
    const int64_t groups = op.rows / op.group_rows;
    const T share = T(1) / T(op.group_rows);
    for (int64_t group = 0; group < groups; group++)
        for (int64_t j = 0; j < op.n; j += S::W) {
            const auto mean = S::load(moments + group * op.n + j);
            const auto scale = S::load(moments + (groups + group) * op.n + j);
            auto total = S::splat(T(0)), along = total;
            auto visit = [&](auto f) {
                for (int64_t i = group * op.group_rows; i < (group + 1) * op.group_rows; i++) {
                    auto d = S::load(g + i * op.n + j);
                    if (w) d *= w[i / op.rows_per_weight % op.weights];
                    f(dx + i * op.n + j, d, (S::load(x + i * op.n + j) - mean) * scale);
                }
            };
            visit([&](T *, auto d, auto x_hat) { total += d, along += d * x_hat; });
            total *= op.centred ? share : T(0), along *= share;
            visit([&](T *to, auto d, auto x_hat) {
                const auto v = scale * (d - total - x_hat * along);
                S::store(to, accumulate ? S::load(to) + v : v);
            });
        }
}

// What is added to the gradients of w and b by one of several rows that share them: so they are
// cleared before.
template <class T>
void normalize_param_grads(const Normalize &op, T *dw, T *db, const T *g, const T *x,
                           const T *moments) {
    using S = Simd<T>;
    const int64_t groups = op.rows / op.group_rows;
    for (int64_t i = 0; i < op.rows; i++) {
        const int64_t group = i / op.group_rows, k = i / op.rows_per_weight % op.weights;
        auto along = S::splat(T(0)), total = along;
        for (int64_t j = 0; j < op.n; j += S::W) {
            const auto d = S::load(g + i * op.n + j);
            const auto mean = S::load(moments + group * op.n + j);
            const auto scale = S::load(moments + (groups + group) * op.n + j);
            along += d * (S::load(x + i * op.n + j) - mean) * scale, total += d;
        }
        if (dw) dw[k] += S::sum(along);
        if (db) db[k] += S::sum(total);
    }
}

// So many partial sums of a channel, of which none waits for another.
constexpr int PARTS = 4;

template <class T> using PartialSums = typename Simd<T>::V[PARTS];

template <class T> T add_parts(const PartialSums<T> &parts) {
    static_assert(PARTS == 4);
    return Simd<T>::sum((parts[0] + parts[1]) + (parts[2] + parts[3]));
}

// The columns of the samples of a batch's lanes, in the rows of a channel: f(place, mask, part), where
// the mask is -1 in the lanes of a vector that are samples, and 0 in those that fill it up. Vectors
// side by side are of different parts, a constant each.
template <class T, class F>
ALWAYS_INLINE void visit_channel(const BatchNormalize &op, int64_t channel, int64_t samples, int64_t columns,
                   F f) {
    using S = Simd<T>;
    typename S::I rest;
    for (int q = 0; q < S::W; q++) rest[q] = q < samples % S::W ? -1 : 0;
    const auto all = rest == rest;
    for (int64_t r = channel * op.pixels; r < (channel + 1) * op.pixels; r++)
        for (int64_t lane = 0; lane < op.num_lanes; lane++) {
            const int64_t base = r * op.n + op.lanes[lane] * columns;
            int64_t j = 0;
            for (; j + PARTS * S::W <= samples; j += PARTS * S::W)
                unroll<PARTS>([&](auto part) { f(base + j + part * S::W, all, part); });
            unroll<PARTS - 1>([&](auto part) {
                if (j + S::W <= samples) f(base + j, all, part), j += S::W;
            });
            if (j < samples) f(base + j, rest, std::integral_constant<int, PARTS - 1>{});
        }
}

// v * slope + shift in all columns of the lanes.
template <class T>
void scale_channel(const BatchNormalize &op, int64_t channel, int64_t columns, T *y, const T *x,
                   T mean, T slope, T shift) {
    using S = Simd<T>;
    for (int64_t r = channel * op.pixels; r < (channel + 1) * op.pixels; r++)
        for (int64_t lane = 0; lane < op.num_lanes; lane++) {
            const int64_t base = r * op.n + op.lanes[lane] * columns;
            for (int64_t j = base; j < base + columns; j += S::W)
                S::store(y + j, (S::load(x + j) - mean) * slope + shift);
        }
}

// What a replica's layer has learnt beside its parameters; null where it keeps nothing.
template <class T> struct RunningMoments {
    T *mean, *var;
    int64_t *num_batches;
};

// r <- (1 - m) r + m r_batch, with the unbiased variance of so many numbers
template <class T>
void move_running_moments(const BatchNormalize &op, const RunningMoments<T> &running,
                          int64_t channel, T mean, T var, int64_t count) {
    const T m = op.momentum < 0 ? T(1) / T(*running.num_batches) : T(op.momentum);
    const T keep = op.momentum < 0 ? T(1) - m : T(1 - op.momentum);
    running.mean[channel] = keep * running.mean[channel] + m * mean;
    running.var[channel] =
        keep * running.var[channel] + m * (var * (T(count) / T(count - 1)));
}

// In training; w and b may be null. The mean is freed of its own rounding.
template <class T>
void batch_norm_forward(const BatchNormalize &op, T *y, T *moments, const T *x, const T *w,
                        const T *b, const RunningMoments<T> &running, int64_t samples,
                        int64_t columns) {
    using S = Simd<T>;
    const int64_t count = op.pixels * op.num_lanes * samples;
    if (running.num_batches) ++*running.num_batches;
    for (int64_t c = 0; c < op.channels; c++) {
        const auto zero = S::splat(T(0));
        PartialSums<T> total = {}, rest = {}, square = {};
        visit_channel<T>(op, c, samples, columns, [&](int64_t at, auto mask, auto part) {
            const auto v = S::load(x + at);
            total[part] += mask ? v : zero;
        });
        const T mean = add_parts<T>(total) / T(count);
        visit_channel<T>(op, c, samples, columns, [&](int64_t at, auto mask, auto part) {
            const auto v = mask ? S::load(x + at) - mean : zero;
            rest[part] += v, square[part] += v * v;
        });
        const T shift = add_parts<T>(rest) / T(count);
        const T spread = add_parts<T>(square) / T(count) - shift * shift;
        const T var = spread < 0 ? T(0) : spread, scale = T(1) / std::sqrt(var + T(op.eps));
        moments[c] = mean, moments[op.channels + c] = shift;
        moments[2 * op.channels + c] = scale;
        const T slope = w ? scale * w[c] : scale;
        scale_channel(op, c, columns, y, x, mean, slope, (b ? b[c] : T(0)) - slope * shift);
        if (running.mean) move_running_moments(op, running, c, mean + shift, var, count);
    }
}

// In evaluation: by what was learnt.
template <class T>
void batch_norm_apply(const BatchNormalize &op, T *y, const T *x, const T *w, const T *b,
                      const RunningMoments<T> &running, int64_t columns) {
    for (int64_t c = 0; c < op.channels; c++) {
        const T scale = T(1) / std::sqrt(running.var[c] + T(op.eps));
        scale_channel(op, c, columns, y, x, running.mean[c], w ? scale * w[c] : scale,
                      b ? b[c] : T(0));
    }
}

// 0 in the whole vectors of columns that have no samples.
template <class T>
void clear_filling(const BatchNormalize &op, int64_t channel, int64_t samples, int64_t columns,
                   T *dx) {
    const int64_t used = (samples + Simd<T>::W - 1) / Simd<T>::W * Simd<T>::W;
    for (int64_t r = channel * op.pixels; r < (channel + 1) * op.pixels; r++)
        for (int64_t lane = 0; lane < op.num_lanes; lane++) {
            T *row = dx + r * op.n + op.lanes[lane] * columns;
            std::fill(row + used, row + columns, T(0));
        }
}

// With c = x - mean, r the rest of the mean, and along = sum of g c - r sum g: dw = s along,
// db = sum g;   dx = s w g - (s^3 w along / n) c + s w (s^2 along r - sum g) / n, and 0 in the
// columns that are no samples. dx, dw and db may be null.
template <class T>
void batch_norm_backward(const BatchNormalize &op, T *dx, T *dw, T *db, const T *g, const T *x,
                         const T *moments, const T *w, int64_t samples, int64_t columns,
                         bool accumulate) {
    using S = Simd<T>;
    const T share = T(1) / T(op.pixels * op.num_lanes * samples);
    for (int64_t c = 0; c < op.channels; c++) {
        const auto zero = S::splat(T(0));
        const T mean = moments[c], rest = moments[op.channels + c];
        const T scale = moments[2 * op.channels + c];
        PartialSums<T> sums = {}, products = {};
        visit_channel<T>(op, c, samples, columns, [&](int64_t at, auto mask, auto part) {
            const auto d = mask ? S::load(g + at) : zero;
            sums[part] += d, products[part] += d * (S::load(x + at) - mean);
        });
        const T total = add_parts<T>(sums), along = add_parts<T>(products) - rest * total;
        if (dw) dw[c] += scale * along;
        if (db) db[c] += total;
        if (!dx) continue;
        const T slope = w ? scale * w[c] : scale, curve = scale * scale * along * share;
        const T shift = slope * (curve * rest - total * share), bend = slope * curve;
        visit_channel<T>(op, c, samples, columns, [&](int64_t at, auto mask, auto) {
            const auto d =
                slope * S::load(g + at) + shift - bend * (S::load(x + at) - mean);
            const auto there = mask ? d : zero;
            S::store(dx + at, accumulate ? S::load(dx + at) + there : there);
        });
        if (!accumulate) clear_filling<T>(op, c, samples, columns, dx);
    }
}
