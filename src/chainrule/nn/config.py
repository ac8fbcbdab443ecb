"""A network's architecture as plain data, and back: what a saved file says of it.

A module becomes its class name and its constructor's arguments, a module or a parameter that is
used at two places a reference to the first. Only the classes of ``chainrule.nn`` are built; a
file names data, never code.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from chainrule._util.hints import argument_hints, describe_hint, fits_hint
from chainrule.nn.constructor import constructor_args
from chainrule.nn.init import Initializer
from chainrule.nn.module import Module

__all__ = ["apply_ties", "find_ties", "from_config", "to_config"]


def to_config(net: Module) -> dict[str, Any]:
    """The architecture of a net as JSON data.

    Raises ValueError where a module is not one of ``chainrule.nn``'s, or does not keep its
    arguments: such a net is saved by its state alone.
    """
    return _Writer().write_module(net)


class _Writer:
    def __init__(self) -> None:
        self.seen: dict[int, int] = {}

    def write(self, value: Any) -> Any:
        if isinstance(value, Module):
            return self.write_module(value)
        if isinstance(value, Initializer):
            _check_known(Initializer, value)
            return {"initializer": type(value).__name__, "arguments": vars(value)}
        if isinstance(value, Tensor):
            return {"tensor": value.tolist(), "dtype": str(value.dtype).removeprefix("torch.")}
        if isinstance(value, dict):
            return {"dict": {name: self.write(item) for name, item in value.items()}}
        if isinstance(value, list | tuple):
            return [self.write(item) for item in value]
        return value

    def write_module(self, module: Module) -> dict[str, Any]:
        if id(module) in self.seen:
            return {"again": self.seen[id(module)]}
        _check_known(Module, module)
        self.seen[id(module)] = len(self.seen)
        kept = {
            parameter.name: self.write(value)
            for parameter, value in constructor_args(module)
            if parameter.kind != parameter.VAR_KEYWORD
        }
        return {"module": type(module).__name__, "arguments": kept}


def from_config(config: Any) -> Module:
    """The net that :func:`to_config` described; its values are to be loaded.

    Raises ValueError where the data do not describe a net.
    """
    try:
        net = _Reader().read(config)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not the description of a network: {error!r}") from None
    if not isinstance(net, Module):
        raise ValueError(f"not the description of a network: {type(net).__name__}")
    return net


class _Reader:
    def __init__(self) -> None:
        self.modules: list[Module | None] = []

    def read(self, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(self.read(item) for item in value)
        if not isinstance(value, dict):
            return value
        if "again" in value:
            return self.modules[value["again"]]
        if "tensor" in value:
            return torch.tensor(value["tensor"], dtype=_parse_dtype(value["dtype"]), device="cpu")
        if "dict" in value:
            return {name: self.read(item) for name, item in value["dict"].items()}
        if "initializer" in value:
            return _get_class(Initializer, value["initializer"])(**value["arguments"])
        return self.read_module(value)

    def read_module(self, config: dict[str, Any]) -> Module:
        place = len(self.modules)
        self.modules.append(None)
        cls = _get_class(Module, config["module"])
        keywords = {name: self.read(item) for name, item in config["arguments"].items()}
        parameters = inspect.signature(cls).parameters.values()
        hints = argument_hints(cls)
        for p in parameters:
            several = p.kind == p.VAR_POSITIONAL
            for got in keywords.get(p.name, ()) if several else [keywords.get(p.name, p.default)]:
                if p.name in keywords and not fits_hint(got, hints.get(p.name)):
                    expected = describe_hint(hints[p.name])
                    raise ValueError(f"{cls.__name__}: {p.name}: expected {expected}, got {got!r}")
        variadic = [p.name for p in parameters if p.kind == p.VAR_POSITIONAL]
        positional = [item for name in variadic for item in keywords.pop(name, ())]
        module: Module = cls(*positional, **keywords)
        self.modules[place] = module
        return module


def _find_class(kind: type, name: str) -> type | None:
    """The public, concrete class of this kind that chainrule.nn calls so."""
    from chainrule import nn

    cls = getattr(nn, name, None) or getattr(nn.init, name, None)
    fits = isinstance(cls, type) and issubclass(cls, kind) and not inspect.isabstract(cls)
    return cls if fits else None


def _check_known(kind: type, value: object) -> None:
    cls = type(value)
    if _find_class(kind, cls.__name__) is not cls:
        raise ValueError(
            f"{cls.__name__} is not a class of chainrule.nn: its architecture cannot be saved as "
            "data; save the state_dict and build the net in code"
        )


def _parse_dtype(name: str) -> torch.dtype:
    dtype = getattr(torch, name)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"torch has no dtype {name!r}")
    return dtype


def _get_class(kind: type, name: Any) -> Any:
    cls = _find_class(kind, name) if isinstance(name, str) else None
    if cls is None:
        raise ValueError(f"chainrule.nn has no {kind.__name__} {name!r}")
    return cls


def find_ties(net: Module) -> dict[str, str]:
    """Path → path of the same parameter or buffer met before: what is tied to what."""
    first: dict[int, str] = {}
    tied = {}
    for path, value in net.named_state():
        name = first.setdefault(id(value), path)
        if name != path:
            tied[path] = name
    return tied


def apply_ties(net: Module, tied: dict[str, str]) -> None:
    """Make the parameters at these paths one, as :func:`find_ties` found them."""
    modules = dict(net.named_modules(remove_duplicate=False))
    for path, first in tied.items():
        (module, name), (owner, source) = _split_path(path), _split_path(first)
        if module not in modules or owner not in modules:
            raise ValueError(f"{path} is tied to {first}, and the net has no such parameters")
        here, there = getattr(modules[module], name), getattr(modules[owner], source)
        if type(here) is not type(there) or here.data.shape != there.data.shape:
            raise ValueError(f"{path} is tied to {first}, which is of another kind or shape")
        setattr(modules[module], name, there)


def _split_path(path: str) -> tuple[str, str]:
    module, _, name = path.rpartition(".")
    return module, name
