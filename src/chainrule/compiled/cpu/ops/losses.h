// Losses and their gradients, samples innermost.
//
// The outputs o and targets t are (m, columns), of which the first n are samples; the gradient g is
// assigned, or added to with `accumulate`: then columns past n stay as they are, else they are 0.
#pragma once

#include "activations.h"

// Stirling's approximation of log t!, where t > 1
template <class T> inline T log_factorial(T t) {
    return t > 1 ? t * std::log(t) - t + T(0.5) * std::log(T(2 * M_PI) * t) : T(0);
}

// The loss of one element, and its derivative d. a: the constant of the loss; p: what a yes counts.
template <class T> inline T loss_and_grad(LossKind kind, T o, T t, T a, T p, T &d) {
    const T e = o - t;
    using enum LossKind;
    switch (kind) {
    case MSE: d = 2 * e; return e * e;
    case L1: d = e > 0 ? 1 : e < 0 ? -1 : e; return std::fabs(e);
    case SMOOTH_L1: d = e / a > 1 ? 1 : e / a < -1 ? -1 : e / a; return d * (e - a / 2 * d);
    case HUBER: d = e > a ? a : e < -a ? -a : e; return d * (e - d / 2);
    case BCE: {
        const T yes = std::log(o), no = std::log1p(-o), both = o * (1 - o);
        const T smallest = T(9.999999960041972e-13);
        d = e / (both < smallest ? smallest : both);
        return (t - 1) * (no < -100 ? -100 : no) - t * (yes < -100 ? -100 : yes);
    }
    case KL_DIV: d = -t; return (t == 0 ? T(0) : t * std::log(t)) - t * o;
    case KL_DIV_LOG: {
        const T q = std::exp(t);
        d = -q;
        return q * (t - o);
    }
    case POISSON: d = 1 - t / (o + a); return o - t * std::log(o + a);
    case POISSON_FULL: return loss_and_grad(POISSON, o, t, a, p, d) + log_factorial(t);
    case POISSON_LOG: d = std::exp(o) - t; return std::exp(o) - t * o;
    case POISSON_LOG_FULL: return loss_and_grad(POISSON_LOG, o, t, a, p, d) + log_factorial(t);
    case HINGE_EMBEDDING: {
        const T room = a - o;
        d = t > 0 ? 1 : room >= 0 ? -1 : 0;
        return t > 0 ? o : room < 0 ? T(0) : room;
    }
    case SOFT_MARGIN: {
        const T small = std::exp(-std::fabs(o)), right = t * o;
        d = -t * ((right < 0 ? T(1) : small) / (1 + small));
        return std::log1p(small) + (right < 0 ? -right : T(0));
    }
    case MARGIN_RANKING: {
        const T excess = a - t * o;
        d = excess >= 0 ? -t : T(0);
        return excess < 0 ? T(0) : excess;
    }
    case COSINE_EMBEDDING: {
        const T excess = o - a;
        d = t > 0 ? -1 : excess >= 0 ? 1 : 0;
        return t > 0 ? 1 - o : excess < 0 ? T(0) : excess;
    }
    case TRIPLET_MARGIN: {
        const T excess = a + o;
        d = excess >= 0 ? 1 : 0;
        return excess < 0 ? T(0) : excess;
    }
    default: {
        const T small = std::exp(-std::fabs(o)), yes = p * t, both = 1 - t + yes;
        d = both * ((o < 0 ? small : T(1)) / (1 + small)) - yes;
        return both * (std::log1p(small) + (o < 0 ? -o : T(0))) + (1 - t) * o;
    }
    }
}

// The sum of all elements' losses; g = scale times its derivative.
template <LossKind kind, class T>
inline T elementwise_loss_rows(const ElementwiseTerm &op, const T *o, const T *t, T *g, int64_t n,
                               int64_t columns, T scale, bool accumulate) {
    constexpr int W = Simd<T>::W;
    const T a = T(op.constant);
    T lanes[W] = {}, total = 0;
    for (int64_t i = 0; i < op.rows; i++, o += op.ldx, t += op.ldt, g += op.ldx) {
        const T w = op.row_weights ? T(op.row_weights[i]) : T(1);
        const T p = op.positive_weights ? T(op.positive_weights[i]) : T(1);
        int64_t j = 0;
        auto one = [&](int64_t at, int lane) {
            T d;
            lanes[lane] += w * loss_and_grad<T>(kind, o[at], t[at], a, p, d);
            g[at] = accumulate ? g[at] + scale * (w * d) : scale * (w * d);
        };
        for (; j + W <= n; j += W)
            for (int q = 0; q < W; q++) one(j + q, q);
        for (; j < n; j++) one(j, 0);
        for (; j < columns && !accumulate; j++) g[j] = 0;
    }
    for (T lane : lanes) total += lane;
    return total;
}

template <class T>
inline T elementwise_loss(const ElementwiseTerm &op, const T *o, const T *t, T *g, int64_t n,
                          int64_t columns, T scale, bool accumulate) {
    using enum LossKind;
    auto with = [&]<LossKind kind>() {
        return elementwise_loss_rows<kind, T>(op, o, t, g, n, columns, scale, accumulate);
    };
    switch (op.kind) {
    case MSE: return with.template operator()<MSE>();
    case L1: return with.template operator()<L1>();
    case SMOOTH_L1: return with.template operator()<SMOOTH_L1>();
    case HUBER: return with.template operator()<HUBER>();
    case BCE: return with.template operator()<BCE>();
    case BCE_WITH_LOGITS: return with.template operator()<BCE_WITH_LOGITS>();
    case KL_DIV: return with.template operator()<KL_DIV>();
    case KL_DIV_LOG: return with.template operator()<KL_DIV_LOG>();
    case POISSON: return with.template operator()<POISSON>();
    case POISSON_FULL: return with.template operator()<POISSON_FULL>();
    case POISSON_LOG: return with.template operator()<POISSON_LOG>();
    case POISSON_LOG_FULL: return with.template operator()<POISSON_LOG_FULL>();
    case HINGE_EMBEDDING: return with.template operator()<HINGE_EMBEDDING>();
    case SOFT_MARGIN: return with.template operator()<SOFT_MARGIN>();
    case MARGIN_RANKING: return with.template operator()<MARGIN_RANKING>();
    case COSINE_EMBEDDING: return with.template operator()<COSINE_EMBEDDING>();
    case TRIPLET_MARGIN: return with.template operator()<TRIPLET_MARGIN>();
    }
    return T(0);
}

// The same where samples count: v of the sample number order[j].
template <class T>
inline T weighted_elementwise_loss(const ElementwiseTerm &op, const T *o, const T *t, T *g,
                                   const T *v, const int64_t *order, int64_t n, int64_t columns,
                                   T scale, bool accumulate) {
    T total = 0;
    for (int64_t i = 0; i < op.rows; i++, o += op.ldx, t += op.ldt, g += op.ldx) {
        const T w = op.row_weights ? T(op.row_weights[i]) : T(1);
        const T p = op.positive_weights ? T(op.positive_weights[i]) : T(1);
        for (int64_t j = 0; j < columns; j++) {
            T d = 0;
            if (j < n) {
                const T counts = w * v[order[j]];
                total += counts * loss_and_grad<T>(op.kind, o[j], t[j], T(op.constant), p, d);
                d *= counts * scale;
            }
            g[j] = accumulate ? g[j] + d : d;
        }
    }
    return total;
}

// The classes of all samples at one of their places.
struct Labels {
    const int64_t *classes;
    int64_t places, place;
    int64_t operator[](int64_t sample) const { return classes[sample * places + place]; }
};

// The sum over samples of -log softmax(o) (or of -o, with log_probabilities) at the class of each.
template <class T>
inline T cross_entropy(const T *o, Labels target, const int64_t *order, T *g, T *scratch,
                       int64_t ld, int64_t m, int64_t n, int64_t columns, T scale,
                       bool log_probabilities, bool accumulate) {
    T total = 0;
    for (int64_t i = 0; i < m; i++)
        std::memcpy(scratch + i * columns, o + i * ld, columns * sizeof(T));
    if (!log_probabilities) softmax(scratch, columns, m, columns, true);
    for (int64_t j = 0; j < n; j++) {
        if (target[order[j]] < 0 || target[order[j]] >= m) return T(NAN);
        total -= scratch[target[order[j]] * columns + j];
    }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < columns; j += Simd<T>::W) {
            auto p = Simd<T>::splat(T(0));
            if (!log_probabilities) p = scale * exp<T>(Simd<T>::load(scratch + i * columns + j));
            Simd<T>::store(scratch + i * columns + j, p);
        }
    for (int64_t j = 0; j < n; j++) scratch[target[order[j]] * columns + j] -= scale;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < columns; j++) {
            const T d = j < n ? scratch[i * columns + j] : T(0);
            g[i * ld + j] = accumulate ? g[i * ld + j] + d : d;
        }
    return total;
}

// With shares q of the classes instead of one class: -sum of q log softmax(o), as the operation
// says; `sample_weights` (N), or nothing.
template <class T>
inline T weighted_cross_entropy(const CrossEntropy &op, const T *o, Labels target,
                                const int64_t *order, T *g, T *scratch, const T *shares,
                                const T *sample_weights, int64_t n, int64_t columns, T scale,
                                bool accumulate) {
    const int64_t m = op.rows;
    const T smooth = T(op.label_smoothing), keep = T(1 - op.label_smoothing);
    T total = 0;
    for (int64_t i = 0; i < m; i++)
        std::memcpy(scratch + i * columns, o + i * op.ldx, columns * sizeof(T));
    if (!op.log_probabilities) softmax(scratch, columns, m, columns, true);
    for (int64_t j = 0; j < columns; j++) {
        const int64_t label = op.has_shares || j >= n ? 0 : target[order[j]];
        if (label != op.ignore_index && (label < 0 || label >= m)) return T(NAN);
        const bool counts = j < n && (op.has_shares || label != op.ignore_index);
        const T v = sample_weights && j < n ? sample_weights[order[j]] : T(1);
        auto share = [&](int64_t i) {
            T q = op.has_shares ? shares[i * columns + j] : T(i == label);
            if (smooth != 0) q = keep * q + smooth / T(m);
            return v * (op.class_weights ? q * T(op.class_weights[i]) : q);
        };
        T sum = 0;
        for (int64_t i = 0; i < m && counts; i++) {
            const T q = share(i);
            sum += q;
            if (q != 0) total -= q * scratch[i * columns + j];
        }
        for (int64_t i = 0; i < m; i++) {
            T d = 0;
            if (counts && op.log_probabilities) d = -scale * share(i);
            if (counts && !op.log_probabilities)
                d = scale * (std::exp(scratch[i * columns + j]) * sum - share(i));
            T &to = g[i * op.ldx + j];
            to = accumulate ? to + d : d;
        }
    }
    return total;
}

// The sum over samples of the excesses of other classes over that of each, in their shares.
template <class T>
inline T multi_margin_loss(const MultiMargin &op, const T *o, Labels target, const int64_t *order,
                           T *g, int64_t n, int64_t columns, T scale, bool accumulate) {
    T total = 0;
    auto add = [&](int64_t i, int64_t j, T d, bool adds) {
        T &to = g[i * op.ldx + j];
        to = adds ? to + scale * d : scale * d;
    };
    for (int64_t j = 0; j < columns; j++) {
        const int64_t label = target[order[j < n ? j : 0]];
        if (label < 0 || label >= op.rows) return T(NAN);
        const T w = op.class_weights ? T(op.class_weights[label]) : T(1), share = w / T(op.rows);
        T pull = 0;
        for (int64_t i = 0; i < op.rows; i++) {
            const T excess = T(op.margin) - o[label * op.ldx + j] + o[i * op.ldx + j];
            T d = 0;
            if (j < n && i != label && !(excess <= 0)) {
                total += share * (op.squared ? excess * excess : excess);
                d = share * (op.squared ? 2 * excess : T(1));
            }
            pull += d;
            add(i, j, d, accumulate);
        }
        add(label, j, -pull, true);
    }
    return total;
}

// The sum of (log v + d^2 / v) / 2, v = max(var, eps), d = x - t; the gradients scale d / v and
// scale (1 / v - d^2 / v^2) / 2, which are added up where one variance is for all rows.
template <class T>
inline T gaussian_loss(const GaussianTerm &op, const T *values, T *grads, int64_t n,
                       int64_t columns, T scale) {
    const T constant = op.full ? T(0.91893853320467274178) : T(0), eps = T(op.eps);
    const bool adds = op.x_grad == GradMode::ACCUMULATE;
    T total = 0;
    for (int64_t i = 0; i < op.rows; i++) {
        const int64_t row = op.var_rows == 1 ? 0 : i;
        const bool var_adds = op.var_grad == GradMode::ACCUMULATE || (op.var_rows == 1 && i > 0);
        for (int64_t j = 0; j < columns; j++) {
            T dx = 0, dvar = 0;
            if (j < n) {
                const T var = values[op.var + row * op.ldvar + j], v = var < eps ? eps : var;
                const T d = values[op.x + i * op.ldx + j] - values[op.t + i * op.ldt + j];
                const T z = d / v;
                total += T(0.5) * (std::log(v) + d * z) + constant;
                dx = scale * z, dvar = scale * (T(0.5) * (1 / v - z * z));
            }
            T &gx = grads[op.x + i * op.ldx + j], &gv = grads[op.var + row * op.ldvar + j];
            gx = adds ? gx + dx : dx, gv = var_adds ? gv + dvar : dvar;
        }
    }
    return total;
}
