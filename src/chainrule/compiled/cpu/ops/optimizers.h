// The update rules of chainrule.optim, for one replica: p, g and its state have P numbers.
#pragma once

#include "abi.h"

#include <cmath>

// g <- g min(1, bound / (|g| + 1e-6)); infinity is no bound
template <class T> void clip_grad_norm(T *g, int64_t P, double bound) {
    if (std::isinf(bound)) return;
    T lanes[16] = {}, total = 0;
    int64_t i = 0;
    for (; i + 16 <= P; i += 16)
        for (int j = 0; j < 16; j++) lanes[j] += g[i + j] * g[i + j];
    for (; i < P; i++) total += g[i] * g[i];
    for (T lane : lanes) total += lane;
    const T scale = T(bound) / (std::sqrt(total) + T(1e-6));
    if (scale < 1)
        for (i = 0; i < P; i++) g[i] *= scale;
}

// g <- g + l p;  b <- mu b + (1 - tau) g, at first b = g;  p <- p - lr b, or lr (g + mu b)
template <class T>
void sgd_step(T *p, const T *g, T *b, int64_t P, const Hyperparameters &h,
              const OptimizerFlags &flags, bool first_step) {
    const T sign = flags.maximize ? -1 : 1, decay = T(h.weight_decay), lr = T(-h.lr),
            mu = T(h.momentum);
    if (!flags.momentum) {
        if (!flags.weight_decay)
            for (int64_t i = 0; i < P; i++) p[i] += lr * (sign * g[i]);
        else
            for (int64_t i = 0; i < P; i++) p[i] += lr * (sign * g[i] + decay * p[i]);
        return;
    }
    const bool first_value = flags.first_momentum && first_step;
    const T share = h.momentum == 0 ? T(1) : T(1 - h.dampening);
    for (int64_t i = 0; i < P; i++) {
        const T d = sign * g[i] + (flags.weight_decay ? decay * p[i] : T(0));
        b[i] = first_value ? d : b[i] * mu + share * d;
        p[i] += lr * (flags.nesterov ? d + mu * b[i] : b[i]);
    }
}

// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  p <- p - lr (m / c1) / (sqrt(v / c2) + eps)
template <class T>
void adam_step(T *p, const T *g, T *m, T *v, T *max_v, int64_t P, const Hyperparameters &h,
               const OptimizerFlags &flags, int64_t step) {
    const double c1 = 1 - std::pow(h.beta1, step), root = std::sqrt(1 - std::pow(h.beta2, step));
    const T sign = flags.maximize ? -1 : 1, keep = T(1 - h.lr * h.weight_decay);
    const T decay = flags.weight_decay && !flags.decoupled ? T(h.weight_decay) : T(0);
    const T one = T(1 - h.beta1), two = T(1 - h.beta2), b2 = T(h.beta2);
    const T rate = T(-h.lr * root / c1), eps = T(h.eps * root);
    const bool shrink = flags.weight_decay && flags.decoupled;
    for (int64_t i = 0; i < P; i++) {
        const T x = shrink ? p[i] * keep : p[i], d = sign * g[i] + decay * x;
        m[i] += one * (d - m[i]);
        T square = v[i] = v[i] * b2 + two * d * d;
        if (flags.amsgrad) square = max_v[i] = max_v[i] > square ? max_v[i] : square;
        p[i] = x + rate * m[i] / (std::sqrt(square) + eps);
    }
}
