// The update rules of chainrule.optim, for one replica: p, g and its state have P numbers.
#pragma once

#include "abi.h"

#include <algorithm>
#include <cmath>

// The sum of x^2 over `count` numbers.
template <class T> T sum_of_squares(const T *x, int64_t count) {
    T lanes[16] = {}, total = 0;
    int64_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (int j = 0; j < 16; j++) lanes[j] += x[i + j] * x[i + j];
    for (; i < count; i++) total += x[i] * x[i];
    for (T lane : lanes) total += lane;
    return total;
}

// g <- g min(1, bound / (|g| + 1e-6))
template <class T> void clip_grad_norm(T *g, int64_t P, double bound) {
    const T scale = T(bound) / (std::sqrt(sum_of_squares(g, P)) + T(1e-6));
    if (scale < 1)
        for (int64_t i = 0; i < P; i++) g[i] *= scale;
}

// g <- min(max(g, -bound), bound)
template <class T> void clip_grad_value(T *g, int64_t P, T bound) {
    for (int64_t i = 0; i < P; i++) g[i] = std::min(std::max(g[i], -bound), bound);
}

// Some parameters of a replica, their gradients, and what a rule keeps of them.
template <class T> struct ParameterSlice {
    int64_t P;
    T *p;
    const T *g;
    T *momentum, *mean, *mean_square, *extra;
};

// g <- g + l p;  b <- mu b + (1 - tau) g, at first b = g;  p <- p - lr b, or lr (g + mu b)
template <class T>
void sgd_step(const ParameterSlice<T> &s, const Hyperparameters &h, const OptimizerFlags &flags,
              bool first_value) {
    const T sign = flags.maximize ? -1 : 1, decay = T(h.weight_decay), lr = T(-h.lr),
            mu = T(h.momentum);
    T *p = s.p, *b = s.momentum;
    const T *g = s.g;
    if (!flags.momentum) {
        if (!flags.weight_decay)
            for (int64_t i = 0; i < s.P; i++) p[i] += lr * (sign * g[i]);
        else
            for (int64_t i = 0; i < s.P; i++) p[i] += lr * (sign * g[i] + decay * p[i]);
        return;
    }
    const T share = h.momentum == 0 ? T(1) : T(1 - h.dampening);
    for (int64_t i = 0; i < s.P; i++) {
        const T d = sign * g[i] + (flags.weight_decay ? decay * p[i] : T(0));
        b[i] = first_value ? d : b[i] * mu + share * d;
        p[i] += lr * (flags.nesterov ? d + mu * b[i] : b[i]);
    }
}

// What Adam and its kin share: m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2; then
// move(p, g, m, v) with a p that is shrunk where the decay is decoupled.
template <class T, class F>
void move_by_moments(const ParameterSlice<T> &s, const Hyperparameters &h,
                     const OptimizerFlags &flags, F move) {
    const T sign = flags.maximize ? -1 : 1, keep = T(1 - h.lr * h.weight_decay);
    const T decay = flags.weight_decay && !flags.decoupled ? T(h.weight_decay) : T(0);
    const T one = T(1 - h.beta1), two = T(1 - h.beta2), b2 = T(h.beta2);
    const bool shrink = flags.weight_decay && flags.decoupled;
    T *p = s.p, *m = s.mean, *v = s.mean_square;
    for (int64_t i = 0; i < s.P; i++) {
        const T x = shrink ? p[i] * keep : p[i], d = sign * s.g[i] + decay * x;
        m[i] += one * (d - m[i]);
        v[i] = v[i] * b2 + two * d * d;
        p[i] = move(i, x, d, m[i], v[i]);
    }
}

// p <- p - lr (m / c1) / (sqrt(v / c2) + eps)
template <class T>
void adam_step(const ParameterSlice<T> &s, const Hyperparameters &h, const OptimizerFlags &flags,
               int64_t step) {
    const double c1 = 1 - std::pow(h.beta1, step), root = std::sqrt(1 - std::pow(h.beta2, step));
    const T rate = T(-h.lr * root / c1), eps = T(h.eps * root);
    T *largest = s.extra;
    if (flags.amsgrad)
        return move_by_moments(s, h, flags, [=](int64_t i, T x, T, T m, T v) {
            v = largest[i] = largest[i] > v ? largest[i] : v;
            return x + rate * m / (std::sqrt(v) + eps);
        });
    move_by_moments(s, h, flags,
                    [=](int64_t, T x, T, T m, T v) { return x + rate * m / (std::sqrt(v) + eps); });
}

// b1 (1 - 0.96^(t psi) / 2)
inline double nadam_mu(const Hyperparameters &h, int64_t t) {
    return h.beta1 * (1 - 0.5 * std::pow(0.96, double(t) * h.momentum_decay));
}

// p <- p - lr (g (1 - mu) / (1 - product) + m mu' / (1 - product mu')) / (sqrt(v / c2) + eps),
// mu' that of the next step, product that of all so far
template <class T>
void nadam_step(const ParameterSlice<T> &s, const Hyperparameters &h, const OptimizerFlags &flags,
                int64_t step, double product) {
    const double root = std::sqrt(1 - std::pow(h.beta2, step)), lr = -h.lr * root;
    const double mu = nadam_mu(h, step), mu_next = nadam_mu(h, step + 1);
    const T now = T(lr * (1 - mu) / (1 - product)), eps = T(h.eps * root);
    const T next = T(lr * mu_next / (1 - product * mu_next));
    move_by_moments(s, h, flags, [=](int64_t, T x, T d, T m, T v) {
        const T size = std::sqrt(v) + eps;
        return x + now * d / size + next * m / size;
    });
}

// product <- product mu, in the type that it is kept in
template <class P> double update_mu_product(void *product, int64_t replica, double mu) {
    return static_cast<P *>(product)[replica] *= P(mu);
}

// p <- p - lr r (m / c1) / ((sqrt(v) + eps) / sqrt(c2)) where rho > 5, else p - lr m / c1
template <class T>
void radam_step(const ParameterSlice<T> &s, const Hyperparameters &h, const OptimizerFlags &flags,
                int64_t step) {
    const double lr = -h.lr / (1 - std::pow(h.beta1, step)), power = std::pow(h.beta2, step);
    const double c2 = 1 - power, last = 2 / (1 - h.beta2) - 1, rho = last - 2 * step * power / c2;
    const T eps = T(h.eps);
    if (rho > 5) {
        const double r = std::sqrt((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho));
        const T rate = T(lr * r * std::sqrt(c2));
        move_by_moments(s, h, flags, [=](int64_t, T x, T, T m, T v) {
            return x + rate * m / (std::sqrt(v) + eps);
        });
    } else {
        move_by_moments(s, h, flags, [=](int64_t, T x, T, T m, T) { return x + T(lr) * m; });
    }
}

// s <- s + g^2;  p <- p - lr / (1 + (t - 1) eta) g / (sqrt(s) + eps)
template <class T>
void adagrad_step(const ParameterSlice<T> &s, const Hyperparameters &h, const OptimizerFlags &flags,
                  int64_t step) {
    const T sign = flags.maximize ? -1 : 1, decay = flags.weight_decay ? T(h.weight_decay) : T(0);
    const T rate = T(-(h.lr / (1 + double(step - 1) * h.lr_decay))), eps = T(h.eps);
    for (int64_t i = 0; i < s.P; i++) {
        const T d = sign * s.g[i] + decay * s.p[i];
        const T total = s.mean_square[i] += d * d;
        s.p[i] += rate * d / (std::sqrt(total) + eps);
    }
}

// v <- a v + (1 - a) g^2;  b <- mu b + g / (sqrt(v) + eps);  p <- p - lr b; centered: less mean^2
template <class T>
void rmsprop_step(const ParameterSlice<T> &s, const Hyperparameters &h,
                  const OptimizerFlags &flags) {
    const T sign = flags.maximize ? -1 : 1, decay = flags.weight_decay ? T(h.weight_decay) : T(0);
    const T a = T(h.beta2), rest = T(1 - h.beta2), mu = T(h.momentum), lr = T(-h.lr);
    const T eps = T(h.eps);
    for (int64_t i = 0; i < s.P; i++) {
        const T d = sign * s.g[i] + decay * s.p[i];
        T square = s.mean_square[i] = s.mean_square[i] * a + rest * d * d;
        if (flags.centered) {
            const T mean = s.mean[i] += rest * (d - s.mean[i]);
            square -= mean * mean;
        }
        T move = d / (std::sqrt(square) + eps);
        if (flags.momentum) move = s.momentum[i] = s.momentum[i] * mu + move;
        s.p[i] += lr * move;
    }
}

// v <- r v + (1 - r) g^2;  d = g sqrt(u + eps) / sqrt(v + eps);  u <- r u + (1 - r) d^2;  p - lr d
template <class T>
void adadelta_step(const ParameterSlice<T> &s, const Hyperparameters &h,
                   const OptimizerFlags &flags) {
    const T sign = flags.maximize ? -1 : 1, decay = flags.weight_decay ? T(h.weight_decay) : T(0);
    const T r = T(h.beta2), rest = T(1 - h.beta2), lr = T(-h.lr), eps = T(h.eps);
    for (int64_t i = 0; i < s.P; i++) {
        const T d = sign * s.g[i] + decay * s.p[i];
        const T square = s.mean_square[i] = s.mean_square[i] * r + rest * d * d;
        const T move = std::sqrt(s.extra[i] + eps) / std::sqrt(square + eps) * d;
        s.extra[i] = s.extra[i] * r + rest * move * move;
        s.p[i] += lr * move;
    }
}

// m <- b1 m + (1 - b1) g;  u <- max(b2 u, |g| + eps);  p <- p - lr m / ((1 - b1^t) u); nan stays
template <class T>
void adamax_step(const ParameterSlice<T> &s, const Hyperparameters &h, const OptimizerFlags &flags,
                 int64_t step) {
    const T sign = flags.maximize ? -1 : 1, decay = flags.weight_decay ? T(h.weight_decay) : T(0);
    const T rate = T(-h.lr / (1 - std::pow(h.beta1, step))), one = T(1 - h.beta1);
    const T b2 = T(h.beta2), eps = T(h.eps);
    for (int64_t i = 0; i < s.P; i++) {
        const T d = sign * s.g[i] + decay * s.p[i], size = std::abs(d) + eps;
        const T m = s.mean[i] += one * (d - s.mean[i]), kept = s.mean_square[i] * b2;
        const T u = s.mean_square[i] = kept > size || kept != kept ? kept : size;
        s.p[i] += rate * m / u;
    }
}

// size <- eta size within its bounds, eta by the sign of g g', the last step's;  p <- p - sign(g)
// size; where g g' < 0 the entry stays, and g' is 0 for the next step
template <class T>
void rprop_step(const ParameterSlice<T> &s, const Hyperparameters &h,
                const OptimizerFlags &flags) {
    const T sign = flags.maximize ? -1 : 1, shrink = T(h.eta_minus), grow = T(h.eta_plus);
    const T least = T(h.min_step), most = T(h.max_step);
    for (int64_t i = 0; i < s.P; i++) {
        T g = sign * s.g[i], size = s.mean_square[i];
        const T agree = g * s.momentum[i];
        size = agree > 0 ? size * grow : agree < 0 ? size * shrink : size;
        s.mean_square[i] = size = std::min(std::max(size, least), most);
        s.momentum[i] = g = agree < 0 ? T(0) : g;
        s.p[i] -= (g > 0 ? T(1) : g < 0 ? T(-1) : T(0)) * size;
    }
}

// p <- (1 - l eta) p - eta g, eta = lr / (1 + l lr (t - 1))^alpha;  a <- a + mu (p - a), mu = 1 /
// max(1, t - 1 - t0)
template <class T>
void asgd_step(const ParameterSlice<T> &s, const Hyperparameters &h, const OptimizerFlags &flags,
               int64_t step) {
    const T sign = flags.maximize ? -1 : 1, decay = flags.weight_decay ? T(h.weight_decay) : T(0);
    const double past = double(step - 1);
    const double eta = h.lr / std::pow(1 + h.lambd * h.lr * past, h.alpha);
    const T keep = T(1 - h.lambd * eta), rate = T(-eta);
    const T share = T(1 / std::max(1.0, past - h.t0));
    for (int64_t i = 0; i < s.P; i++) {
        const T d = sign * s.g[i] + decay * s.p[i];
        s.p[i] = s.p[i] * keep + rate * d;
        s.mean[i] += share * (s.p[i] - s.mean[i]);
    }
}

// The rule of a group on a slice of it; step: of the optimizer, from 1.
template <class T>
void update_parameters(const ParameterSlice<T> &s, const ParameterGroup &group,
                       const Hyperparameters &h, int64_t step, double mu_product) {
    const OptimizerFlags &flags = group.flags;
    switch (flags.rule) {
    case UpdateRule::SGD:
        return sgd_step(s, h, flags, flags.first_momentum && step == group.step + 1);
    case UpdateRule::ADAM: return adam_step(s, h, flags, step);
    case UpdateRule::NADAM: return nadam_step(s, h, flags, step, mu_product);
    case UpdateRule::RADAM: return radam_step(s, h, flags, step);
    case UpdateRule::ADAGRAD: return adagrad_step(s, h, flags, step);
    case UpdateRule::RMSPROP: return rmsprop_step(s, h, flags);
    case UpdateRule::ADADELTA: return adadelta_step(s, h, flags);
    case UpdateRule::ADAMAX: return adamax_step(s, h, flags, step);
    case UpdateRule::RPROP: return rprop_step(s, h, flags);
    case UpdateRule::ASGD: return asgd_step(s, h, flags, step);
    case UpdateRule::ADAFACTOR:
    case UpdateRule::MUON: return;  // they go by parameter: matrices.h
    }
}
