// The same task on several threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#else
#define RELAX()
#endif

// task() here and on so many threads more; where no more are to be had, on those there are.
template <class F> void run_on_threads(int64_t helpers, F task) {
    std::vector<std::thread> threads;
    try {
        for (int64_t i = 0; i < helpers; i++) threads.emplace_back(task);
    } catch (const std::system_error &) {
    }
    task();
    for (auto &thread : threads) thread.join();
}

// Where so many threads wait for each other. The others are mostly about to come: so a thread
// looks for a while before it sleeps, for to be woken takes longer than a small net's step.
class SpinBarrier {
    static constexpr int SPINS = 20000;
    const int64_t size;
    std::atomic<int64_t> arrived{0}, round{0};

  public:
    explicit SpinBarrier(int64_t size) : size(size) {}

    void wait() {
        if (size == 1) return;
        const int64_t now = round;
        if (++arrived == size) {
            arrived = 0, round = now + 1;
            round.notify_all();
            return;
        }
        for (int i = 0; i < SPINS && round == now; i++) RELAX();
        round.wait(now);
    }
};

// task(i) for each i < n at the same time, so that they can wait for each other; false, and
// nothing is done, where so many threads are not to be had.
template <class F> bool run_concurrently(int64_t n, F task) {
    enum { WAIT, GO, LEAVE };
    std::atomic<int> signal{WAIT};
    std::vector<std::thread> threads;
    try {
        for (int64_t i = 1; i < n; i++)
            threads.emplace_back([&, i] {
                signal.wait(WAIT);
                if (signal == GO) task(i);
            });
        signal = GO;
    } catch (const std::system_error &) {
        signal = LEAVE;
    }
    signal.notify_all();
    if (signal == GO) task(0);
    for (auto &thread : threads) thread.join();
    return signal == GO;
}
