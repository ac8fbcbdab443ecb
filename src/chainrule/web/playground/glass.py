"""Into the net: where a gradient comes from, what a unit responds to, how a layer is written."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from chainrule.nn.inspect.trace import trace_layers
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.train.inference import eval_mode
from chainrule.web.playground.encoding import encode_image, encode_signed, encode_units
from chainrule.web.playground.samples import GRID, PlaygroundSamples
from chainrule.web.playground.side import Side

__all__ = ["explain_layer", "explain_unit", "explain_weight"]

STEP = 1e-6
"""Of the finite difference, relative to the weight's size where that is above 1."""

MAX_TERMS = 200
"""Samples of a batch whose terms are told apart; a batch is cut to them."""

STRONGEST = 12
"""Training images that a unit is shown with."""

DERIVATIONS = {
    "Linear": "linear",
    "Conv2d": "convolution",
    "MaxPool2d": "pooling",
    "AvgPool2d": "pooling",
    "BatchNorm1d": "normalization",
    "BatchNorm2d": "normalization",
    "LayerNorm": "normalization",
    "Dropout": "dropout",
    "Softmax": "softmax",
    "LogSoftmax": "softmax",
}
"""Layer → the page that derives it; of any other here it is that of the activations."""


def explain_layer(layer: Module) -> dict[str, Any]:
    """Its formula and its source, as they stand in the package."""
    kind = type(layer)
    own = kind.__module__.startswith("chainrule.")
    return {
        "label": layer.label(),
        "formula": inspect.getdoc(kind) or "",
        "sources": [
            {"name": f"{home.__module__}.{home.__qualname__}", "source": inspect.getsource(home)}
            for home in written_classes(kind)
        ],
        "derivation": DERIVATIONS.get(kind.__name__, "activations") if own else None,
    }


def written_classes(kind: type[Module]) -> Iterator[type]:
    """The class, and those above it up to the one that has its forward."""
    for home in kind.__mro__:
        yield home
        if "forward" in vars(home):
            return


@torch.no_grad()
def explain_weight(side: Side, k: int, epoch: int, path: str, index: Any) -> dict[str, Any]:
    """dL/dw of one weight as the sum over the samples of the next batch, in float64.

    The term of sample n is what the layer's chain rule adds for dL/dy of that sample alone; the
    rule is linear in dL/dy, so the terms sum to the gradient. Beside it the finite difference
    (L(w + h) − L(w − h)) / 2h of the whole net. Raises ValueError for a weight that there is not.
    """
    inputs, targets, which = side.next_batch(k, epoch)
    x = inputs[:MAX_TERMS].double()
    target = targets[:MAX_TERMS]
    target = target.double() if target.is_floating_point() else target
    net = copy.deepcopy(finite_net(side, k)).to(torch.float64).train()
    layer_path, _, name = path.rpartition(".")
    place = find_place(net, path, index)
    grad, uses = backward_with_uses(side, net, x, target, layer_path)
    terms = sum_terms(net, layer_path, name, place, uses)
    h = STEP * max(1.0, abs(find_parameter(net, path).data[place].item()))
    difference = (
        loss_after_shift(side, net, x, target, path, place, h)
        - loss_after_shift(side, net, x, target, path, place, -h)
    ) / (2 * h)
    return {
        "path": path,
        "index": list(place),
        "value": find_parameter(net, path).data[place].item(),
        "grad": find_parameter(grad, path).grad[place].item(),
        "sum": terms.sum().item(),
        "terms": terms.tolist(),
        "factors": describe_factors(net, layer_path, name, place, uses),
        "samples": which[: len(x)].tolist(),
        "targets": target.flatten().tolist()[: len(x)],
        "inputs": x.tolist() if side.samples.is_plane else None,
        "difference": difference,
        "step": h,
        "batch": len(x),
    }


def finite_net(side: Side, k: int) -> Module:
    """Seed k's net. Raises ValueError where it has diverged: there is nothing to explain."""
    net = side.plain_net(k)
    if not all(p.data.isfinite().all() for p in net.parameters()):
        raise ValueError(
            f"the weights of seed {k} are not finite any more: choose another, or an earlier epoch"
        )
    return net


def find_place(net: Module, path: str, index: Any) -> tuple[int, ...]:
    """The index into a parameter. Raises ValueError where it has no such entry."""
    shapes = {name: p.data.shape for name, p in net.named_parameters()}
    if path not in shapes:
        raise ValueError(f"no parameter {path!r}; there are: {', '.join(shapes)}")
    shape = shapes[path]
    fits = isinstance(index, list) and len(index) == len(shape)
    fits = fits and all(
        isinstance(i, int) and 0 <= i < size for i, size in zip(index, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{path}: no entry {index} in {tuple(shape)}")
    return tuple(index)


def find_parameter(net: Module, path: str) -> Parameter:
    """The parameter at a path."""
    return dict(net.named_parameters())[path]


Use = tuple[Tensor, Tensor]
"""The input of a layer, and dL/dy of its output."""


def backward_with_uses(
    side: Side, net: Module, x: Tensor, target: Tensor, layer_path: str
) -> tuple[Module, list[Use]]:
    """(a copy of the net with its gradients, what each use of a layer was given)."""
    uses: list[list[Tensor]] = []

    def note_use(path: str, layer: Module, x: Any, y: Any) -> Any:
        if path != layer_path:
            return None
        uses.append([x])
        return uses[-1].append

    net = copy.deepcopy(net)
    net.zero_grad()
    y, rule = trace_layers(net, x, note_use)
    value, loss_rule = side.loss.forward(y, target)
    rule(loss_rule(torch.ones_like(value)))
    return net, [(use[0], use[1]) for use in uses]


def sum_terms(
    net: Module, layer_path: str, name: str, place: tuple[int, ...], uses: list[Use]
) -> Tensor:
    """What each sample adds to a weight's gradient, by the layer's own chain rule    (N,)"""
    total = torch.zeros(len(uses[0][0]), dtype=torch.float64)
    for x, g in uses:
        for n in range(len(x)):
            layer = copy.deepcopy(dict(net.named_modules())[layer_path])
            layer.zero_grad()
            if layer.depends_on_batch:
                alone = torch.zeros_like(g)
                alone[n] = g[n]
                layer.forward(x)[1](alone)
            else:
                layer.forward(x[n : n + 1])[1](g[n : n + 1])
            total[n] += dict(layer.local_parameters())[name].grad[place]
    return total


def describe_factors(
    net: Module, layer_path: str, name: str, place: tuple[int, ...], uses: list[Use]
) -> dict[str, list[float]] | None:
    """Of a Linear used once, the two factors of each term: g of its unit and x of its input."""
    layer = dict(net.named_modules())[layer_path]
    x, g = uses[0]
    if type(layer).__name__ != "Linear" or len(uses) > 1 or x.dim() != 2:
        return None
    unit = g[:, place[0]].tolist()
    return {"g": unit, "x": x[:, place[1]].tolist() if name == "weight" else [1.0] * len(unit)}


def loss_after_shift(
    side: Side,
    net: Module,
    x: Tensor,
    target: Tensor,
    path: str,
    place: tuple[int, ...],
    h: float,
) -> float:
    """L of the whole net with one weight moved by h; its draws are the same each time."""
    moved = copy.deepcopy(net)
    find_parameter(moved, path).data[place] += h
    y, _ = moved.forward(x)
    return float(side.loss.forward(y, target)[0])


@torch.no_grad()
def explain_unit(side: Side, k: int, path: str, unit: int) -> dict[str, Any]:
    """What a unit responds to: over the plane its map; of images those that move it most.

    And the weights that lead to it, as an image where its inputs are one. Raises ValueError where
    there is no such unit.
    """
    net, samples = finite_net(side, k), side.samples
    y = layer_output(net, path, samples.train.inputs[:1000])
    if not 0 <= unit < y.shape[1]:
        raise ValueError(f"layer {path} has no unit {unit}: it has {y.shape[1]}")
    found: dict[str, Any] = {"path": path, "unit": unit, "map": None, "images": None}
    response = y[:, unit].reshape(len(y), -1).amax(1)
    found["mean"], found["zeros"] = response.mean().item(), (response == 0).double().mean().item()
    if samples.is_plane and y.dim() == 2:
        found["map"] = unit_map(net, samples, path, unit)
    if samples.is_image:
        best = response.topk(min(STRONGEST, len(response))).indices
        found["images"] = [encode_image(samples.train.inputs[i, 0]) for i in best.tolist()]
    found["weights"] = incoming_weights(net, samples, path, unit)
    return found


def unit_map(net: Module, samples: PlaygroundSamples, path: str, unit: int) -> dict[str, Any]:
    """One unit over the plane."""
    y = layer_output(net, path, samples.grid)
    return {**encode_units([y[:, unit : unit + 1].T])[0], "size": GRID}


def layer_output(net: Module, path: str, x: Tensor) -> Tensor:
    """What a layer gives in a net. Raises ValueError where there is no such layer."""
    found: list[Tensor] = []

    def note_output(at: str, layer: Module, x: Any, y: Any) -> None:
        if at == path and isinstance(y, Tensor) and y.dim() > 1:
            found.append(y)

    with eval_mode(net):
        trace_layers(net, x, note_output)
    if not found:
        raise ValueError(f"no layer {path!r} with units")
    return found[0]


def incoming_weights(
    net: Module, samples: PlaygroundSamples, path: str, unit: int
) -> dict[str, Any] | None:
    """The weights of the last layer with any up to this one, of one unit of it."""
    found: tuple[str, Tensor] | None = None
    for at, layer in net.named_modules():
        own = dict(layer.local_parameters())
        if "weight" in own and own["weight"].data.dim() > 1:
            found = f"{at}.weight", own["weight"].data
        if at == path:
            break
    if found is None or unit >= len(found[1]):
        return None
    row = found[1][unit]
    picture = row.reshape(1, -1)
    if row.dim() == 3:
        picture = row.reshape(-1, row.shape[-1])
    elif samples.is_image and row.numel() == samples.train.inputs[0].numel():
        picture = row.reshape(samples.shape[-2:])
    return {**encode_signed(picture), "path": found[0], "shape": list(row.shape)}
