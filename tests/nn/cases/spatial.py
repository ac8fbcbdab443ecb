"""Convolution, upsampling, padding, pooling, normalization, dropout, embedding."""

from __future__ import annotations

import torch
from torch import nn as tnn

from chainrule import nn
from tests.nn.cases import Case, same

CONVOLUTIONS = [
    same("Conv1d", 2, 3, 3, shape=(4, 2, 7)),
    same("Conv1d", 2, 4, 3, 2, 1, shape=(3, 2, 8)),
    same("Conv1d", 2, 3, 3, shape=(2, 7)),
    same("Conv1d", 4, 2, 2, dilation=3, groups=2, bias=False, shape=(3, 4, 8)),
    same("Conv1d", 3, 3, 3, padding="same", shape=(2, 3, 5), keeps_shape=True),
    same("Conv1d", 2, 3, 4, padding=2, padding_mode="circular", shape=(2, 2, 6)),
    same("Conv2d", 1, 3, 3, shape=(4, 1, 6, 5)),
    same("Conv2d", 2, 3, (3, 2), shape=(3, 2, 5, 5)),
    same("Conv2d", 2, 3, 3, shape=(2, 5, 6)),
    same("Conv2d", 2, 3, 3, bias=False, shape=(1, 2, 5, 5)),
    same("Conv2d", 2, 3, 1, shape=(2, 2, 3, 3)),
    same("Conv2d", 3, 3, 3, padding=1, shape=(2, 3, 4, 4), keeps_shape=True),
    same("Conv2d", 2, 3, 3, stride=2, padding=1, shape=(2, 2, 6, 7)),
    same("Conv2d", 2, 3, 3, stride=(2, 3), padding=(1, 0), shape=(2, 2, 7, 8)),
    same("Conv2d", 2, 3, 2, stride=3, shape=(2, 2, 7, 8)),
    same("Conv2d", 2, 3, 3, dilation=2, shape=(2, 2, 7, 6)),
    same("Conv2d", 2, 3, 2, stride=2, padding=1, dilation=(1, 3), shape=(2, 2, 6, 7)),
    same("Conv2d", 4, 6, 3, groups=2, shape=(2, 4, 5, 5)),
    same("Conv2d", 3, 6, 3, groups=3, stride=2, padding=1, shape=(2, 3, 5, 5)),
    same("Conv2d", 2, 2, 3, padding="same", shape=(2, 2, 4, 5), keeps_shape=True),
    same("Conv2d", 2, 2, (2, 3), padding="same", dilation=2, shape=(2, 2, 5, 5), keeps_shape=True),
    same("Conv2d", 2, 3, 3, padding="valid", shape=(2, 2, 5, 5)),
    same("Conv2d", 2, 3, 3, padding=(2, 1), padding_mode="reflect", shape=(2, 2, 5, 4)),
    same("Conv2d", 2, 3, 3, padding=2, padding_mode="replicate", shape=(2, 2, 4, 4)),
    same("Conv2d", 2, 3, 3, 2, 1, padding_mode="circular", shape=(2, 2, 5, 4)),
    same("Conv2d", 2, 2, 3, padding="same", padding_mode="circular", shape=(2, 2, 4, 3)),
    same("ConvTranspose1d", 2, 3, 3, shape=(4, 2, 5)),
    same("ConvTranspose1d", 4, 6, 3, 3, 1, 2, groups=2, adds_constants=True, shape=(2, 4, 4)),
    same("ConvTranspose1d", 2, 3, 2, padding=3, dilation=2, shape=(2, 6), bias=False),
    same("ConvTranspose2d", 2, 3, 3, shape=(2, 2, 4, 3)),
    same("ConvTranspose2d", 3, 3, 3, padding=1, shape=(2, 3, 4, 4), keeps_shape=True),
    same("ConvTranspose2d", 2, 3, (2, 3), stride=2, padding=(0, 1), shape=(2, 2, 3, 4)),
    same("ConvTranspose2d", 2, 3, 3, 2, 1, 1, shape=(2, 4, 3)),
    same(
        "ConvTranspose2d",
        4,
        2,
        2,
        1,
        0,
        2,
        groups=2,
        dilation=3,
        adds_constants=True,
        shape=(2, 4, 3, 3),
    ),
]

UPSAMPLING = [
    same("Upsample", scale_factor=2, shape=(2, 3, 4, 5)),
    same("Upsample", size=7, shape=(2, 3, 4)),
    same("Upsample", size=(3, 7), shape=(2, 2, 5, 4)),
    same("Upsample", scale_factor=1.7, shape=(2, 2, 5, 4)),
    same("Upsample", scale_factor=1.7, recompute_scale_factor=True, shape=(2, 2, 5)),
    same("Upsample", scale_factor=2, mode="linear", shape=(2, 3, 4)),
    same("Upsample", size=(3, 7), mode="bilinear", shape=(2, 2, 5, 4)),
    same("Upsample", scale_factor=(2, 1.5), mode="bilinear", shape=(2, 2, 5, 4)),
    same("Upsample", size=(6, 1), mode="bilinear", align_corners=True, shape=(2, 2, 4, 3)),
]

PADDING = [
    same("ZeroPad1d", 2, adds_constants=True, shape=(2, 3, 4)),
    same("ZeroPad2d", (1, 0, 2, 3), adds_constants=True, shape=(2, 3, 4)),
    same("ConstantPad1d", (1, -2), 0.7, adds_constants=True, shape=(3, 5)),
    same("ConstantPad2d", (-1, 2, 1, -2), 0.7, adds_constants=True, shape=(2, 2, 4, 4)),
    same("ReflectionPad1d", 3, shape=(2, 3, 4)),
    same("ReflectionPad2d", (1, 2, 0, 3), shape=(2, 2, 4, 3)),
    same("ReplicationPad1d", (5, 0), shape=(2, 3, 4)),
    same("ReplicationPad2d", 2, shape=(2, 4, 3)),
    same("CircularPad1d", (4, 1), shape=(2, 3, 4)),
    same("CircularPad2d", (1, 2, 0, 3), shape=(2, 2, 4, 3)),
]

POOLING = [
    same("MaxPool1d", 2, shape=(2, 3, 5)),
    same("MaxPool1d", 3, 2, 1, 2, ceil_mode=True, shape=(3, 8)),
    same("AvgPool1d", 2, shape=(3, 7)),
    same("AvgPool1d", 3, 2, 1, True, False, shape=(2, 3, 6)),
    same("AdaptiveAvgPool1d", 3, shape=(2, 3, 7)),
    same("AdaptiveMaxPool1d", 4, shape=(3, 6)),
    same("AdaptiveMaxPool2d", (2, 3), shape=(2, 2, 5, 7)),
    same("AdaptiveMaxPool2d", (None, 2), shape=(2, 4, 5)),
    same("MaxPool2d", 2, shape=(2, 3, 4, 6)),
    same("MaxPool2d", 2, shape=(3, 4, 4)),
    same("MaxPool2d", 2, shape=(2, 2, 5, 5)),
    same("MaxPool2d", (3, 2), stride=(2, 1), shape=(2, 2, 7, 5)),
    same("MaxPool2d", 3, 1, 1, shape=(2, 2, 4, 5), keeps_shape=True),
    same("MaxPool2d", 3, 2, 1, ceil_mode=True, shape=(2, 2, 6, 7)),
    same("MaxPool2d", 2, dilation=(2, 3), stride=1, shape=(2, 2, 6, 6)),
    same("AvgPool2d", 2, shape=(2, 3, 4, 6)),
    same("AvgPool2d", 3, shape=(3, 7, 6)),
    same("AvgPool2d", (3, 2), stride=(2, 1), padding=1, shape=(2, 2, 6, 5)),
    same("AvgPool2d", 3, 2, 1, ceil_mode=True, shape=(2, 2, 6, 7)),
    same("AvgPool2d", 3, 2, 1, True, False, shape=(2, 2, 6, 7)),
    same("AvgPool2d", 3, 1, 1, count_include_pad=False, shape=(2, 2, 4, 5), keeps_shape=True),
    same("AvgPool2d", 2, divisor_override=3, shape=(2, 2, 4, 5)),
    same("AdaptiveAvgPool2d", 1, shape=(2, 3, 4, 5)),
    same("AdaptiveAvgPool2d", (2, 3), shape=(2, 2, 5, 7)),
    same("AdaptiveAvgPool2d", (None, 2), shape=(2, 4, 5)),
    same("AdaptiveAvgPool2d", 5, shape=(2, 2, 3, 4)),
    Case("Maxout(3)", lambda: nn.Maxout(3), (2, 6, 3, 4)),
    Case("Maxout(2) of units", lambda: nn.Maxout(2), (5, 4)),
    Case("Maxout(1)", lambda: nn.Maxout(1), (3, 4), keeps_shape=True),
]

NORMALIZATIONS = [
    same("BatchNorm1d", 3, shape=(5, 3), keeps_shape=True),
    same("BatchNorm1d", 3, shape=(4, 3, 2), keeps_shape=True),
    same("BatchNorm1d", 3, momentum=None, shape=(5, 3)),
    same("BatchNorm1d", 3, eps=0.1, momentum=0.3, affine=False, shape=(5, 3)),
    same("BatchNorm1d", 3, track_running_stats=False, shape=(5, 3)),
    same("BatchNorm1d", 3, bias=False, shape=(5, 3)),
    same("GroupNorm", 2, 4, bias=False, shape=(3, 4)),
    same("BatchNorm2d", 2, shape=(3, 2, 2, 3), keeps_shape=True),
    same("BatchNorm2d", 2, shape=(1, 2, 2, 3)),
    same("BatchNorm2d", 2, affine=False, track_running_stats=False, shape=(3, 2, 2, 3)),
    same("LayerNorm", 4, shape=(3, 4), keeps_shape=True),
    same("LayerNorm", 4, shape=(4,)),
    same("LayerNorm", (2, 4), eps=0.1, shape=(3, 2, 4)),
    same("LayerNorm", 4, bias=False, shape=(2, 3, 4)),
    same("LayerNorm", 4, elementwise_affine=False, shape=(3, 4)),
    same("RMSNorm", 4, shape=(3, 4), keeps_shape=True),
    same("RMSNorm", (2, 4), eps=0.1, shape=(3, 2, 4)),
    same("RMSNorm", 4, elementwise_affine=False, shape=(4,)),
    same("InstanceNorm1d", 3, shape=(2, 3, 5), keeps_shape=True),
    same("InstanceNorm1d", 3, affine=True, shape=(3, 5)),
    same("InstanceNorm2d", 2, eps=0.1, affine=True, shape=(3, 2, 2, 3)),
    same("InstanceNorm2d", 2, 1e-5, 0.3, True, True, shape=(3, 2, 2, 3)),
    same("InstanceNorm1d", 3, track_running_stats=True, momentum=None, shape=(2, 3, 4)),
    same("GroupNorm", 2, 4, shape=(3, 4)),
    same("GroupNorm", 2, 4, shape=(3, 4, 2, 3), keeps_shape=True),
    same("GroupNorm", 1, 3, affine=False, shape=(3, 3, 2)),
    same("GroupNorm", 3, 3, eps=0.1, shape=(1, 3, 4)),
]

DROPOUT = [
    same("Dropout", shape=(4, 3), keeps_shape=True, random=True),
    same("Dropout", 0.2, True, shape=(4, 3, 2), random=True),
    same("Dropout", 0, shape=(5,)),
    same("Dropout2d", shape=(3, 4, 2, 2), keeps_shape=True, random=True),
]


def indices(*shape: int, below: int):
    def draw(seed: int):
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(below, shape, generator=generator)

    return draw


# The padding row gets no gradient although y depends on it: finite differences must not meet it.
EMBEDDING = [
    Case(
        f"Embedding(5, 3{''.join(f', {k}={v}' for k, v in options.items())}) {shape}",
        lambda options=options: nn.Embedding(5, 3, **options),
        twin=lambda options=options: tnn.Embedding(5, 3, **options),
        input=indices(*shape, below=4 if options else 5),
        integer=True,
    )
    for shape, options in [
        ((4,), {}),
        ((4, 3), {}),
        ((2, 3, 2), {"padding_idx": 4}),
        ((12,), {"padding_idx": -1}),
    ]
]

CASES = [*CONVOLUTIONS, *UPSAMPLING, *PADDING, *POOLING, *NORMALIZATIONS, *DROPOUT, *EMBEDDING]
