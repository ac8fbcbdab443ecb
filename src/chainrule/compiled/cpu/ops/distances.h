// How far two values x and z (rows, n) are from each other, samples innermost: y (n).
#pragma once

#include "abi.h"

#include <cmath>
#include <cstring>

// Where a gradient goes: nowhere, assigned, or added to.
template <class T> struct GradRows {
    T *rows;
    int64_t ld;
    bool accumulate;
    void write(int64_t i, int64_t j, T v) const {
        if (!rows) return;
        T &to = rows[i * ld + j];
        to = accumulate ? to + v : v;
    }
};

template <class T> void distance_forward(const Distance &op, T *y, const T *x, const T *z) {
    const T p = T(op.p), eps = T(op.eps);
    std::memset(y, 0, op.n * sizeof(T));
    for (int64_t i = 0; i < op.rows; i++, x += op.ldx, z += op.ldz)
        for (int64_t j = 0; j < op.n; j++) {
            const T s = x[j] - z[j] + eps;
            y[j] += p == 2 ? s * s : std::pow(std::fabs(s), p);
        }
    for (int64_t j = 0; j < op.n; j++) y[j] = p == 2 ? std::sqrt(y[j]) : std::pow(y[j], 1 / p);
}

// g times the slope of d; there is none where x is z but for eps
template <class T>
void distance_backward(const Distance &op, GradRows<T> dx, GradRows<T> dz, const T *g, const T *y,
                       const T *x, const T *z) {
    const T p = T(op.p), eps = T(op.eps);
    for (int64_t i = 0; i < op.rows; i++, x += op.ldx, z += op.ldz)
        for (int64_t j = 0; j < op.n; j++) {
            const T s = x[j] - z[j] + eps, sign = T(s > 0) - T(s < 0);
            const T slope = p == 2 ? s / y[j] : sign * std::pow(std::fabs(s) / y[j], p - 1);
            const T v = y[j] == 0 ? T(0) : g[j] * slope;
            dx.write(i, j, v), dz.write(i, j, -v);
        }
}

template <class T>
void cosine_forward(const Cosine &op, T *y, T *lengths, const T *x, const T *z) {
    T *long_x = lengths, *long_z = lengths + op.n;
    for (int64_t j = 0; j < op.n; j++) y[j] = 0, long_x[j] = long_z[j] = T(op.eps);
    for (int64_t i = 0; i < op.rows; i++, x += op.ldx, z += op.ldz)
        for (int64_t j = 0; j < op.n; j++) {
            y[j] += x[j] * z[j];
            long_x[j] += x[j] * x[j], long_z[j] += z[j] * z[j];
        }
    for (int64_t j = 0; j < op.n; j++) {
        long_x[j] = std::sqrt(long_x[j]), long_z[j] = std::sqrt(long_z[j]);
        y[j] /= long_x[j] * long_z[j];
    }
}

template <class T>
void cosine_backward(const Cosine &op, GradRows<T> dx, GradRows<T> dz, const T *g, const T *y,
                     const T *lengths, const T *x, const T *z) {
    const T *long_x = lengths, *long_z = lengths + op.n;
    for (int64_t i = 0; i < op.rows; i++, x += op.ldx, z += op.ldz)
        for (int64_t j = 0; j < op.n; j++) {
            const T unit_x = x[j] / long_x[j], unit_z = z[j] / long_z[j];
            dx.write(i, j, g[j] * (unit_z - y[j] * unit_x) / long_x[j]);
            dz.write(i, j, g[j] * (unit_x - y[j] * unit_z) / long_z[j]);
        }
}
