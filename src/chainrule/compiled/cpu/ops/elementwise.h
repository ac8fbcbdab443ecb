// Products of two values number by number, and constants that are added, samples innermost.
#pragma once

#include "abi.h"

#include "../simd/vector.h"

// y = scale x z, or += where the operation accumulates
template <class T> void multiply_forward(const Multiply &op, T *y, const T *x, const T *z) {
    using S = Simd<T>;
    for (int64_t i = 0; i < op.rows; i++)
        for (int64_t j = 0; j < op.n; j += S::W) {
            T *to = y + i * op.ldy + j;
            const auto v =
                T(op.scale) * S::load(x + i * op.ldx + j) * S::load(z + i * op.ldz + j);
            S::store(to, op.accumulate ? S::load(to) + v : v);
        }
}

// dx = scale g z, or += with accumulate; rows of dx and z are lddx and ldz apart
template <class T>
void multiply_backward(const Multiply &op, T *dx, int64_t lddx, const T *g, const T *z, int64_t ldz,
                       bool accumulate) {
    using S = Simd<T>;
    for (int64_t i = 0; i < op.rows; i++)
        for (int64_t j = 0; j < op.n; j += S::W) {
            T *to = dx + i * lddx + j;
            const auto v = T(op.scale) * S::load(g + i * op.ldy + j) * S::load(z + i * ldz + j);
            S::store(to, accumulate ? S::load(to) + v : v);
        }
}

// y += constants, each for all samples of a block
template <class T> void add_constants(const AddConstants &op, T *y) {
    using S = Simd<T>;
    for (int64_t i = 0; i < op.rows; i++)
        for (int64_t b = 0; b < op.blocks; b++) {
            const T constant = T(op.constants[i * op.blocks + b]);
            T *block = y + i * op.ldy + b * op.n;
            for (int64_t j = 0; j < op.n; j += S::W)
                S::store(block + j, S::load(block + j) + constant);
        }
}
