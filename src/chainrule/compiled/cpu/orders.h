// The orders of epochs: permutations, the same as torch.randperm draws on the CPU.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

// The Mersenne Twister of 32 bits, which torch's generator is, SIZE numbers at a time.
class MersenneTwister {
    static constexpr int SHIFT = 397;

  public:
    static constexpr int SIZE = 624;
    uint32_t numbers[SIZE];

    explicit MersenneTwister(uint32_t seed) {
        state[0] = seed;
        for (int i = 1; i < SIZE; i++)
            state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + uint32_t(i);
    }

    // The next numbers.
    void draw() {
        for (int i = 0; i < SIZE - SHIFT; i++)
            state[i] = state[i + SHIFT] ^ mix(state[i], state[i + 1]);
        for (int i = SIZE - SHIFT; i < SIZE - 1; i++)
            state[i] = state[i + SHIFT - SIZE] ^ mix(state[i], state[i + 1]);
        state[SIZE - 1] = state[SHIFT - 1] ^ mix(state[SIZE - 1], state[0]);
        for (int i = 0; i < SIZE; i++) {
            uint32_t y = state[i];
            y ^= y >> 11, y ^= (y << 7) & 0x9d2c5680u, y ^= (y << 15) & 0xefc60000u, y ^= y >> 18;
            numbers[i] = y;
        }
    }

  private:
    uint32_t state[SIZE];

    static uint32_t mix(uint32_t high, uint32_t low) {
        const uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
        return (y >> 1) ^ (low & 1 ? 0x9908b0dfu : 0u);
    }
};

// order: 0 … n - 1, each of which in turn changes places with one of those from it on. n < 2^32 / 20.
inline void draw_permutation(int64_t *order, int64_t n, uint32_t seed) {
    constexpr int64_t SIZE = MersenneTwister::SIZE;
    MersenneTwister random(seed);
    uint32_t steps[SIZE];
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t first = 0; first < n - 1; first += SIZE) {
        random.draw();
        for (int64_t i = 0; i < SIZE; i++) {  // the remainder, of doubles: exact, and many at once
            const uint32_t number = random.numbers[i];
            const uint32_t left = uint32_t(std::max<int64_t>(1, n - first - i));
            steps[i] = number - left * uint32_t(double(number) / left);
        }
        const int64_t size = std::min(SIZE, n - 1 - first);
        for (int64_t i = 0; i < size; i++)
            std::swap(order[first + i], order[first + i + steps[i]]);
    }
}
