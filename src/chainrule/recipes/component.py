"""The parts of a recipe: something with a name and arguments, and how it is found and made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from chainrule.errors import ChainruleError

__all__ = [
    "Component",
    "Named",
    "StudyError",
    "build",
    "is_plain",
    "normalize_component",
    "resolve_callable",
    "tuples_to_lists",
]

SEARCH_MODULES = {
    "data": ("chainrule.data.datasets.loaders",),
    "net": ("chainrule.zoo",),
    "loss": ("chainrule.nn", "chainrule.zoo"),
    "optimizer": ("chainrule.optim",),
    "schedule": ("chainrule.optim.lr_scheduler",),
    "metric": ("chainrule.train",),
    "init": ("chainrule.nn.init",),
    "augment": ("chainrule.data",),
    "trainer": ("chainrule.train", "chainrule.interop"),
}
"""Where a name without a module is looked for."""


class StudyError(ChainruleError, ValueError):
    """A study that cannot be run as asked; the message says what would be right."""


class Component(BaseModel):
    """What makes one part of a training: the name of a function or class, and its arguments.

    A name is one of chainrule's (``"Adam"``), or ``"package.module:name"`` of one's own. All
    other fields are the arguments: numbers, texts, lists of them.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @model_validator(mode="after")
    def _plain(self) -> Self:
        for key, value in self.arguments.items():
            if not is_plain(value):
                raise ValueError(f"argument {key}: expected {PLAIN}, got {value!r}")
        return self

    @property
    def arguments(self) -> dict[str, Any]:
        """Name → value of all that is not the part's own name."""
        return dict(self.model_extra or {})


PLAIN = "finite numbers, texts and lists of them"


def is_plain(value: Any) -> bool:
    """Whether TOML and JSON both have such a value."""
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and is_plain(v) for k, v in value.items())
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def tuples_to_lists(value: Any) -> Any:
    """The value with lists for tuples, as it comes back from a file."""
    if isinstance(value, list | tuple):
        return [tuples_to_lists(one) for one in value]
    if isinstance(value, Mapping):
        return {key: tuples_to_lists(one) for key, one in value.items()}
    return value


def normalize_component(given: Any) -> Any:
    """A part from its short forms: a name alone, or a function or class that can be imported."""
    if isinstance(given, str):
        return {"name": given}
    if isinstance(given, Component):
        given = given.model_dump(exclude_unset=True)
    if callable(given):
        module, name = given.__module__, getattr(given, "__qualname__", None)
        if name is None:
            raise ValueError(
                f"expected the function or class that makes it, with its arguments as in "
                f'{{"name": "{type(given).__name__}", …}}, got what was made: {given!r}'
            )
        if not name.isidentifier() or module == "__main__":
            raise ValueError(
                f"{name}: a study names what it is made of, so that other processes and later "
                "runs find it: put the function at the top of a module that can be imported"
            )
        return {"name": f"{module}:{name}"}
    return tuples_to_lists(given)


Named = Annotated[Component, BeforeValidator(normalize_component)]
"""A part, or its short form."""


def resolve_callable(kind: str, name: str) -> Callable[..., Any]:
    """The function or class that a part of this kind names.

    Raises StudyError where there is none; it lists what chainrule itself has of the kind.
    """
    module, colon, attribute = name.rpartition(":")
    homes: Sequence[str] = (module,) if colon else SEARCH_MODULES[kind]
    for home in homes:
        try:
            found = getattr(import_module(home), attribute, None)
        except ImportError as error:
            raise StudyError(f"{kind} {name!r}: cannot import {home} ({error})") from None
        if callable(found):
            return found  # type: ignore[no-any-return]
    if colon:
        raise StudyError(f"{kind} {name!r}: module {module} has no function {attribute!r}")
    known = sorted({n for home in homes for n in public(home)})
    raise StudyError(
        f"{kind} {name!r} is not known; expected package.module:name or one of: {', '.join(known)}"
    )


def public(home: str) -> list[str]:
    """The functions and classes that a module offers."""
    module = import_module(home)
    return [n for n in getattr(module, "__all__", ()) if callable(getattr(module, n))]


def build(kind: str, part: Component, *given: Any, **more: Any) -> Any:
    """Call what the part names, with ``given`` first and its own arguments by name.

    Raises StudyError, with the part's arguments, where it does not accept them.
    """
    function = resolve_callable(kind, part.name)
    try:
        return function(*given, **{**part.arguments, **more})
    except TypeError as error:
        shown = ", ".join(f"{k}={v!r}" for k, v in part.arguments.items())
        raise StudyError(f"{kind} {part.name}({shown}): {error}") from None
