"""What the attributes of a module are, where they are neither parameters, buffers nor children."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from chainrule._util.kinds import describe_object, find_torch_base
from chainrule.nn.replicated import Replicated

__all__ = ["CONSTANT", "PLAIN_KINDS", "find_attribute_problem", "is_constant", "is_per_replica"]

PLAIN_KINDS = frozenset({bool, int, float, str, type(None)})
"""What most attributes are, of which nothing is to be said."""

UNTRAINED = "a tensor would not be trained: expected nn.Parameter(tensor), with no requires_grad"


def find_attribute_problem(
    name: str, value: Any, module: Replicated, reached: set[int], kinds: tuple[type, ...]
) -> str:
    """What is wrong with an attribute of a module, whose net has parts of these kinds and ids."""
    if name == "_last":
        return ""
    if replaces_parameter(name, value, module):
        return UNTRAINED
    return find_problem(value, reached, kinds)


def find_problem(value: Any, reached: set[int], kinds: tuple[type, ...]) -> str:
    """What is wrong with a value that a module keeps, see above."""
    if find_torch_base(type(value)) is not None:
        return (
            f"{describe_object(value)} has no chain rule here: take the class of chainrule.nn, or "
            "convert a net with chainrule.interop.from_torch"
        )
    if isinstance(value, Tensor) and value.requires_grad:
        return UNTRAINED
    if not isinstance(value, list | tuple | dict) or not value:
        return ""
    for item in value.values() if isinstance(value, dict) else value:
        if type(item) in PLAIN_KINDS:
            continue
        if isinstance(item, kinds) and id(item) not in reached:
            return (
                f"a {type(value).__name__} with {item!r}, which is not found there and would not "
                "be trained: keep each in an attribute of its own, or modules in a container, "
                "as nn.Sequential"
            )
        if problem := find_problem(item, reached, kinds):
            return problem
    return ""


def replaces_parameter(name: str, value: Any, module: Replicated) -> bool:
    """Whether a bare tensor stands where a layer of this package has a parameter."""
    is_own = type(module).__module__.startswith("chainrule.")
    return is_own and isinstance(value, Tensor) and name.startswith(("weight", "bias"))


def is_per_replica(value: Any, replicas: int | None) -> bool:
    """Whether an attribute of a module of a cohort is a number that differs per replica."""
    return isinstance(value, Tensor) and value.shape == (replicas,)


CONSTANT = (
    "a tensor is neither trained nor saved: write nn.Parameter(tensor) if it is learned, "
    "nn.Buffer(tensor) if it belongs to the net; a name that begins with _ says that it is neither"
)


def is_constant(name: str, value: Any, module: Replicated) -> bool:
    """Whether an attribute of a user's module is a tensor of numbers that nobody will learn.

    One number, or one a replica, is an argument; so is what a layer of this package keeps.
    """
    if not isinstance(value, Tensor) or not value.is_floating_point() or name[0] == "_":
        return False
    is_argument = value.dim() == 0 or value.shape == (module.replicas or 1,)
    return not (is_argument or type(module).__module__.startswith("chainrule."))
