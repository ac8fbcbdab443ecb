// The same work on several threads at once.
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

// work() here and on so many threads more; where no more are to be had, on those there are.
template <class F> void together(int64_t helpers, F work) {
    std::vector<std::thread> threads;
    try {
        for (int64_t i = 0; i < helpers; i++) threads.emplace_back(work);
    } catch (const std::system_error &) {
    }
    work();
    for (auto &thread : threads) thread.join();
}

// Where so many threads wait for each other. The others are mostly about to come: so a thread
// looks for a while before it sleeps, for to be woken takes longer than a small net's step.
class Meeting {
    static constexpr int LOOKS = 20000;
    const int64_t size;
    std::atomic<int64_t> here{0}, round{0};

  public:
    explicit Meeting(int64_t size) : size(size) {}

    void wait() {
        if (size == 1) return;
        const int64_t now = round;
        if (++here == size) {
            here = 0, round = now + 1;
            round.notify_all();
            return;
        }
        for (int i = 0; i < LOOKS && round == now; i++) RELAX();
        round.wait(now);
    }
};

// work(i) for each i < n at the same time, so that they can wait for each other; false, and
// nothing is done, where so many threads are not to be had.
template <class F> bool side_by_side(int64_t n, F work) {
    enum { WAIT, GO, LEAVE };
    std::atomic<int> told{WAIT};
    std::vector<std::thread> threads;
    try {
        for (int64_t i = 1; i < n; i++)
            threads.emplace_back([&, i] {
                told.wait(WAIT);
                if (told == GO) work(i);
            });
        told = GO;
    } catch (const std::system_error &) {
        told = LEAVE;
    }
    told.notify_all();
    if (told == GO) work(0);
    for (auto &thread : threads) thread.join();
    return told == GO;
}
