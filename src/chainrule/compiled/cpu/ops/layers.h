// What stands between the products: activations and losses, in place, samples innermost.
#pragma once

#include "../simd/vector.h"

enum Activation { IDENTITY, RELU, LEAKY, TANH, SIGMOID, ELU, HARDTANH, SOFTSIGN, SOFTMAX, LOGSOFTMAX };
enum Loss { MSE, L1, SMOOTH_L1, HUBER, BCE, BCE_LOGITS };

// y = f(x), in place. a, b: the constants of the activation. All but comparisons let nan through.
template <class T> inline typename Simd<T>::V act(int kind, typename Simd<T>::V x, T a, T b) {
    using S = Simd<T>;
    const auto zero = S::splat(T(0)), one = S::splat(T(1));
    switch (kind) {
    case RELU: return x < zero ? zero : x;
    case LEAKY: return x < zero ? a * x : x;
    case TANH: return tanh_of<T>(x);
    case SIGMOID: return one / (one + exp_of<T>(-x));
    case ELU: return x > zero ? a * x : b * expm1_of<T>(x > zero ? zero : x);
    case HARDTANH:
        x = x < S::splat(a) ? S::splat(a) : x;
        return x > S::splat(b) ? S::splat(b) : x;
    case SOFTSIGN: return x / (one + (x < zero ? -x : x));
    default: return x;
    }
}

// f'(x) from y = f(x).
template <class T> inline typename Simd<T>::V slope(int kind, typename Simd<T>::V y, T a, T b) {
    using S = Simd<T>;
    const auto zero = S::splat(T(0)), one = S::splat(T(1));
    switch (kind) {
    case RELU: return y > zero ? one : zero;
    case LEAKY: return y > zero ? one : S::splat(a);
    case TANH: return one - y * y;
    case SIGMOID: return y - y * y;
    case ELU: return y > zero ? S::splat(a) : y + b;
    case HARDTANH: return (y > S::splat(a)) & (y < S::splat(b)) ? one : zero;
    case SOFTSIGN: {
        auto rest = one - (y < zero ? -y : y);
        return rest * rest;
    }
    default: return one;
    }
}

// The softmax of each column, or its logarithm.
template <class T> inline void softmax(T *x, int64_t ld, int64_t m, int64_t n, bool log) {
    using S = Simd<T>;
    for (int64_t j = 0; j < n; j += S::W) {
        auto most = S::load(x + j);
        for (int64_t i = 1; i < m; i++) {
            auto v = S::load(x + i * ld + j);
            most = v > most ? v : most;
        }
        auto total = S::splat(T(0));
        for (int64_t i = 0; i < m; i++) {
            auto v = S::load(x + i * ld + j) - most, e = exp_of<T>(v);
            total += e;
            S::store(x + i * ld + j, log ? v : e);
        }
        if (log)
            for (int q = 0; q < S::W; q++) total[q] = std::log(total[q]);
        for (int64_t i = 0; i < m; i++) {
            auto v = S::load(x + i * ld + j);
            S::store(x + i * ld + j, log ? v - total : v / total);
        }
    }
}

template <int kind, class T> inline void act_all(T *x, int64_t ld, int64_t m, int64_t n, T a, T b) {
    using S = Simd<T>;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j += S::W)
            S::store(x + i * ld + j, act<T>(kind, S::load(x + i * ld + j), a, b));
}

template <class T>
inline void activate(int kind, T *x, int64_t ld, int64_t m, int64_t n, T a, T b) {
    switch (kind) {
    case IDENTITY: return;
    case RELU: return act_all<RELU>(x, ld, m, n, a, b);
    case LEAKY: return act_all<LEAKY>(x, ld, m, n, a, b);
    case TANH: return act_all<TANH>(x, ld, m, n, a, b);
    case SIGMOID: return act_all<SIGMOID>(x, ld, m, n, a, b);
    case ELU: return act_all<ELU>(x, ld, m, n, a, b);
    case HARDTANH: return act_all<HARDTANH>(x, ld, m, n, a, b);
    case SOFTSIGN: return act_all<SOFTSIGN>(x, ld, m, n, a, b);
    default: return softmax(x, ld, m, n, kind == LOGSOFTMAX);
    }
}

// Where the gradient of a bias goes, which `rows` rows in a row share; to nothing: nowhere.
template <class T> struct Bias {
    T *to;
    int64_t rows;
    bool add;
};

// g <- g f'(x), and the sums of rows to the bias's gradient.
template <int kind, class T>
inline void slope_all(T *g, const T *y, int64_t ld, int64_t m, int64_t n, T a, T b, Bias<T> bias) {
    using S = Simd<T>;
    for (int64_t i = 0; i < m; i += bias.rows) {
        auto total = S::splat(T(0));
        for (int64_t r = i; r < i + bias.rows; r++)
            for (int64_t j = 0; j < n; j += S::W) {
                auto v = S::load(g + r * ld + j);
                if (kind != IDENTITY) {
                    v *= slope<T>(kind, S::load(y + r * ld + j), a, b);
                    S::store(g + r * ld + j, v);
                }
                total += v;
            }
        if (!bias.to) continue;
        *bias.to = S::sum(total) + (bias.add ? *bias.to : T(0));
        bias.to++;
    }
}

// softmax: g <- y (g - sum g y);   log softmax: g <- g - e^y sum g
template <class T>
inline void slope_softmax(T *g, const T *y, int64_t ld, int64_t m, int64_t n, bool log) {
    using S = Simd<T>;
    for (int64_t j = 0; j < n; j += S::W) {
        auto total = S::splat(T(0));
        for (int64_t i = 0; i < m; i++) {
            auto v = S::load(g + i * ld + j);
            total += log ? v : v * S::load(y + i * ld + j);
        }
        for (int64_t i = 0; i < m; i++) {
            auto v = S::load(g + i * ld + j), p = S::load(y + i * ld + j);
            S::store(g + i * ld + j, log ? v - exp_of<T>(p) * total : p * (v - total));
        }
    }
}

template <class T>
inline void deactivate(int kind, T *g, const T *y, int64_t ld, int64_t m, int64_t n, T a, T b,
                       Bias<T> bias) {
    switch (kind) {
    case RELU: return slope_all<RELU>(g, y, ld, m, n, a, b, bias);
    case LEAKY: return slope_all<LEAKY>(g, y, ld, m, n, a, b, bias);
    case TANH: return slope_all<TANH>(g, y, ld, m, n, a, b, bias);
    case SIGMOID: return slope_all<SIGMOID>(g, y, ld, m, n, a, b, bias);
    case ELU: return slope_all<ELU>(g, y, ld, m, n, a, b, bias);
    case HARDTANH: return slope_all<HARDTANH>(g, y, ld, m, n, a, b, bias);
    case SOFTSIGN: return slope_all<SOFTSIGN>(g, y, ld, m, n, a, b, bias);
    case SOFTMAX:
    case LOGSOFTMAX: slope_softmax(g, y, ld, m, n, kind == LOGSOFTMAX);
    }
    slope_all<IDENTITY>(g, y, ld, m, n, a, b, bias);
}

// The loss of one element, and its derivative d.
template <class T> inline T element(int kind, T o, T t, T a, T &d) {
    const T e = o - t;
    switch (kind) {
    case MSE: d = 2 * e; return e * e;
    case L1: d = e > 0 ? 1 : e < 0 ? -1 : e; return std::fabs(e);
    case SMOOTH_L1: d = e / a > 1 ? 1 : e / a < -1 ? -1 : e / a; return d * (e - a / 2 * d);
    case HUBER: d = e > a ? a : e < -a ? -a : e; return d * (e - d / 2);
    case BCE: {
        const T yes = std::log(o), no = std::log1p(-o), both = o * (1 - o);
        const T least = T(9.999999960041972e-13);
        d = e / (both < least ? least : both);
        return (t - 1) * (no < -100 ? -100 : no) - t * (yes < -100 ? -100 : yes);
    }
    default: {
        const T small = std::exp(-std::fabs(o));
        d = (o < 0 ? small : T(1)) / (1 + small) - t;
        return std::log1p(small) + (o < 0 ? -o : T(0)) + (1 - t) * o;
    }
    }
}

// The sum of all elements' losses; g (+)= scale times its derivative, 0 in the columns past n.
template <int kind, class T>
inline T elements(const T *o, const T *t, T *g, int64_t ld, int64_t ldt, int64_t m, int64_t n,
                  int64_t columns, T a, T scale, bool add) {
    constexpr int W = Simd<T>::W;
    T lanes[W] = {}, total = 0;
    for (int64_t i = 0; i < m; i++, o += ld, t += ldt, g += ld) {
        int64_t j = 0;
        auto one = [&](int64_t at, int lane) {
            T d;
            lanes[lane] += element<T>(kind, o[at], t[at], a, d);
            g[at] = add ? g[at] + scale * d : scale * d;
        };
        for (; j + W <= n; j += W)
            for (int q = 0; q < W; q++) one(j + q, q);
        for (; j < n; j++) one(j, 0);
        for (; j < columns && !add; j++) g[j] = 0;
    }
    for (T lane : lanes) total += lane;
    return total;
}

template <class T>
inline T pointwise(int kind, const T *o, const T *t, T *g, int64_t ld, int64_t ldt, int64_t m,
                   int64_t n, int64_t columns, T a, T scale, bool add) {
    auto f = kind == MSE         ? elements<MSE, T>
             : kind == L1        ? elements<L1, T>
             : kind == SMOOTH_L1 ? elements<SMOOTH_L1, T>
             : kind == HUBER     ? elements<HUBER, T>
             : kind == BCE       ? elements<BCE, T>
                                 : elements<BCE_LOGITS, T>;
    return f(o, t, g, ld, ldt, m, n, columns, a, scale, add);
}

// The sum over samples of -log softmax(o) (or of -o, with ``given``) at the class of each.
template <class T>
inline T classes(const T *o, const int64_t *target, const int64_t *order, T *g, T *space,
                 int64_t ld, int64_t m, int64_t n, int64_t columns, T scale, bool given, bool add) {
    T total = 0;
    for (int64_t i = 0; i < m; i++) std::memcpy(space + i * columns, o + i * ld, columns * sizeof(T));
    if (!given) softmax(space, columns, m, columns, true);
    for (int64_t j = 0; j < n; j++) {
        if (target[order[j]] < 0 || target[order[j]] >= m) return T(NAN);
        total -= space[target[order[j]] * columns + j];
    }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < columns; j += Simd<T>::W) {
            auto p = Simd<T>::splat(T(0));
            if (!given) p = scale * exp_of<T>(Simd<T>::load(space + i * columns + j));
            Simd<T>::store(space + i * columns + j, p);
        }
    for (int64_t j = 0; j < n; j++) space[target[order[j]] * columns + j] -= scale;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < columns; j++) {
            const T d = j < n ? space[i * columns + j] : T(0);
            g[i * ld + j] = add ? g[i * ld + j] + d : d;
        }
    return total;
}
