// An epoch of a cohort of small dense nets: for each replica, all steps, one after the other.
//
// A step of such a net is some hundred thousand operations on some ten thousand numbers. They stay
// in the core's own cache as long as nothing else is done in between; so one replica is trained
// through the whole epoch before the next, and each thread takes the next replica that is left.
// What is computed is a list of operations that program.py writes; values lie feature by feature,
// samples innermost, and each has its gradient at the same place of another array.

#include <atomic>
#include <cstdlib>

#include "convolutions.h"
#include "layers.h"
#include "products.h"
#include "threads.h"
#include "updates.h"

enum Kind { INPUT, PRODUCT, ACTIVATION, TARGET, ONE_HOT, POINTWISE, CLASSES, OUTPUT };

struct Op {
    int64_t kind, a[12];
    double c[2];
};

struct Job {
    const Op *ops;
    int64_t n_ops, columns, space;          // padded samples, numbers of all values
    const int64_t *zero;                    // (place, count) of gradients of values that add up
    const int64_t *zero_parameters;         // the same among the parameters
    int64_t n_zero, n_zero_parameters;
    int64_t replicas, samples, batch, parameters, threads;
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
};

constexpr int64_t NOWHERE = -1;
enum Flow { NO, ASSIGN, ADD };

template <class T> struct Replica {
    const Job &job;
    const int64_t k;
    T *values, *grads, *p, *g;
    const int64_t *order = nullptr;  // of the batch
    int64_t first = 0, n = 0;        // its place in the epoch, its samples
    T loss = 0;

    Replica(const Job &job, int64_t k, T *values)
        : job(job), k(k), values(values), grads(values + job.space),
          p(static_cast<T *>(job.p) + k * job.parameters),
          g(static_cast<T *>(job.g) + k * job.parameters) {}

    // m numbers of each sample of the batch, from rows to columns. Those past n repeat the first
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
            return product<T>(values + a[5], a[6], p + a[0], a[1], 1, values + a[3], a[4], a[7], a[8],
                              a[9], a[2] == NOWHERE ? nullptr : p + a[2], a[10] & 1);
        case ACTIVATION:
            return activate<T>(int(a[0]), values + a[1], a[2], a[3], a[4], T(op.c[0]), T(op.c[1]));
        case POINTWISE: case CLASSES: return measure(op);
        case OUTPUT: return output(op);
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
        const int64_t count = !a[6] ? 1 : op.kind == CLASSES ? n : n * a[2];
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

    void backward(const Op &op) {
        const int64_t *a = op.a;
        if (op.kind == ACTIVATION) {
            T *bias = a[5] == NOWHERE ? nullptr : g + a[5];
            deactivate<T>(int(a[0]), grads + a[1], values + a[1], a[2], a[3], a[4], T(op.c[0]),
                          T(op.c[1]), bias, a[6] == ADD);
        } else if (op.kind == PRODUCT) {
            const int64_t weights = a[10] >> 1 & 3, flow = a[10] >> 3 & 3;
            outer<T>(g + a[0], a[1], grads + a[5], a[6], values + a[3], a[4], a[7], a[8], a[9],
                     weights == ADD);
            if (flow != NO)
                product<T>(grads + a[3], a[4], p + a[0], 1, a[1], grads + a[5], a[6], a[8], a[7],
                           a[9], nullptr, flow == ADD);
        }
    }

    bool finite() {
        T total[16] = {};
        int64_t i = 0;
        for (; i + 16 <= job.parameters; i += 16)
            for (int j = 0; j < 16; j++) total[j] += g[i + j];
        for (; i < job.parameters; i++) total[0] += g[i];
        for (int j = 1; j < 16; j++) total[0] += total[j];
        return std::isfinite(loss + total[0]);
    }

    void update(int64_t step) {  // from 1, of this epoch
        T *state[3];
        for (int i = 0; i < 3; i++)
            state[i] = static_cast<T *>(job.state[i]) + (job.state[i] ? k * job.parameters : 0);
        const Numbers &h = job.numbers[k];
        clip(g, job.parameters, h.clip_norm);
        if (job.switches.rule == SGD) sgd(p, g, state[0], job.parameters, h, job.switches, step == 1);
        else adam(p, g, state[0], state[1], state[2], job.parameters, h, job.switches, job.step + step);
    }

    void train() {
        bool alive = job.active[k];
        int64_t step = 0;
        for (first = 0; first < job.samples; first += job.batch, step++) {
            n = job.samples - first < job.batch ? job.samples - first : job.batch;
            order = job.order + k * job.order_stride + first;
            loss = 0;
            for (int64_t i = 0; alive && i < job.n_zero; i++)
                std::memset(grads + job.zero[2 * i], 0, job.zero[2 * i + 1] * sizeof(T));
            for (int64_t i = 0; i < job.n_ops; i++) forward(job.ops[i]);
            if (alive) {
                for (int64_t i = 0; i < job.n_zero_parameters; i++)
                    std::memset(g + job.zero_parameters[2 * i], 0,
                                job.zero_parameters[2 * i + 1] * sizeof(T));
                for (int64_t i = job.n_ops; i-- > 0;) backward(job.ops[i]);
                alive = finite();
                if (alive) update(step + 1);
            }
            static_cast<T *>(job.losses)[step * job.replicas + k] = loss;
            job.alive[step * job.replicas + k] = alive;
        }
    }
};

template <class T> void work(const Job &job, std::atomic<int64_t> &next) {
    const size_t bytes = (2 * job.space * sizeof(T) + 63) / 64 * 64;
    T *values = static_cast<T *>(std::aligned_alloc(64, bytes));
    std::memset(values, 0, bytes);
    for (int64_t k; (k = next++) < job.replicas;)
        Replica<T>(job, k, values).train();
    std::free(values);
}

template <class T> void epoch(const Job &job) {
    std::atomic<int64_t> next{0};
    const int64_t helpers = (job.threads < job.replicas ? job.threads : job.replicas) - 1;
    together(helpers, [&] { work<T>(job, next); });
}

extern "C" {
int64_t vector_bytes() { return VECTOR_BYTES; }
int64_t job_bytes() { return sizeof(Job); }
int64_t windows_bytes() { return sizeof(Windows); }
void epoch_of(const Job *job) { epoch<NUMBER>(*job); }
void convolve_of(const Windows *at) { convolve<NUMBER>(*at); }
}
