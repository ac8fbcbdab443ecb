// An epoch of one replica: all its steps, one after the other, by one thread or by several.
#pragma once

#include "abi.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "interpreter.h"
#include "ops/matrices.h"
#include "ops/optimizers.h"
#include "threads.h"

// The chunks of a batch are in as many shares as threads may train a replica, each with gradients
// of its own, which are added in the end. One thread does all or each does one: the sums are the
// same.
constexpr int64_t SHARES = THREADS_PER_REPLICA;

inline int64_t count_batches(const EpochArgs &args) {
    return (args.samples + args.batch_size - 1) / args.batch_size;
}

// Those who train one replica together.
template <class T> struct ReplicaGroup {
    const int64_t size;
    SpinBarrier barrier;
    T *grads[SHARES];
    T grad_sums[SHARES];
    std::vector<T> losses;  // (shares, terms)
    std::vector<double> mu_products;  // of NAdam, by parameter group
    bool learns = true, stop = false;

    explicit ReplicaGroup(int64_t size) : size(size), barrier(size) {}
};

// A member of a group at work on its replica.
template <class T> class ReplicaTrainer {
    const EpochArgs &args;
    const int64_t replica;
    ReplicaGroup<T> &group;
    const int64_t member;
    Interpreter<T> interpreter;
    std::vector<int64_t> located;  // samples of a batch

    struct Range {
        int64_t begin, end;
    };

    // The parameters that are this member's when the group divides them.
    Range my_param_range() const {
        auto cut = [&](int64_t i) { return args.moved * i / group.size / 16 * 16; };
        return {cut(member), member + 1 == group.size ? args.moved : cut(member + 1)};
    }

    // A batch of the epoch: its number, the step that it is a part of, its first sample and how many
    // there are, and how much it counts in that step's gradient.
    struct Batch {
        int64_t number, step, first, size;
        double weight;
        bool opens_step, closes_step;
    };

    Batch find_batch(int64_t number) const {
        const int64_t step = number / args.accumulate, place = number % args.accumulate;
        const int64_t together =
            std::min(args.accumulate, count_batches(args) - step * args.accumulate);
        const int64_t first = number * args.batch_size;
        return {number,
                step,
                first,
                std::min(args.batch_size, args.samples - first),
                1.0 / double(together),
                place == 0,
                place == together - 1};
    }

    int64_t count_shares(const Batch &batch) const {
        return std::min(SHARES, (batch.size + args.batch_columns - 1) / args.batch_columns);
    }

    // The samples of a batch by their places in the data set, of which a replica may have some alone.
    const int64_t *locate(const int64_t *order, const Batch &batch) {
        if (!args.rows) return order;
        const int32_t *rows = args.rows + replica * args.rows_stride;
        located.resize(batch.size);
        for (int64_t i = 0; i < batch.size; i++) located[i] = rows[order[i]];
        return located.data();
    }

    // A share of a batch: its loss, and with `learns` its gradients.
    void run_share(int64_t share, const Batch &batch, bool learns) {
        const int64_t columns = args.batch_columns;
        const int64_t *order = locate(args.order + replica * args.order_stride + batch.first, batch);
        interpreter.param_grads = group.grads[share];
        interpreter.losses = group.losses.data() + share * args.num_terms;
        std::fill_n(interpreter.losses, args.num_terms, T(0));
        if (learns && batch.opens_step) interpreter.open_share();
        bool opens_share = true;
        for (int64_t i = share * columns; i < batch.size; i += SHARES * columns) {
            const int64_t n = std::min(batch.size - i, columns);
            interpreter.chunk = {order + i,     n,           batch.first + i,
                                 batch.size,    i,           batch.number,
                                 batch.weight,  opens_share, batch.opens_step};
            if (learns) interpreter.clear_accumulated_values();
            interpreter.forward();
            if (learns) interpreter.backward();
            opens_share = false;
        }
        if (learns) interpreter.close_share();
    }

    // The gradients of all shares together, in their order.
    void reduce_grads(Range range, int64_t shares) {
        T *g = group.grads[0];
        for (int64_t i = 1; i < shares; i++)
            for (int64_t j = range.begin; j < range.end; j++) g[j] += group.grads[i][j];
    }

    // A sum of a share's gradients that is finite where all are.
    T sum_grads(Range range, int64_t share) const {
        const T *g = group.grads[share];
        T sums[16] = {};
        int64_t i = range.begin;
        for (; i + 16 <= range.end; i += 16)
            for (int j = 0; j < 16; j++) sums[j] += g[i + j];
        for (; i < range.end; i++) sums[0] += g[i];
        for (int j = 1; j < 16; j++) sums[0] += sums[j];
        return sums[0];
    }

    // What one member does when all shares of a batch are there: the loss, and whether all is finite.
    void finish_batch(const Batch &batch, bool learns) {
        T sum = 0;
        for (int64_t term = 0; term < args.num_terms; term++) {
            T loss = 0;
            for (int64_t i = 0; i < count_shares(batch); i++)
                loss += group.losses[i * args.num_terms + term];
            const int64_t row = term * count_batches(args) + batch.number;
            static_cast<T *>(args.losses)[row * args.replicas + replica] = loss;
            sum += loss;
        }
        for (int64_t i = 0; learns && i < group.size; i++) sum += group.grad_sums[i];
        group.learns = learns && std::isfinite(sum);
        if (group.learns && batch.closes_step) prepare_update(batch.step);
        args.finite[batch.number * args.replicas + replica] = group.learns;
        group.stop = args.stop;
    }

    const Hyperparameters &hyperparameters(const ParameterGroup &of, int64_t step) const {
        const int64_t row = args.steps_per_row ? (args.first_step + step) / args.steps_per_row : 0;
        return of.hyperparameters[row * args.replicas + replica];
    }

    // Steps that the optimizer has done before this one of the epoch.
    int64_t steps_done(const ParameterGroup &of, int64_t step) const {
        return of.step + args.first_step + step;
    }

    // What is done once for all parameters: bounds on the gradient, and NAdam's products.
    void prepare_update(int64_t step) {
        T *g = group.grads[0];
        if (args.clip_norm) clip_grad_norm(g, args.moved, args.clip_norm[replica]);
        if (args.clip_value) clip_grad_value(g, args.moved, T(args.clip_value[replica]));
        group.mu_products.assign(args.num_groups, 1);
        for (int64_t i = 0; i < args.num_groups; i++) {
            const ParameterGroup &of = args.groups[i];
            if (of.flags.rule != UpdateRule::NADAM) continue;
            const Hyperparameters &h = hyperparameters(of, step);
            const double mu = nadam_mu(h, steps_done(of, step) + 1);
            group.mu_products[i] = of.mu_product_is_float
                                       ? update_mu_product<float>(of.mu_product, replica, mu)
                                       : update_mu_product<double>(of.mu_product, replica, mu);
        }
    }

    // Numbers of this replica from `place` on; null where there are none of that kind.
    T *find_row(void *rows, int64_t stride, int64_t place) const {
        return rows ? static_cast<T *>(rows) + replica * stride + place : nullptr;
    }

    void update(Range range, int64_t step) {
        for (int64_t i = 0; i < args.num_groups; i++) {
            const ParameterGroup &of = args.groups[i];
            if (of.num_shapes) update_shapes(range, of, step);
            else update_range(range, of, step, group.mu_products[i]);
        }
    }

    // Those numbers of a group that are in the range.
    void update_range(Range range, const ParameterGroup &of, int64_t step, double mu_product) {
        const int64_t begin = std::max(range.begin, of.begin), end = std::min(range.end, of.end);
        if (begin >= end) return;
        auto row = [&](void *rows) { return find_row(rows, args.parameters, begin); };
        const ParameterSlice<T> slice{end - begin,
                                      row(args.params),
                                      group.grads[0] + begin,
                                      row(args.momentum),
                                      row(args.mean),
                                      row(args.mean_square),
                                      row(args.extra)};
        update_parameters(slice, of, hyperparameters(of, step), steps_done(of, step) + 1,
                          mu_product);
    }

    // Those parameters of a group that begin in the range, each as a whole.
    void update_shapes(Range range, const ParameterGroup &of, int64_t step) {
        for (int64_t i = 0; i < of.num_shapes; i++) {
            const ParameterShape &shape = of.shapes[i];
            if (shape.begin < range.begin || shape.begin >= range.end) continue;
            const ShapedParameter<T> parameter{
                shape,
                find_row(args.params, args.parameters, shape.begin),
                group.grads[0] + shape.begin,
                find_row(args.momentum, args.parameters, shape.begin),
                find_row(of.row_var, of.row_size, shape.row_place),
                find_row(of.col_var, of.col_size, shape.col_place),
                find_row(of.variance, of.variance_size, shape.variance_place)};
            update_shaped(parameter, of, hyperparameters(of, step), steps_done(of, step) + 1,
                          interpreter.scratch);
        }
    }

  public:
    ReplicaTrainer(const EpochArgs &args, int64_t replica, ReplicaGroup<T> &group, int64_t member,
                   T *memory)
        : args(args), replica(replica), group(group), member(member),
          interpreter(args, replica, memory) {
        if (member == 0) group.grads[0] = static_cast<T *>(args.grads) + replica * args.parameters;
        if (member == group.size - 1) group.grads[1] = interpreter.scratch + args.scratch;
    }

    void train() {
        if (member == 0) {
            group.losses.resize(SHARES * args.num_terms);
            if (!(group.stop = args.stop)) group.learns = args.active[replica];
        }
        group.barrier.wait();
        const Range range = my_param_range();
        int64_t shares = 0;     // that have gradients of the step
        bool prepared = false;  // the forms of the weights, which updates change
        for (int64_t number = 0; number < count_batches(args) && !group.stop; number++) {
            const Batch batch = find_batch(number);
            const bool learns = group.learns;
            if (batch.opens_step) shares = count_shares(batch);
            if (!std::exchange(prepared, true)) interpreter.prepare_weights();
            for (int64_t i = member; i < count_shares(batch); i += group.size)
                run_share(i, batch, learns);
            group.barrier.wait();
            if (learns) {
                if (batch.closes_step) reduce_grads(range, shares);
                T sum = sum_grads(range, 0);
                for (int64_t i = 1; i < shares && !batch.closes_step; i++) sum += sum_grads(range, i);
                group.grad_sums[member] = sum;
            }
            group.barrier.wait();
            if (member == 0) finish_batch(batch, learns);
            group.barrier.wait();
            if (group.learns && batch.closes_step) update(range, batch.step), prepared = false;
            group.barrier.wait();
        }
    }
};

// Trains replicas, `next` after the other, as a member of a group, with a worker's memory.
template <class T>
void train_replicas(const EpochArgs &args, int64_t worker, int64_t member, ReplicaGroup<T> &group,
                    auto next) {
    T *memory = static_cast<T *>(args.workspace) + worker * args.worker_size;
    for (int64_t k; (k = next()) < args.replicas;)
        ReplicaTrainer<T>(args, k, group, member, memory).train();
}
