// Convolutions with fewer products: Winograd's, as in Lavin and Gray, Fast algorithms for
// convolutional neural networks, 2016.
//
// Along one axis two results of a window of R need R + 1 products instead of 2 R:
// y = A^T ((G w) (B^T x)), where A, B and G add and subtract. Along both axes, tile by tile of
// 2 x 2 results, what is between is one product of matrices for each of (R + 1)^2 entries:
// M[q] (O, tiles) = U[q] (O, C) V[q] (C, tiles). The gradients are its adjoints:
// dM = A g A^T;  dU[q] = dM[q] V[q]^T;  dV[q] = U[q]^T dM[q];  dx = B dV B^T;  dw = G^T dU G.
#pragma once

#include "conv.h"

constexpr int64_t LINE = 16;

// The transforms along one axis, in place: v has R + 1 entries, `s` apart.
template <int R, class V> struct Fewer;
template <class V> struct Fewer<3, V> {
    static void x(V *v, int s) {  // B^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a - c, v[s] = b + c, v[2 * s] = c - b, v[3 * s] = b - d;
    }
    static void dx(V *v, int s) {  // B
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a, v[s] = b - c + d, v[2 * s] = b + c - a, v[3 * s] = -d;
    }
    static void y(V *v, int s) {  // A^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a + b + c, v[s] = b - c - d;
    }
    static void dy(V *v, int s) {  // A
        const V a = v[0], b = v[s];
        v[s] = a + b, v[2 * s] = a - b, v[3 * s] = -b;
    }
    static void w(V *v, int s) {  // G
        const V a = v[0], b = v[s], c = v[2 * s], half = (a + c) / 2;
        v[s] = half + b / 2, v[2 * s] = half - b / 2, v[3 * s] = c;
    }
    static void dw(V *v, int s) {  // G^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s], half = (b + c) / 2;
        v[0] = a + half, v[s] = (b - c) / 2, v[2 * s] = half + d;
    }
};
template <class V> struct Fewer<2, V> {
    static void x(V *v, int s) { v[0] -= v[s], v[2 * s] -= v[s]; }
    static void dx(V *v, int s) { v[s] -= v[0] + v[2 * s]; }
    static void y(V *v, int s) { v[0] += v[s], v[s] += v[2 * s]; }
    static void dy(V *v, int s) { v[2 * s] = v[s], v[s] += v[0]; }
    static void w(V *v, int s) { v[2 * s] = v[s], v[s] += v[0]; }
    static void dw(V *v, int s) { v[0] += v[s], v[s] += v[2 * s]; }
};

template <class T, int R, bool SHORT> struct Winograd {
    static constexpr int E = R + 1, Q = E * E;
    using S = Simd<T>;
    using V = typename S::V;
    using By = Fewer<R, V>;

    const Convolution &at;
    const int64_t down = (at.h + 1) / 2, across = (at.w + 1) / 2;
    // Some rows of tiles at a time, so that V and M stay in the cache: from `row` on, n numbers of
    // the `all` that there is room for.
    const int64_t all = at.tile_rows * across * at.n;
    int64_t row = 0, n = 0;
    // From one V[q] and M[q] to the next. A line more than they need: else all 16 would meet in
    // one set of the cache, where sizes are powers of two.
    const int64_t v_step = at.C * all + LINE, m_step = at.O * all + LINE, u_step = at.O * at.C;
    T *const u, *const du = u + Q * u_step;                            // (Q, O, C), kept for a step
    T *const edge, *const v = edge + at.n, *const m = v + Q * v_step;  // for one call
    // The factors of the products in bfloat16, where they are: U, also in pairs of rows, and V,
    // which is so small that the way back finds it as it was; dM, and a matrix in pairs.
    Short *const short_u = reinterpret_cast<Short *>(du + Q * u_step);
    Pair *const paired_u = reinterpret_cast<Pair *>(short_u + Q * u_step);
    Short *const kept_v = reinterpret_cast<Short *>(paired_u + Q * u_step / 2);
    Short *const short_m = reinterpret_cast<Short *>(m + Q * m_step);
    Pair *const paired = reinterpret_cast<Pair *>(short_m + Q * m_step);

    Winograd(const Convolution &at, T *room, T *scratch) : at(at), u(room), edge(scratch) {}

    // Where the rows of a tile are: at even steps within an image, else each where it is.
    template <class P> struct Within {
        P *from;
        int64_t down, right;
        P *operator()(int a, int b) const { return from + a * down + b * right; }
    };
    template <class P> struct Across {
        P *rows[Q];
        P *operator()(int a, int b) const { return rows[a * E + b]; }
    };

    // f(rows, place, channel) for each tile of each channel of an image (H, W): its e x e rows from
    // 2i, 2j, and where it is among those of now. Rows past the image are `edge`.
    template <class P, class F>
    void tiles(P *image, int64_t channels, int64_t H, int64_t W, int e, F f) const {
        for (int64_t place = 0; place < n; place += at.n) {
            const int64_t tile = place / at.n, i = row + tile / across, j = tile % across;
            P *from = image + (2 * i * W + 2 * j) * at.n;
            const bool within = 2 * i + e <= H && 2 * j + e <= W;
            for (int64_t c = 0; c < channels; c++, from += H * W * at.n) {
                if (within) {
                    f(Within<P>{from, W * at.n, at.n}, c * all + place, c);
                    continue;
                }
                Across<P> rows = {};
                for (int a = 0; a < e; a++)
                    for (int b = 0; b < e; b++)
                        rows.rows[a * E + b] = 2 * i + a < H && 2 * j + b < W
                                                   ? from + (a * W + b) * at.n : edge;
                f(rows, c * all + place, c);
            }
        }
    }

    // f along both axes of a matrix (E, E): down its first columns, then along its first rows.
    template <int columns, int rows, class F> static void both(V *m, F f) {
#pragma GCC unroll 4
        for (int i = 0; i < columns; i++) f(m + i, E);
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++) f(m + i * E, 1);
    }

    // f(a, b) for each entry of a tile of e x e
    template <int e, class F> static void entries(F f) {
#pragma GCC unroll 4
        for (int a = 0; a < e; a++)
#pragma GCC unroll 4
            for (int b = 0; b < e; b++) f(a, b);
    }

    // A factor of a product, in the form that it is multiplied in.
    static void put(T *to, Short *to_short, int64_t place, V x) {
        if constexpr (SHORT) store(to_short + place, x);
        else S::store(to + place, x);
    }

    Short *short_v() const { return kept_v + row / at.tile_rows * Q * v_step; }

    // V = B^T x B
    void spread_x(const T *x) const {
        Short *const short_v = this->short_v();
        std::memset(edge, 0, at.n * sizeof(T));
        tiles(x, at.C, at.H, at.W, E, [&](auto rows, int64_t place, int64_t) {
            for (int64_t k = 0; k < at.n; k += S::W) {
                V t[Q];
                entries<E>([&](int a, int b) { t[a * E + b] = S::load(rows(a, b) + k); });
                both<E, E>(t, By::x);
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) put(v, short_v, q * v_step + place + k, t[q]);
            }
        });
    }

    // dx += B dV B^T
    void gather_x(T *dx) const {
        tiles(dx, at.C, at.H, at.W, E, [&](auto rows, int64_t place, int64_t) {
            for (int64_t k = 0; k < at.n; k += S::W) {
                V t[Q];
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) t[q] = S::load(v + q * v_step + place + k);
                both<E, E>(t, By::dx);
                entries<E>([&](int a, int b) {
                    T *to = rows(a, b) + k;
                    S::store(to, S::load(to) + t[a * E + b]);
                });
            }
        });
    }

    // y = A^T M A + bias
    void gather_y(T *y, const T *bias) const {
        tiles(y, at.O, at.h, at.w, 2, [&](auto rows, int64_t place, int64_t o) {
            const auto b = S::splat(bias ? bias[o] : T(0));
            for (int64_t k = 0; k < at.n; k += S::W) {
                V t[Q];
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) t[q] = S::load(m + q * m_step + place + k);
                both<E, 2>(t, By::y);
                entries<2>([&](int i, int j) { S::store(rows(i, j) + k, t[i * E + j] + b); });
            }
        });
    }

    // dM = A g A^T
    void spread_y(const T *g) const {
        std::memset(edge, 0, at.n * sizeof(T));
        tiles(g, at.O, at.h, at.w, 2, [&](auto rows, int64_t place, int64_t) {
            for (int64_t k = 0; k < at.n; k += S::W) {
                V t[Q];
                entries<2>([&](int a, int b) { t[a * E + b] = S::load(rows(a, b) + k); });
                both<2, E>(t, By::dy);
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) put(m, short_m, q * m_step + place + k, t[q]);
            }
        });
    }

    // f(the first of some pairs (o, c), and how many): a vector of them, fewer in the end.
    template <class F> void pairs(F f) const {
        for (int64_t i = 0; i < u_step; i += S::W) f(i, std::min<int64_t>(S::W, u_step - i));
    }

    // U = G w G^T
    void begin(const T *w) const {
        pairs([&](int64_t first, int64_t some) {
            T own[R * R][S::W] = {};
            for (int64_t i = 0; i < some; i++)
                for (int e = 0; e < R * R; e++) own[e][i] = w[(first + i) * R * R + e];
            V t[Q];
            entries<R>([&](int a, int b) { t[a * E + b] = S::load(own[a * R + b]); });
            both<R, E>(t, By::w);
            for (int q = 0; q < Q; q++) {
                if (some == S::W) S::store(u + q * u_step + first, t[q]);
                else for (int64_t i = 0; i < some; i++) u[q * u_step + first + i] = t[q][i];
            }
        });
        if constexpr (SHORT) {
            for (int64_t i = 0; i < Q * u_step; i += S::W) store(short_u + i, S::load(u + i));
            pair_rows(paired_u, short_u, Q * at.O, at.C);
        }
    }

    // dw = G^T dU G, or += with add
    void end(T *dw, bool add) const {
        pairs([&](int64_t first, int64_t some) {
            V t[Q] = {};
            for (int q = 0; q < Q; q++) {
                if (some == S::W) t[q] = S::load(du + q * u_step + first);
                else for (int64_t i = 0; i < some; i++) t[q][i] = du[q * u_step + first + i];
            }
            both<E, R>(t, By::dw);
            T own[R * R][S::W];
            entries<R>([&](int a, int b) { S::store(own[a * R + b], t[a * E + b]); });
            for (int64_t i = 0; i < some; i++)
                for (int e = 0; e < R * R; e++) {
                    T &to = dw[(first + i) * R * R + e];
                    to = own[e][i] + (add ? to : T(0));
                }
        });
    }

    // M[q] = U[q] V[q]
    void multiply(int q) const {
        T *to = m + q * m_step;
        if constexpr (SHORT) {
            pair_rows(paired, short_v() + q * v_step, at.C, all);
            product<T>(to, all, reinterpret_cast<const Pair *>(short_u + q * u_step), at.C / 2, 1,
                       Even<Pair>{paired, all}, at.O, at.C / 2, n, nullptr, false);
        } else {
            product<T>(to, all, u + q * u_step, at.C, 1, Even<T>{v + q * v_step, all}, at.O, at.C, n,
                       nullptr, false);
        }
    }

    // dU[q] = dM[q] V[q]^T, or += with add
    void learn(int q, bool add) const {
        T *to = du + q * u_step;
        if constexpr (SHORT) {
            auto dm = reinterpret_cast<const Pair *>(short_m + q * m_step);
            auto from = reinterpret_cast<const Pair *>(short_v() + q * v_step);
            outer_turned<T>(to, at.C, dm, all / 2, Even<Pair>{from, all / 2}, at.O, at.C, n / 2, WHOLE,
                            add);
        } else {
            outer<T>(to, at.C, m + q * m_step, all, Even<T>{v + q * v_step, all}, at.O, at.C, n,
                     WHOLE, add);
        }
    }

    // dV[q] = U[q]^T dM[q], in the place of V[q]
    void multiply_back(int q) const {
        T *to = v + q * v_step;
        if constexpr (SHORT) {
            pair_rows(paired, short_m + q * m_step, at.O, all);
            product<T>(to, all, paired_u + q * u_step / 2, 1, at.C, Even<Pair>{paired, all}, at.C,
                       at.O / 2, n, nullptr, false);
        } else {
            product<T>(to, all, u + q * u_step, 1, at.C, Even<T>{m + q * m_step, all}, at.C, at.O, n,
                       nullptr, false);
        }
    }

    // f() for all tiles, some rows of them at a time
    template <class F> void some_at_a_time(F f) {
        for (row = 0; row < down; row += at.tile_rows) {
            n = std::min(at.tile_rows, down - row) * across * at.n;
            f();
        }
    }

    void forward(T *y, const T *x, const T *bias) {
        some_at_a_time([&] {
            spread_x(x);
            for (int q = 0; q < Q; q++) multiply(q);
            gather_y(y, bias);
        });
    }

    // dU, or += with add; dx += unless it is null
    void backward(T *dx, const T *g, const T *x, bool add) {
        some_at_a_time([&] {
            if (!SHORT) spread_x(x);
            spread_y(g);
            for (int q = 0; q < Q; q++) {
                learn(q, add || row);
                if (dx) multiply_back(q);
            }
            if (dx) gather_x(dx);
        });
    }
};

// f(Winograd of the kind that `at` asks for); false where it asks for none.
template <class T, class F> bool by_winograd(const Convolution &at, T *room, T *scratch, F f) {
    room += at.room;
    if constexpr (HAS_BFLOAT16 && sizeof(T) == 4) {
        if (at.in_bfloat16 && at.fewer == 3) return f(Winograd<T, 3, true>(at, room, scratch)), true;
        if (at.in_bfloat16 && at.fewer == 2) return f(Winograd<T, 2, true>(at, room, scratch)), true;
    }
    if (at.fewer == 3) return f(Winograd<T, 3, false>(at, room, scratch)), true;
    if (at.fewer == 2) return f(Winograd<T, 2, false>(at, room, scratch)), true;
    return false;
}
