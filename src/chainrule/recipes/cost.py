"""What a net costs: its parameters, the products of a training, and what a batch leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from chainrule.nn import summary
from chainrule.nn.module import Module
from chainrule.recipes.component import Component, build_component
from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import resolve_callable
from chainrule.recipes.recipe import Recipe

__all__ = ["count_activations", "count_parameters", "training_cost"]

PASSES = 3
"""Forward, dL/dx and dL/dW are about one product each."""


class NetSizes(NamedTuple):
    """Of a net and one sample."""

    parameters: int
    multiply_adds: int
    activations: int


def count_parameters(recipe: Recipe) -> int:
    """How many numbers a net of this recipe learns; at least 1, and 1 if it cannot be made."""
    return net_sizes(recipe, (1,)).parameters


def training_cost(recipe: Recipe, shape: Sequence[int]) -> float:
    """Multiply-adds of one training on inputs of this shape (N, …), members and epochs included.

    Of a net that cannot be run without numbers, its parameters stand in for its products.
    """
    n, *sample = shape
    products = net_sizes(recipe, sample).multiply_adds
    return PASSES * float(products) * n * recipe.epochs * recipe.ensemble_size


def count_activations(recipe: Recipe, sample: Sequence[int]) -> int:
    """How many numbers a net's layers put out for one sample; 0 if that needs numbers."""
    return net_sizes(recipe, sample).activations


def net_sizes(recipe: Recipe, sample: Sequence[int]) -> NetSizes:
    """The sizes of a recipe's net, as what makes it is now: a module may be loaded anew."""
    function = None
    with suppress(StudyError):
        function = resolve_callable("net", recipe.net.name)
    return measure_net(recipe.net.model_dump_json(), tuple(sample), function)


@lru_cache(maxsize=1024)
def measure_net(net: str, sample: tuple[int, ...], function: object) -> NetSizes:
    """The sizes of the net that this JSON text declares, and that this function makes."""
    part = Component.model_validate_json(net)
    count = 1
    try:
        made: Module = build_component("net", part)
        count = max(1, sum(p.data.numel() for p in made.parameters()))
        rows = summary(made, (1, *sample), device="cpu")
    except Exception:  # whatever is wrong with it is said, with the arm's name, when it is trained
        return NetSizes(count, count, 0)
    outputs = sum(count_numbers(row.output) for row in rows.rows)
    return NetSizes(count, max(1, rows.multiply_adds), outputs)


def count_numbers(shape: Any) -> int:
    """Of a tensor of this shape, or of all in a dict or tuple of shapes."""
    if isinstance(shape, dict):
        return sum(map(count_numbers, shape.values()))
    if shape and not isinstance(shape[0], int):
        return sum(map(count_numbers, shape))
    return math.prod(shape)
