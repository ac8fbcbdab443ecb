"""What a net costs: its parameters, and the products of a training."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from chainrule.nn.module import Module
from chainrule.study.parts import Part, make
from chainrule.study.recipe import Recipe, expect

__all__ = ["cost", "parameters"]

PASSES = 3
"""Forward, dL/dx and dL/dW are about one product each."""


def parameters(recipe: Recipe) -> int:
    """How many numbers a net of this recipe learns; at least 1."""
    return sizes(recipe.net.model_dump_json(), (1,))[0]


def cost(recipe: Recipe, shape: Sequence[int]) -> float:
    """Multiply-adds of one training on inputs of this shape (N, …), members and epochs included.

    Of a net that cannot be run without numbers, its parameters stand in for its products.
    """
    n, *sample = shape
    products = sizes(recipe.net.model_dump_json(), (1, *sample))[1]
    return PASSES * float(products) * n * recipe.epochs * recipe.members


@lru_cache(maxsize=1024)
def sizes(net: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """(parameters, multiply-adds of one sample) of the net that this JSON text declares."""
    part = Part.model_validate_json(net)
    made: Module = expect(make("net", part), Module, "net", part)
    count = max(1, sum(p.data.numel() for p in made.parameters()))
    try:
        return count, max(1, made.summary(*shape).multiply_adds)
    except Exception:  # whatever is wrong with it is said, with the arm's name, when it is trained
        return count, count
