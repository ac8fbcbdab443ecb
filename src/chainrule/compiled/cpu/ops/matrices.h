// The update rules that know a parameter's shape (chainrule.optim.matrices), for one replica.
#pragma once

#include "abi.h"

#include <algorithm>
#include <cmath>

#include "gemm.h"
#include "optimizers.h"

// A parameter, its gradient, and what a rule keeps of it: Muon as many numbers, Adafactor means.
template <class T> struct ShapedParameter {
    const ParameterShape &shape;
    T *p;
    const T *g;
    T *momentum;
    T *row_var, *col_var, *variance;
};

// V of a matrix by the means of g^2 along its rows and its columns, R and C: u = g / sqrt(V),
// V = R C / mean R. sums (columns) is scratch.
template <class T>
void factor_step(T *u, const T *g, T *row_var, T *col_var, const ParameterShape &shape, T share,
                 T eps, T sign, T *sums) {
    const int64_t rows = shape.rows, columns = shape.columns;
    std::fill_n(sums, columns, T(0));
    T mean = 0;
    for (int64_t i = 0; i < rows; i++) {
        const T *row = g + i * columns;
        for (int64_t j = 0; j < columns; j++) sums[j] += row[j] * row[j];
        row_var[i] += share * (sum_of_squares(row, columns) / T(columns) - row_var[i]);
        mean += row_var[i];
    }
    for (int64_t j = 0; j < columns; j++)
        col_var[j] += share * (sums[j] / T(rows) - col_var[j]);
    mean = std::max(mean / T(rows), eps);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const T v = std::max(row_var[i] * col_var[j] / mean, eps * eps);
            u[i * columns + j] = sign * g[i * columns + j] / std::sqrt(v);
        }
}

// p <- p (1 - lr l) - rho max(eps2, rms p) u / max(1, rms(u) / d), rho = min(lr, 1 / sqrt(t));
// u = g / sqrt(V), V the mean of g^2, where a new one counts t^decay. scratch (numbers + columns)
template <class T>
void adafactor_step(const ShapedParameter<T> &s, const Hyperparameters &h,
                    const OptimizerFlags &flags, int64_t step, T *scratch) {
    const ParameterShape &shape = s.shape;
    const int64_t P = shape.numbers;
    const T sign = flags.maximize ? -1 : 1, eps = T(h.eps), root = T(std::sqrt(double(P)));
    const T share = T(std::pow(double(step), h.beta2_decay));
    T *u = scratch, *sums = scratch + P;
    if (shape.rows) {
        const int64_t size = shape.rows * shape.columns;
        for (int64_t i = 0; i < P / size; i++)
            factor_step(u + i * size, s.g + i * size, s.row_var + i * shape.rows,
                        s.col_var + i * shape.columns, shape, share, eps, sign, sums);
    } else {
        for (int64_t i = 0; i < P; i++) {
            const T v = s.variance[i] += share * (s.g[i] * s.g[i] - s.variance[i]);
            u[i] = sign * s.g[i] / std::sqrt(std::max(v, eps * eps));
        }
    }
    const T bound = T(std::min(h.lr, 1 / std::sqrt(double(step))));
    const T size = std::max(std::sqrt(sum_of_squares(s.p, P)) / root, T(h.eps2)) * bound;
    const T length = std::max(std::sqrt(sum_of_squares(u, P)) / (root * T(h.d)), T(1));
    const T keep = flags.weight_decay ? T(1 - h.lr * h.weight_decay) : T(1), rate = size / length;
    for (int64_t i = 0; i < P; i++) s.p[i] = s.p[i] * keep - u[i] * rate;
}

// A multiple of the numbers in any vector.
inline int64_t pad_columns(int64_t columns) { return (columns + 15) / 16 * 16; }

// X <- a X + (b A + c A^2) X, A = X X^T, so many times: where X (m, n) is then, x or other. Its rows
// are pad_columns(n) apart and 0 from n on; gram and mix (m, pad_columns(m))
template <class T>
T *orthogonalize(T *x, T *other, T *gram, T *mix, int64_t m, int64_t n, const NewtonSchulz &of) {
    const int64_t ldx = pad_columns(n), lda = pad_columns(m);
    std::fill_n(gram, m * lda, T(0));
    for (int64_t step = 0; step < of.steps; step++) {
        gemm_nt<T>(gram, lda, x, ldx, StridedRows<T>{x, ldx}, m, m, ldx, EvenSegments{1, 0}, false);
        gemm<T>(mix, lda, gram, lda, 1, StridedRows<T>{gram, lda}, m, m, lda, nullptr, false);
        for (int64_t i = 0; i < m * lda; i++) mix[i] = T(of.b) * gram[i] + T(of.c) * mix[i];
        for (int64_t i = 0; i < m * ldx; i++) other[i] = T(of.a) * x[i];
        gemm<T>(other, ldx, mix, lda, 1, StridedRows<T>{x, ldx}, m, m, ldx, nullptr, true);
        std::swap(x, other);
    }
    return x;
}

// b <- b + (1 - mu)(g - b);  p <- p (1 - lr l) - s lr O(g + mu (b - g)), or O(b). O is done with the
// longer side as columns. scratch: twice the padded matrix, and two squares of the shorter side
template <class T>
void muon_step(const ShapedParameter<T> &s, const Hyperparameters &h, const OptimizerFlags &flags,
               const NewtonSchulz &newton_schulz, T *scratch) {
    const int64_t rows = s.shape.rows, columns = s.shape.columns;
    const int64_t m = std::min(rows, columns), n = std::max(rows, columns);
    const int64_t ldx = pad_columns(n), row = rows > columns ? 1 : ldx, column = ldx + 1 - row;
    T *x = scratch, *other = x + m * ldx, *gram = other + m * ldx, *mix = gram + m * pad_columns(m);
    const T sign = flags.maximize ? -1 : 1, mu = T(h.momentum), rest = T(1 - h.momentum);
    std::fill_n(x, m * ldx, T(0));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const T d = sign * s.g[i * columns + j];
            const T b = s.momentum[i * columns + j] += rest * (d - s.momentum[i * columns + j]);
            x[i * row + j * column] = flags.nesterov ? d + mu * (b - d) : b;
        }
    const T norm = std::max(std::sqrt(sum_of_squares(x, m * ldx)), T(h.eps));
    for (int64_t i = 0; i < m * ldx; i++) x[i] /= norm;
    x = orthogonalize(x, other, gram, mix, m, n, newton_schulz);
    const T keep = T(1 - h.lr * h.weight_decay), rate = T(h.lr * s.shape.scale);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            T &p = s.p[i * columns + j];
            p = p * keep - x[i * row + j * column] * rate;
        }
}

// The rule of a group on one of its parameters; step: of the optimizer, from 1.
template <class T>
void update_shaped(const ShapedParameter<T> &s, const ParameterGroup &group,
                   const Hyperparameters &h, int64_t step, T *scratch) {
    if (group.flags.rule == UpdateRule::ADAFACTOR)
        return adafactor_step(s, h, group.flags, step, scratch);
    muon_step(s, h, group.flags, group.newton_schulz, scratch);
}
