// Convolutions with fewer products: Winograd's, as in Lavin and Gray, Fast algorithms for
// convolutional neural networks, 2016.
//
// Along one axis two results of a window of R need R + 1 products instead of 2 R:
// y = A^T ((G w) (B^T x)), where A, B and G add and subtract. Along both axes, tile by tile of
// 2 x 2 results, what is between is one product of matrices for each of (R + 1)^2 entries:
// M[q] (O, tiles) = U[q] (O, C) V[q] (C, tiles). The gradients are its adjoints:
// dM = A g A^T;  dU[q] = dM[q] V[q]^T;  dV[q] = U[q]^T dM[q];  dx = B dV B^T;  dw = G^T dU G.
#pragma once

#include "sliding.h"

constexpr int64_t LINE = 16;

// The transforms along one axis, in place: v has R + 1 entries, `s` apart.
template <int R> struct Fewer;
template <> struct Fewer<3> {
    template <class V> static void x(V *v, int s) {  // B^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a - c, v[s] = b + c, v[2 * s] = c - b, v[3 * s] = b - d;
    }
    template <class V> static void dx(V *v, int s) {  // B
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a, v[s] = b - c + d, v[2 * s] = b + c - a, v[3 * s] = -d;
    }
    template <class V> static void y(V *v, int s) {  // A^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a + b + c, v[s] = b - c - d;
    }
    template <class V> static void dy(V *v, int s) {  // A
        const V a = v[0], b = v[s];
        v[s] = a + b, v[2 * s] = a - b, v[3 * s] = -b;
    }
    template <class V> static void w(V *v, int s) {  // G
        const V a = v[0], b = v[s], c = v[2 * s], half = (a + c) / 2;
        v[s] = half + b / 2, v[2 * s] = half - b / 2, v[3 * s] = c;
    }
    template <class V> static void dw(V *v, int s) {  // G^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s], half = (b + c) / 2;
        v[0] = a + half, v[s] = (b - c) / 2, v[2 * s] = half + d;
    }
};
template <> struct Fewer<2> {
    template <class V> static void x(V *v, int s) { v[0] -= v[s], v[2 * s] -= v[s]; }
    template <class V> static void dx(V *v, int s) { v[s] -= v[0] + v[2 * s]; }
    template <class V> static void y(V *v, int s) { v[0] += v[s], v[s] += v[2 * s]; }
    template <class V> static void dy(V *v, int s) { v[2 * s] = v[s], v[s] += v[0]; }
    template <class V> static void w(V *v, int s) { v[2 * s] = v[s], v[s] += v[0]; }
    template <class V> static void dw(V *v, int s) { v[0] += v[s], v[s] += v[2 * s]; }
};

// f along both axes of a matrix (E, E): first down `columns` of them, then along `rows`.
#define BOTH(f, m, columns, rows)                      \
    do {                                               \
        _Pragma("GCC unroll 4") for (int i = 0; i < (columns); i++) f((m) + i, E); \
        _Pragma("GCC unroll 4") for (int i = 0; i < (rows); i++) f((m) + i * E, 1); \
    } while (0)

template <class T, int R> struct Winograd {
    static constexpr int E = R + 1, Q = E * E;
    using S = Simd<T>;
    using V = typename S::V;

    const Convolution &at;
    const int64_t down = (at.h + 1) / 2, across = (at.w + 1) / 2, all = down * across * at.n;
    // From one V[q] and M[q] to the next. A line more than they need: else all 16 would meet in
    // one set of the cache, where sizes are powers of two.
    const int64_t v_step = at.C * all + LINE, m_step = at.O * all + LINE, u_step = at.O * at.C;
    T *const u, *const du = u + Q * u_step;                            // (Q, O, C), kept for a step
    T *const edge, *const v = edge + at.n, *const m = v + Q * v_step;  // for one call

    Winograd(const Convolution &at, T *room, T *scratch) : at(at), u(room), edge(scratch) {}

    // f(rows, place) for each tile of each channel of an image (H, W): its e x e rows from 2i, 2j,
    // and where it is among all tiles. Rows past the image are `edge`.
    template <class P, class F>
    void tiles(P *image, int64_t channels, int64_t H, int64_t W, int e, F f) const {
        for (int64_t i = 0; i < down; i++)
            for (int64_t j = 0; j < across; j++) {
                P *rows[Q] = {};
                int64_t step[Q] = {};
                for (int a = 0; a < e; a++)
                    for (int b = 0; b < e; b++) {
                        const int64_t r = 2 * i + a, k = 2 * j + b;
                        const bool within = r < H && k < W;
                        rows[a * E + b] = within ? image + (r * W + k) * at.n : edge;
                        step[a * E + b] = within ? H * W * at.n : 0;
                    }
                for (int64_t c = 0; c < channels; c++) {
                    f(rows, c * all + (i * across + j) * at.n);
                    for (int q = 0; q < Q; q++) rows[q] += step[q];
                }
            }
    }

    // V = B^T x B
    void spread_x(const T *x) const {
        std::memset(edge, 0, at.n * sizeof(T));
        tiles(x, at.C, at.H, at.W, E, [&](const T *const *rows, int64_t place) {
            for (int64_t k = 0; k < at.n; k += S::W) {
                V t[Q];
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) t[q] = S::load(rows[q] + k);
                BOTH(Fewer<R>::x, t, E, E);
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) S::store(v + q * v_step + place + k, t[q]);
            }
        });
    }

    // dx += B dV B^T
    void gather_x(T *dx) const {
        tiles(dx, at.C, at.H, at.W, E, [&](T *const *rows, int64_t place) {
            for (int64_t k = 0; k < at.n; k += S::W) {
                V t[Q];
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) t[q] = S::load(v + q * v_step + place + k);
                BOTH(Fewer<R>::dx, t, E, E);
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) S::store(rows[q] + k, S::load(rows[q] + k) + t[q]);
            }
        });
    }

    // y = A^T M A + bias
    void gather_y(T *y, const T *bias) const {
        tiles(y, at.O, at.h, at.w, 2, [&](T *const *rows, int64_t place) {
            const auto b = S::splat(bias ? bias[place / all] : T(0));
            for (int64_t k = 0; k < at.n; k += S::W) {
                V t[Q];
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) t[q] = S::load(m + q * m_step + place + k);
                BOTH(Fewer<R>::y, t, E, 2);
                for (int q : {0, 1, E, E + 1}) S::store(rows[q] + k, t[q] + b);
            }
        });
    }

    // dM = A g A^T
    void spread_y(const T *g) const {
        std::memset(edge, 0, at.n * sizeof(T));
        tiles(g, at.O, at.h, at.w, 2, [&](const T *const *rows, int64_t place) {
            for (int64_t k = 0; k < at.n; k += S::W) {
                V t[Q];
                for (int q : {0, 1, E, E + 1}) t[q] = S::load(rows[q] + k);
                BOTH(Fewer<R>::dy, t, 2, E);
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) S::store(m + q * m_step + place + k, t[q]);
            }
        });
    }

    // f(the first of some pairs (o, c), and how many: a vector of them at most)
    template <class F> void pairs(F f) const {
        const int64_t count = at.O * at.C;
        for (int64_t i = 0; i < count; i += S::W) f(i, count - i < S::W ? count - i : S::W);
    }

    // U = G w G^T
    void begin(const T *w) const {
        pairs([&](int64_t first, int64_t some) {
            V t[Q] = {};
            for (int64_t i = 0; i < some; i++)
                for (int e = 0; e < R * R; e++) t[e / R * E + e % R][i] = w[(first + i) * R * R + e];
            BOTH(Fewer<R>::w, t, R, E);
            for (int q = 0; q < Q; q++)
                for (int64_t i = 0; i < some; i++) u[q * u_step + first + i] = t[q][i];
        });
    }

    // dw = G^T dU G, or += with add
    void end(T *dw, bool add) const {
        pairs([&](int64_t first, int64_t some) {
            V t[Q] = {};
            for (int q = 0; q < Q; q++)
                for (int64_t i = 0; i < some; i++) t[q][i] = du[q * u_step + first + i];
            BOTH(Fewer<R>::dw, t, E, R);
            for (int64_t i = 0; i < some; i++)
                for (int e = 0; e < R * R; e++) {
                    T &to = dw[(first + i) * R * R + e];
                    to = t[e / R * E + e % R][i] + (add ? to : T(0));
                }
        });
    }

    void forward(T *y, const T *x, const T *bias) const {
        spread_x(x);
        for (int q = 0; q < Q; q++)
            product<T>(m + q * m_step, all, u + q * u_step, at.C, 1,
                       Even<T>{v + q * v_step, all}, at.O, at.C, all, nullptr, false);
        gather_y(y, bias);
    }

    // dU, or += with add; dx += unless it is null
    void backward(T *dx, const T *g, const T *x, bool add) const {
        spread_x(x);
        spread_y(g);
        for (int q = 0; q < Q; q++) {
            T *here = v + q * v_step, *dm = m + q * m_step;
            outer<T>(du + q * u_step, at.C, dm, all, Even<T>{here, all}, at.O, at.C, all, WHOLE,
                     add);
            if (dx)  // dV in the place of V
                product<T>(here, all, u + q * u_step, 1, at.C, Even<T>{dm, all}, at.C, at.O, all,
                           nullptr, false);
        }
        if (dx) gather_x(dx);
    }
};
