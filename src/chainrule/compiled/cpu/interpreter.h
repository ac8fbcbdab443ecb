// The program for one replica and one chunk of samples: its operations forward, and back.
//
// Values lie feature by feature, samples innermost, and each has its gradient at the same place of
// another array. A gradient is assigned by the only operation that writes it, and added to where
// several do; that of a parameter is assigned in the first chunk of a share of the batch, and added
// to in the others.
#pragma once

#include "abi.h"

#include <cstring>

#include "ops/activations.h"
#include "ops/attention.h"
#include "ops/comparison.h"
#include "ops/conv.h"
#include "ops/distances.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/gemm.h"
#include "ops/load.h"
#include "ops/losses.h"
#include "ops/maps.h"
#include "ops/normalization.h"
#include "ops/padding.h"
#include "ops/pooling.h"
#include "ops/resample.h"
#include "ops/winograd.h"

template <class T> void clear(T *to, int64_t count) { std::memset(to, 0, count * sizeof(T)); }

// The samples that go through the program together.
struct Chunk {
    const int64_t *order;  // of its samples
    int64_t n;             // how many there are
    int64_t first;         // its place in the epoch
    int64_t batch;         // samples of the batch that it is a part of
    int64_t place;         // its first sample's place in that
    int64_t number;        // of that batch in the epoch
    double weight;         // of that batch in the step's gradient
    bool opens_share;      // it is the first chunk of a share of the batch
    bool opens_step;       // there are no gradients of batches before it in the step
};

template <class T> struct Interpreter {
    const EpochArgs &args;
    const int64_t replica;
    T *const values, *const grads, *const workspace, *const scratch;
    const T *const params;
    T *param_grads = nullptr;  // those of the share
    T *losses = nullptr;       // of the share, by term
    Chunk chunk = {};

    Interpreter(const EpochArgs &args, int64_t replica, T *memory)
        : args(args), replica(replica), values(memory), grads(values + args.activation_size),
          workspace(grads + args.activation_size), scratch(workspace + args.step_workspace),
          params(static_cast<const T *>(args.params) + replica * args.parameters) {}

    // Before a chunk whose gradients are asked for: losses write theirs on the way forward.
    void clear_accumulated_values() {
        for (int64_t i = 0; i < args.num_accumulated_values; i++)
            clear(grads + args.accumulated_values[2 * i], args.accumulated_values[2 * i + 1]);
    }

    void forward() {
        for (int64_t i = 0; i < args.num_ops; i++)
            visit(args.ops[i], [&](const auto &op) { forward(op); });
    }

    void backward() {
        for (int64_t i = args.num_ops; i-- > 0;)
            visit(args.ops[i], [&](const auto &op) { backward(op); });
    }

    // Before the first batch of a step: other forms of weights.
    void prepare_weights() {
        for (int64_t i = 0; i < args.num_ops; i++)
            visit(args.ops[i], [&](const auto &op) { prepare(op); });
    }

    // Before the first chunk of a share, where no batch before it is in the step.
    void open_share() {
        for (int64_t i = 0; i < args.num_accumulated_parameters; i++)
            clear(param_grads + args.accumulated_parameters[2 * i],
                  args.accumulated_parameters[2 * i + 1]);
    }

    // After the last chunk of a share: gradients that are in other forms.
    void close_share() {
        for (int64_t i = 0; i < args.num_ops; i++)
            if (args.ops[i].code == OpCode::CONVOLUTION)
                finish_weight_grad(args.ops[i].args.convolution);
    }

  private:
    bool adds(GradMode mode) const {
        return mode == GradMode::ACCUMULATE || !chunk.opens_share || !chunk.opens_step;
    }

    const T *parameter(int64_t offset) const {
        return offset == NOWHERE ? nullptr : params + offset;
    }

    template <class Target> const Target *target(int64_t number) const {
        return static_cast<const Target *>(args.targets[number]) +
               replica * args.target_strides[number];
    }

    void forward(const LoadInput &op) {
        auto load = [&]<class X>(const X *inputs) {
            inputs += replica * args.input_stride + op.first;
            load_columns(values + op.y, op.ldy, inputs, op.features, chunk.order, chunk.n, op.rows,
                         args.batch_columns, T(args.input_scale));
            if (args.input_fill || args.input_mean) preprocess(op);
        };
        args.input_scale ? load(static_cast<const uint8_t *>(args.inputs))
                         : load(static_cast<const T *>(args.inputs));
    }

    // What stands for a number that is missing, and z = (x - mean) * factor, as torch rounds it.
    void preprocess(const LoadInput &op) {
        const int64_t at = replica * op.features + op.first;
        for (int64_t i = 0; i < op.rows; i++) {
            T *x = values + op.y + i * op.ldy;
            const double fill = args.input_fill ? args.input_fill[at + i] : NAN;
            const double mean = args.input_mean ? args.input_mean[at + i] : 0;
            const double factor = args.input_mean ? args.input_factor[at + i] : 1;
            for (int64_t j = 0; j < args.batch_columns; j++) {
                const double known = std::isnan(x[j]) ? fill : double(x[j]);
                x[j] = T((known - mean) * factor);
            }
        }
    }

    const int64_t *input_names() const {
        return static_cast<const int64_t *>(args.inputs) + replica * args.input_stride;
    }

    void forward(const Lookup &op) {
        lookup_rows<T>(op, values + op.y, params + op.weight, input_names(), chunk.order, chunk.n,
                       args.batch_columns);
    }

    void backward(const Lookup &op) {
        T *dw = begin_grad(op.weight, op.weight_grad, op.num_rows * op.width);
        if (dw) lookup_backward<T>(op, dw, grads + op.y, input_names(), chunk.order, chunk.n);
    }

    void forward(const LoadTarget &op) {
        load_columns(values + op.t, op.ldt, target<T>(op.target), op.rows, chunk.order, chunk.n,
                     op.rows, args.batch_columns, T(1));
    }

    void forward(const OneHot &op) {
        one_hot(values + op.t, op.ldt, target<int64_t>(op.target), chunk.order, chunk.n, op.rows,
                args.batch_columns, T(op.low), T(op.high));
    }

    void forward(const Matmul &op) {
        gemm<T>(values + op.y, op.ldy, params + op.weight, op.ldw, 1,
                StridedRows<T>{values + op.x, op.ldx}, op.m, op.k, op.n, parameter(op.bias),
                op.accumulate);
    }

    void backward(const Matmul &op) {
        if (op.weight_grad != GradMode::SKIP)
            gemm_nt<T>(param_grads + op.weight, op.ldw, grads + op.y, op.ldy,
                       StridedRows<T>{values + op.x, op.ldx}, op.m, op.k, chunk.n,
                       EvenSegments{op.n / args.batch_columns, args.batch_columns},
                       adds(op.weight_grad));
        if (op.x_grad != GradMode::SKIP)
            gemm_tn<T>(grads + op.x, op.ldx, params + op.weight, op.ldw, grads + op.y, op.ldy, op.k,
                       op.m, op.n, op.x_grad == GradMode::ACCUMULATE);
    }

    void forward(const Activation &op) {
        activate<T>(op.kind, values + op.y, op.ldy, op.rows, op.n, T(op.alpha), T(op.beta));
    }

    void backward(const Activation &op) {
        T *bias = op.bias_grad == GradMode::SKIP ? nullptr : param_grads + op.bias;
        activation_backward<T>(op.kind, grads + op.y, values + op.y, op.ldy, op.rows, op.n,
                               T(op.alpha), T(op.beta),
                               BiasGrad<T>{bias, op.rows_per_bias, adds(op.bias_grad)});
    }

    void forward(const Map &op) { map_forward<T>(op, values + op.y, values + op.x); }

    void backward(const Map &op) {
        if (op.x_grad == GradMode::SKIP) return;
        map_backward<T>(op, grads + op.x, grads + op.y, values + op.x,
                        op.x_grad == GradMode::ACCUMULATE);
    }

    void forward(const Multiply &op) {
        multiply_forward<T>(op, values + op.y, values + op.x, values + op.z);
    }

    void backward(const Multiply &op) {
        if (op.x_grad != GradMode::SKIP)
            multiply_backward<T>(op, grads + op.x, op.ldx, grads + op.y, values + op.z, op.ldz,
                                 op.x_grad == GradMode::ACCUMULATE);
        if (op.z_grad != GradMode::SKIP)
            multiply_backward<T>(op, grads + op.z, op.ldz, grads + op.y, values + op.x, op.ldx,
                                 op.z_grad == GradMode::ACCUMULATE);
    }

    void forward(const AddConstants &op) { add_constants<T>(op, values + op.y); }

    void forward(const Attention &op) {
        attention_forward<T>(op, values + op.y, values + op.shares, values + op.x, mask_of(op),
                             scratch);
    }

    void backward(const Attention &op) {
        if (op.x_grad == GradMode::SKIP) return;
        if (op.x_grad == GradMode::ASSIGN) clear(grads + op.x, 3 * op.heads * op.size * op.ldx);
        attention_backward<T>(op, grads + op.x, grads + op.y, values + op.x, values + op.shares,
                              mask_of(op), scratch);
    }

    const T *mask_of(const Attention &op) const {
        return op.mask == NOWHERE ? nullptr : values + op.mask;
    }

    void forward(const ParametricReLU &op) {
        prelu_forward<T>(op, values + op.y, values + op.x, params + op.weight);
    }

    void backward(const ParametricReLU &op) {
        T *dx = op.x_grad == GradMode::SKIP ? nullptr : grads + op.x;
        prelu_backward<T>(op, dx, param_grads + op.weight, grads + op.y, values + op.x,
                          params + op.weight, op.x_grad == GradMode::ACCUMULATE,
                          adds(op.weight_grad));
    }

    void forward(const Normalize &op) {
        normalize_forward<T>(op, values + op.y, values + op.moments, values + op.x,
                             parameter(op.weight), parameter(op.bias));
    }

    void backward(const Normalize &op) {
        T *dw = begin_grad(op.weight, op.weight_grad, op.weights);
        T *db = begin_grad(op.bias, op.bias_grad, op.weights);
        const T *g = grads + op.y, *x = values + op.x, *moments = values + op.moments;
        if (dw || db) normalize_param_grads<T>(op, dw, db, g, x, moments);
        if (op.x_grad != GradMode::SKIP)
            normalize_backward<T>(op, grads + op.x, g, x, moments, parameter(op.weight),
                                  op.x_grad == GradMode::ACCUMULATE);
    }

    RunningMoments<T> running_moments(const BatchNormalize &op) const {
        auto row = [&]<class N>(int64_t number, int64_t count, N *) -> N * {
            if (number == NOWHERE) return nullptr;
            return static_cast<N *>(args.running[number]) + replica * count;
        };
        return {row(op.running_mean, op.channels, (T *)nullptr),
                row(op.running_var, op.channels, (T *)nullptr),
                row(op.num_batches, 1, (int64_t *)nullptr)};
    }

    void forward(const BatchNormalize &op) {
        T *y = values + op.y, *x = values + op.x;
        const T *w = parameter(op.weight), *b = parameter(op.bias);
        if (op.training)
            batch_norm_forward<T>(op, y, workspace + op.moments, x, w, b, running_moments(op),
                                  chunk.n, args.batch_columns);
        else
            batch_norm_apply<T>(op, y, x, w, b, running_moments(op), args.batch_columns);
    }

    void backward(const BatchNormalize &op) {
        T *dx = op.x_grad == GradMode::SKIP ? nullptr : grads + op.x;
        T *dw = begin_grad(op.weight, op.weight_grad, op.channels);
        T *db = begin_grad(op.bias, op.bias_grad, op.channels);
        batch_norm_backward<T>(op, dx, dw, db, grads + op.y, values + op.x, workspace + op.moments,
                               parameter(op.weight), chunk.n, args.batch_columns,
                               op.x_grad == GradMode::ACCUMULATE);
    }

    void forward(const DrawMask &op) {
        const DropoutState &state = args.dropouts[op.layer];
        const int64_t use = state.first_use + (args.first_batch + chunk.number) * state.uses + op.use;
        draw_mask<T>(values + op.mask, op.ld, op.draws, args.batch_columns,
                     chunk.place * op.num_lanes + op.lane, op.num_lanes, use, state.keys[replica],
                     state.limits[replica], T(state.scales[replica]));
    }

    void forward(const Drop &op) {
        multiply_mask<T>(op, values + op.y, values + op.x, values + op.mask, false);
    }

    void backward(const Drop &op) {
        if (op.x_grad != GradMode::SKIP)
            multiply_mask<T>(op, grads + op.x, grads + op.y, values + op.mask,
                             op.x_grad == GradMode::ACCUMULATE);
    }

    void forward(const LessEqual &op) {
        less_equal_forward<T>(op, values + op.y, values + op.shares, values + op.x);
    }

    void backward(const LessEqual &op) {
        if (op.x_grad == GradMode::SKIP) return;
        less_equal_backward<T>(op, grads + op.x, grads + op.y, values + op.y, values + op.shares,
                               op.x_grad == GradMode::ACCUMULATE);
    }

    GradRows<T> grad_rows(int64_t place, int64_t ld, GradMode mode) const {
        return {mode == GradMode::SKIP ? nullptr : grads + place, ld, mode == GradMode::ACCUMULATE};
    }

    void forward(const Distance &op) {
        distance_forward<T>(op, values + op.y, values + op.x, values + op.z);
    }

    void backward(const Distance &op) {
        distance_backward<T>(op, grad_rows(op.x, op.ldx, op.x_grad),
                             grad_rows(op.z, op.ldz, op.z_grad), grads + op.y, values + op.y,
                             values + op.x, values + op.z);
    }

    void forward(const Cosine &op) {
        cosine_forward<T>(op, values + op.y, values + op.lengths, values + op.x, values + op.z);
    }

    void backward(const Cosine &op) {
        cosine_backward<T>(op, grad_rows(op.x, op.ldx, op.x_grad),
                           grad_rows(op.z, op.ldz, op.z_grad), grads + op.y, values + op.y,
                           values + op.lengths, values + op.x, values + op.z);
    }

    // Where a parameter's gradient is to be added up, or null where there is none.
    T *begin_grad(int64_t offset, GradMode mode, int64_t count) {
        if (offset == NOWHERE || mode == GradMode::SKIP) return nullptr;
        if (!adds(mode)) clear(param_grads + offset, count);
        return param_grads + offset;
    }

    // A loss writes its gradient on the way forward.
    void forward(const ElementwiseTerm &op) {
        const T *v = sample_weights(op.sample_weights);
        const double count = !op.divisor ? 1
                             : v         ? double(sum_over_batch(v)) * op.divisor
                                         : double(chunk.batch * op.divisor);
        add_loss(op, count, [&](T scale, bool accumulate) {
            if (v)
                return weighted_elementwise_loss<T>(op, values + op.x, values + op.t, grads + op.x,
                                                    v, chunk.order, chunk.n, args.batch_columns,
                                                    scale, accumulate);
            return elementwise_loss<T>(op, values + op.x, values + op.t, grads + op.x, chunk.n,
                                       args.batch_columns, scale, accumulate);
        });
    }

    void forward(const CrossEntropy &op) {
        const Labels classes{target<int64_t>(op.target), op.places, op.place};
        const T *v = sample_weights(op.sample_weights);
        const double count = !op.mean ? 1
                             : v      ? double(sum_over_batch(v))
                                      : class_weight_sum(op);
        add_loss(op, count, [&](T scale, bool accumulate) {
            T *x = values + op.x, *g = grads + op.x, *scratch = values + op.scratch;
            const bool plain = !op.has_shares && op.label_smoothing == 0 && !op.class_weights &&
                               op.ignore_index < 0 && !v;
            if (plain)
                return cross_entropy<T>(x, classes, chunk.order, g, scratch, op.ldx, op.rows,
                                        chunk.n, args.batch_columns, scale, op.log_probabilities,
                                        accumulate);
            return weighted_cross_entropy<T>(op, x, classes, chunk.order, g, scratch,
                                             values + op.t, v, chunk.n, args.batch_columns, scale,
                                             accumulate);
        });
    }

    void forward(const MultiMargin &op) {
        add_loss(op, op.mean ? double(chunk.batch) : 1, [&](T scale, bool accumulate) {
            return multi_margin_loss<T>(op, values + op.x, Labels{target<int64_t>(op.target), 1, 0},
                                        chunk.order, grads + op.x, chunk.n, args.batch_columns,
                                        scale, accumulate);
        });
    }

    // How much each sample counts (N), or null where all count the same.
    const T *sample_weights(int64_t number) const {
        return number == NOWHERE ? nullptr : target<T>(number);
    }

    T sum_over_batch(const T *v) const {
        const int64_t *order = chunk.order - chunk.place;
        T total = 0;
        for (int64_t i = 0; i < chunk.batch; i++) total += v[order[i]];
        return total;
    }

    // What the samples of a batch count in the mean, at all their places.
    double class_weight_sum(const CrossEntropy &op) const {
        const int64_t count = chunk.batch * op.places;
        if (op.has_shares || (!op.class_weights && op.ignore_index < 0)) return double(count);
        const int64_t *classes = target<int64_t>(op.target), *order = chunk.order - chunk.place;
        T total = 0;
        for (int64_t i = 0; i < count; i++) {
            const int64_t label = classes[order[i / op.places] * op.places + i % op.places];
            if (label == op.ignore_index || label < 0 || label >= op.rows) continue;
            total += op.class_weights ? T(op.class_weights[label]) : T(1);
        }
        return double(total);
    }

    void forward(const GaussianTerm &op) {
        const double weight = args.loss_weights[op.term * args.replicas + replica];
        const double count = op.mean ? double(chunk.batch * op.rows) : 1;
        losses[op.term] += T(weight) * (gaussian_loss<T>(op, values, grads, chunk.n,
                                                         args.batch_columns,
                                                         T(weight * chunk.weight / count)) /
                                        T(count));
    }

    // f(scale of the gradient, whether it is added): the sum of the losses; `count` divides it.
    // Where nothing counts there is no gradient, and the loss is what smoothing adds.
    template <class Op, class F> void add_loss(const Op &op, double count, F f) {
        const bool accumulate = op.x_grad == GradMode::ACCUMULATE;
        const double weight = args.loss_weights[op.term * args.replicas + replica];
        if (weight == 0 || (count == 0 && !smooths(op))) {
            for (int64_t i = 0; i < op.rows && !accumulate; i++)
                clear(grads + op.x + i * op.ldx, args.batch_columns);
            return;
        }
        const double share = count == 0 ? 0 : weight * chunk.weight / count;
        losses[op.term] += T(weight) * (f(T(share), accumulate) / T(count == 0 ? 1 : count));
    }

    // Whether samples of classes that weigh 0 have a loss all the same.
    static bool smooths(const CrossEntropy &op) {
        return op.class_weights && op.label_smoothing != 0;
    }
    template <class Op> static bool smooths(const Op &) { return false; }

    void forward(const StoreOutput &op) {
        if (!args.outputs) return;
        T *y = static_cast<T *>(args.outputs[op.head]);
        y += (replica * args.samples + chunk.first) * op.features + op.first;
        store_rows(y, op.features, values + op.x, op.ldx, op.rows, chunk.n);
    }

    // f(Winograd of the kind that the operation asks for); false where it asks for none.
    template <class F> bool try_winograd(const Convolution &op, F f) {
        return dispatch_winograd(op, workspace, scratch, f);
    }

    template <class Op> void prepare(const Op &) {}  // the others have their weights in one form

    void prepare(const Convolution &op) {
        const T *weight = params + op.weight;
        if (!try_winograd(op, [&](auto winograd) { winograd.transform_weight(weight); }))
            if (op.x_grad != GradMode::SKIP)
                transpose_weight<T>(op, workspace + op.workspace, weight);
    }

    void forward(const Convolution &op) {
        T *x = values + op.x, *y = values + op.y;
        const T *bias = parameter(op.bias);
        if (!try_winograd(op, [&](auto winograd) { winograd.forward(y, x, bias); }))
            conv_forward<T>(op, y, x, params + op.weight, bias, false);
    }

    void backward(const Convolution &op) {
        T *dx = op.x_grad == GradMode::SKIP ? nullptr : grads + op.x;
        T *x = values + op.x, *g = grads + op.y;
        if (op.x_grad == GradMode::ASSIGN) clear(dx, op.C * op.H * op.W * op.n);
        const bool accumulate = !chunk.opens_share;
        if (try_winograd(op, [&](auto winograd) { winograd.backward(dx, g, x, accumulate); }))
            return;
        if (op.weight_grad != GradMode::SKIP)
            conv_weight_grad<T>(op, param_grads + op.weight, g, x, adds(op.weight_grad));
        if (dx) conv_input_grad<T>(op, dx, g, workspace + op.workspace);
    }

    void finish_weight_grad(const Convolution &op) {
        if (op.weight_grad == GradMode::SKIP) return;
        const bool accumulate = op.weight_grad == GradMode::ACCUMULATE || !chunk.opens_step;
        T *dw = param_grads + op.weight;
        try_winograd(op, [&](auto winograd) { winograd.inverse_weight_grad(dw, accumulate); });
    }

    void prepare(const TransposedConvolution &op) {
        transpose_weight<T>(op, workspace + op.workspace, params + op.weight);
    }

    void forward(const TransposedConvolution &op) {
        conv_transposed_forward<T>(op, values + op.y, values + op.x, workspace + op.workspace,
                                   parameter(op.bias));
    }

    void backward(const TransposedConvolution &op) {
        const T *g = grads + op.y;
        if (op.weight_grad != GradMode::SKIP)
            conv_weight_grad<T>(op, param_grads + op.weight, values + op.x, g,
                                adds(op.weight_grad));
        if (op.x_grad != GradMode::SKIP)
            conv_forward<T>(op, grads + op.x, g, params + op.weight, nullptr,
                            op.x_grad == GradMode::ACCUMULATE);
    }

    void forward(const Resample &op) { resample_forward<T>(op, values + op.y, values + op.x); }

    void backward(const Resample &op) {
        if (op.x_grad == GradMode::SKIP) return;
        if (op.x_grad == GradMode::ASSIGN) clear(grads + op.x, op.C * op.channel_size);
        resample_backward<T>(op, grads + op.x, grads + op.y);
    }

    void forward(const Pool &op) { pool_forward<T>(op, values + op.y, values + op.x); }

    void backward(const Pool &op) {
        if (op.x_grad == GradMode::SKIP) return;
        if (op.x_grad == GradMode::ASSIGN) clear(grads + op.x, op.C * op.channel_size);
        pool_backward<T>(op, grads + op.x, grads + op.y, values + op.x);
    }

    void forward(const Pad &op) { pad_forward<T>(op, values + op.y, values + op.x); }

    void backward(const Pad &op) {
        if (op.x_grad == GradMode::SKIP) return;
        pad_backward<T>(op, grads + op.x, grads + op.y, op.x_grad == GradMode::ACCUMULATE);
    }

    template <class Op> void backward(const Op &) {}  // the others have no gradient to hand on
};
