"""A network's architecture as plain data, and back: what a saved file says of it.

A module becomes its class name and its constructor's arguments, a module or a parameter that is
used at two places a reference to the first. A class of the user's is named by its module, with a
digest of that module's source. A file names data, never code: only the classes of ``chainrule.nn``
are built, and those of modules that the user trusts.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from chainrule._util.hints import argument_hints, describe_hint, fits_hint
from chainrule._util.source_code import hash_source
from chainrule.nn.constructor import constructor_args
from chainrule.nn.init import Initializer
from chainrule.nn.module import Module

__all__ = ["apply_ties", "find_sources", "find_ties", "from_config", "to_config"]


def to_config(net: Module) -> dict[str, Any]:
    """The architecture of a net as JSON data.

    Raises ValueError where it could not be built again of them: a class of the user's is in no
    module that can be imported, or does not keep its arguments, or these are no plain data.
    """
    config = _Writer().write_module(net)
    if sources := find_sources(config):
        check_rebuilt(net, config, [*sources])
    return config


def find_sources(config: Any) -> dict[str, str]:
    """Module → digest of its source, of each module of the user's that a config needs."""
    return dict(_iter_sources(config))


def _iter_sources(config: Any) -> Iterator[tuple[str, str]]:
    if isinstance(config, dict):
        if "source" in config:
            name = config.get("module", config.get("initializer"))
            yield str(name).partition(":")[0], str(config["source"])
        for value in config.values():
            yield from _iter_sources(value)
    elif isinstance(config, list):
        for value in config:
            yield from _iter_sources(value)


def check_rebuilt(net: Module, config: dict[str, Any], trust: Collection[str]) -> None:
    """Raise ValueError where the config makes a net of other parameters than the net has."""
    with torch.device("meta"):
        again = from_config(config, trust)
    expected, got = ({path: v.data.shape for path, v in n.named_state()} for n in (net, again))
    lead = net.num_replica_dims
    for path in [*expected, *got]:
        size, other = expected.get(path, ())[lead:], got.get(path)
        if path not in expected or size != other:
            raise ValueError(
                f"{type(net).__name__}: built again from its arguments it would have {path} "
                f"{'not at all' if other is None else tuple(other)}: a module of your own makes "
                "its parameters and modules in __init__, of arguments that it keeps as attributes"
            )


class _Writer:
    def __init__(self) -> None:
        self.seen: dict[int, int] = {}

    def write(self, value: Any) -> Any:
        if isinstance(value, Module):
            return self.write_module(value)
        if isinstance(value, Initializer):
            arguments = {name: self.write(item) for name, item in vars(value).items()}
            return {"initializer": _class_name(Initializer, value), "arguments": arguments} | (
                _find_source(value)
            )
        if isinstance(value, Tensor):
            return {"tensor": value.tolist(), "dtype": str(value.dtype).removeprefix("torch.")}
        if isinstance(value, dict):
            return {"dict": {name: self.write(item) for name, item in value.items()}}
        if isinstance(value, list | tuple):
            return [self.write(item) for item in value]
        if value is not None and not isinstance(value, bool | int | float | str):
            raise ValueError(
                f"{value!r} is no plain data, so a net made with it cannot be saved as such; save "
                "the state_dict and build the net in code"
            )
        return value

    def write_module(self, module: Module) -> dict[str, Any]:
        if id(module) in self.seen:
            return {"again": self.seen[id(module)]}
        name = _class_name(Module, module)
        self.seen[id(module)] = len(self.seen)
        kept = {
            parameter.name: self.write(value)
            for parameter, value in constructor_args(module)
            if parameter.kind != parameter.VAR_KEYWORD
        }
        if source := _find_source(module):
            _check_arguments(module, kept)
        return {"module": name, "arguments": kept} | source


def from_config(config: Any, trust: Collection[str] = ()) -> Module:
    """The net that :func:`to_config` described; its values are to be loaded.

    Of the user's classes those of modules that ``trust`` names, and that are imported. Raises
    ValueError where the data do not describe a net.
    """
    try:
        net = _Reader(trust).read(config)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not the description of a network: {error!r}") from None
    if not isinstance(net, Module):
        raise ValueError(f"not the description of a network: {type(net).__name__}")
    return net


class _Reader:
    def __init__(self, trust: Collection[str]) -> None:
        self.trust = trust
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
            cls = _get_class(Initializer, value["initializer"], self.trust)
            return cls(**{name: self.read(item) for name, item in value["arguments"].items()})
        return self.read_module(value)

    def read_module(self, config: dict[str, Any]) -> Module:
        place = len(self.modules)
        self.modules.append(None)
        cls = _get_class(Module, config["module"], self.trust)
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


def _class_name(kind: type, value: object) -> str:
    """``Linear``, or ``mynets:Cube`` of the user's. Raises ValueError for what no one can import.

    One that only exists while a program runs cannot be built in another.
    """
    cls = type(value)
    if _find_class(kind, cls.__name__) is cls:
        return cls.__name__
    home = sys.modules.get(cls.__module__)
    file = getattr(home, "__file__", None)
    elsewhere = cls.__module__.partition(".")[0] in ("__main__", "chainrule")
    if elsewhere or file is None or getattr(home, cls.__name__, None) is not cls:
        raise ValueError(
            f"{cls.__name__} is neither a class of chainrule.nn nor one at the top of a module "
            "that can be imported, so a net of it cannot be saved: put the class in a file of its "
            "own, or save the state_dict and build the net in code"
        )
    return f"{cls.__module__}:{cls.__name__}"


def _find_source(value: object) -> dict[str, str]:
    """{"source": digest} of a class of the user's, {} of one of chainrule's."""
    module = type(value).__module__
    if module.partition(".")[0] == "chainrule":
        return {}
    return {"source": hash_source(Path(str(sys.modules[module].__file__)))}


def _check_arguments(module: Module, kept: dict[str, Any]) -> None:
    """Raise ValueError where a class of the user's does not keep an argument."""
    for p in inspect.signature(type(module)).parameters.values():
        known = p.name in kept or p.name in ("device", "dtype")
        if not known and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise ValueError(
                f"{type(module).__name__} cannot be saved: it does not keep its argument {p.name!r}"
                f": write self.{p.name} = {p.name} in __init__"
            )


def _parse_dtype(name: str) -> torch.dtype:
    dtype = getattr(torch, name)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"torch has no dtype {name!r}")
    return dtype


def _get_class(kind: type, name: Any, trust: Collection[str]) -> Any:
    cls: Any = None
    if isinstance(name, str):
        module, colon, own = name.rpartition(":")
        cls = _find_class(kind, name)
        if colon and module in trust:
            cls = getattr(sys.modules.get(module), own, None)
    fits = isinstance(cls, type) and issubclass(cls, kind) and not inspect.isabstract(cls)
    if not fits:
        home = module if isinstance(name, str) and colon else "chainrule.nn"
        raise ValueError(f"{home} has no {kind.__name__} {name!r}")
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
