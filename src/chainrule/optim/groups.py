"""What an optimizer may be given: a module, parameters, or groups of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from chainrule._util.kinds import describe_object, find_torch_base
from chainrule.nn.module import Module
from chainrule.nn.parameter import ModuleParameters, Parameter

__all__ = [
    "Params",
    "check_disjoint",
    "check_new_parameters",
    "find_modules",
    "resolve_replicas",
    "to_param_groups",
    "unique_parameters",
]

Params: TypeAlias = Module | Iterable[Parameter] | Iterable[dict[str, Any]]


def to_param_groups(params: Params) -> list[dict[str, Any]]:
    """The parameter groups, new dicts with "params" and perhaps more."""
    if isinstance(params, Module):
        return [{"params": params}]
    if not isinstance(params, Iterable) or find_torch_base(type(params)) is not None:
        raise TypeError(
            "params: expected a module of chainrule.nn, a list of parameters or of groups, got "
            f"{describe_object(params)}{suggest_torch_ways(params)}"
        )
    listed: list[Any] = list(params)
    if listed and all(isinstance(group, dict) for group in listed):
        if any("params" not in group for group in listed):
            raise ValueError('every parameter group needs "params"')
        return [dict(group) for group in listed]
    return [{"params": listed}]


def find_modules(params: Params) -> list[Module]:
    """The modules that all parameters are given of; none of those that are only listed."""
    if isinstance(params, Module):
        return [params]
    if isinstance(params, ModuleParameters):
        return [params.module]
    groups = params if isinstance(params, list | tuple) else []
    of_groups = [group.get("params", ()) for group in groups if isinstance(group, dict)]
    return [module for source in of_groups for module in find_modules(source)]


def check_new_parameters(
    modules: Iterable[Module], known: Iterable[Parameter], optimizer: str, since: int = -1
) -> None:
    """Raise RuntimeError where a module has a parameter that is none of the known ones.

    It is that of a layer that was replaced or added since. ``since``: the age of the optimizer,
    where some may have been left out from the start, by a list of parameters: these are older.
    """
    ids = {id(parameter) for parameter in known}
    for module in modules:
        left_out = (id(p) not in ids and p.age > since for p in module.parameters())
        if not any(left_out):
            continue
        new = next(
            path for path, p in module.named_parameters() if id(p) not in ids and p.age > since
        )
        raise RuntimeError(
            f"{module.label()}: {new} is newer than the optimizer, which would leave it as it was "
            "drawn: a layer was replaced or added. Build the optimizer anew: "
            f"{optimizer}(net, ...)"
        )


def unique_parameters(source: Module | Parameter | Iterable[Parameter]) -> list[Parameter]:
    """Each parameter once, in order."""
    if isinstance(source, Module):
        source.check_children()
        return list(source.parameters())
    several: Iterable[Any] = source if isinstance(source, Iterable) else [source]
    listed = {id(p): p for p in several}
    for p in listed.values():
        if not isinstance(p, Parameter):
            raise TypeError(
                f"params: expected each to be a chainrule.nn.Parameter, got {describe_object(p)}"
                f"{suggest_torch_ways(p) or '; give it the net, or net.parameters()'}"
            )
    return list(listed.values())


def suggest_torch_ways(given: object) -> str:
    """What to do with a net of PyTorch, or a parameter of one; "" for anything else."""
    if find_torch_base(type(given)) is None:
        return ""
    return (
        "; a net of PyTorch is moved by torch.optim, and chainrule.interop.from_torch(net) makes "
        "one of chainrule.nn of it"
    )


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
