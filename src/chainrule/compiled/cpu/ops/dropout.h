// Dropout, samples innermost: y = x m. Each number of m follows from its place alone, by Philox4x32-10
// (Salmon et al., 2011), as in chainrule.nn.ops.philox: the block of four draws of a sample has the
// counter (draw / 4, sample, use), and the replica's key of the layer.
#pragma once

#include "abi.h"

#include <algorithm>
#include <cstdint>

#include "../simd/vector.h"

// So many blocks at once: c[i][q] is word i of the counter of block q, and then of its result.
constexpr int PHILOX_LANES = 8;
using PhiloxBlocks = uint32_t[4][PHILOX_LANES];

inline void philox(PhiloxBlocks &c, uint64_t key) {
    uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9, k1 += 0xBB67AE85)
        for (int q = 0; q < PHILOX_LANES; q++) {
            const uint64_t p0 = uint64_t(0xD2511F53) * c[0][q];
            const uint64_t p1 = uint64_t(0xCD9E8D57) * c[2][q];
            c[0][q] = uint32_t(p1 >> 32) ^ c[1][q] ^ k0, c[1][q] = uint32_t(p1);
            c[2][q] = uint32_t(p0 >> 32) ^ c[3][q] ^ k1, c[3][q] = uint32_t(p0);
        }
}

// m (draws, columns) of samples from the number `first` on, `step` apart.
template <class T>
void draw_mask(T *mask, int64_t ld, int64_t draws, int64_t columns, int64_t first, int64_t step,
               uint64_t use, uint64_t key, int64_t limit, T scale) {
    for (int64_t i = 0; i < draws; i += 4)
        for (int64_t j = 0; j < columns; j += PHILOX_LANES) {
            PhiloxBlocks c;
            for (int q = 0; q < PHILOX_LANES; q++) {
                c[0][q] = uint32_t(i / 4), c[1][q] = uint32_t(first + (j + q) * step);
                c[2][q] = uint32_t(use), c[3][q] = uint32_t(use >> 32);
            }
            philox(c, key);
            const int64_t width = std::min<int64_t>(PHILOX_LANES, columns - j);
            for (int64_t w = 0; w < std::min<int64_t>(4, draws - i); w++)
                for (int64_t q = 0; q < width; q++)
                    mask[(i + w) * ld + j + q] = int64_t(c[w][q]) >= limit ? scale : T(0);
        }
}

// y = x m, or += with accumulate; each `pixels` rows share a row of m
template <class T> void multiply_mask(const Drop &op, T *y, const T *x, const T *mask, bool accumulate) {
    using S = Simd<T>;
    for (int64_t r = 0; r < op.rows; r++, x += op.n, y += op.n)
        for (int64_t j = 0; j < op.n; j += S::W) {
            const auto v = S::load(x + j) * S::load(mask + r / op.pixels * op.n + j);
            S::store(y + j, accumulate ? S::load(y + j) + v : v);
        }
}
