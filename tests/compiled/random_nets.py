"""Small nets of every kind, and how they are to be trained: each drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.nn import LayerError
from chainrule.optim import lr_scheduler

Rate = float | Tensor
Make = Callable[..., optim.Optimizer]


class OwnDescent(optim.Optimizer):
    """p ← p − lr g, somebody's own."""

    def __init__(self, params: Any, lr: Rate = 0.01, replicas: int | None = None) -> None:
        super().__init__(params, {"lr": lr, "maximize": False}, replicas)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        p.sub_(h.lr * g)


OPTIMIZERS: list[Make] = [
    OwnDescent,
    optim.SGD,
    partial(optim.SGD, momentum=0.9, nesterov=True, weight_decay=1e-3),
    partial(optim.SGD, momentum=0.8, dampening=0.3),
    partial(optim.Adam, eps=1e-3),
    partial(optim.Adam, amsgrad=True, weight_decay=1e-2, eps=1e-3),
    partial(optim.AdamW, eps=1e-3),
    partial(optim.RMSprop, momentum=0.5, eps=1e-3),
    partial(optim.RMSprop, centered=True, eps=1e-3),
    partial(optim.Adagrad, weight_decay=1e-2, eps=1e-3),
    partial(optim.NAdam, eps=1e-3),
    partial(optim.RAdam, eps=1e-3),
    partial(optim.Adadelta, eps=1e-3),
    partial(optim.Adamax, eps=1e-3),
    partial(optim.ASGD, t0=3, weight_decay=1e-2),
    partial(optim.Adafactor, eps=(1e-3, 1e-3)),
    partial(optim.Adafactor, eps=(1e-2, 1e-2), d=1.5, weight_decay=1e-2),
    partial(optim.Muon, eps=1e-2),
    partial(optim.Muon, eps=1e-2, nesterov=False, adjust_lr_fn="match_rms_adamw", ns_steps=3),
]
"""Those that divide a gradient by its size have an ε that is above what rounding leaves of 0. Rprop
looks at its sign alone, so it is not among them."""

SCHEDULES: list[Callable[[optim.Optimizer], lr_scheduler.LRScheduler]] = [
    lambda optimizer: lr_scheduler.StepLR(optimizer, 2, 0.7),
    lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.9),
    lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 5),
    lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda n: 1 / (1 + n)),
    lambda optimizer: lr_scheduler.OneCycleLR(
        optimizer, 0.03, total_steps=200, cycle_momentum=False
    ),
]


class Kind(Enum):
    """What targets are: a class, a number or a sign for each output, or a sign for a sample."""

    CLASSES = 0
    NUMBERS = 1
    SIGNS = 2
    SIGN = 3


class Case(NamedTuple):
    """A net, and how it is to be trained; of K replicas, or plain where that is None."""

    net: nn.Module
    criterion: nn.Loss
    make_optimizer: Callable[[nn.Module], optim.Optimizer]
    make_schedule: Callable[[optim.Optimizer], lr_scheduler.LRScheduler] | None
    data: Dataset
    replicas: int | None
    options: dict[str, Any]
    dtype: torch.dtype


def draw_activation(draw: random.Random) -> nn.Module:
    constant = draw.choice((0.0, 0.1, 0.5, 1.5))
    return draw.choice(
        (
            nn.Identity(),
            nn.ReLU(),
            nn.LeakyReLU(constant),
            nn.Tanh(),
            nn.Sigmoid(),
            nn.ELU(constant),
            nn.SELU(),
            nn.Hardtanh(-1.0, 0.5 + constant),
            nn.Softsign(),
            nn.GELU(draw.choice(("none", "tanh"))),
            nn.SiLU(),
            nn.Softplus(),
            nn.CELU(0.1 + constant),
            nn.Mish(),
            nn.LogSigmoid(),
            nn.Hardswish(),
            nn.Softshrink(constant),
            nn.PReLU(),
            nn.LeakyReLU(-0.3),
            nn.Dropout(constant / 2),
        )
    )


def draw_block(draw: random.Random, width: int) -> nn.Module:
    """A module that keeps the width, around an activation or a linear layer."""
    inner = nn.Sequential(draw_activation(draw), nn.Linear(width, width))
    return draw.choice(
        (
            nn.Identity(),
            nn.Identity(),
            nn.BatchNorm1d(width, momentum=draw.choice((0.1, None))),
            nn.LayerNorm(width, eps=0.1),
            nn.RMSNorm(width, eps=0.1),
            nn.Sequential(nn.Linear(width, 2 * width), nn.GLU()),
            nn.GroupNorm(1, width, eps=0.1),
            nn.Residual(inner),
            nn.Sum(inner, nn.Tanh(), nn.Identity()),
            nn.Sequential(nn.Concat(inner, nn.Identity()), nn.Maxout(2)),
            nn.Sequential(
                nn.Concat(inner, nn.Identity()),
                nn.Unflatten(1, (2, width)),
                nn.Unbind(),
                nn.Parallel(nn.Linear(width, width), draw_activation(draw)),
                nn.Sum(nn.Item(0), nn.Item(1)),
            ),
        )
    )


def draw_image_block(draw: random.Random, channels: int) -> nn.Module:
    """A module that keeps the channels of images."""
    return draw.choice(
        (
            nn.Identity(),
            nn.Identity(),
            nn.BatchNorm2d(channels, eps=0.01),
            nn.GroupNorm(1, channels, eps=0.1),
            nn.InstanceNorm2d(channels, eps=0.1, affine=True),
            nn.Dropout2d(0.3),
            nn.PReLU(channels),
            nn.Residual(nn.Conv2d(channels, channels, 3, padding=1)),
            nn.Concat(nn.Identity(), nn.Tanh()),
            nn.Upsample(
                scale_factor=draw.choice((1.5, 2)), mode=draw.choice(("nearest", "bilinear"))
            ),
            nn.ReflectionPad2d(draw.randint(0, 1)),
            nn.ConvTranspose2d(
                channels,
                channels,
                (draw.randint(1, 3), draw.randint(1, 3)),
                draw.choice((1, 2, (1, 2))),
                bias=draw.random() < 0.8,
            ),
        )
    )


def draw_images(draw: random.Random, channels: int) -> list[nn.Module]:
    """Up to three convolutions, each with an activation and perhaps a pooling, before or after."""
    layers: list[nn.Module] = []
    for _ in range(draw.randint(1, 3)):
        out = draw.choice((1, 1, 2, 3, 4, 5, 8, 9, 16, 17))
        stride = draw.choice((1, 1, 1, 2, 3)), draw.choice((1, 1, 1, 2, 3))
        kernel = draw.choice(((3, 3), (2, 2), (1, 1), (draw.randint(1, 5), draw.randint(1, 5))))
        padding = draw.choice((0, 0, 1, (draw.randint(0, 2), draw.randint(0, 2)), "same"))
        if padding == "same":
            stride = (1, 1)
        dilation = draw.choice((1, 1, 1, (draw.randint(1, 2), draw.randint(1, 2))))
        bias = draw.random() < 0.8
        layers += [nn.Conv2d(channels, out, kernel, stride, padding, dilation, bias=bias)]
        after = [draw_activation(draw)]
        if draw.random() < 0.4:
            window = draw.randint(1, 3), draw.randint(1, 3)
            step = draw.choice((None, 1, 2, (1, 2)))
            pool = draw.choice((nn.MaxPool2d(window, step), nn.AvgPool2d(window, step)))
            after.insert(draw.randint(0, 1), pool)
        block = draw_image_block(draw, out)
        layers += [*after, block]
        channels = out * (2 if isinstance(block, nn.Concat) else 1)
    return [*layers, nn.Flatten()]


def draw_sequence(draw: random.Random) -> tuple[list[nn.Module], tuple[int, ...]]:
    """What reads a sequence, and the shape of one."""
    T, width, hidden = draw.randint(1, 4), draw.randint(1, 5), draw.choice((2, 4, 6))
    several, bias, dropout = draw.random() < 0.3, draw.random() < 0.8, draw.choice((0.0, 0.3))
    options: dict[str, Any] = {"bias": bias, "dropout": dropout, "batch_first": True}
    make = draw.choice((nn.RNN, nn.LSTM, nn.GRU, nn.MultiheadAttention, None))
    if make in (None, nn.MultiheadAttention):
        if make is None:
            reader = [
                nn.TransformerEncoderLayer(
                    hidden, 2, 3, layer_norm_eps=0.1, norm_first=several, **options
                )
            ]
        else:
            reader = [nn.MultiheadAttention(hidden, 2, causal=several, **options), nn.Item(0)]
        positions = nn.PositionalEncoding(hidden, batch_first=True)
        return [nn.Linear(width, hidden), positions, *reader, nn.Flatten()], (T, width)
    layers = draw.choice((2, 3)) if several else 1
    layer = make(width, hidden, layers, bidirectional=several, **options)
    last = draw.choice((nn.Select(1, -1), nn.Flatten()))
    return [layer, nn.Item(0), last], (T, width)


def draw_encoder(draw: random.Random) -> tuple[list[nn.Module], tuple[int, ...], int]:
    """The first layers, the shape of a sample, and how many names there are in it, or 0."""
    kind = draw.random()
    if kind < 0.08:
        names, length = draw.randint(2, 9), draw.randint(1, 4)
        table = nn.Embedding(names, draw.randint(1, 5))
        return [table, nn.Flatten()], (length,), names
    if kind < 0.18:
        return *draw_sequence(draw), 0
    if kind < 0.35:
        return [], (draw.randint(1, 20),), 0
    shape = (draw.choice((1, 1, 2, 3, 8)), draw.randint(1, 10), draw.randint(1, 10))
    layers = draw_images(draw, shape[0])
    if kind < 0.85:
        return layers, shape, 0
    share, joint = draw.choice(((True, False), (True, True), (False, False)))
    pair = nn.Siamese(nn.Sequential(*layers), share, joint_batch=joint)
    if not joint and draw.random() < 0.3:
        return [nn.Unbind(), pair, nn.Concat(nn.Item(0), nn.Item(1))], (2, *shape), 0
    return [pair, nn.Flatten()], (2, *shape), 0


def draw_class_loss(draw: random.Random, classes: int) -> nn.Loss:
    """A loss whose targets are classes, of logits."""
    reduction = draw.choice(("mean", "mean", "sum"))
    if draw.random() < 0.3:
        value = draw.choice((nn.MSELoss, nn.SmoothL1Loss, nn.BCEWithLogitsLoss))
        return nn.OneHotLoss(value(reduction=reduction), 0.0, draw.choice((0.8, 1.0)))
    if draw.random() < 0.2:
        weight = draw.choice((None, [draw.uniform(0.2, 3) for _ in range(classes)]))
        return nn.MultiMarginLoss(draw.choice((1, 2)), 0.7, weight, reduction=reduction)
    return nn.CrossEntropyLoss(
        draw.choice((None, None, [draw.uniform(0.2, 3) for _ in range(classes)])),
        ignore_index=draw.choice((-100, -100, 0)),
        label_smoothing=draw.choice((0.0, 0.0, 0.1)),
        reduction=reduction,
    )


def draw_value_loss(draw: random.Random, outputs: int) -> nn.Loss:
    """A loss whose targets are numbers from 0 to 1, of any outputs."""
    reduction = draw.choice(("mean", "mean", "sum"))
    weight = draw.choice((None, [draw.uniform(0.2, 3) for _ in range(outputs)]))
    return draw.choice(
        (
            nn.MSELoss(reduction=reduction),
            nn.L1Loss(reduction=reduction),
            nn.SmoothL1Loss(reduction=reduction, beta=0.3),
            nn.HuberLoss(reduction=reduction, delta=0.4),
            nn.PoissonNLLLoss(full=draw.random() < 0.5, reduction=reduction),
            nn.BCEWithLogitsLoss(weight, reduction=reduction, pos_weight=weight),
            nn.MultiLabelSoftMarginLoss(weight, reduction=reduction),
        )
    )


def draw_comparison(draw: random.Random, outputs: int) -> tuple[list[nn.Module], nn.Loss, Kind]:
    """What gives several outputs, a loss that compares them, and what its targets are."""
    reduction, margin = draw.choice(("mean", "sum")), draw.uniform(0.1, 1)
    loss, kind, count = draw.choice(
        (
            (nn.MarginRankingLoss(margin, reduction=reduction), Kind.SIGNS, 2),
            (nn.CosineEmbeddingLoss(margin - 0.5, reduction=reduction), Kind.SIGN, 2),
            (
                nn.TripletMarginLoss(
                    margin,
                    draw.choice((1.5, 2.0, 3.0)),
                    0.1,
                    draw.random() < 0.5,
                    reduction=reduction,
                ),
                Kind.NUMBERS,
                3,
            ),
        )
    )
    shared = nn.Linear(outputs, outputs)
    heads = [draw.choice((shared, nn.Tanh(), nn.Linear(outputs, outputs))) for _ in range(count)]
    split = [nn.Linear(outputs, count * outputs), nn.Unflatten(1, (count, outputs)), nn.Unbind()]
    return [*split, nn.Parallel(*heads)], loss, kind


def draw_loss(draw: random.Random, outputs: int) -> tuple[list[nn.Module], nn.Loss, Kind]:
    """The last layers, the loss, and what its targets are."""
    if draw.random() < 0.1:
        return draw_comparison(draw, outputs)
    kind, reduction = draw.randint(0, 9), draw.choice(("mean", "mean", "sum"))
    if kind < 3:
        return [], draw_class_loss(draw, outputs), Kind.CLASSES
    if kind == 3:
        ignored = draw.choice((-100, 0))
        return (
            [nn.LogSoftmax(1)],
            nn.NLLLoss(ignore_index=ignored, reduction=reduction),
            Kind.CLASSES,
        )
    if kind == 4:
        return [nn.LogSoftmax(1)], nn.KLDivLoss(draw.choice(("batchmean", reduction))), Kind.NUMBERS
    if kind == 5:
        return [], nn.CrossEntropyLoss(reduction=reduction), Kind.NUMBERS
    if kind == 6:
        return [nn.Sigmoid()], nn.BCELoss(reduction=reduction), Kind.NUMBERS
    if kind == 7:  # not with L1: where all errors have one sign its gradient is zero but for
        return [nn.Softmax(1)], nn.MSELoss(reduction=reduction), Kind.NUMBERS  # rounding
    return [draw_activation(draw)], draw_value_loss(draw, outputs), Kind.NUMBERS


def draw_heads(
    draw: random.Random, width: int, outputs: int
) -> tuple[nn.Module, nn.Loss, dict[str, Kind] | Kind]:
    """The last module, the loss, and what the targets are, of each head."""
    kind = draw.random()
    if kind < 0.06:
        var = nn.Sequential(nn.Linear(width, draw.choice((1, outputs))), nn.Softplus())
        heads = nn.Heads(mean=nn.Linear(width, outputs), var=var)
        return heads, nn.GaussianNLLLoss(full=draw.random() < 0.5, eps=0.1), Kind.NUMBERS
    if kind < 0.2:
        found = {name: draw_loss(draw, outputs) for name in ("a", "b")}
        heads = nn.Heads(
            {name: nn.Sequential(nn.Linear(width, outputs), *f[0]) for name, f in found.items()}
        )
        criterion = nn.MultiLoss(
            {name: f[1] for name, f in found.items()}, {"b": draw.choice((0.0, 0.3))}
        )
        return heads, criterion, {name: f[2] for name, f in found.items()}
    last, criterion, kind_of_target = draw_loss(draw, outputs)
    return nn.Sequential(nn.Linear(width, outputs), *last), criterion, kind_of_target


def draw_net(draw: random.Random, outputs: int) -> Any:
    """(net, loss, what targets are, shape of a sample, names in it), or None."""
    layers, shape, names = draw_encoder(draw)
    try:
        x = torch.zeros(2, *shape, dtype=torch.int64 if names else torch.float32)
        width = nn.Sequential(*layers)(x).shape[1]
    except LayerError:  # images too small for the windows
        return None
    for _ in range(draw.randint(0, 2)):
        features = draw.choice((1, 2, 3, 7, 8, 16, 25, 33))
        layers += [nn.Linear(width, features, bias=draw.random() < 0.8), draw_activation(draw)]
        layers += [draw_block(draw, features)]
        width = features
    last, criterion, kinds = draw_heads(draw, width, outputs)
    return nn.Sequential(*layers, last), criterion, kinds, shape, names


def draw_data(
    draw: random.Random, N: int, lead: tuple[int, ...], dtype: torch.dtype, outputs: int, made: Any
) -> Dataset:
    """Samples of their own for each replica, or the same for all."""
    _, _, kinds, shape, names = made
    generator = torch.Generator().manual_seed(draw.randrange(2**31))
    lead = draw.choice((lead, ()))

    def target(kind: Kind) -> Tensor:
        if kind == Kind.CLASSES:
            return torch.randint(0, outputs, (*lead, N), generator=generator)
        if kind in (Kind.SIGN, Kind.SIGNS):
            shape = () if kind == Kind.SIGN else (outputs,)
            signs = torch.randint(0, 2, (*lead, N, *shape), generator=generator)
            return signs.mul(2).sub(1).to(dtype)
        values = torch.rand(*lead, N, outputs, generator=generator, dtype=torch.float64)
        return values.to(dtype)

    if names:
        x = torch.randint(0, names, (*lead, N, *shape), generator=generator)
    else:
        x = torch.randn(*lead, N, *shape, generator=generator, dtype=torch.float64).to(dtype)
    if isinstance(kinds, dict):
        targets: Any = {name: target(kind) for name, kind in kinds.items()}
    else:
        targets = target(kinds)
    return Dataset(x, targets, lead[0] if lead else None)


def shift_inputs(x: Tensor, seeds: Any, step: int) -> Tensor:
    """An augmentation: each replica's inputs moved by what its seed and the step say."""
    moves = torch.tensor([float(seed + step) / 50 for seed in seeds], dtype=x.dtype)
    return x + moves.reshape(-1, *[1] * (x.dim() - 1))


def draw_options(draw: random.Random, names: int) -> dict[str, Any]:
    """Arguments of the trainer."""
    options: dict[str, Any] = {"batch_size": draw.choice((1, 4, 7, 16, 50))}
    if draw.random() < 0.2:
        options["clip_norm"] = 0.5
    if draw.random() < 0.2:
        options["clip_value"] = 0.1
    if draw.random() < 0.15 and not names:
        options["augment"] = shift_inputs
    if draw.random() < 0.3:
        options["schedule_every"] = "step"
    if draw.random() < 0.2:
        options["accumulate"] = draw.choice((2, 3))
    return options


def draw_optimizer(draw: random.Random, K: int | None) -> Callable[[nn.Module], optim.Optimizer]:
    """With one rate or one a replica; with one group or two; perhaps not of the first parameter."""
    make, groups, frozen = draw.choice(OPTIMIZERS), draw.random() < 0.2, draw.random() < 0.1
    rates = torch.tensor([draw.uniform(0.001, 0.02) for _ in range(K or 1)])
    rate: Rate = 0.01 if K is None or draw.random() < 0.6 else rates

    def build(net: nn.Module) -> optim.Optimizer:
        parameters: Any = [*net.parameters()]
        if isinstance(make, partial) and make.func is optim.Muon:
            lead = 0 if net.replicas is None else 1
            parameters = [each for each in parameters if each.data.dim() - lead == 2]
        if frozen and len(parameters) > 1:
            parameters = parameters[1:]
        if groups and len(parameters) > 1:
            half = len(parameters) // 2
            parameters = [{"params": parameters[:half], "lr": 0.02}, {"params": parameters[half:]}]
        return make(parameters, lr=rate, replicas=net.replicas)

    return build


def draw_case(seed: int, dtype: torch.dtype | None = None) -> Case | None:
    """The net of a seed; None where images are too small, or batches for a norm."""
    draw = random.Random(seed)
    N, K = draw.randint(1, 40), draw.choice((None, 1, 2, 3, 10))
    outputs = draw.choice((1, 2, 3, 8, 10))
    made = draw_net(draw, outputs)
    if made is None:
        return None
    net, criterion, _, _, names = made
    dtype = dtype or draw.choice((torch.float64, torch.float64, torch.float32))
    options = draw_options(draw, names)
    data = draw_data(draw, N, () if K is None else (K,), dtype, outputs, made)
    normed = any(isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d) for each in net.modules())
    if normed and 1 in (N, options["batch_size"], N % options["batch_size"]):
        return None  # a batch of one sample has no variance
    schedule = draw.choice(SCHEDULES) if draw.random() < 0.3 else None
    return Case(net, criterion, draw_optimizer(draw, K), schedule, data, K, options, dtype)


def draw_wide_case(seed: int) -> Case:
    """Windows between multiples of 16 channels, whose products the kernel may do in bfloat16."""
    draw = random.Random(seed)
    channels, size = 16, draw.randint(5, 9)
    layers: list[nn.Module] = []
    shape = (channels, size, size + draw.randint(0, 2))
    for _ in range(draw.randint(1, 2)):
        out, k = draw.choice((16, 32)), draw.choice((2, 3))
        layers += [nn.Conv2d(channels, out, k, padding=draw.randint(0, 1)), nn.Tanh()]
        channels = out
    layers += draw.choice(([], [nn.MaxPool2d(2)], [nn.BatchNorm2d(channels)]))
    layers.append(nn.Flatten())
    width = nn.Sequential(*layers)(torch.zeros(2, *shape)).shape[1]
    generator = torch.Generator().manual_seed(seed)
    N = draw.randint(2, 40)
    x = torch.randn(N, *shape, generator=generator)
    data = Dataset(x, torch.randint(0, 4, (N,), generator=generator))
    net = nn.Sequential(*layers, nn.Linear(width, 4))
    return Case(net, nn.CrossEntropyLoss(), optim.SGD, None, data, 2, {}, torch.float32)
