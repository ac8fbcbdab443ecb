// The kernel's entry point: an epoch of a cohort of small nets.
//
// A step of a small net is some hundred thousand operations on some ten thousand numbers. They stay
// in the core's own cache as long as nothing else is done in between; so one replica is trained
// through the whole epoch before the next, and each thread takes the next replica that is left.
// Images need more memory: of a batch of these, some samples at a time, a chunk, go through all
// layers and back, and where replicas are few, several threads share the chunks of one.

#include "abi.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "epoch.h"
#include "measure.h"
#include "orders.h"
#include "threads.h"

// Each replica by a group of threads; false, and nothing is done, where they are not to be had.
template <class T> bool train_in_groups(const EpochArgs &args) {
    constexpr int64_t SIZE = THREADS_PER_REPLICA;
    if (args.num_workers <= args.replicas) return false;
    std::vector<std::unique_ptr<ReplicaGroup<T>>> groups;
    for (int64_t k = 0; k < args.replicas; k++)
        groups.push_back(std::make_unique<ReplicaGroup<T>>(SIZE));
    return run_concurrently(args.replicas * SIZE, [&](int64_t i) {
        int64_t k = i / SIZE;
        train_replicas<T>(args, i, i % SIZE, *groups[k],
                          [&] { return std::exchange(k, args.replicas); });
    });
}

template <class T> void train_epoch(const EpochArgs &args) {
    if (train_in_groups<T>(args)) return;
    std::atomic<int64_t> next{0}, worker{0};
    run_on_threads(std::min(args.num_workers, args.replicas) - 1, [&] {
        ReplicaGroup<T> alone(1);
        train_replicas<T>(args, worker++, 0, alone, [&] { return next++; });
    });
}

// Epochs one after the other: each has an order (K, N), losses, `finite` and outputs of its own, and
// after those that `looks` says the net is looked at, by the `evaluation`, whose outputs are as many.
// One alone may be long, and is stopped at a step; several are short, and who stops them waits for
// the end of one.
template <class T>
void train_epochs(const EpochArgs &args, int64_t epochs, const EpochArgs *evaluation,
                  const bool *looks) {
    if (epochs == 1 && !evaluation) return train_epoch<T>(args);
    const int64_t batches = count_batches(args);
    const int64_t steps = (batches + args.accumulate - 1) / args.accumulate;
    int64_t looked = 0;
    for (int64_t i = 0; i < epochs && !args.stop; i++) {
        EpochArgs epoch = args;
        epoch.first_batch = i * batches;
        epoch.first_step = i * steps;
        epoch.order += i * (args.order_stride ? args.replicas : 1) * args.samples;
        epoch.losses = static_cast<T *>(args.losses) + i * args.num_terms * batches * args.replicas;
        epoch.finite += i * batches * args.replicas;
        if (args.outputs) epoch.outputs += i * args.num_heads;
        train_epoch<T>(epoch);
        if (!evaluation || !looks[i]) continue;
        EpochArgs look = *evaluation;
        look.outputs += looked++ * look.num_heads;
        train_epoch<T>(look);
    }
}

extern "C" {
double measure_products(double seconds) { return measure_products<SCALAR>(seconds); }
void run_products(int64_t count) { run_products<SCALAR>(count); }
// orders (count, n): the permutation of each seed.
void draw_permutations(int64_t *orders, const int64_t *seeds, int64_t count, int64_t n) {
    for (int64_t k = 0; k < count; k++) draw_permutation(orders + k * n, n, uint32_t(seeds[k]));
}
int64_t vector_bytes() { return VECTOR_BYTES; }
// How many channels of bfloat16 make a vector of products, 0 where it does not multiply them.
int64_t bfloat16_channels() {
    return HAS_BFLOAT16 && sizeof(SCALAR) == 4 ? Simd<bf16x2>::W : 0;
}
// evaluation: what computes the net's outputs for other samples after the epochs that `looks`
// (epochs) says, or nothing.
void run_epochs(const EpochArgs *args, int64_t epochs, const EpochArgs *evaluation,
                const bool *looks) {
    train_epochs<SCALAR>(*args, epochs, evaluation, looks);
}
}
