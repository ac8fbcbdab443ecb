// An epoch of a cohort of small nets: for each replica, all steps, one after the other.
//
// A step of such a net is some hundred thousand operations on some ten thousand numbers. They stay
// in the core's own cache as long as nothing else is done in between; so one replica is trained
// through the whole epoch before the next, and each thread takes the next replica that is left.
// Images need more room: of a batch of these, some samples at a time, a chunk, go through all
// layers and back, and where replicas are few, several threads share the chunks of one.
// What is computed is a list of operations that program.py writes; values lie feature by feature,
// samples innermost, and each has its gradient at the same place of another array.

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "ops/conv_nhwc.h"
#include "ops/layers.h"
#include "ops/gemm.h"
#include "threads.h"
#include "ops/optimizers.h"
#include "ops/winograd.h"

enum Kind {
    INPUT, PRODUCT, ACTIVATION, TARGET, ONE_HOT, POINTWISE, CLASSES, OUTPUT,
    CONVOLUTION, POOLING, PADDING
};

struct Op {
    int64_t kind, a[22];
    double c[2];
    template <class What> const What &as() const {
        static_assert(sizeof(What) <= sizeof(a));
        return *reinterpret_cast<const What *>(a);
    }
};

struct Job {
    const Op *ops;
    int64_t n_ops, columns, space;          // padded samples of a chunk, numbers of all values
    int64_t room, scratch;                  // numbers that operations keep for a step, for a call
    const int64_t *zero;                    // (place, count) of gradients of values that add up
    const int64_t *zero_parameters;         // the same among the parameters
    int64_t n_zero, n_zero_parameters;
    int64_t replicas, samples, batch, parameters;
    int64_t workers, worker;                // as many replicas at once, or SHARES for each; room of one
    void *workspace;                        // (workers, worker), at first 0
    void *p, *g, *state[3];                 // (K, P)
    const void *inputs;                     // (K or 1, N, features)
    int64_t input_stride;
    const void **targets;                   // (K or 1, N, …)
    const int64_t *target_strides;
    void **outputs;                         // (K, N, features), or nothing
    const int64_t *order;                   // (K or 1, N)
    int64_t order_stride;
    void *losses;                           // (steps, K)
    uint8_t *alive;                         // (steps, K)
    const uint8_t *active;                  // (K)
    const double *weights;                  // (terms, K)
    const Numbers *numbers;                 // (K)
    Switches switches;
    int64_t step;                           // of the optimizer, done before
    volatile int64_t stop;                  // set from outside: nobody waits for the rest
};

constexpr int64_t NOWHERE = -1;
enum Flow { NO, ASSIGN, ADD };

// The chunks of a batch are in two shares, each with gradients of its own, which are added in the
// end. One thread does both or two do one each: the sums are the same.
constexpr int64_t SHARES = 2;

// Those who train one replica together.
template <class T> struct Team {
    const int64_t size;
    Meeting meeting;
    T *g[SHARES];
    T losses[SHARES], totals[SHARES];
    bool alive = true, stop = false;

    explicit Team(int64_t size) : size(size), meeting(size) {}
};

template <class T> struct Replica {
    const Job &job;
    const int64_t k;
    Team<T> &team;
    const int64_t member;
    T *values, *grads, *room, *scratch, *p, *g = nullptr;
    const int64_t *order = nullptr;  // of the chunk
    int64_t first = 0, n = 0;        // its place in the epoch, its samples
    int64_t whole = 0;               // samples of the batch
    bool opening = true;             // it is the first chunk of its share
    T loss = 0;

    Replica(const Job &job, int64_t k, Team<T> &team, int64_t member, T *values)
        : job(job), k(k), team(team), member(member), values(values), grads(values + job.space),
          room(grads + job.space), scratch(room + job.room),
          p(static_cast<T *>(job.p) + k * job.parameters) {
        if (!member) team.g[0] = static_cast<T *>(job.g) + k * job.parameters;
        if (member == team.size - 1) team.g[1] = scratch + job.scratch;
    }

    // m numbers of each sample of the chunk, from rows to columns. Those past n repeat the first
    // sample: finite where the batch is.
    void columns(const T *from, int64_t stride, int64_t m, T *to, int64_t ld) {
        using S = Simd<T>;
        constexpr int W = S::W;
        for (int64_t j = 0; j < job.columns; j += W) {
            const T *row[W];
            for (int q = 0; q < W; q++) row[q] = from + order[j + q < n ? j + q : 0] * stride;
            int64_t i = 0;
            for (; i + W <= m; i += W) {
                typename S::V block[W];
                for (int q = 0; q < W; q++) block[q] = S::load(row[q] + i);
                transpose<T, W / 2>(block, std::make_integer_sequence<int, W>{});
                for (int q = 0; q < W; q++) S::store(to + (i + q) * ld + j, block[q]);
            }
            for (; i < m; i++)
                for (int q = 0; q < W; q++) to[i * ld + j + q] = row[q][i];
        }
    }

    void forward(const Op &op) {
        const int64_t *a = op.a;
        switch (op.kind) {
        case INPUT: {
            auto data = static_cast<const T *>(job.inputs) + k * job.input_stride;
            return columns(data + a[0], a[1], a[2], values + a[3], a[4]);
        }
        case TARGET: {
            auto data = static_cast<const T *>(job.targets[a[0]]) + k * job.target_strides[a[0]];
            return columns(data, a[2], a[2], values + a[3], a[4]);
        }
        case ONE_HOT: return one_hot(op);
        case PRODUCT:
            return product<T>(values + a[5], a[6], p + a[0], a[1], 1, Even<T>{values + a[3], a[4]},
                              a[7], a[8], a[9], a[2] == NOWHERE ? nullptr : p + a[2], a[10] & 1);
        case ACTIVATION:
            return activate<T>(int(a[0]), values + a[1], a[2], a[3], a[4], T(op.c[0]), T(op.c[1]));
        case POINTWISE: case CLASSES: return measure(op);
        case OUTPUT: return output(op);
        case CONVOLUTION: {
            auto &at = op.as<Convolution>();
            T *x = values + at.x, *y = values + at.y;
            const T *bias = at.bias == NOWHERE ? nullptr : p + at.bias;
            if (!by_winograd(at, room, scratch, [&](auto fewer) { fewer.forward(y, x, bias); }))
                slide<T>(at, y, x, p + at.weight, bias);
            return;
        }
        case POOLING: {
            auto &at = op.as<Pooling>();
            return pool<T>(at, values + at.y, values + at.x);
        }
        case PADDING: {
            auto &at = op.as<Padding>();
            return widen<T>(at, values + at.y, values + at.x);
        }
        }
    }

    void one_hot(const Op &op) {
        const int64_t *a = op.a;
        auto t = static_cast<const int64_t *>(job.targets[a[0]]) + k * job.target_strides[a[0]];
        const T low = T(op.c[0]), high = T(op.c[1]);
        for (int64_t j = 0; j < job.columns; j++) {
            const int64_t at = t[order[j < n ? j : 0]];
            for (int64_t i = 0; i < a[2]; i++)
                values[a[3] + i * a[4] + j] = (a[2] == 1 ? at == 1 : at == i) ? high : low;
        }
    }

    // a: target, kind, rows, place, ld, term, mean, add, place of the target or of room, its ld
    void measure(const Op &op) {
        const int64_t *a = op.a;
        const double weight = job.weights[a[5] * job.replicas + k];
        if (weight == 0) {
            for (int64_t i = 0; i < a[2] && !a[7]; i++)
                std::memset(grads + a[3] + i * a[4], 0, job.columns * sizeof(T));
            return;
        }
        const int64_t count = !a[6] ? 1 : op.kind == CLASSES ? whole : whole * a[2];
        const T scale = T(weight / double(count));
        T *o = values + a[3], *d = grads + a[3], *t = values + a[8], value;
        if (op.kind == CLASSES) {
            auto at = static_cast<const int64_t *>(job.targets[a[0]]) + k * job.target_strides[a[0]];
            value = classes<T>(o, at, order, d, t, a[4], a[2], n, job.columns, scale, a[1], a[7]);
        } else {
            value = pointwise<T>(int(a[1]), o, t, d, a[4], a[9], a[2], n, job.columns, T(op.c[0]),
                                 scale, a[7]);
        }
        loss += T(weight) * (value / T(count));
    }

    void output(const Op &op) {
        const int64_t *a = op.a;  // number, features, row of them, rows, place, ld
        if (!job.outputs) return;
        T *to = static_cast<T *>(job.outputs[a[0]]) + (k * job.samples + first) * a[1] + a[2];
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < a[3]; i++) to[j * a[1] + i] = values[a[4] + i * a[5] + j];
    }

    // Before the first chunk of a step, and after the last: the other forms of weights.
    void begin(const Op &op) {
        if (op.kind != CONVOLUTION) return;
        auto &at = op.as<Convolution>();
        if (!by_winograd(at, room, scratch, [&](auto fewer) { fewer.begin(p + at.weight); }))
            if (at.x_flow != NO) turn<T>(at, room + at.room, p + at.weight);
    }

    void end(const Op &op) {
        if (op.kind != CONVOLUTION) return;
        auto &at = op.as<Convolution>();
        const bool add = at.weights_flow == ADD;
        by_winograd(at, room, scratch, [&](auto fewer) { fewer.end(g + at.weight, add); });
    }

    void backward(const Op &op) {
        const int64_t *a = op.a;
        switch (op.kind) {
        case ACTIVATION: {
            const Bias<T> bias{a[5] == NOWHERE ? nullptr : g + a[5], a[6], a[7] == ADD || !opening};
            return deactivate<T>(int(a[0]), grads + a[1], values + a[1], a[2], a[3], a[4], T(op.c[0]),
                                 T(op.c[1]), bias);
        }
        case PRODUCT: {
            const int64_t weights = a[10] >> 1 & 3, flow = a[10] >> 3 & 3;
            outer<T>(g + a[0], a[1], grads + a[5], a[6], Even<T>{values + a[3], a[4]}, a[7], a[8],
                     a[9], WHOLE, weights == ADD || !opening);
            if (flow != NO)
                product_back<T>(grads + a[3], a[4], p + a[0], a[1], grads + a[5], a[6], a[8], a[7],
                                a[9], flow == ADD);
            return;
        }
        case CONVOLUTION: {
            auto &at = op.as<Convolution>();
            T *dx = at.x_flow == NO ? nullptr : grads + at.x, *x = values + at.x, *gy = grads + at.y;
            if (at.x_flow == ASSIGN) clear(dx, at.C * at.H * at.W * at.n);
            auto fewer = [&](auto fewer) { fewer.backward(dx, gy, x, !opening); };
            if (by_winograd(at, room, scratch, fewer)) return;
            slide_learn<T>(at, g + at.weight, gy, x, at.weights_flow == ADD || !opening);
            if (dx) slide_back<T>(at, dx, gy, room + at.room);
            return;
        }
        case POOLING: {
            auto &at = op.as<Pooling>();
            if (at.x_flow == NO) return;
            if (at.x_flow == ASSIGN) clear(grads + at.x, at.C * at.channel);
            return pool_back<T>(at, grads + at.x, grads + at.y, values + at.x);
        }
        case PADDING: {
            auto &at = op.as<Padding>();
            if (at.x_flow != NO) narrow<T>(at, grads + at.x, grads + at.y, at.x_flow == ADD);
        }
        }
    }

    static void clear(T *to, int64_t count) { std::memset(to, 0, count * sizeof(T)); }

    struct Range {
        int64_t from, to;
    };

    // The parameters that are ours when a team divides them.
    Range ours() const {
        auto cut = [&](int64_t i) { return job.parameters * i / team.size / 16 * 16; };
        return {cut(member), member + 1 == team.size ? job.parameters : cut(member + 1)};
    }

    // A sum of gradients that is finite where all are.
    T total(Range at) const {
        T sums[16] = {};
        int64_t i = at.from;
        for (; i + 16 <= at.to; i += 16)
            for (int j = 0; j < 16; j++) sums[j] += g[i + j];
        for (; i < at.to; i++) sums[0] += g[i];
        for (int j = 1; j < 16; j++) sums[0] += sums[j];
        return sums[0];
    }

    void update(Range at, int64_t step) {  // from 1, of this epoch
        T *state[3];
        for (int i = 0; i < 3; i++)
            state[i] = static_cast<T *>(job.state[i]) + (job.state[i] ? k * job.parameters + at.from : 0);
        const Numbers &h = job.numbers[k];
        const int64_t count = at.to - at.from;
        T *mine = p + at.from;
        const T *slope = g + at.from;
        if (job.switches.rule == SGD)
            sgd(mine, slope, state[0], count, h, job.switches, step == 1);
        else
            adam(mine, slope, state[0], state[1], state[2], count, h, job.switches, job.step + step);
    }

    // A share of a batch: its loss, and with `learn` its gradients.
    void share(int64_t which, const int64_t *batch, bool learn) {
        const int64_t start = first;
        g = team.g[which], loss = 0, opening = true;
        for (int64_t i = 0; learn && i < job.n_zero_parameters; i++)
            clear(g + job.zero_parameters[2 * i], job.zero_parameters[2 * i + 1]);
        for (int64_t at = which * job.columns; at < whole; at += SHARES * job.columns) {
            first = start + at, order = batch + at;
            n = whole - at < job.columns ? whole - at : job.columns;
            for (int64_t i = 0; learn && i < job.n_zero; i++)
                clear(grads + job.zero[2 * i], job.zero[2 * i + 1]);
            for (int64_t i = 0; i < job.n_ops; i++) forward(job.ops[i]);
            for (int64_t i = job.n_ops; learn && i-- > 0;) backward(job.ops[i]);
            opening = false;
        }
        for (int64_t i = 0; learn && i < job.n_ops; i++) end(job.ops[i]);
        first = start, team.losses[which] = loss;
    }

    // The shares of the parameters in `at` together, in their order.
    void gather(Range at, int64_t shares) {
        g = team.g[0];
        for (int64_t i = 1; i < shares; i++)
            for (int64_t j = at.from; j < at.to; j++) g[j] += team.g[i][j];
    }

    // What the leader finds when all shares are there.
    void judge(int64_t shares, bool learn, int64_t step) {
        loss = 0;
        for (int64_t i = 0; i < shares; i++) loss += team.losses[i];
        T sum = loss;
        for (int64_t i = 0; learn && i < team.size; i++) sum += team.totals[i];
        team.alive = learn && std::isfinite(sum);
        if (team.alive) clip(g, job.parameters, job.numbers[k].clip_norm);
        static_cast<T *>(job.losses)[step * job.replicas + k] = loss;
        job.alive[step * job.replicas + k] = team.alive;
        team.stop = job.stop;
    }

    void train() {
        if (!member && !(team.stop = job.stop)) team.alive = job.active[k];  // the leader's word
        team.meeting.wait();
        const Range at = ours();
        int64_t step = 0;
        for (first = 0; first < job.samples && !team.stop; first += job.batch, step++) {
            whole = std::min(job.batch, job.samples - first);
            const int64_t shares = std::min(SHARES, (whole + job.columns - 1) / job.columns);
            const bool learn = team.alive;
            for (int64_t i = 0; i < job.n_ops; i++) begin(job.ops[i]);
            for (int64_t i = member; i < shares; i += team.size)
                share(i, job.order + k * job.order_stride + first, learn);
            team.meeting.wait();
            if (learn) gather(at, shares), team.totals[member] = total(at);
            team.meeting.wait();
            if (!member) judge(shares, learn, step);
            team.meeting.wait();
            if (team.alive) update(at, step + 1);
            team.meeting.wait();
        }
    }
};

// Trains replicas, `next` after the other, as a member of a team, with a worker's room.
template <class T>
void work(const Job &job, int64_t worker, int64_t member, Team<T> &team, auto next) {
    T *values = static_cast<T *>(job.workspace) + worker * job.worker;
    for (int64_t k; (k = next()) < job.replicas;)
        Replica<T>(job, k, team, member, values).train();
}

template <class T> bool in_teams(const Job &job) {
    if (job.workers <= job.replicas) return false;
    std::vector<std::unique_ptr<Team<T>>> teams;
    for (int64_t k = 0; k < job.replicas; k++) teams.push_back(std::make_unique<Team<T>>(SHARES));
    return side_by_side(job.replicas * SHARES, [&](int64_t i) {
        int64_t k = i / SHARES;
        work<T>(job, i, i % SHARES, *teams[k], [&] { return std::exchange(k, job.replicas); });
    });
}

template <class T> void epoch(const Job &job) {
    if (in_teams<T>(job)) return;
    std::atomic<int64_t> next{0}, worker{0};
    together(std::min(job.workers, job.replicas) - 1, [&] {
        Team<T> alone(1);
        work<T>(job, worker++, 0, alone, [&] { return next++; });
    });
}

extern "C" {
int64_t vector_bytes() { return VECTOR_BYTES; }
int64_t has_bfloat16() { return HAS_BFLOAT16 && sizeof(NUMBER) == 4; }
int64_t job_bytes() { return sizeof(Job); }
int64_t windows_bytes() { return sizeof(Windows); }
void epoch_of(const Job *job) { epoch<NUMBER>(*job); }
void convolve_of(const Windows *at) { convolve<NUMBER>(*at); }
}
