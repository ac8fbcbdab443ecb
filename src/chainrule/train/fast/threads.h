// The same work on several threads at once.
#pragma once

#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

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
