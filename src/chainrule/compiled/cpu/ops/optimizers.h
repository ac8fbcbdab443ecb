// The update rules of chainrule.optim, for one replica: p, g and its state have P numbers.
#pragma once

#include <cmath>
#include <cstdint>

enum Rule { SGD, ADAM };

// What a rule is told: its numbers for this replica, and its switches.
struct Numbers {
    double lr, weight_decay, momentum, dampening, beta1, beta2, eps, clip_norm;
};
struct Switches {
    int64_t rule, maximize, decay, with_momentum, nesterov, decoupled, amsgrad;
    int64_t fresh;  // the momentum has no value yet
};

// g <- g min(1, bound / (|g| + 1e-6)); infinity is no bound
template <class T> void clip(T *g, int64_t P, double bound) {
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
void sgd(T *p, const T *g, T *b, int64_t P, const Numbers &h, const Switches &s, bool first) {
    const T sign = s.maximize ? -1 : 1, decay = T(h.weight_decay), lr = T(-h.lr), mu = T(h.momentum);
    if (!s.with_momentum) {
        if (!s.decay)
            for (int64_t i = 0; i < P; i++) p[i] += lr * (sign * g[i]);
        else
            for (int64_t i = 0; i < P; i++) p[i] += lr * (sign * g[i] + decay * p[i]);
        return;
    }
    const bool fresh = s.fresh && first;
    const T share = h.momentum == 0 ? T(1) : T(1 - h.dampening);
    for (int64_t i = 0; i < P; i++) {
        const T d = sign * g[i] + (s.decay ? decay * p[i] : T(0));
        b[i] = fresh ? d : b[i] * mu + share * d;
        p[i] += lr * (s.nesterov ? d + mu * b[i] : b[i]);
    }
}

// m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  p <- p - lr (m / c1) / (sqrt(v / c2) + eps)
template <class T>
void adam(T *p, const T *g, T *m, T *v, T *most, int64_t P, const Numbers &h, const Switches &s,
          int64_t step) {
    const double c1 = 1 - std::pow(h.beta1, step), root = std::sqrt(1 - std::pow(h.beta2, step));
    const T sign = s.maximize ? -1 : 1, keep = T(1 - h.lr * h.weight_decay);
    const T decay = s.decay && !s.decoupled ? T(h.weight_decay) : T(0);
    const T one = T(1 - h.beta1), two = T(1 - h.beta2), b2 = T(h.beta2);
    const T rate = T(-h.lr * root / c1), eps = T(h.eps * root);
    const bool shrink = s.decay && s.decoupled;
    for (int64_t i = 0; i < P; i++) {
        const T x = shrink ? p[i] * keep : p[i], d = sign * g[i] + decay * x;
        m[i] += one * (d - m[i]);
        T square = v[i] = v[i] * b2 + two * d * d;
        if (s.amsgrad) square = most[i] = most[i] > square ? most[i] : square;
        p[i] = x + rate * m[i] / (std::sqrt(square) + eps);
    }
}
