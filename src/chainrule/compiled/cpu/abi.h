// Made by chainrule.compiled.abi: not to be edited.
#pragma once

#include <cstdint>

constexpr int64_t NOWHERE = -1;
constexpr int64_t THREADS_PER_REPLICA = 2;

// How an operation writes a gradient: not at all, as the first to do so, or as one of several.
//
// What is accumulated is 0 before: at the start of each chunk of samples for the gradient of a
// value, of each share of a batch for that of a parameter. A parameter's gradient is assigned in
// the first chunk of a share, and accumulated in the others.
enum class GradMode : int64_t { SKIP = 0, ASSIGN = 1, ACCUMULATE = 2 };

// The functions of an Activation.
enum class ActivationKind : int64_t { IDENTITY = 0, RELU = 1, LEAKY_RELU = 2, TANH = 3, SIGMOID = 4, ELU = 5, HARDTANH = 6, SOFTSIGN = 7, SOFTMAX = 8, LOG_SOFTMAX = 9 };

// The functions of a Map.
enum class MapKind : int64_t { IDENTITY = 0, LEAKY_RELU = 1, ELU = 2, GELU = 3, GELU_TANH = 4, SILU = 5, SOFTPLUS = 6, EXP = 7, NEGATIVE = 8, CELU = 9, MISH = 10, LOG_SIGMOID = 11, TANHSHRINK = 12, HARDSHRINK = 13, SOFTSHRINK = 14, HARDSIGMOID = 15, HARDSWISH = 16, THRESHOLD = 17 };

// The functions of an ElementwiseTerm.
enum class LossKind : int64_t { MSE = 0, L1 = 1, SMOOTH_L1 = 2, HUBER = 3, BCE = 4, BCE_WITH_LOGITS = 5, KL_DIV = 6, KL_DIV_LOG = 7, POISSON = 8, POISSON_FULL = 9, POISSON_LOG = 10, POISSON_LOG_FULL = 11, HINGE_EMBEDDING = 12, SOFT_MARGIN = 13, MARGIN_RANKING = 14, COSINE_EMBEDDING = 15, TRIPLET_MARGIN = 16 };

// The optimizers that the kernel knows; AdamW is Adam with decoupled decay.
enum class UpdateRule : int64_t { SGD = 0, ADAM = 1, NADAM = 2, RADAM = 3, ADAGRAD = 4, RMSPROP = 5, ADADELTA = 6, ADAMAX = 7, RPROP = 8, ASGD = 9, ADAFACTOR = 10, MUON = 11 };

// y (rows, n) = the inputs' features from ``first`` on; a sample has ``features`` of them.
struct LoadInput {
    int64_t first;
    int64_t features;
    int64_t rows;
    int64_t y;
    int64_t ldy;
};

// y (count · width, n) = the rows of W that the inputs' whole numbers from ``first`` on name
//
// A sample has ``features`` of them, of which these are ``count``. dW: each row's += Σ g where it
// is named, but for the row ``padding``. A number that names no row of ``num_rows`` gives nan.
struct Lookup {
    int64_t weight;
    int64_t num_rows;
    int64_t width;
    int64_t padding;
    int64_t first;
    int64_t features;
    int64_t count;
    int64_t y;
    int64_t ldy;
    GradMode weight_grad;
};

// t (rows, n) = a target of ``rows`` numbers a sample.
struct LoadTarget {
    int64_t target;
    int64_t rows;
    int64_t t;
    int64_t ldt;
};

// t (rows, n) = high in the row of a sample's class, else low; one row: high for class 1.
struct OneHot {
    int64_t target;
    int64_t rows;
    int64_t t;
    int64_t ldt;
    double low;
    double high;
};

// y (m, n) = W (m, k) x (k, n) + b, or += with ``accumulate``
//
// dW = g xᵀ,   dx = Wᵀ g
struct Matmul {
    int64_t weight;
    int64_t ldw;
    int64_t bias;
    int64_t x;
    int64_t ldx;
    int64_t y;
    int64_t ldy;
    int64_t m;
    int64_t k;
    int64_t n;
    bool accumulate;
    GradMode weight_grad;
    GradMode x_grad;
};

// y (rows, n) = f(y) in place, where f has up to two constants.
//
// g ← g f'(y), in place too;   db = the sums of g, each over ``rows_per_bias`` rows
struct Activation {
    ActivationKind kind;
    int64_t y;
    int64_t ldy;
    int64_t rows;
    int64_t n;
    double alpha;
    double beta;
    int64_t bias;
    int64_t rows_per_bias;
    GradMode bias_grad;
};

// y (rows, n) = f(x), or += f(x) with ``accumulate``; f has up to two constants.
//
// dx = g f'(x)
struct Map {
    MapKind kind;
    int64_t x;
    int64_t ldx;
    int64_t y;
    int64_t ldy;
    int64_t rows;
    int64_t n;
    double alpha;
    double beta;
    bool accumulate;
    GradMode x_grad;
};

// y (rows, n) = ``scale`` x z, or += with ``accumulate``        x, z (rows, n)
//
// dx = scale g z,   dz = scale g x
struct Multiply {
    int64_t x;
    int64_t ldx;
    int64_t z;
    int64_t ldz;
    int64_t y;
    int64_t ldy;
    int64_t rows;
    int64_t n;
    double scale;
    bool accumulate;
    GradMode x_grad;
    GradMode z_grad;
};

// y (rows, blocks, n) += ``constants`` (rows, blocks), in place; g stays as it is.
struct AddConstants {
    int64_t y;
    int64_t ldy;
    int64_t rows;
    int64_t blocks;
    int64_t n;
    const double *constants;
};

// y (E, T, n): of each step t of T the sum of the values vₛ, each times P[t, s], head by head
//
// x (3 E, T, n): the queries q, the keys k and the values v, of E features, ``size`` a head.
// P = softmax over s of qₜ · kₛ ``scale``; with ``causal`` s is at most t. ``shares`` (heads, T,
// T, n) keeps P. With a ``mask`` (heads, T, T, n) of rows ldm apart the values are times P m.
struct Attention {
    int64_t x;
    int64_t ldx;
    int64_t y;
    int64_t ldy;
    int64_t shares;
    int64_t mask;
    int64_t ldm;
    int64_t heads;
    int64_t size;
    int64_t steps;
    int64_t n;
    bool causal;
    double scale;
    GradMode x_grad;
};

// y = x where x > 0, else w x        x, y (rows, n), a w for each ``rows_per_weight`` rows
//
// dx = g where x > 0, else w g;   dw = Σ g x where x ≤ 0
struct ParametricReLU {
    int64_t weight;
    int64_t x;
    int64_t y;
    int64_t rows;
    int64_t n;
    int64_t rows_per_weight;
    GradMode weight_grad;
    GradMode x_grad;
};

// y = w (x − μ) / √(σ² + ε) + b, μ and σ² over each ``group_rows`` rows        x, y (rows, n)
//
// Row r has weight and bias number (r / ``rows_per_weight``) mod ``weights``. ``moments``
// (2 groups, n): μ and 1 / √(σ² + ε), kept for the way back. Where it is not ``centred`` μ is 0.
// An ε below 0 is that of the numbers' type.
struct Normalize {
    int64_t weight;
    int64_t bias;
    int64_t x;
    int64_t y;
    int64_t moments;
    int64_t rows;
    int64_t n;
    int64_t group_rows;
    int64_t rows_per_weight;
    int64_t weights;
    double eps;
    bool centred;
    GradMode weight_grad;
    GradMode bias_grad;
    GradMode x_grad;
};

// y = w (x − μ) / √(σ² + ε) + b of each channel, of ``pixels`` rows        x, y (rows, n)
//
// In training μ and σ² are those of ``lanes`` (num_lanes), blocks of the batch, which has to be
// one chunk, and move the running ones; else the running ones. ``running_mean``, ``running_var``,
// ``num_batches``: which of the buffers they are, or NOWHERE. ``momentum`` below 0: the running
// ones are the mean of all batches. ``moments`` (3, channels) of a step's workspace: the rounded
// mean, the rest of it, 1 / √(σ² + ε).
struct BatchNormalize {
    bool training;
    int64_t weight;
    int64_t bias;
    int64_t running_mean;
    int64_t running_var;
    int64_t num_batches;
    int64_t x;
    int64_t y;
    int64_t n;
    int64_t channels;
    int64_t pixels;
    const int64_t *lanes;
    int64_t num_lanes;
    int64_t moments;
    double eps;
    double momentum;
    GradMode weight_grad;
    GradMode bias_grad;
    GradMode x_grad;
};

// m (draws, n), drawn anew for n samples of a lane: 0 with probability p, else 1 / (1 − p)
//
// ``layer``: which dropout it is of; ``use``: which of its uses in a step. A use has ``num_lanes``
// blocks of the batch, and this is number ``lane``: so the draws of a sample are numbered.
struct DrawMask {
    int64_t layer;
    int64_t use;
    int64_t mask;
    int64_t ld;
    int64_t draws;
    int64_t lane;
    int64_t num_lanes;
};

// y = x m        x, y (rows, n), m (rows / pixels, n): each ``pixels`` rows share one of m
//
// dx = g m
struct Drop {
    int64_t x;
    int64_t y;
    int64_t mask;
    int64_t rows;
    int64_t n;
    int64_t pixels;
    GradMode x_grad;
};

// y (2, n) = (log P(i > j), log P(i ≤ j)), i and j drawn from softmax x₁ and softmax x₂
//
// x (2 classes, n): the logits x₁, then x₂. ``shares`` (6 classes, n): the logarithms of both
// softmaxes, and of their sums up to each entry and from each on.
struct LessEqual {
    int64_t x;
    int64_t y;
    int64_t shares;
    int64_t classes;
    int64_t n;
    GradMode x_grad;
};

// y (1, n) = d = ‖x − z + ε‖ₚ        x, z (rows, n)
//
// dx = g s |s|ᵖ⁻² / dᵖ⁻¹ with s = x − z + ε,   dz = −dx
struct Distance {
    int64_t x;
    int64_t ldx;
    int64_t z;
    int64_t ldz;
    int64_t y;
    int64_t rows;
    int64_t n;
    double p;
    double eps;
    GradMode x_grad;
    GradMode z_grad;
};

// y (1, n) = c = x · z / (|x| |z|), |x|² = Σ x² + ε        x, z (rows, n)
//
// dx = g (z / |z| − c x / |x|) / |x|, and so for z. ``lengths`` (2, n) keeps |x| and |z|.
struct Cosine {
    int64_t x;
    int64_t ldx;
    int64_t z;
    int64_t ldz;
    int64_t y;
    int64_t lengths;
    int64_t rows;
    int64_t n;
    double eps;
    GradMode x_grad;
    GradMode z_grad;
};

// loss += weights[term] Σ w f(x, t), divided by the batch's samples times ``divisor``
//
// x, t (rows, n). Divisor 0: it is a sum. ``row_weights``, ``positive_weights`` (rows), or
// nothing: w, and how much a yes counts for BCE_WITH_LOGITS. ``sample_weights``: the number of the
// target that says how much each sample counts, or NOWHERE; the mean is then over these.
struct ElementwiseTerm {
    LossKind kind;
    int64_t term;
    int64_t divisor;
    double constant;
    int64_t rows;
    int64_t x;
    int64_t ldx;
    int64_t t;
    int64_t ldt;
    const double *row_weights;
    const double *positive_weights;
    int64_t sample_weights;
    GradMode x_grad;
};

// loss −= weights[term] Σ Σ q log softmax x, or its mean        x (rows, n), ``ldx`` apart
//
// A sample has a class at each of its ``places``; this is of those at ``place``.
//
// q is 1 at the sample's class and 0 elsewhere, or t (rows, n) with ``has_shares``; then (1 − s) q
// + s / rows, s = ``label_smoothing``; then times the ``class_weights`` (rows), where there are
// some. The mean is over the weights of the samples' classes. The class ``ignore_index`` has no
// loss. With ``log_probabilities``, x are logarithms of probabilities. ``scratch`` (rows, n) has
// room for the softmax. ``sample_weights`` as in ElementwiseTerm.
struct CrossEntropy {
    int64_t target;
    int64_t term;
    bool mean;
    bool log_probabilities;
    int64_t places;
    int64_t place;
    int64_t rows;
    int64_t x;
    int64_t ldx;
    int64_t scratch;
    bool has_shares;
    int64_t t;
    double label_smoothing;
    int64_t ignore_index;
    const double *class_weights;
    int64_t sample_weights;
    GradMode x_grad;
};

// loss += weights[term] Σ ½ (log v + (x − t)² / v), or its mean; v = max(var, ε)
//
// x, t (rows, n)   var (rows or 1, n). ``full`` adds ½ log 2π.
struct GaussianTerm {
    int64_t term;
    bool mean;
    bool full;
    double eps;
    int64_t rows;
    int64_t x;
    int64_t ldx;
    int64_t var_rows;
    int64_t var;
    int64_t ldvar;
    int64_t t;
    int64_t ldt;
    GradMode x_grad;
    GradMode var_grad;
};

// loss += weights[term] Σ w Σ max(0, m − xₜ + xₗ)ᵖ / rows over l ≠ t, or its mean
//
// x (rows, n); t is the sample's class, w its weight of the ``class_weights`` (rows), or 1; p is 2
// where it is ``squared``, else 1.
struct MultiMargin {
    int64_t target;
    int64_t term;
    bool mean;
    bool squared;
    double margin;
    int64_t rows;
    int64_t x;
    int64_t ldx;
    const double *class_weights;
    GradMode x_grad;
};

// The outputs of a head, its features from ``first`` on, = x (rows, n).
struct StoreOutput {
    int64_t head;
    int64_t features;
    int64_t first;
    int64_t rows;
    int64_t x;
    int64_t ldx;
};

// y (O, h, w, n) = W ⋆ x + b        x (C, H, W, n)   W (O, C, window)
//
// ``window_offsets`` (C window_size): where a window's entries lie, from its first one;
// ``run_offsets`` (num_runs): where runs of ``run_length`` neighbouring windows begin in x.
// ``winograd`` R: by winograd.h, for windows of R x R, in tiles of ``tile`` x ``tile`` results,
// ``block_tiles`` of them of ``block_samples`` samples at a time; 0: as they are. ``workspace``:
// what it keeps for a step, within that of all operations.
struct Convolution {
    int64_t weight;
    int64_t bias;
    int64_t x;
    int64_t y;
    int64_t n;
    int64_t C;
    int64_t H;
    int64_t W;
    int64_t O;
    int64_t h;
    int64_t w;
    int64_t window_size;
    int64_t num_runs;
    int64_t run_length;
    const int64_t *window_offsets;
    const int64_t *run_offsets;
    int64_t winograd;
    int64_t tile;
    bool bfloat16;
    int64_t block_tiles;
    int64_t block_samples;
    int64_t workspace;
    GradMode weight_grad;
    GradMode x_grad;
};

// y (C, H, W, n) = the sum of W's copies, each times an entry of x, + b        x (O, h, w, n)
//
// W (O, C, window); y's windows, and all fields, are as if y were the x of a Convolution. dx = W ⋆
// g, dW = Σ the windows of g, each times its x.
struct TransposedConvolution {
    int64_t weight;
    int64_t bias;
    int64_t x;
    int64_t y;
    int64_t n;
    int64_t C;
    int64_t H;
    int64_t W;
    int64_t O;
    int64_t h;
    int64_t w;
    int64_t window_size;
    int64_t num_runs;
    int64_t run_length;
    const int64_t *window_offsets;
    const int64_t *run_offsets;
    int64_t workspace;
    GradMode weight_grad;
    GradMode x_grad;
};

// y (C, windows, n) = the maximum or mean of each window of x (C, channel_size)
//
// ``window_offsets`` (window_size): where a window's entries lie, from its first one;
// ``starts`` (windows): where the windows begin in a channel of x. ``divisors`` (windows), where
// they are not the window's size: what the sums of a mean are divided by.
struct Pool {
    bool mean;
    int64_t x;
    int64_t y;
    int64_t n;
    int64_t C;
    int64_t channel_size;
    int64_t windows;
    int64_t window_size;
    const int64_t *window_offsets;
    const int64_t *starts;
    const double *divisors;
    GradMode x_grad;
};

// y (C, h, w, n) = x (C, H, W, n) with a margin of ``fill`` around; one below 0 is cut off.
struct Pad {
    int64_t x;
    int64_t y;
    int64_t n;
    int64_t C;
    int64_t H;
    int64_t W;
    int64_t h;
    int64_t w;
    int64_t top;
    int64_t left;
    double fill;
    GradMode x_grad;
};

// y (C, pixels, n): of each channel of x (C, channel_size), sums of rows times their weights
//
// Pixel i is made of the entries from ``starts[i]`` to ``starts[i + 1]`` of ``sources``, which say
// where in a channel the rows lie, and of ``weights``.        dx += g times these weights
struct Resample {
    int64_t x;
    int64_t y;
    int64_t n;
    int64_t C;
    int64_t channel_size;
    int64_t pixels;
    const int64_t *starts;
    const int64_t *sources;
    const double *weights;
    GradMode x_grad;
};

enum class OpCode : int64_t { LOAD_INPUT = 0, LOOKUP = 1, LOAD_TARGET = 2, ONE_HOT = 3, MATMUL = 4, ACTIVATION = 5, MAP = 6, MULTIPLY = 7, ADD_CONSTANTS = 8, ATTENTION = 9, PARAMETRIC_RE_L_U = 10, NORMALIZE = 11, BATCH_NORMALIZE = 12, DRAW_MASK = 13, DROP = 14, LESS_EQUAL = 15, DISTANCE = 16, COSINE = 17, ELEMENTWISE_TERM = 18, CROSS_ENTROPY = 19, GAUSSIAN_TERM = 20, MULTI_MARGIN = 21, STORE_OUTPUT = 22, CONVOLUTION = 23, TRANSPOSED_CONVOLUTION = 24, POOL = 25, PAD = 26, RESAMPLE = 27 };

union OperationArgs {
    LoadInput load_input;
    Lookup lookup;
    LoadTarget load_target;
    OneHot one_hot;
    Matmul matmul;
    Activation activation;
    Map map;
    Multiply multiply;
    AddConstants add_constants;
    Attention attention;
    ParametricReLU parametric_re_l_u;
    Normalize normalize;
    BatchNormalize batch_normalize;
    DrawMask draw_mask;
    Drop drop;
    LessEqual less_equal;
    Distance distance;
    Cosine cosine;
    ElementwiseTerm elementwise_term;
    CrossEntropy cross_entropy;
    GaussianTerm gaussian_term;
    MultiMargin multi_margin;
    StoreOutput store_output;
    Convolution convolution;
    TransposedConvolution transposed_convolution;
    Pool pool;
    Pad pad;
    Resample resample;
};

// An operation: which it is, and its fields.
struct Operation {
    OpCode code;
    OperationArgs args;
};

// f of an operation's fields
template <class F> void visit(const Operation &op, F f) {
    switch (op.code) {
    case OpCode::LOAD_INPUT: return f(op.args.load_input);
    case OpCode::LOOKUP: return f(op.args.lookup);
    case OpCode::LOAD_TARGET: return f(op.args.load_target);
    case OpCode::ONE_HOT: return f(op.args.one_hot);
    case OpCode::MATMUL: return f(op.args.matmul);
    case OpCode::ACTIVATION: return f(op.args.activation);
    case OpCode::MAP: return f(op.args.map);
    case OpCode::MULTIPLY: return f(op.args.multiply);
    case OpCode::ADD_CONSTANTS: return f(op.args.add_constants);
    case OpCode::ATTENTION: return f(op.args.attention);
    case OpCode::PARAMETRIC_RE_L_U: return f(op.args.parametric_re_l_u);
    case OpCode::NORMALIZE: return f(op.args.normalize);
    case OpCode::BATCH_NORMALIZE: return f(op.args.batch_normalize);
    case OpCode::DRAW_MASK: return f(op.args.draw_mask);
    case OpCode::DROP: return f(op.args.drop);
    case OpCode::LESS_EQUAL: return f(op.args.less_equal);
    case OpCode::DISTANCE: return f(op.args.distance);
    case OpCode::COSINE: return f(op.args.cosine);
    case OpCode::ELEMENTWISE_TERM: return f(op.args.elementwise_term);
    case OpCode::CROSS_ENTROPY: return f(op.args.cross_entropy);
    case OpCode::GAUSSIAN_TERM: return f(op.args.gaussian_term);
    case OpCode::MULTI_MARGIN: return f(op.args.multi_margin);
    case OpCode::STORE_OUTPUT: return f(op.args.store_output);
    case OpCode::CONVOLUTION: return f(op.args.convolution);
    case OpCode::TRANSPOSED_CONVOLUTION: return f(op.args.transposed_convolution);
    case OpCode::POOL: return f(op.args.pool);
    case OpCode::PAD: return f(op.args.pad);
    case OpCode::RESAMPLE: return f(op.args.resample);
    }
}

// The numbers of an update rule, for one replica: a row of the table.
//
// ``beta2`` is how long squares are remembered, whatever the optimizer calls it.
struct Hyperparameters {
    double lr;
    double weight_decay;
    double momentum;
    double dampening;
    double beta1;
    double beta2;
    double eps;
    double lr_decay;
    double momentum_decay;
    double eta_minus;
    double eta_plus;
    double min_step;
    double max_step;
    double lambd;
    double alpha;
    double t0;
    double eps2;
    double beta2_decay;
    double d;
};

// Which update rule, and what in it is on; ``first_momentum``: it has no value yet.
struct OptimizerFlags {
    UpdateRule rule;
    bool maximize;
    bool weight_decay;
    bool momentum;
    bool nesterov;
    bool decoupled;
    bool amsgrad;
    bool centered;
    bool first_momentum;
};

// A parameter of so many ``numbers``, which ``begin`` there in a replica's row.
//
// They are matrices of rows × columns; 0 × 0 where there is one axis or none. Its statistics begin
// at its ``row_place``, ``col_place`` or ``variance_place`` in those of its group. ``scale``: what
// Muon multiplies its steps by.
struct ParameterShape {
    int64_t begin;
    int64_t numbers;
    int64_t rows;
    int64_t columns;
    int64_t row_place;
    int64_t col_place;
    int64_t variance_place;
    double scale;
};

// So many ``steps`` of X ← a X + (b A + c A²) X, A = X Xᵀ.
struct NewtonSchulz {
    int64_t steps;
    double a;
    double b;
    double c;
};

// The parameters from ``begin`` to ``end`` of a row, and how they are moved.
//
// ``hyperparameters`` (rows, K); ``step``: how many the optimizer has done before the epoch;
// ``mu_product`` (K), of NAdam alone, in float32 or float64. ``shapes``: of Adafactor and Muon
// alone, and of Adafactor ``row_var`` (K, row_size), ``col_var`` and ``variance``.
struct ParameterGroup {
    int64_t begin;
    int64_t end;
    int64_t step;
    OptimizerFlags flags;
    const Hyperparameters *hyperparameters;
    void *mu_product;
    bool mu_product_is_float;
    const ParameterShape *shapes;
    int64_t num_shapes;
    NewtonSchulz newton_schulz;
    void *row_var;
    int64_t row_size;
    void *col_var;
    int64_t col_size;
    void *variance;
    int64_t variance_size;
};

// What a dropout's draws follow from, each (K): ``keys``, ``limits``, ``scales``.
//
// A word below the limit drops; what is kept is multiplied by the scale. ``first_use``: the number
// of the first use of the epoch; ``uses``: how many there are in a step.
struct DropoutState {
    const int64_t *keys;
    const int64_t *limits;
    const double *scales;
    int64_t first_use;
    int64_t uses;
};

// An epoch of a cohort: the program, the memory it works in, and the data.
//
// ``batch_columns``: padded samples of a chunk, a part of a batch that goes through all layers at
// once. ``accumulated_values``, ``accumulated_parameters``: (place, count) of gradients that
// several operations add to. ``workspace`` (num_workers, worker_size) is at first 0; as many
// replicas work at once, or THREADS_PER_REPLICA workers for each. ``stop`` may be set meanwhile.
struct EpochArgs {
    const Operation *ops;
    int64_t num_ops;
    int64_t batch_columns;
    int64_t activation_size;
    int64_t step_workspace;
    int64_t scratch;
    const int64_t *accumulated_values;
    const int64_t *accumulated_parameters;
    int64_t num_accumulated_values;
    int64_t num_accumulated_parameters;
    int64_t replicas;
    int64_t samples;
    int64_t batch_size;
    int64_t accumulate;
    int64_t parameters;
    int64_t moved;
    int64_t num_workers;
    int64_t worker_size;
    void *workspace;
    void *params;
    void *grads;
    void *momentum;
    void *mean;
    void *mean_square;
    void *extra;
    const void *inputs;
    double input_scale;
    int64_t input_stride;
    const double *input_fill;
    const double *input_mean;
    const double *input_factor;
    const int32_t *rows;
    int64_t rows_stride;
    const void **targets;
    const int64_t *target_strides;
    void **outputs;
    int64_t num_heads;
    void **running;
    const DropoutState *dropouts;
    const int64_t *order;
    int64_t order_stride;
    int64_t first_batch;
    int64_t first_step;
    void *losses;
    int64_t num_terms;
    bool *finite;
    const bool *active;
    const double *loss_weights;
    const double *clip_norm;
    const double *clip_value;
    const ParameterGroup *groups;
    int64_t num_groups;
    int64_t steps_per_row;
    volatile int64_t stop;
};
