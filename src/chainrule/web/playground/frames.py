"""What is seen of a side after an epoch: maps, layers, units; numbers of the real nets."""

from __future__ import annotations

from math import isqrt
from typing import Any

import torch
from torch import Tensor

from chainrule.nn import Flatten
from chainrule.nn.inspect.trace import trace_layers
from chainrule.nn.module import Module
from chainrule.train.inference import TO_PROBABILITIES, eval_mode, loss_name
from chainrule.train.layer_stats import layer_stats
from chainrule.web.playground.samples import GRID, MAX_IMAGES, PlaygroundSamples, encode_bytes
from chainrule.web.playground.side import Side

__all__ = ["build_frame", "encode_signed", "recent_curves", "unit_maps"]

THUMBNAIL = 16
"""Points a side of a unit's map."""

MAX_UNITS = 64
"""Units of a layer that are drawn."""

MAX_WEIGHTS = 8192
"""Entries of a weight that are drawn."""

QUANTILES = torch.tensor([0.1, 0.9], dtype=torch.float64)

STATS_SAMPLES = 200
"""Training samples that the layers are looked at with."""


def build_frame(side: Side, epoch: int, k: int) -> dict[str, Any]:
    """All that is drawn of a side but for the curves, as JSON data; layers and units of seed k."""
    shown = side.look_at(epoch)
    net = side.plain_net(k)
    return {
        "epoch": shown,
        "map": decision_map(side, shown) if side.samples.is_plane else None,
        "right": share_right(side, shown) if side.samples.is_image else None,
        "layers": layer_rows(side, net),
        "units": unit_maps(net, side.samples),
        "weights": weight_images(net),
        "diverged": [str(each) for each in side.trainer.history.diverged],
        "backend": str(side.trainer.backend_status),
    }


def recent_curves(side: Side, start: int) -> dict[str, dict[str, Any]]:
    """Name → the curve from epoch ``start`` on, as JSON data: None where there is no number.

    ``seeds`` has a row an epoch, a number a seed; ``mean``, ``low`` and ``high`` are over those
    that have not diverged: the band is from the 10th to the 90th percentile.
    """
    return {
        name: summarize_rows(curve[start:]) for name, curve in side.trainer.history.curves.items()
    }


def summarize_rows(rows: Tensor) -> dict[str, Any]:
    """The values of the seeds and their mean and band    rows (epochs, K)"""
    low, high = torch.nanquantile(rows, QUANTILES, 1) if len(rows) else (rows, rows)
    return {
        "seeds": replace_nonfinite(rows.tolist()),
        "mean": replace_nonfinite(rows.nanmean(1).tolist()),
        "low": replace_nonfinite(low.tolist()),
        "high": replace_nonfinite(high.tolist()),
    }


@torch.no_grad()
def decision_map(side: Side, epoch: int) -> dict[str, str]:
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
        return encode_map(told.mean(0), told.std(0, correction=0), (low, high), span / 2)
    if samples.outputs == 2:
        chance = predict_classes(side, y)[..., 1]
        return encode_map(chance.mean(0), chance.std(0, correction=0), (0.0, 1.0), 0.5)
    share, choice = choose_classes(y).mean(0).max(-1)
    return encode_map(choice, 1 - share, (0.0, float(samples.outputs - 1)), 1.0)


def encode_map(
    mean: Tensor, spread: Tensor, limits: tuple[float, float], widest: float
) -> dict[str, str]:
    """Mean and spread as bytes, from the least to the largest that there can be."""
    return {"mean": encode_bytes(mean, *limits), "spread": encode_bytes(spread, 0.0, widest)}


def choose_classes(y: Tensor) -> Tensor:
    """1 for the class with the largest output, else 0    y, result (K, N, L)"""
    return torch.zeros_like(y).scatter_(-1, y.argmax(-1, keepdim=True), 1.0)


def predict_classes(side: Side, y: Tensor) -> Tensor:
    """What nets say of each class, as their loss takes outputs    y, result (K, N, L)

    A loss that knows no probabilities gives 1 for the class that is chosen, else 0.
    """
    loss = loss_name(side.plain_loss())
    if loss == "CrossEntropyLoss" and y.shape[-1] == 2:  # a softmax of two, and much faster
        p = (y[..., 1] - y[..., 0]).sigmoid()
        return torch.stack([1 - p, p], -1)
    if loss not in TO_PROBABILITIES:
        return choose_classes(y)
    p = TO_PROBABILITIES[loss](y)
    return p / p.sum(-1, keepdim=True).clamp_min(1e-9)


@torch.no_grad()
def share_right(side: Side, epoch: int) -> list[float]:
    """For the first test images, the share of nets that tell them rightly."""
    test = side.samples.test
    n = min(MAX_IMAGES, len(test))
    y = side.predict(test.inputs[:n], epoch)
    is_right = y.argmax(-1) == torch.as_tensor(test.targets)[:n]
    return [round(share, 3) for share in is_right.double().mean(0).tolist()]


def layer_rows(side: Side, net: Module) -> list[dict[str, Any]]:
    """What the first training samples do in each layer of a net, on the way forward and back."""
    train = side.samples.train
    some = train.subset(torch.arange(min(STATS_SAMPLES, len(train))))
    rows = layer_stats(net.train(), some.inputs, some.targets, side.plain_loss())
    return [
        {name: replace_nonfinite(value) for name, value in row.as_row().items()} for row in rows
    ]


def replace_nonfinite(value: Any) -> Any:
    """JSON has no nan and no infinity: None for them, in lists too."""
    if isinstance(value, list):
        return [replace_nonfinite(each) for each in value]
    is_none = isinstance(value, float) and (value != value or abs(value) == float("inf"))
    return None if is_none else value


@torch.no_grad()
def unit_maps(net: Module, samples: PlaygroundSamples) -> dict[str, Any]:
    """Path → what each unit of a layer gives: over the plane, its rows from the top; of other data
    for so many training samples, one a point. A channel counts by its mean.

    Each unit from its own least (0) to its largest (255) value; which are in "low" and "high".
    """
    size = min(THUMBNAIL, isqrt(len(samples.train)))
    maps: dict[str, Any] = {}

    def add_map(path: str, layer: Module, x: Any, y: Any) -> None:
        if isinstance(y, Tensor) and y.dim() > 1 and not isinstance(layer, Flatten):
            units = y.reshape(*y.shape[:2], -1).mean(-1)[:, :MAX_UNITS].T
            maps[path] = encode_units(units, size)

    x = thin_grid(samples, size) if samples.is_plane else samples.train.inputs[: size * size]
    with eval_mode(net):
        trace_layers(net, x, add_map)
    return maps


def thin_grid(samples: PlaygroundSamples, size: int) -> Tensor:
    """A map's points with so many a side."""
    if size == GRID:
        return samples.grid
    places = torch.linspace(0, GRID - 1, size).round().long()
    return samples.grid.reshape(GRID, GRID, 2)[places][:, places].reshape(-1, 2)


def encode_units(values: Tensor, size: int) -> dict[str, Any]:
    """Each unit (units, size²) by its own range."""
    low, high = values.amin(1), values.amax(1)
    share = (values - low[:, None]) / (high - low).clamp_min(1e-12)[:, None]
    return {
        "size": size,
        "data": encode_bytes(share, 0.0, 1.0),
        "low": replace_nonfinite(low.tolist()),
        "high": replace_nonfinite(high.tolist()),
    }


def weight_images(net: Module) -> dict[str, Any]:
    """Path of a parameter → its entries as rows (outputs, all else), where they are not too many"""
    return {
        path: encode_signed(parameter.data.reshape(len(parameter.data), -1))
        for path, parameter in net.named_parameters()
        if parameter.data.dim() and parameter.data.numel() <= MAX_WEIGHTS
    }


def encode_signed(values: Tensor) -> dict[str, Any]:
    """Numbers (rows, columns) from −limit (0) to limit (255), the largest of their sizes."""
    limit = float(values.abs().nan_to_num(0.0).max())
    rows, columns = values.shape
    data = encode_bytes(values, -limit, limit)
    return {"rows": rows, "columns": columns, "limit": limit, "data": data}
