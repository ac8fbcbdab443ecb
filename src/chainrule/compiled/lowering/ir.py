"""The operations of the kernel: what each computes, and where its numbers lie.

Values lie feature by feature, samples innermost: a matrix (rows, n) in the memory of a worker, its
rows ``ld`` apart; its gradient is at the same place of another array. Parameters lie in their
replica's row of the optimizer's tensor. Places are counted in numbers, from the beginning of that
memory; NOWHERE is no place. The C++ declarations are made of these classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, TypeAlias, get_args

from torch import Tensor

__all__ = [
    "NOWHERE",
    "OPERATIONS",
    "Activation",
    "ActivationKind",
    "AddConstants",
    "Attention",
    "BatchNormalize",
    "Convolution",
    "CrossEntropy",
    "Drop",
    "ElementwiseTerm",
    "GaussianTerm",
    "GradMode",
    "LessEqual",
    "LoadInput",
    "LoadTarget",
    "Lookup",
    "LossKind",
    "Map",
    "MapKind",
    "Matmul",
    "Multiply",
    "Normalize",
    "OneHot",
    "Operation",
    "Pad",
    "ParametricReLU",
    "Pool",
    "Resample",
    "StoreOutput",
    "TransposedConvolution",
]

NOWHERE = -1


class GradMode(IntEnum):
    """How an operation writes a gradient: not at all, as the first to do so, or as one of several.

    What is accumulated is 0 before: at the start of each chunk of samples for the gradient of a
    value, of each share of a batch for that of a parameter. A parameter's gradient is assigned in
    the first chunk of a share, and accumulated in the others.
    """

    SKIP = 0
    ASSIGN = 1
    ACCUMULATE = 2


class ActivationKind(IntEnum):
    """The functions of an Activation."""

    IDENTITY = 0
    RELU = 1
    LEAKY_RELU = 2
    TANH = 3
    SIGMOID = 4
    ELU = 5
    HARDTANH = 6
    SOFTSIGN = 7
    SOFTMAX = 8
    LOG_SOFTMAX = 9


class MapKind(IntEnum):
    """The functions of a Map."""

    IDENTITY = 0
    LEAKY_RELU = 1
    ELU = 2
    GELU = 3
    GELU_TANH = 4
    SILU = 5
    SOFTPLUS = 6
    EXP = 7


class LossKind(IntEnum):
    """The functions of an ElementwiseTerm."""

    MSE = 0
    L1 = 1
    SMOOTH_L1 = 2
    HUBER = 3
    BCE = 4
    BCE_WITH_LOGITS = 5
    KL_DIV = 6
    KL_DIV_LOG = 7


@dataclass(slots=True)
class LoadInput:
    """y (rows, n) = the inputs' features from ``first`` on; a sample has ``features`` of them."""

    first: int
    features: int
    rows: int
    y: int
    ldy: int


@dataclass(slots=True)
class Lookup:
    """y (count · width, n) = the rows of W that the inputs' whole numbers from ``first`` on name

    A sample has ``features`` of them, of which these are ``count``. dW: each row's += Σ g where it
    is named, but for the row ``padding``. A number that names no row of ``num_rows`` gives nan.
    """

    weight: int
    num_rows: int
    width: int
    padding: int
    first: int
    features: int
    count: int
    y: int
    ldy: int
    weight_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class LoadTarget:
    """t (rows, n) = a target of ``rows`` numbers a sample."""

    target: int
    rows: int
    t: int
    ldt: int


@dataclass(slots=True)
class OneHot:
    """t (rows, n) = high in the row of a sample's class, else low; one row: high for class 1."""

    target: int
    rows: int
    t: int
    ldt: int
    low: float
    high: float


@dataclass(slots=True)
class Matmul:
    """y (m, n) = W (m, k) x (k, n) + b, or += with ``accumulate``

    dW = g xᵀ,   dx = Wᵀ g
    """

    weight: int
    ldw: int
    bias: int
    x: int
    ldx: int
    y: int
    ldy: int
    m: int
    k: int
    n: int
    accumulate: bool
    weight_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Activation:
    """y (rows, n) = f(y) in place, where f has up to two constants.

    g ← g f'(y), in place too;   db = the sums of g, each over ``rows_per_bias`` rows
    """

    kind: ActivationKind
    y: int
    ldy: int
    rows: int
    n: int
    alpha: float
    beta: float
    bias: int
    rows_per_bias: int
    bias_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Map:
    """y (rows, n) = f(x), or += f(x) with ``accumulate``; f has up to two constants.

    dx = g f'(x)
    """

    kind: MapKind
    x: int
    ldx: int
    y: int
    ldy: int
    rows: int
    n: int
    alpha: float
    beta: float
    accumulate: bool
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Multiply:
    """y (rows, n) = ``scale`` x z, or += with ``accumulate``        x, z (rows, n)

    dx = scale g z,   dz = scale g x
    """

    x: int
    ldx: int
    z: int
    ldz: int
    y: int
    ldy: int
    rows: int
    n: int
    scale: float
    accumulate: bool
    x_grad: GradMode = GradMode.SKIP
    z_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class AddConstants:
    """y (rows, blocks, n) += ``constants`` (rows, blocks), in place; g stays as it is."""

    y: int
    ldy: int
    rows: int
    blocks: int
    n: int
    constants: Annotated[Tensor, "const double *"]


@dataclass(slots=True)
class Attention:
    """y (E, T, n): of each step t of T the sum of the values vₛ, each times P[t, s], head by head

    x (3 E, T, n): the queries q, the keys k and the values v, of E features, ``size`` a head.
    P = softmax over s of qₜ · kₛ ``scale``; with ``causal`` s is at most t. ``shares`` (heads, T,
    T, n) keeps P.
    """

    x: int
    ldx: int
    y: int
    ldy: int
    shares: int
    heads: int
    size: int
    steps: int
    n: int
    causal: bool
    scale: float
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class ParametricReLU:
    """y = x where x > 0, else w x        x, y (rows, n), a w for each ``rows_per_weight`` rows

    dx = g where x > 0, else w g;   dw = Σ g x where x ≤ 0
    """

    weight: int
    x: int
    y: int
    rows: int
    n: int
    rows_per_weight: int
    weight_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Normalize:
    """y = w (x − μ) / √(σ² + ε) + b, μ and σ² over each ``group_rows`` rows        x, y (rows, n)

    Row r has weight and bias number (r / ``rows_per_weight``) mod ``weights``. ``moments``
    (2 groups, n): μ and 1 / √(σ² + ε), kept for the way back.
    """

    weight: int
    bias: int
    x: int
    y: int
    moments: int
    rows: int
    n: int
    group_rows: int
    rows_per_weight: int
    weights: int
    eps: float
    weight_grad: GradMode = GradMode.SKIP
    bias_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class BatchNormalize:
    """y = w (x − μ) / √(σ² + ε) + b of each channel, of ``pixels`` rows        x, y (rows, n)

    In training μ and σ² are those of ``lanes`` (num_lanes), blocks of the batch, which has to be
    one chunk, and move the running ones; else the running ones. ``running_mean``, ``running_var``,
    ``num_batches``: which of the buffers they are, or NOWHERE. ``momentum`` below 0: the running
    ones are the mean of all batches. ``moments`` (3, channels) of a step's workspace: the rounded
    mean, the rest of it, 1 / √(σ² + ε).
    """

    training: bool
    weight: int
    bias: int
    running_mean: int
    running_var: int
    num_batches: int
    x: int
    y: int
    n: int
    channels: int
    pixels: int
    lanes: Tensor
    num_lanes: int
    moments: int
    eps: float
    momentum: float
    weight_grad: GradMode = GradMode.SKIP
    bias_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Drop:
    """y = x m, m drawn anew: 0 with probability p, else 1 / (1 − p)        x, y (rows, n)

    ``layer``: which dropout it is; ``use``: which of its uses in a step. ``lanes`` (num_lanes):
    blocks of the batch, in the order of a sample's numbers. Each ``pixels`` rows share a draw;
    ``mask`` (rows / pixels, n) keeps them.
    """

    layer: int
    use: int
    x: int
    y: int
    mask: int
    rows: int
    n: int
    pixels: int
    lanes: Tensor
    num_lanes: int
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class LessEqual:
    """y (2, n) = (log P(i > j), log P(i ≤ j)), i and j drawn from softmax x₁ and softmax x₂

    x (2 classes, n): the logits x₁, then x₂. ``shares`` (6 classes, n): the logarithms of both
    softmaxes, and of their sums up to each entry and from each on.
    """

    x: int
    y: int
    shares: int
    classes: int
    n: int
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class ElementwiseTerm:
    """loss += weights[term] Σ w f(x, t), divided by the batch's samples times ``divisor``

    x, t (rows, n). Divisor 0: it is a sum. ``row_weights``, ``positive_weights`` (rows), or
    nothing: w, and how much a yes counts for BCE_WITH_LOGITS. ``sample_weights``: the number of the
    target that says how much each sample counts, or NOWHERE; the mean is then over these.
    """

    kind: LossKind
    term: int
    divisor: int
    constant: float
    rows: int
    x: int
    ldx: int
    t: int
    ldt: int
    row_weights: Annotated[Tensor | None, "const double *"]
    positive_weights: Annotated[Tensor | None, "const double *"]
    sample_weights: int = NOWHERE
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class CrossEntropy:
    """loss −= weights[term] Σ Σ q log softmax x, or its mean        x (rows, n), ``ldx`` apart

    A sample has a class at each of its ``places``; this is of those at ``place``.

    q is 1 at the sample's class and 0 elsewhere, or t (rows, n) with ``has_shares``; then (1 − s) q
    + s / rows, s = ``label_smoothing``; then times the ``class_weights`` (rows), where there are
    some. The mean is over the weights of the samples' classes. The class ``ignore_index`` has no
    loss. With ``log_probabilities``, x are logarithms of probabilities. ``scratch`` (rows, n) has
    room for the softmax. ``sample_weights`` as in ElementwiseTerm.
    """

    target: int
    term: int
    mean: bool
    log_probabilities: bool
    places: int
    place: int
    rows: int
    x: int
    ldx: int
    scratch: int
    has_shares: bool
    t: int
    label_smoothing: float
    ignore_index: int
    class_weights: Annotated[Tensor | None, "const double *"]
    sample_weights: int = NOWHERE
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class GaussianTerm:
    """loss += weights[term] Σ ½ (log v + (x − t)² / v), or its mean; v = max(var, ε)

    x, t (rows, n)   var (rows or 1, n). ``full`` adds ½ log 2π.
    """

    term: int
    mean: bool
    full: bool
    eps: float
    rows: int
    x: int
    ldx: int
    var_rows: int
    var: int
    ldvar: int
    t: int
    ldt: int
    x_grad: GradMode = GradMode.SKIP
    var_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class StoreOutput:
    """The outputs of a head, its features from ``first`` on, = x (rows, n)."""

    head: int
    features: int
    first: int
    rows: int
    x: int
    ldx: int


@dataclass(slots=True)
class Convolution:
    """y (O, h, w, n) = W ⋆ x + b        x (C, H, W, n)   W (O, C, window)

    ``window_offsets`` (C window_size): where a window's entries lie, from its first one;
    ``run_offsets`` (num_runs): where runs of ``run_length`` neighbouring windows begin in x.
    ``winograd`` R: by winograd.h, for windows of R x R, ``block_tiles`` of its tiles of
    ``block_samples`` samples at a time; 0: as they are. ``workspace``: what it keeps for a step,
    within that of all operations.
    """

    weight: int
    bias: int
    x: int
    y: int
    n: int
    C: int
    H: int
    W: int
    O: int  # noqa: E741
    h: int
    w: int
    window_size: int
    num_runs: int
    run_length: int
    window_offsets: Tensor
    run_offsets: Tensor
    winograd: int
    bfloat16: bool
    block_tiles: int
    block_samples: int
    workspace: int
    weight_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class TransposedConvolution:
    """y (C, H, W, n) = the sum of W's copies, each times an entry of x, + b        x (O, h, w, n)

    W (O, C, window); y's windows, and all fields, are as if y were the x of a Convolution. dx = W ⋆
    g, dW = Σ the windows of g, each times its x.
    """

    weight: int
    bias: int
    x: int
    y: int
    n: int
    C: int
    H: int
    W: int
    O: int  # noqa: E741
    h: int
    w: int
    window_size: int
    num_runs: int
    run_length: int
    window_offsets: Tensor
    run_offsets: Tensor
    workspace: int
    weight_grad: GradMode = GradMode.SKIP
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Pool:
    """y (C, windows, n) = the maximum or mean of each window of x (C, channel_size)

    ``window_offsets`` (window_size): where a window's entries lie, from its first one;
    ``starts`` (windows): where the windows begin in a channel of x. ``divisors`` (windows), where
    they are not the window's size: what the sums of a mean are divided by.
    """

    mean: bool
    x: int
    y: int
    n: int
    C: int
    channel_size: int
    windows: int
    window_size: int
    window_offsets: Tensor
    starts: Tensor
    divisors: Annotated[Tensor | None, "const double *"]
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Pad:
    """y (C, h, w, n) = x (C, H, W, n) with a margin of ``fill`` around; one below 0 is cut off."""

    x: int
    y: int
    n: int
    C: int
    H: int
    W: int
    h: int
    w: int
    top: int
    left: int
    fill: float
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class Resample:
    """y (C, pixels, n): of each channel of x (C, channel_size), sums of rows times their weights

    Pixel i is made of the entries from ``starts[i]`` to ``starts[i + 1]`` of ``sources``, which say
    where in a channel the rows lie, and of ``weights``.        dx += g times these weights
    """

    x: int
    y: int
    n: int
    C: int
    channel_size: int
    pixels: int
    starts: Tensor
    sources: Tensor
    weights: Annotated[Tensor, "const double *"]
    x_grad: GradMode = GradMode.SKIP


Operation: TypeAlias = (
    LoadInput
    | Lookup
    | LoadTarget
    | OneHot
    | Matmul
    | Activation
    | Map
    | Multiply
    | AddConstants
    | Attention
    | ParametricReLU
    | Normalize
    | BatchNormalize
    | Drop
    | LessEqual
    | ElementwiseTerm
    | CrossEntropy
    | GaussianTerm
    | StoreOutput
    | Convolution
    | TransposedConvolution
    | Pool
    | Pad
    | Resample
)
OPERATIONS: tuple[type[Any], ...] = get_args(Operation)
