"""What an optimizer may be given: a module, parameters, or groups of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from chainrule._util.kinds import describe_object, find_torch_base
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter

__all__ = ["Params", "check_disjoint", "resolve_replicas", "to_param_groups", "unique_parameters"]

Params: TypeAlias = Module | Iterable[Parameter] | Iterable[dict[str, Any]]


def to_param_groups(params: Params) -> list[dict[str, Any]]:
    """The parameter groups, new dicts with "params" and perhaps more."""
    if isinstance(params, Module):
        return [{"params": params}]
    if not isinstance(params, Iterable) or find_torch_base(type(params)) is not None:
        raise TypeError(
            "params: expected a module of chainrule.nn, a list of parameters or of groups, got "
            f"{describe_object(params)}"
        )
    listed: list[Any] = list(params)
    if listed and all(isinstance(group, dict) for group in listed):
        if any("params" not in group for group in listed):
            raise ValueError('every parameter group needs "params"')
        return [dict(group) for group in listed]
    return [{"params": listed}]


def unique_parameters(source: Module | Parameter | Iterable[Parameter]) -> list[Parameter]:
    """Each parameter once, in order."""
    if isinstance(source, Module):
        source.check_children()
        return list(source.parameters())
    listed = {id(p): p for p in ([source] if isinstance(source, Parameter) else source)}
    for p in listed.values():
        if not isinstance(p, Parameter):
            raise TypeError(
                f"params: expected each to be a chainrule.nn.Parameter, got {describe_object(p)}; "
                "give it the net, or net.parameters()"
            )
    return list(listed.values())


def check_disjoint(groups: Iterable[dict[str, Any]]) -> None:
    """Raise ValueError where a parameter is in two groups."""
    members = [p for group in groups for p in group["params"]]
    if len(unique_parameters(members)) < len(members):
        raise ValueError("some parameters appear in more than one parameter group")


def resolve_replicas(sources: Iterable[object], replicas: int | None) -> int | None:
    """The number of replicas: what the modules among the sources say, or the given one.

    Raises ValueError where they disagree.
    """
    found = {source.replicas for source in sources if isinstance(source, Module)}
    if replicas is not None:
        found.add(replicas)
    if len(found) > 1:
        raise ValueError(f"one number of replicas is needed, got {sorted(found, key=str)}")
    return found.pop() if found else None
