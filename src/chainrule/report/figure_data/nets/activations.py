"""What an activation does to one number: f and f′."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from numpy.typing import NDArray

from chainrule.report.figure_data.base import FigureData

if TYPE_CHECKING:
    from torch import Tensor

    from chainrule.nn.module import Module

__all__ = ["ActivationsData", "activations_data"]

USUAL = ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Mish", "Tanh", "Sigmoid", "Softplus")


@final
@dataclass(frozen=True)
class ActivationsData(FigureData):
    """Name → f(x), and name → f′(x), for the same numbers x."""

    x: NDArray[Any]
    values: Mapping[str, NDArray[Any]]
    slopes: Mapping[str, NDArray[Any]]


def activations_data(
    activations: Sequence[str | Module] = USUAL, low: float = -4.0, high: float = 4.0
) -> ActivationsData:
    """Of layers, or their names in ``chainrule.nn``; f′ is what their own chain rule gives.

    Raises ValueError for a name that is no layer, or one that needs arguments; for a layer that
    does more than each number by itself; and unless low < high.
    """
    import torch

    if not low < high:
        raise ValueError(f"expected low < high, got {low} and {high}")
    x = torch.linspace(low, high, 401, dtype=torch.float64)
    found = {name: measure_slope(name, layer, x) for name, layer in map(name_layer, activations)}
    return ActivationsData(
        x.numpy(),
        {name: y.numpy() for name, (y, _) in found.items()},
        {name: slope.numpy() for name, (_, slope) in found.items()},
    )


def name_layer(activation: str | Module) -> tuple[str, Module]:
    """A layer with what it is called."""
    from chainrule import nn

    if isinstance(activation, nn.Module):
        return activation.label(), activation
    made = getattr(nn, activation, None)
    if not (isinstance(made, type) and issubclass(made, nn.Module)):
        raise ValueError(f"no activation {activation!r}; chainrule.nn has {', '.join(USUAL)}, …")
    try:
        return activation, made()
    except TypeError as error:
        raise ValueError(f"{activation}: {error}; give the layer itself") from None


def measure_slope(name: str, layer: Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """(f(x), f′(x)) of each number by itself, as a column."""
    import torch

    from chainrule.nn.errors import LayerError

    own = copy.deepcopy(layer).to(torch.float64).eval()
    try:
        y, rule = own.forward(x.unsqueeze(-1))
        beside = own.forward(torch.stack([x, x.flip(0)], -1))[0]
    except LayerError as error:
        raise ValueError(f"{name}: {error}") from None
    if y.shape != (len(x), 1) or not torch.equal(beside[:, :1], y):
        raise ValueError(f"{name}: expected each number's function of it, not of several")
    return y.squeeze(-1), rule(torch.ones_like(y)).squeeze(-1)
