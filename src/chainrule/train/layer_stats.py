"""What happens in each layer for one batch: on the way forward, and on the way back."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import Any, final

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.nn import Hardtanh, Module, ReLU, Sigmoid, Softsign, Tanh
from chainrule.nn.inspect.trace import trace_layers
from chainrule.nn.loss import Loss

__all__ = ["LayerRow", "layer_stats"]

STEEPEST: dict[type[Module], float] = {Sigmoid: 0.25, Tanh: 1.0, Hardtanh: 1.0, Softsign: 1.0}
"""The largest slope of each activation that has flat ends."""

FLAT = 0.1
"""Flat is where the slope is less than this share of the largest."""


@final
@dataclass(frozen=True)
class LayerRow:
    """One use of one layer; None where a number has no meaning.

    layer       its class; ``output`` is the shape of what it gives for one sample
    mean, std   of all its outputs
    zeros       the share of outputs that are 0
    dead        of ReLU: the share of units (features, channels) that are 0 for every sample
    flat        of Sigmoid, Tanh, Hardtanh, Softsign: the share of outputs where the slope is less
                than a tenth of the largest
    dy          ‖dL/dy‖, y its output
    dw, w       ‖dL/dW‖ and ‖W‖, W its parameters but the bias; dw is of all its uses together
    """

    path: str
    layer: str
    output: tuple[int, ...]
    mean: float
    std: float
    zeros: float
    dead: float | None
    flat: float | None
    dy: float | None
    dw: float | None
    w: float | None

    @property
    def relative(self) -> float | None:
        """‖dL/dW‖ / ‖W‖; None where W is 0 too."""
        return self.dw / self.w if self.dw is not None and self.w else None

    def as_row(self) -> dict[str, Any]:
        """All of it by name, ``relative`` too."""
        return {**asdict(self), "relative": self.relative}


def layer_stats(
    net: Module, x: Any, target: Any = None, criterion: Loss | None = None
) -> list[LayerRow]:
    """One forward and one backward of a plain net: a row for each use of a layer, in order.

    L is the criterion's value; without one, Σ ± y / N with signs drawn once. The net runs in the
    mode that it is in, on a copy: gradients and running statistics of ``net`` stay. Raises
    ValueError for a cohort, and for a target without a criterion or a criterion without a target.
    """
    if net.replicas is not None:
        raise ValueError(f"probe: expected a plain net, such as net.replica(0), got {net.replicas}")
    if (target is None) != (criterion is None):
        raise ValueError("probe: expected a target with its criterion, or neither")
    uses: list[_Use] = []

    def add_use(path: str, layer: Module, x: Any, y: Any) -> Any:
        uses.append(_Use(path, layer, x, y))
        return uses[-1].back

    net = copy.deepcopy(net)
    net.zero_grad()
    with torch.no_grad():
        y, rule = trace_layers(net, x, add_use)
        if criterion is None:
            rule(tree_map(_signs, y))
        else:
            value, loss_rule = criterion.forward(y, target)
            rule(loss_rule(torch.ones_like(value)))
        return [use.row() for use in uses]


def _signs(y: Tensor) -> Tensor:
    """dL/dy of L = Σ ± y / N, for what has a gradient."""
    draw = torch.randint(2, y.shape, generator=seeds.generator(0, "probe")).to(y.device)
    return (2 * draw - 1).to(y.dtype) / max(1, y.shape[0])


@final
class _Use:
    """A layer's input and output, and later dL/dy."""

    def __init__(self, path: str, layer: Module, x: Any, y: Any) -> None:
        self.path, self.layer, self.x, self.y = path, layer, x, y
        self.g: Any = None

    def back(self, g: Any) -> None:
        self.g = g

    def row(self) -> LayerRow:
        y = _flatten(self.y)
        weights = [p for name, p in self.layer.local_parameters() if name != "bias"]
        return LayerRow(
            path=self.path,
            layer=type(self.layer).__name__,
            output=next(tuple(t.shape[1:]) for _, t in named_leaves(self.y)),
            mean=float(y.mean()),
            std=float(y.std(correction=0)),
            zeros=float((y == 0).double().mean()),
            dead=self.dead() if isinstance(self.layer, ReLU) else None,
            flat=self.flat_share(),
            dy=None if self.g is None else float(_flatten(self.g).norm()),
            dw=float(_flatten([p.grad for p in weights]).norm()) if weights else None,
            w=float(_flatten([p.data for p in weights]).norm()) if weights else None,
        )

    def dead(self) -> float:
        """The share of units that no sample makes active."""
        inactive = self.y <= 0
        samples = [axis for axis in range(inactive.dim()) if axis != 1]
        return float(inactive.amin(samples).double().mean())

    def flat_share(self) -> float | None:
        """The share of flat entries; the chain rule of an activation at g = 1 is its slope."""
        steepest = STEEPEST.get(type(self.layer))
        if steepest is None:
            return None
        _, rule = self.layer.forward(self.x)
        slope = rule(torch.ones_like(self.x))
        return float((slope.abs() < FLAT * steepest).double().mean())


def _flatten(value: Any) -> Tensor:
    """All numbers within, in float64."""
    return torch.cat([t.detach().double().flatten() for _, t in named_leaves(value)])
