// Convolutions with fewer products: Winograd's, as in Lavin and Gray, Fast algorithms for
// convolutional neural networks, 2016.
//
// Along one axis M results of a window of R need E = M + R - 1 products instead of M R:
// y = A^T ((G w) (B x)). Along both axes, tile by tile of M x M results, what is between is one
// product of matrices for each of E^2 entries: M[q] (O, tiles) = U[q] (O, C) V[q] (C, tiles). The
// gradients are its adjoints:
// dM = A g A^T;  dU[q] = dM[q] V[q]^T;  dV[q] = U[q]^T dM[q];  dx = B^T dV B;  dw = G^T dU G.
#pragma once

#include "conv.h"
#include "winograd_matrices.h"

constexpr int64_t CACHE_LINE = 16;  // numbers

template <class T, int M, int R, bool BFLOAT16> struct Winograd {
    static constexpr int E = M + R - 1, Q = E * E;
    using S = Simd<T>;
    using V = typename S::V;
    using Matrices = WinogradMatrices<M, R>;

    const Convolution &op;
    const int64_t down = (op.h + M - 1) / M, across = (op.w + M - 1) / M;
    // Some tiles of some samples at a time, a block, so that V and M stay in the cache: `tiles` from
    // `tile` on, `samples` from `sample` on, n numbers of the `columns` that there is room for.
    const int64_t columns = op.block_tiles * op.block_samples;
    int64_t block = 0, tile = 0, tiles = 0, sample = 0, samples = 0, n = 0;
    // From one V[q] and M[q] to the next. A line more than they need: else all Q would meet in
    // one set of the cache, where sizes are powers of two.
    const int64_t v_step = op.C * columns + CACHE_LINE, m_step = op.O * columns + CACHE_LINE,
                  u_step = op.O * op.C;
    T *const u, *const du = u + Q * u_step;  // (Q, O, C), kept for a step
    T *const margin, *const v = margin + op.block_samples,
                            *const m = v + Q * v_step;  // for one call
    // The factors of the products in bfloat16, where they are: U, also in pairs of rows, and V,
    // which is so small that the way back finds it as it was; dM, and a matrix in pairs.
    bf16 *const u_bf16 = reinterpret_cast<bf16 *>(du + Q * u_step);
    bf16x2 *const u_pairs = reinterpret_cast<bf16x2 *>(u_bf16 + Q * u_step);
    bf16 *const kept_v_bf16 = reinterpret_cast<bf16 *>(u_pairs + Q * u_step / 2);
    bf16 *const m_bf16 = reinterpret_cast<bf16 *>(m + Q * m_step);
    bf16x2 *const pairs = reinterpret_cast<bf16x2 *>(m_bf16 + Q * m_step);

    Winograd(const Convolution &op, T *workspace, T *scratch)
        : op(op), u(workspace), margin(scratch) {}

    // Where the entries (a, b) of a tile are: of an image or of V and M, at even steps; where a tile
    // goes beyond its image's border, in `margin`.
    template <class P> struct Tile {
        P *from;
        int64_t down, right;
        P *operator()(int a, int b) const { return from + a * down + b * right; }
    };
    template <class P> struct BorderTile {
        Tile<P> tile;
        int64_t height, width;
        P *margin;
        P *operator()(int a, int b) const { return a < height && b < width ? tile(a, b) : margin; }
    };

    // f(tile, place, channel) for each of the block's tiles, in each channel of an image (H, W): its
    // e x e rows from M i, M j, and where it is in the block.
    template <class P, class F>
    void for_each_tile(P *image, int64_t channels, int64_t H, int64_t W, int e, F f) const {
        for (int64_t t = 0; t < tiles; t++) {
            const int64_t i = (tile + t) / across * M, j = (tile + t) % across * M;
            P *from = image + (i * W + j) * op.n + sample;
            for (int64_t c = 0; c < channels; c++, from += H * W * op.n) {
                const Tile<P> rows = {from, W * op.n, op.n};
                const int64_t place = c * columns + t * samples;
                if (i + e <= H && j + e <= W) f(rows, place, c);
                else f(BorderTile<P>{rows, H - i, W - j, margin}, place, c);
            }
        }
    }

    // The entries of one place in V or M, where the first matrix begins at `from`.
    template <class P> static Tile<P> entries(P *from, int64_t step) {
        return {from, E * step, step};
    }

    // A vector of a factor, in the form that it is multiplied in.
    static void store_factor(T *to, V x) { S::store(to, x); }
    static void store_factor(bf16 *to, V x) { store(to, x); }

    auto v_factor() const {
        if constexpr (BFLOAT16) return kept_v_bf16 + block * Q * v_step;
        else return v;
    }
    auto m_factor() const {
        if constexpr (BFLOAT16) return m_bf16;
        else return m;
    }

    // f along both axes of a tile: down its columns (of `from` numbers, which become `to`), then along
    // its rows. The tile's entries are load(a, b), and store(a, b, x) has each of what it becomes.
    template <int from, int to, class F, class Load, class Store>
    ALWAYS_INLINE static void along_both_axes(F f, Load load, Store store) {
        V t[to * from], in[from], out[to];
        for (int b = 0; b < from; b++) {
#pragma GCC unroll 7
            for (int a = 0; a < from; a++) in[a] = load(a, b);
            f(out, in);
#pragma GCC unroll 7
            for (int a = 0; a < to; a++) t[a * from + b] = out[a];
        }
        for (int a = 0; a < to; a++) {
            f(out, t + a * from);
#pragma GCC unroll 7
            for (int b = 0; b < to; b++) store(a, b, out[b]);
        }
    }

    // m t m^T of a tile t
    template <const auto &m, class Load, class Store>
    ALWAYS_INLINE static void transform(Load load, Store store) {
        along_both_axes<m.COLUMNS, m.ROWS>(multiply<T, m>, load, store);
    }

    // m^T t m of a tile t
    template <const auto &m, class Load, class Store>
    ALWAYS_INLINE static void inverse(Load load, Store store) {
        along_both_axes<m.ROWS, m.COLUMNS>(multiply_transposed<T, m>, load, store);
    }

    // V = B x B^T
    void transform_input(const T *x) const {
        std::memset(margin, 0, op.block_samples * sizeof(T));
        for_each_tile(x, op.C, op.H, op.W, E, [&](auto from, int64_t place, int64_t) {
            const auto to = entries(v_factor() + place, v_step);
            for (int64_t k = 0; k < samples; k += S::W)
                transform<Matrices::B>([=](int a, int b) { return S::load(from(a, b) + k); },
                                       [=](int a, int b, V x) { store_factor(to(a, b) + k, x); });
        });
    }

    // dx += B^T dV B
    void inverse_input(T *dx) const {
        for_each_tile(dx, op.C, op.H, op.W, E, [&](auto to, int64_t place, int64_t) {
            const auto from = entries(v + place, v_step);
            for (int64_t k = 0; k < samples; k += S::W)
                inverse<Matrices::B>([=](int a, int b) { return S::load(from(a, b) + k); },
                                     [=](int a, int b, V x) {
                                         T *at = to(a, b) + k;
                                         S::store(at, S::load(at) + x);
                                     });
        });
    }

    // y = A^T M A + bias
    void inverse_output(T *y, const T *bias) const {
        for_each_tile(y, op.O, op.h, op.w, M, [&](auto to, int64_t place, int64_t o) {
            const auto from = entries(m + place, m_step);
            const V plus = S::splat(bias ? bias[o] : T(0));
            for (int64_t k = 0; k < samples; k += S::W)
                inverse<Matrices::A>([=](int a, int b) { return S::load(from(a, b) + k); },
                                     [=](int a, int b, V x) { S::store(to(a, b) + k, x + plus); });
        });
    }

    // dM = A g A^T
    void transform_output_grad(const T *g) const {
        std::memset(margin, 0, op.block_samples * sizeof(T));
        for_each_tile(g, op.O, op.h, op.w, M, [&](auto from, int64_t place, int64_t) {
            const auto to = entries(m_factor() + place, m_step);
            for (int64_t k = 0; k < samples; k += S::W)
                transform<Matrices::A>([=](int a, int b) { return S::load(from(a, b) + k); },
                                       [=](int a, int b, V x) { store_factor(to(a, b) + k, x); });
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
            transform<Matrices::G>([&](int a, int b) { return S::load(window[a * R + b]); },
                                   [&](int a, int b, V x) {
                                       T *to = u + (a * E + b) * u_step + first;
                                       if (count == S::W) S::store(to, x);
                                       else std::memcpy(to, &x, count * sizeof(T));
                                   });
        });
        if constexpr (BFLOAT16) {
            for (int64_t i = 0; i < Q * u_step; i += S::W) store(u_bf16 + i, S::load(u + i));
            interleave_rows(u_pairs, u_bf16, Q * op.O, op.C);
        }
    }

    // dw = G^T dU G, or += with accumulate
    void inverse_weight_grad(T *dw, bool accumulate) const {
        for_each_weight_vector([&](int64_t first, int64_t count) {
            T window[R * R][S::W];
            inverse<Matrices::G>(
                [&](int a, int b) {
                    const T *from = du + (a * E + b) * u_step + first;
                    if (count == S::W) return S::load(from);
                    V x = {};
                    std::memcpy(&x, from, count * sizeof(T));
                    return x;
                },
                [&](int a, int b, V x) { S::store(window[a * R + b], x); });
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
            interleave_rows(pairs, v_factor() + q * v_step, op.C, columns);
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
            auto from = reinterpret_cast<const bf16x2 *>(v_factor() + q * v_step);
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
    auto call = [&]<int M, int R, bool BFLOAT16>() {
        if (op.tile != M || op.winograd != R || op.bfloat16 != BFLOAT16) return false;
        f(Winograd<T, M, R, BFLOAT16>(op, workspace + op.workspace, scratch));
        return true;
    };
    if constexpr (HAS_BFLOAT16 && sizeof(T) == 4)
        if (call.template operator()<2, 2, true>() || call.template operator()<3, 2, true>() ||
            call.template operator()<2, 3, true>())
            return true;
    return call.template operator()<2, 2, false>() || call.template operator()<3, 2, false>() ||
           call.template operator()<2, 3, false>() || call.template operator()<3, 3, false>() ||
           call.template operator()<4, 3, false>() || call.template operator()<5, 3, false>();
}
