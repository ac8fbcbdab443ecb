"""Nets to ``torch.nn`` and back: the same classes, arguments and state names on both sides."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from chainrule import nn
from chainrule.nn.config import apply_ties, find_ties
from chainrule.nn.constructor import constructor_args

__all__ = ["find_twin", "from_torch", "shared_arguments", "to_torch"]


def to_torch(net: nn.Module) -> torch.nn.Module:
    """The ``torch.nn`` module with the layers, values and mode of a plain net.

    Raises ValueError for a cohort (take ``net.replica(k)``), and for a module that torch.nn has
    not: Residual, Heads, Siamese and the other containers but Sequential.
    """
    if net.replicas is not None:
        raise ValueError("torch.nn has no cohorts: convert one replica, net.replica(k)")
    other = _convert_to_torch(net, {})
    for path, first in find_ties(net).items():
        (owner, name), (source, origin) = path.rpartition(".")[::2], first.rpartition(".")[::2]
        setattr(other.get_submodule(owner), name, getattr(other.get_submodule(source), origin))
    for parameter in net.parameters():
        other.to(parameter.data.device, parameter.data.dtype)
        break
    other.load_state_dict(net.state_dict())
    return other.train(net.training)


def _convert_to_torch(net: nn.Module, made: dict[int, torch.nn.Module]) -> torch.nn.Module:
    if id(net) not in made:
        if isinstance(net, nn.Sequential):
            made[id(net)] = torch.nn.Sequential(*(_convert_to_torch(layer, made) for layer in net))
        else:
            cls = find_twin(torch.nn, net)
            made[id(net)] = cls(**shared_arguments(net, cls))
    return made[id(net)]


def from_torch(module: torch.nn.Module) -> nn.Module:
    """The net with the layers, values and mode of a ``torch.nn`` module.

    Raises ValueError for a module that ``chainrule.nn`` has not.
    """
    net = _convert_from_torch(module, {})
    seen: dict[int, str] = {}
    tied = {}
    for path, tensor in module.named_parameters(remove_duplicate=False):
        first = seen.setdefault(id(tensor), path)
        if first != path:
            tied[path] = first
    apply_ties(net, tied)
    for tensor in module.parameters():
        net.to(tensor.device, tensor.dtype)
        break
    net.load_state_dict({name: t.detach() for name, t in module.state_dict().items()})
    return net.train(module.training)


def _convert_from_torch(module: torch.nn.Module, made: dict[int, nn.Module]) -> nn.Module:
    if id(module) not in made:
        if isinstance(module, torch.nn.Sequential):
            made[id(module)] = nn.Sequential([_convert_from_torch(layer, made) for layer in module])
        else:
            cls = find_twin(nn, module)
            made[id(module)] = cls(**shared_arguments(module, cls))
    return made[id(module)]


def find_twin(library: Any, module: object) -> Any:
    """The class of the same name in the other library: of a layer, a loss, an optimizer.

    Raises ValueError where there is none, and for what is made of others.
    """
    name = type(module).__name__
    cls = getattr(library, name, None)
    home = type(module).__module__.startswith(("torch.nn.", "chainrule.nn.", "chainrule.optim."))
    parts = [*module.children()] if isinstance(module, nn.Module | torch.nn.Module) else []
    if parts or not (home and inspect.isclass(cls)):
        raise ValueError(f"{name} has no twin in {library.__name__}")
    return cls


def shared_arguments(module: object, other: Any) -> dict[str, Any]:
    """The module's arguments that the other class takes too."""
    known = {*inspect.signature(other).parameters}
    if issubclass(other, torch.nn.RNNBase):  # their constructors name none of what they take
        known = {p.name for p, _ in constructor_args(module)} - {"truncate"}
    if isinstance(module, torch.nn.RNNBase):
        return {name: getattr(module, name) for name in known if hasattr(module, name)}
    return {p.name: value for p, value in constructor_args(module) if p.name in known}
