"""What happens in each layer for one batch: on the way forward, and on the way back."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import Any, cast, final

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.nn import Hardtanh, Module, ReLU, Sigmoid, Softsign, Tanh
from chainrule.nn.inspect.trace import trace_layers
from chainrule.nn.loss import Loss

__all__ = ["CohortLayerRow", "LayerRow", "cohort_layer_stats", "layer_stats"]

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


@final
@dataclass(frozen=True)
class CohortLayerRow:
    """One use of one layer in each net of a cohort: the numbers of a :class:`LayerRow`, (K,) each.

    None where a number has no meaning in this layer.
    """

    path: str
    layer: str
    output: tuple[int, ...]
    mean: Tensor
    std: Tensor
    zeros: Tensor
    dead: Tensor | None
    flat: Tensor | None
    dy: Tensor | None
    dw: Tensor | None
    w: Tensor | None

    @property
    def relative(self) -> Tensor | None:
        """‖dL/dW‖ / ‖W‖, nan where W is 0 too."""
        if self.dw is None or self.w is None:
            return None
        return torch.where(self.w == 0, torch.nan, self.dw / self.w)


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
    return [
        LayerRow(
            use.path,
            type(use.layer).__name__,
            use.output_shape(),
            **cast("dict[str, Any]", tree_map(Tensor.item, use.measure())),
        )
        for use in _trace_uses(copy.deepcopy(net), x, target, criterion)
    ]


def cohort_layer_stats(
    net: Module, x: Tensor, target: Any, criterion: Loss
) -> list[CohortLayerRow]:
    """The same of each net of a cohort at once, for samples that all of them see.

    x (N, …), target (N, …); the criterion is the cohort's. The cohort itself runs, no copy of it:
    its gradients are afterwards those of the batch, and in training its running statistics and its
    draws have gone on. Raises ValueError for a plain net.
    """
    if net.replicas is None:
        raise ValueError("expected a cohort, such as net.replicate(2), got a plain net")
    shared = x.expand(net.replicas, *x.shape)
    return [
        CohortLayerRow(use.path, type(use.layer).__name__, use.output_shape(), **use.measure())
        for use in _trace_uses(net, shared, target[None], criterion)
    ]


@torch.no_grad()
def _trace_uses(net: Module, x: Any, target: Any, criterion: Loss | None) -> list[_Use]:
    """Each use of a layer, on the way forward and back; the gradients are left in the net."""
    uses: list[_Use] = []

    def add_use(path: str, layer: Module, x: Any, y: Any) -> Any:
        uses.append(_Use(path, layer, x, y))
        return uses[-1].back

    net.zero_grad()
    y, rule = trace_layers(net, x, add_use)
    if criterion is None:
        rule(tree_map(_signs, y))
    else:
        value, loss_rule = criterion.forward(y, target)
        rule(loss_rule(torch.ones_like(value)))
    return uses


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

    def output_shape(self) -> tuple[int, ...]:
        """Of one sample."""
        lead = self.layer.num_replica_dims
        return next(tuple(t.shape[lead + 1 :]) for _, t in named_leaves(self.y))

    @torch.no_grad()
    def measure(self) -> dict[str, Any]:
        """The numbers of a row, (K,) each, of a plain net (1,); None for what has no meaning."""
        y = self._flatten(self.y)
        mean, n = y.mean(1), y.shape[1]
        weights = [p for name, p in self.layer.local_parameters() if name != "bias"]
        return {
            "mean": mean,
            "std": (y - mean[:, None]).norm(dim=1) / n**0.5,  # a fifth of the time of torch's std
            "zeros": (n - y.count_nonzero(1)) / n,
            "dead": self._dead_share() if isinstance(self.layer, ReLU) else None,
            "flat": self._flat_share(),
            "dy": None if self.g is None else self._flatten(self.g).norm(dim=1),
            "dw": self._flatten([p.grad for p in weights]).norm(dim=1) if weights else None,
            "w": self._flatten([p.data for p in weights]).norm(dim=1) if weights else None,
        }

    def _dead_share(self) -> Tensor:
        """The share of units that no sample makes active."""
        y = self._with_replicas(self.y)
        samples = [axis for axis in range(1, y.dim()) if axis != 2]
        return (y.amax(samples) <= 0).double().reshape(len(y), -1).mean(1)

    def _flat_share(self) -> Tensor | None:
        """The share of flat entries; the chain rule of an activation at g = 1 is its slope."""
        steepest = STEEPEST.get(type(self.layer))
        if steepest is None:
            return None
        _, rule = self.layer.forward(self.x)
        slope = self._with_replicas(rule(torch.ones_like(self.x)))
        return (slope.abs() < FLAT * steepest).double().flatten(1).mean(1)

    def _with_replicas(self, x: Tensor) -> Tensor:
        """With the replica axis first, of a plain net one of length 1."""
        return x if self.layer.num_replica_dims else x[None]

    def _flatten(self, value: Any) -> Tensor:
        """All numbers within, a row a replica, in any order; of a plain net in float64."""
        leaves = [self._with_replicas(t.detach()) for _, t in named_leaves(value)]
        inner = [t.mT if t.dim() > 2 and t.mT.is_contiguous() else t for t in leaves]  # no copies
        rows = [leaf.reshape(len(leaf), -1) for leaf in inner]
        if not self.layer.num_replica_dims:
            rows = [row.double() for row in rows]
        return rows[0] if len(rows) == 1 else torch.cat(rows, 1)
