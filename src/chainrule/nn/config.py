"""A network's architecture as plain data, and back: what a saved file says of it.

A module becomes its class name and its constructor's arguments, a module or a parameter that is
used at two places a reference to the first. A class of the user's is named by its module, with a
digest of that module's source. A file names data, never code: only the classes of ``chainrule.nn``
are built, and those of modules that the user trusts.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from chainrule._util.field_problems import describe_given
from chainrule._util.hints import argument_hints, describe_hint, fits_hint
from chainrule._util.source_code import hash_source
from chainrule.nn.constructor import constructor_args
from chainrule.nn.init import Initializer
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer

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
    ValueError, which names the place, where the data do not describe a net.
    """
    net = _Reader(trust).read(config, "architecture")
    if not isinstance(net, Module):
        raise ValueError(f"architecture: expected a module, got {describe_given(config)}")
    return net


FORMS: dict[str, dict[str, Any]] = {
    "again": {"again": int},
    "tensor": {"tensor": list | float | int, "dtype": str},
    "dict": {"dict": dict},
    "initializer": {"initializer": str, "arguments": dict},
    "module": {"module": str, "arguments": dict},
}
"""What a table of a config stands for → its fields."""


def find_form(value: dict[str, Any], place: str) -> str:
    """What a table stands for. Raises ValueError where a field is missing or another thing."""
    form = next((form for form in FORMS if form in value), None)
    if form is None:
        raise ValueError(f"{place}: expected a table with one of {', '.join(FORMS)}")
    for name, kind in FORMS[form].items():
        if not fits_hint(value.get(name), kind):
            got = f"got {describe_given(value[name])}" if name in value else "which is missing"
            raise ValueError(f"{place}.{name}: expected {describe_hint(kind)}, {got}")
    return form


class _Reader:
    def __init__(self, trust: Collection[str]) -> None:
        self.trust = trust
        self.modules: list[Module | None] = []

    def read(self, value: Any, place: str) -> Any:
        if isinstance(value, list):
            return tuple(self.read(item, f"{place}.{i}") for i, item in enumerate(value))
        if not isinstance(value, dict):
            return value
        match find_form(value, place):
            case "again":
                return self._find_module(value["again"], place)
            case "tensor":
                return _read_tensor(value, place)
            case "dict":
                return self._read_values(value["dict"], place)
            case "initializer":
                cls = _get_class(Initializer, value["initializer"], self.trust, place)
                keywords = self._read_values(value["arguments"], place)
                _check_arguments_fit(cls, keywords, place)
                return _build(cls, (), keywords, place)
        return self._read_module(value, place)

    def _read_values(self, values: dict[str, Any], place: str) -> dict[str, Any]:
        return {name: self.read(item, f"{place}.{name}") for name, item in values.items()}

    def _find_module(self, number: int, place: str) -> Module:
        found = self.modules[number] if 0 <= number < len(self.modules) else None
        if found is None:
            raise ValueError(f"{place}: there is no module {number} before it")
        return found

    def _read_module(self, config: dict[str, Any], place: str) -> Module:
        number = len(self.modules)
        self.modules.append(None)
        cls = _get_class(Module, config["module"], self.trust, place)
        keywords = self._read_values(config["arguments"], place)
        _check_arguments_fit(cls, keywords, place)
        parameters = inspect.signature(cls).parameters.values()
        variadic = [p.name for p in parameters if p.kind == p.VAR_POSITIONAL]
        positional = [item for name in variadic for item in keywords.pop(name, ())]
        module: Module = _build(cls, positional, keywords, place)
        self.modules[number] = module
        return module


def _check_arguments_fit(cls: Any, keywords: dict[str, Any], place: str) -> None:
    """Raise ValueError for an argument that is missing, unknown, or not what its hint says."""
    parameters, hints = inspect.signature(cls).parameters, argument_hints(cls)
    takes_any = any(p.kind == p.VAR_KEYWORD for p in parameters.values())
    for name in () if takes_any else keywords.keys() - parameters.keys():
        raise ValueError(f"{place}: {cls.__name__} has no argument {name!r}")
    for name, p in parameters.items():
        if name not in keywords:
            if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
                raise ValueError(f"{place}: {cls.__name__}: {name} is missing")
            continue
        value, hint = keywords[name], hints.get(name)
        if p.kind == p.VAR_POSITIONAL:
            hint = tuple.__class_getitem__((hint or Any, ...))
        if not fits_hint(value, hint):
            expected = describe_hint(hint)
            raise ValueError(
                f"{place}: {cls.__name__}: {name}: expected {expected}, got {describe_given(value)}"
            )


def _build(cls: Any, positional: Sequence[Any], keywords: dict[str, Any], place: str) -> Any:
    """An object of a class. Raises ValueError, with the place, where it refuses the arguments."""
    try:
        return cls(*positional, **keywords)
    except REFUSALS as error:
        raise ValueError(f"{place}: {cls.__name__}: {error}") from error


REFUSALS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a constructor raises for arguments that it does not foresee."""


def _read_tensor(value: dict[str, Any], place: str) -> Tensor:
    try:
        return torch.tensor(value["tensor"], dtype=_parse_dtype(value["dtype"]), device="cpu")
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{place}.tensor: expected numbers in rows of one length") from None


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
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"torch has no dtype {name!r}")
    return dtype


def _get_class(kind: type, name: str, trust: Collection[str], place: str) -> Any:
    module, colon, own = name.rpartition(":")
    cls: Any = _find_class(kind, name)
    if colon and module in trust:
        cls = getattr(sys.modules.get(module), own, None)
    if not isinstance(cls, type) or not issubclass(cls, kind) or inspect.isabstract(cls):
        home = module if colon else "chainrule.nn"
        raise ValueError(f"{place}: {home} has no {kind.__name__} {name!r:.100}")
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
        here, there = (
            getattr(modules.get(m), n, None) for m, n in ((module, name), (owner, source))
        )
        if not isinstance(here, Buffer) or not isinstance(there, Buffer):
            raise ValueError(f"{path} is tied to {first}, and the net has no such parameters")
        if type(here) is not type(there) or here.data.shape != there.data.shape:
            raise ValueError(f"{path} is tied to {first}, which is of another kind or shape")
        setattr(modules[module], name, there)


def _split_path(path: str) -> tuple[str, str]:
    module, _, name = path.rpartition(".")
    return module, name
