// How fast the micro-kernel of this build is on this processor.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "ops/gemm.h"

// So many numbers, from the beginning of a cache line on, as those of a kernel lie.
template <class T> class AlignedNumbers {
    struct alignas(64) Line {
        T numbers[64 / sizeof(T)];
    };
    std::vector<Line> lines;

  public:
    AlignedNumbers(int64_t count, T value) : lines(count * sizeof(T) / sizeof(Line) + 1) {
        std::fill_n(data(), count, value);
    }
    T *data() { return lines.data()->numbers; }
};

// Seconds of the three products of a layer (m, k) and n samples: the shortest of those that are
// done in so many seconds.
template <class T> double time_layer(int64_t m, int64_t k, int64_t n, double seconds) {
    using Clock = std::chrono::steady_clock;
    auto since = [](Clock::time_point start) {
        return std::chrono::duration<double>(Clock::now() - start).count();
    };
    n = (n + Simd<T>::W - 1) / Simd<T>::W * Simd<T>::W;
    AlignedNumbers<T> w(m * k, 0.5), x(k * n, 0.25), y(m * n, 0), dw(m * k, 0), dx(k * n, 0);
    double shortest = 1e30;
    for (const auto start = Clock::now(); since(start) < seconds;) {
        const auto begin = Clock::now();
        gemm<T>(y.data(), n, w.data(), k, 1, StridedRows<T>{x.data(), n}, m, k, n, nullptr, false);
        gemm_nt<T>(dw.data(), k, y.data(), n, StridedRows<T>{x.data(), n}, m, k, n,
                   EvenSegments{1, 0}, false);
        gemm_tn<T>(dx.data(), n, w.data(), k, y.data(), n, k, m, n, false);
        shortest = std::min(shortest, since(begin));
    }
    return shortest;
}

// Products and sums a second, in 10^9, of layers as small nets have them: the mean over the layers,
// each measured for a third of the time.
template <class T> double measure_products(double seconds) {
    double total = 0;
    for (auto [m, k, n] : {std::array<int64_t, 3>{25, 25, 100}, {100, 196, 100}, {400, 400, 100}})
        total += 6e-9 * double(m * k * n) / time_layer<T>(m, k, n, seconds / 3) / 3;
    return total;
}

// So many products of 2^20 operations, whose matrices the core's own cache holds.
template <class T> void run_products(int64_t count) {
    constexpr int64_t M = 64, K = 128, N = 64;
    AlignedNumbers<T> a(M * K, 0.5), b(K * N, 0.25), out(M * N, 0);
    for (int64_t i = 0; i < count; i++)
        gemm<T>(out.data(), N, a.data(), K, 1, StridedRows<T>{b.data(), N}, M, K, N, nullptr,
                false);
}
