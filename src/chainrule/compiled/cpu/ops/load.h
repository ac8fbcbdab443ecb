// From the data set to values, samples innermost, and from values to the outputs.
//
// `order` has the numbers of the n samples of a chunk; columns past n repeat the first sample:
// finite where the batch is.
#pragma once

#include "abi.h"

#include <cmath>
#include <cstdint>

#include "../simd/vector.h"

// A vector of numbers as they are, or of bytes, which are multiplied by the scale.
template <class T> typename Simd<T>::V load_scaled(const T *x, T) { return Simd<T>::load(x); }

template <class T> typename Simd<T>::V load_scaled(const uint8_t *x, T scale) {
    T numbers[Simd<T>::W];
    for (int i = 0; i < Simd<T>::W; i++) numbers[i] = T(x[i]) * scale;
    return Simd<T>::load(numbers);
}

template <class T> T scaled(T x, T) { return x; }
template <class T> T scaled(uint8_t x, T scale) { return T(x) * scale; }

// y (rows, columns) = `rows` numbers of each sample; x (N, stride), of T or bytes
template <class T, class X>
void load_columns(T *y, int64_t ldy, const X *x, int64_t stride, const int64_t *order, int64_t n,
                  int64_t rows, int64_t columns, T scale) {
    using S = Simd<T>;
    constexpr int W = S::W;
    for (int64_t j = 0; j < columns; j += W) {
        const X *sample[W];
        for (int q = 0; q < W; q++) sample[q] = x + order[j + q < n ? j + q : 0] * stride;
        int64_t i = 0;
        for (; i + W <= rows; i += W) {
            typename S::V block[W];
            for (int q = 0; q < W; q++) block[q] = load_scaled<T>(sample[q] + i, scale);
            transpose<T, W / 2>(block, std::make_integer_sequence<int, W>{});
            for (int q = 0; q < W; q++) S::store(y + (i + q) * ldy + j, block[q]);
        }
        for (; i < rows; i++)
            for (int q = 0; q < W; q++) y[i * ldy + j + q] = scaled<T>(sample[q][i], scale);
    }
}

// y (count width, columns) = the rows of w that each sample names; nan where it names none
template <class T>
void lookup_rows(const Lookup &op, T *y, const T *w, const int64_t *inputs, const int64_t *order,
                 int64_t n, int64_t columns) {
    for (int64_t j = 0; j < columns; j++) {
        const int64_t *names = inputs + order[j < n ? j : 0] * op.features + op.first;
        for (int64_t i = 0; i < op.count; i++) {
            const bool known = names[i] >= 0 && names[i] < op.num_rows;
            for (int64_t d = 0; d < op.width; d++)
                y[(i * op.width + d) * op.ldy + j] = known ? w[names[i] * op.width + d] : T(NAN);
        }
    }
}

// dw: each row's += g where a sample names it
template <class T>
void lookup_backward(const Lookup &op, T *dw, const T *g, const int64_t *inputs,
                     const int64_t *order, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
        const int64_t *names = inputs + order[j] * op.features + op.first;
        for (int64_t i = 0; i < op.count; i++) {
            if (names[i] < 0 || names[i] >= op.num_rows || names[i] == op.padding) continue;
            for (int64_t d = 0; d < op.width; d++)
                dw[names[i] * op.width + d] += g[(i * op.width + d) * op.ldy + j];
        }
    }
}

// t (rows, columns) = high in the row of a sample's class, else low; one row: high for class 1
template <class T>
void one_hot(T *t, int64_t ldt, const int64_t *classes, const int64_t *order, int64_t n,
             int64_t rows, int64_t columns, T low, T high) {
    for (int64_t j = 0; j < columns; j++) {
        const int64_t label = classes[order[j < n ? j : 0]];
        for (int64_t i = 0; i < rows; i++)
            t[i * ldt + j] = (rows == 1 ? label == 1 : label == i) ? high : low;
    }
}

// y (n, stride), its first `rows` numbers, = x (rows, n)
template <class T>
void store_rows(T *y, int64_t stride, const T *x, int64_t ldx, int64_t rows, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < rows; i++) y[j * stride + i] = x[i * ldx + j];
}
