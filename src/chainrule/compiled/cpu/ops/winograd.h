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

constexpr int64_t CACHE_LINE = 16;  // numbers

// The transforms along one axis, in place: v has R + 1 entries, `s` apart.
template <int R, class V> struct WinogradTransform;
template <class V> struct WinogradTransform<3, V> {
    static void input(V *v, int s) {  // B^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a - c, v[s] = b + c, v[2 * s] = c - b, v[3 * s] = b - d;
    }
    static void input_grad(V *v, int s) {  // B
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a, v[s] = b - c + d, v[2 * s] = b + c - a, v[3 * s] = -d;
    }
    static void output(V *v, int s) {  // A^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s];
        v[0] = a + b + c, v[s] = b - c - d;
    }
    static void output_grad(V *v, int s) {  // A
        const V a = v[0], b = v[s];
        v[s] = a + b, v[2 * s] = a - b, v[3 * s] = -b;
    }
    static void weight(V *v, int s) {  // G
        const V a = v[0], b = v[s], c = v[2 * s], half = (a + c) / 2;
        v[s] = half + b / 2, v[2 * s] = half - b / 2, v[3 * s] = c;
    }
    static void weight_grad(V *v, int s) {  // G^T
        const V a = v[0], b = v[s], c = v[2 * s], d = v[3 * s], half = (b + c) / 2;
        v[0] = a + half, v[s] = (b - c) / 2, v[2 * s] = half + d;
    }
};
template <class V> struct WinogradTransform<2, V> {
    static void input(V *v, int s) { v[0] -= v[s], v[2 * s] -= v[s]; }
    static void input_grad(V *v, int s) { v[s] -= v[0] + v[2 * s]; }
    static void output(V *v, int s) { v[0] += v[s], v[s] += v[2 * s]; }
    static void output_grad(V *v, int s) { v[2 * s] = v[s], v[s] += v[0]; }
    static void weight(V *v, int s) { v[2 * s] = v[s], v[s] += v[0]; }
    static void weight_grad(V *v, int s) { v[0] += v[s], v[s] += v[2 * s]; }
};

template <class T, int R, bool BFLOAT16> struct Winograd {
    static constexpr int E = R + 1, Q = E * E;
    using S = Simd<T>;
    using V = typename S::V;
    using Transform = WinogradTransform<R, V>;

    const Convolution &op;
    const int64_t down = (op.h + 1) / 2, across = (op.w + 1) / 2;
    // Some tiles of some samples at a time, a block, so that V and M stay in the cache: `tiles` from
    // `tile` on, `samples` from `sample` on, n numbers of the `columns` that there is room for.
    const int64_t columns = op.block_tiles * op.block_samples;
    int64_t block = 0, tile = 0, tiles = 0, sample = 0, samples = 0, n = 0;
    // From one V[q] and M[q] to the next. A line more than they need: else all 16 would meet in
    // one set of the cache, where sizes are powers of two.
    const int64_t v_step = op.C * columns + CACHE_LINE, m_step = op.O * columns + CACHE_LINE,
                  u_step = op.O * op.C;
    T *const u, *const du = u + Q * u_step;  // (Q, O, C), kept for a step
    T *const margin, *const v = margin + op.block_samples, *const m = v + Q * v_step;  // for one call
    // The factors of the products in bfloat16, where they are: U, also in pairs of rows, and V,
    // which is so small that the way back finds it as it was; dM, and a matrix in pairs.
    bf16 *const u_bf16 = reinterpret_cast<bf16 *>(du + Q * u_step);
    bf16x2 *const u_pairs = reinterpret_cast<bf16x2 *>(u_bf16 + Q * u_step);
    bf16 *const kept_v_bf16 = reinterpret_cast<bf16 *>(u_pairs + Q * u_step / 2);
    bf16 *const m_bf16 = reinterpret_cast<bf16 *>(m + Q * m_step);
    bf16x2 *const pairs = reinterpret_cast<bf16x2 *>(m_bf16 + Q * m_step);

    Winograd(const Convolution &op, T *workspace, T *scratch)
        : op(op), u(workspace), margin(scratch) {}

    // Where the rows of a tile are: at even steps within an image, else each where it is.
    template <class P> struct InteriorTile {
        P *from;
        int64_t down, right;
        P *operator()(int a, int b) const { return from + a * down + b * right; }
    };
    template <class P> struct BorderTile {
        P *rows[Q];
        P *operator()(int a, int b) const { return rows[a * E + b]; }
    };

    // f(rows, place, channel) for each of the block's tiles, in each channel of an image (H, W): its
    // e x e rows from 2i, 2j, and where it is in the block. Rows past the image are `margin`.
    template <class P, class F>
    void for_each_tile(P *image, int64_t channels, int64_t H, int64_t W, int e, F f) const {
        for (int64_t t = 0; t < tiles; t++) {
            const int64_t place = t * samples, i = (tile + t) / across, j = (tile + t) % across;
            P *from = image + (2 * i * W + 2 * j) * op.n + sample;
            const bool interior = 2 * i + e <= H && 2 * j + e <= W;
            for (int64_t c = 0; c < channels; c++, from += H * W * op.n) {
                if (interior) {
                    f(InteriorTile<P>{from, W * op.n, op.n}, c * columns + place, c);
                    continue;
                }
                BorderTile<P> rows = {};
                for (int a = 0; a < e; a++)
                    for (int b = 0; b < e; b++)
                        rows.rows[a * E + b] =
                            2 * i + a < H && 2 * j + b < W ? from + (a * W + b) * op.n : margin;
                f(rows, c * columns + place, c);
            }
        }
    }

    // f along both axes of a matrix (E, E): down its first columns, then along its first rows.
    template <int num_columns, int num_rows, class F> static void along_both_axes(V *m, F f) {
#pragma GCC unroll 4
        for (int i = 0; i < num_columns; i++) f(m + i, E);
#pragma GCC unroll 4
        for (int i = 0; i < num_rows; i++) f(m + i * E, 1);
    }

    // f(a, b) for each entry of a tile of e x e
    template <int e, class F> static void for_each_entry(F f) {
#pragma GCC unroll 4
        for (int a = 0; a < e; a++)
#pragma GCC unroll 4
            for (int b = 0; b < e; b++) f(a, b);
    }

    // A factor of a product, in the form that it is multiplied in.
    static void store_factor(T *to, bf16 *to_bf16, int64_t place, V x) {
        if constexpr (BFLOAT16) store(to_bf16 + place, x);
        else S::store(to + place, x);
    }

    bf16 *v_bf16() const { return kept_v_bf16 + block * Q * v_step; }

    // V = B^T x B
    void transform_input(const T *x) const {
        bf16 *const v_bf16 = this->v_bf16();
        std::memset(margin, 0, op.block_samples * sizeof(T));
        for_each_tile(x, op.C, op.H, op.W, E, [&](auto rows, int64_t place, int64_t) {
            for (int64_t k = 0; k < samples; k += S::W) {
                V t[Q];
                for_each_entry<E>([&](int a, int b) { t[a * E + b] = S::load(rows(a, b) + k); });
                along_both_axes<E, E>(t, Transform::input);
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) store_factor(v, v_bf16, q * v_step + place + k, t[q]);
            }
        });
    }

    // dx += B dV B^T
    void inverse_input(T *dx) const {
        for_each_tile(dx, op.C, op.H, op.W, E, [&](auto rows, int64_t place, int64_t) {
            for (int64_t k = 0; k < samples; k += S::W) {
                V t[Q];
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) t[q] = S::load(v + q * v_step + place + k);
                along_both_axes<E, E>(t, Transform::input_grad);
                for_each_entry<E>([&](int a, int b) {
                    T *to = rows(a, b) + k;
                    S::store(to, S::load(to) + t[a * E + b]);
                });
            }
        });
    }

    // y = A^T M A + bias
    void inverse_output(T *y, const T *bias) const {
        for_each_tile(y, op.O, op.h, op.w, 2, [&](auto rows, int64_t place, int64_t o) {
            const auto b = S::splat(bias ? bias[o] : T(0));
            for (int64_t k = 0; k < samples; k += S::W) {
                V t[Q];
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) t[q] = S::load(m + q * m_step + place + k);
                along_both_axes<E, 2>(t, Transform::output);
                for_each_entry<2>(
                    [&](int i, int j) { S::store(rows(i, j) + k, t[i * E + j] + b); });
            }
        });
    }

    // dM = A g A^T
    void transform_output_grad(const T *g) const {
        std::memset(margin, 0, op.block_samples * sizeof(T));
        for_each_tile(g, op.O, op.h, op.w, 2, [&](auto rows, int64_t place, int64_t) {
            for (int64_t k = 0; k < samples; k += S::W) {
                V t[Q];
                for_each_entry<2>([&](int a, int b) { t[a * E + b] = S::load(rows(a, b) + k); });
                along_both_axes<2, E>(t, Transform::output_grad);
#pragma GCC unroll 16
                for (int q = 0; q < Q; q++) store_factor(m, m_bf16, q * m_step + place + k, t[q]);
            }
        });
    }

    // f(the first of some pairs (o, c), and how many): a vector of them, fewer in the end.
    template <class F> void for_each_weight_vector(F f) const {
        for (int64_t i = 0; i < u_step; i += S::W) f(i, std::min<int64_t>(S::W, u_step - i));
    }

    // U = G w G^T
    void transform_weight(const T *w) const {
        for_each_weight_vector([&](int64_t first, int64_t count) {
            T window[R * R][S::W] = {};
            for (int64_t i = 0; i < count; i++)
                for (int e = 0; e < R * R; e++) window[e][i] = w[(first + i) * R * R + e];
            V t[Q];
            for_each_entry<R>([&](int a, int b) { t[a * E + b] = S::load(window[a * R + b]); });
            along_both_axes<R, E>(t, Transform::weight);
            for (int q = 0; q < Q; q++) {
                if (count == S::W) S::store(u + q * u_step + first, t[q]);
                else
                    for (int64_t i = 0; i < count; i++) u[q * u_step + first + i] = t[q][i];
            }
        });
        if constexpr (BFLOAT16) {
            for (int64_t i = 0; i < Q * u_step; i += S::W) store(u_bf16 + i, S::load(u + i));
            interleave_rows(u_pairs, u_bf16, Q * op.O, op.C);
        }
    }

    // dw = G^T dU G, or += with accumulate
    void inverse_weight_grad(T *dw, bool accumulate) const {
        for_each_weight_vector([&](int64_t first, int64_t count) {
            V t[Q] = {};
            for (int q = 0; q < Q; q++) {
                if (count == S::W) t[q] = S::load(du + q * u_step + first);
                else
                    for (int64_t i = 0; i < count; i++) t[q][i] = du[q * u_step + first + i];
            }
            along_both_axes<E, R>(t, Transform::weight_grad);
            T window[R * R][S::W];
            for_each_entry<R>([&](int a, int b) { S::store(window[a * R + b], t[a * E + b]); });
            for (int64_t i = 0; i < count; i++)
                for (int e = 0; e < R * R; e++) {
                    T &to = dw[(first + i) * R * R + e];
                    to = window[e][i] + (accumulate ? to : T(0));
                }
        });
    }

    // M[q] = U[q] V[q]
    void multiply_output(int q) const {
        T *to = m + q * m_step;
        if constexpr (BFLOAT16) {
            interleave_rows(pairs, v_bf16() + q * v_step, op.C, columns);
            gemm<T>(to, columns, reinterpret_cast<const bf16x2 *>(u_bf16 + q * u_step), op.C / 2, 1,
                    StridedRows<bf16x2>{pairs, columns}, op.O, op.C / 2, n, nullptr, false);
        } else {
            gemm<T>(to, columns, u + q * u_step, op.C, 1, StridedRows<T>{v + q * v_step, columns},
                    op.O, op.C, n, nullptr, false);
        }
    }

    // dU[q] = dM[q] V[q]^T, or += with accumulate
    void multiply_weight_grad(int q, bool accumulate) const {
        T *to = du + q * u_step;
        if constexpr (BFLOAT16) {
            auto dm = reinterpret_cast<const bf16x2 *>(m_bf16 + q * m_step);
            auto from = reinterpret_cast<const bf16x2 *>(v_bf16() + q * v_step);
            gemm_nt_transposed<T>(to, op.C, dm, columns / 2, StridedRows<bf16x2>{from, columns / 2},
                                  op.O, op.C, n / 2, EvenSegments{1, 0}, accumulate);
        } else {
            gemm_nt<T>(to, op.C, m + q * m_step, columns, StridedRows<T>{v + q * v_step, columns},
                       op.O, op.C, n, EvenSegments{1, 0}, accumulate);
        }
    }

    // dV[q] = U[q]^T dM[q], in the place of V[q]
    void multiply_input_grad(int q) const {
        T *to = v + q * v_step;
        if constexpr (BFLOAT16) {
            interleave_rows(pairs, m_bf16 + q * m_step, op.O, columns);
            gemm<T>(to, columns, u_pairs + q * u_step / 2, 1, op.C,
                    StridedRows<bf16x2>{pairs, columns}, op.C, op.O / 2, n, nullptr, false);
        } else {
            gemm<T>(to, columns, u + q * u_step, 1, op.C, StridedRows<T>{m + q * m_step, columns},
                    op.C, op.O, n, nullptr, false);
        }
    }

    // f() for all tiles of all samples, a block at a time
    template <class F> void for_each_block(F f) {
        block = 0;
        for (tile = 0; tile < down * across; tile += op.block_tiles)
            for (sample = 0; sample < op.n; sample += op.block_samples, block++) {
                tiles = std::min(op.block_tiles, down * across - tile);
                samples = std::min(op.block_samples, op.n - sample);
                n = tiles * samples;
                f();
            }
    }

    void forward(T *y, const T *x, const T *bias) {
        for_each_block([&] {
            transform_input(x);
            for (int q = 0; q < Q; q++) multiply_output(q);
            inverse_output(y, bias);
        });
    }

    // dU, or += with accumulate; dx += unless it is null
    void backward(T *dx, const T *g, const T *x, bool accumulate) {
        for_each_block([&] {
            if (!BFLOAT16) transform_input(x);
            transform_output_grad(g);
            for (int q = 0; q < Q; q++) {
                multiply_weight_grad(q, accumulate || block);
                if (dx) multiply_input_grad(q);
            }
            if (dx) inverse_input(dx);
        });
    }
};

// f(Winograd of the kind that `op` asks for); false where it asks for none.
template <class T, class F>
bool dispatch_winograd(const Convolution &op, T *workspace, T *scratch, F f) {
    workspace += op.workspace;
    if constexpr (HAS_BFLOAT16 && sizeof(T) == 4) {
        if (op.bfloat16 && op.winograd == 3)
            return f(Winograd<T, 3, true>(op, workspace, scratch)), true;
        if (op.bfloat16 && op.winograd == 2)
            return f(Winograd<T, 2, true>(op, workspace, scratch)), true;
    }
    if (op.winograd == 3) return f(Winograd<T, 3, false>(op, workspace, scratch)), true;
    if (op.winograd == 2) return f(Winograd<T, 2, false>(op, workspace, scratch)), true;
    return false;
}
