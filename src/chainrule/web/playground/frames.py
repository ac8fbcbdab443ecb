"""What is seen of a side after an epoch: maps, layers, units; numbers of the real nets."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.nn import Flatten
from chainrule.nn.inspect.trace import trace_layers
from chainrule.nn.module import Module
from chainrule.train.inference import TO_PROBABILITIES, eval_mode, loss_name
from chainrule.web.playground.encoding import (
    Array,
    encode_bytes,
    encode_numbers,
    encode_signed,
    encode_units,
    summarize_seeds,
)
from chainrule.web.playground.layer_numbers import layer_numbers
from chainrule.web.playground.samples import GRID, MAX_IMAGES, PlaygroundSamples
from chainrule.web.playground.side import Side

__all__ = ["MAX_UNITS", "MAX_WEIGHTS", "build_frame", "recent_curves"]

THUMBNAIL = 16
"""Points a side of a unit's map."""

MAX_UNITS = 64
"""Units of a layer that are drawn."""

MAX_WEIGHTS = 8192
"""Entries of a weight that are drawn."""


def build_frame(side: Side, epoch: int, k: int) -> dict[str, Any]:
    """All that is drawn of a side but for the curves; units and weights of seed k."""
    shown = side.look_at(epoch)
    net = side.plain_net(k)
    return {
        "epoch": shown,
        "map": decision_map(side, shown) if side.samples.is_plane else None,
        "right": share_right(side, shown) if side.samples.is_image else None,
        "units": unit_maps(net, side.samples),
        "weights": weight_images(net),
        "layers": layer_numbers(side.layer_stats()),
        "diverged": [str(each) for each in side.trainer.history.diverged],
        "backend": str(side.trainer.backend_status),
    }


def recent_curves(side: Side, start: int) -> dict[str, dict[str, Array]]:
    """Name → the curve from epoch ``start`` on, a row an epoch, see :func:`summarize_seeds`."""
    curves = side.trainer.history.curves
    if not curves:
        return {}
    found = summarize_seeds(torch.cat([curve[start:] for curve in curves.values()]))
    parts = {kind: np.split(array, len(curves)) for kind, array in found.items()}
    return {name: {kind: parts[kind][i] for kind in parts} for i, name in enumerate(curves)}


@torch.no_grad()
def decision_map(side: Side, epoch: int) -> dict[str, Array]:
    """Over the plane, the mean of what the seeds' nets say, and how far they disagree.

    Of two classes the mean probability of class 1, from 0 to 1, and the standard deviation over
    seeds, from 0 to ½; of more, the class that most nets choose, and the share that chooses
    another; of a number the mean and deviation from the least to the largest target.
    """
    samples = side.samples
    y = side.predict(samples.grid, epoch)
    if samples.kind == "regression":
        low, high = float(samples.targets.min()), float(samples.targets.max())
        told = y[..., 0]
        span = (high - low) or 1.0
        return encode_map(*mean_and_deviation(told), (low, high), span / 2)
    if samples.outputs == 2:
        return encode_map(*mean_and_deviation(predict_second_class(side, y)), (0.0, 1.0), 0.5)
    share, choice = choose_classes(y).mean(0).max(-1)
    return encode_map(choice, 1 - share, (0.0, float(samples.outputs - 1)), 1.0)


def encode_map(
    mean: Tensor, spread: Tensor, limits: tuple[float, float], widest: float
) -> dict[str, Array]:
    """Mean and spread as bytes, from the least to the largest that there can be."""
    return {"mean": encode_bytes(mean, *limits), "spread": encode_bytes(spread, 0.0, widest)}


def choose_classes(y: Tensor) -> Tensor:
    """1 for the class with the largest output, else 0    y, result (K, N, L)"""
    return torch.zeros_like(y).scatter_(-1, y.argmax(-1, keepdim=True), 1.0)


def mean_and_deviation(x: Tensor) -> tuple[Tensor, Tensor]:
    """Over the seeds    x (K, …)"""
    mean = x.mean(0)
    return mean, (x - mean).square_().mean(0).sqrt_()


def predict_second_class(side: Side, y: Tensor) -> Tensor:
    """What nets say of the second of two classes, as their loss takes outputs    y (K, N, 2)

    (K, N). A loss that knows no probabilities gives 1 where it is chosen, else 0.
    """
    loss = loss_name(side.loss)
    if loss == "CrossEntropyLoss":  # a softmax of two, and much faster
        return (y[..., 1] - y[..., 0]).sigmoid_()
    if loss not in TO_PROBABILITIES:
        return choose_classes(y)[..., 1]
    p = TO_PROBABILITIES[loss](y)
    return p[..., 1] / p.sum(-1).clamp_min(1e-9)


@torch.no_grad()
def share_right(side: Side, epoch: int) -> Array:
    """For the first test images, the share of nets that tell them rightly."""
    test = side.samples.test
    n = min(MAX_IMAGES, len(test))
    y = side.predict(test.inputs[:n], epoch)
    is_right = y.argmax(-1) == torch.as_tensor(test.targets)[:n]
    return encode_numbers(is_right.double().mean(0))


@torch.no_grad()
def unit_maps(net: Module, samples: PlaygroundSamples) -> dict[str, Any]:
    """Path → what each unit of a layer gives: over the plane, its rows from the top; of other data
    for so many training samples, one a point. A channel counts by its mean.

    Each unit from its own least (0) to its largest (255) value; which are in "low" and "high".
    "all" is how many units there are.
    """
    size = min(THUMBNAIL, isqrt(len(samples.train)))
    shown = thin_grid(samples, size) if samples.is_plane else samples.train.inputs[: size * size]
    found: dict[str, tuple[Tensor, int]] = {}

    def add_layer(path: str, layer: Module, x: Any, y: Any) -> None:
        if isinstance(layer, Flatten) or not isinstance(y, Tensor):
            return
        if y.dim() > 1 and len(y) == len(shown):
            units = y if y.dim() == 2 else y.flatten(2).mean(-1)
            found[path] = units[:, :MAX_UNITS].T, y.shape[1]

    with eval_mode(net):
        trace_layers(net, shown, add_layer)
    maps = encode_units([units for units, _ in found.values()])
    return {
        path: {**encoded, "size": size, "all": count}
        for (path, (_, count)), encoded in zip(found.items(), maps, strict=True)
    }


def thin_grid(samples: PlaygroundSamples, size: int) -> Tensor:
    """A map's points with so many a side."""
    if size == GRID:
        return samples.grid
    places = torch.linspace(0, GRID - 1, size).round().long()
    return samples.grid.reshape(GRID, GRID, 2)[places][:, places].reshape(-1, 2)


def weight_images(net: Module) -> dict[str, Any]:
    """Path of a parameter → its entries as rows (outputs, all else), where they are not too many"""
    return {
        path: encode_signed(parameter.data.reshape(len(parameter.data), -1))
        for path, parameter in net.named_parameters()
        if parameter.data.dim() and parameter.data.numel() <= MAX_WEIGHTS
    }
