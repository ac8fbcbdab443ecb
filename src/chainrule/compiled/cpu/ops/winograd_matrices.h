// The matrices of Winograd's convolutions, by the algorithm of Toom and Cook, and their products with
// vectors of numbers.
//
// A product of polynomials of degree E - 1 is known by its values at E - 1 points p and its first
// coefficient, its value at infinity. So M results along an axis, of a window of R, need E = M + R - 1
// products: y = A^T ((G w) (B x)), with a row of each matrix for each point. In Lavin and Gray's
// words B is B^T.
#pragma once

#include <cstdint>

#include "../simd/vector.h"

// The points. Those of few are 0 and ±1, where B and A only add; of more, those that float32 loses
// least with among the fractions of small powers of two, in pairs ±p, whose rows share their sums. See
// Barabasz et al., Error analysis and improving the accuracy of Winograd convolution for deep neural
// networks, 2020.
template <int E> struct WinogradPoints;
template <> struct WinogradPoints<3> {
    static constexpr double at[] = {0, 1};
};
template <> struct WinogradPoints<4> {
    static constexpr double at[] = {0, 1, -1};
};
template <> struct WinogradPoints<5> {
    static constexpr double at[] = {0.5, -0.5, 1.25, -1.25};
};
template <> struct WinogradPoints<6> {
    static constexpr double at[] = {0, 0.75, -0.75, 1.5, -1.5};
};
template <> struct WinogradPoints<7> {
    static constexpr double at[] = {0.3125, -0.3125, 0.875, -0.875, 1.75, -1.75};
};

template <int num_rows, int num_columns> struct WinogradMatrix {
    static constexpr int ROWS = num_rows, COLUMNS = num_columns;
    double at[num_rows][num_columns] = {};

    // Whether this row and the next differ in signs alone.
    constexpr bool is_pair(int i) const {
        bool alike = i >= 0 && i + 1 < num_rows;
        for (int j = 0; alike && j < num_columns; j++)
            alike = at[i][j] == at[i + 1][j] || at[i][j] == -at[i + 1][j];
        return alike;
    }
    constexpr bool changes_sign(int i, int j) const {
        return is_pair(i) && at[i][j] == -at[i + 1][j];
    }
};

template <int M, int R> struct WinogradMatrices {
    static constexpr int E = M + R - 1;
    using Points = WinogradPoints<E>;

    // 1, p, p^2 … of each point, and the last of infinity
    template <int num_columns> static constexpr auto evaluate() {
        WinogradMatrix<E, num_columns> m;
        for (int i = 0; i < E - 1; i++) {
            m.at[i][0] = 1;
            for (int j = 1; j < num_columns; j++) m.at[i][j] = m.at[i][j - 1] * Points::at[i];
        }
        m.at[E - 1][num_columns - 1] = 1;
        return m;
    }

    // The same, divided by the point's distances from all others.
    static constexpr auto evaluate_weight() {
        auto m = evaluate<R>();
        for (int i = 0; i < E - 1; i++)
            for (int k = 0; k < E - 1; k++)
                for (int j = 0; j < R && k != i; j++) m.at[i][j] /= Points::at[i] - Points::at[k];
        return m;
    }

    // The coefficients of the product of (x - p) for all other points
    static constexpr auto interpolate() {
        WinogradMatrix<E, E> m;
        for (int i = 0; i < E; i++) {
            m.at[i][0] = 1;
            for (int k = 0; k < E - 1; k++) {
                if (k == i) continue;
                for (int j = E - 1; j > 0; j--)
                    m.at[i][j] = m.at[i][j - 1] - Points::at[k] * m.at[i][j];
                m.at[i][0] *= -Points::at[k];
            }
        }
        return m;
    }

    static constexpr auto A = evaluate<M>(), B = interpolate(), G = evaluate_weight();
};

// sum += factor x, without what a factor of 1 or 0 leaves to do
template <class T, class V> ALWAYS_INLINE void add_term(V &sum, double factor, V x) {
    if (factor == 1) sum = sum + x;
    else if (factor == -1) sum = sum - x;
    else if (factor != 0) sum = sum + T(factor) * x;
}

// out (ROWS) = m in (COLUMNS). Sums begin with -0, to which the compiler need not add.
template <class T, const auto &m, class V = typename Simd<T>::V>
ALWAYS_INLINE void multiply(V *out, const V *in) {
    unroll<m.ROWS>([&](auto i) {
        if constexpr (!m.is_pair(i - 1)) {
            V same = -V{}, opposite = -V{};
            unroll<m.COLUMNS>([&](auto j) {
                add_term<T>(m.changes_sign(i, j) ? opposite : same, m.at[i][j], in[j]);
            });
            out[i] = same + opposite;
            if constexpr (m.is_pair(i)) out[i + 1] = same - opposite;
        }
    });
}

// out (COLUMNS) = m^T in (ROWS)
template <class T, const auto &m, class V = typename Simd<T>::V>
ALWAYS_INLINE void multiply_transposed(V *out, const V *in) {
    V same[m.ROWS], opposite[m.ROWS];
    unroll<m.ROWS>([&](auto i) {
        if constexpr (!m.is_pair(i - 1)) {
            same[i] = m.is_pair(i) ? in[i] + in[i + 1] : in[i];
            opposite[i] = m.is_pair(i) ? in[i] - in[i + 1] : in[i];
        }
    });
    unroll<m.COLUMNS>([&](auto j) {
        V sum = -V{};
        unroll<m.ROWS>([&](auto i) {
            if constexpr (!m.is_pair(i - 1))
                add_term<T>(sum, m.at[i][j], m.changes_sign(i, j) ? opposite[i] : same[i]);
        });
        out[j] = sum;
    });
}
