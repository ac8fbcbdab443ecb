"""The components of a recipe: a name with arguments, as data, and what is built of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from types import FunctionType
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from chainrule._util.kinds import describe_object, find_torch_base
from chainrule._util.user_code import TOO_LARGE, is_out_of_memory
from chainrule.errors import ChainruleError
from chainrule.recipes.arguments import describe_accepted, find_argument_problem
from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import locate_user_file, product_class, resolve_callable
from chainrule.recipes.problems import check_plain

__all__ = [
    "Component",
    "Named",
    "build_component",
    "describe_part",
    "normalize_component",
    "tuples_to_lists",
]


MAX_SHOWN = 200
"""Letters of an argument that a message repeats."""


class Component(BaseModel):
    """What makes one part of a training: the name of a function or class, and its arguments.

    A name is one of chainrule's (``"Adam"``), or ``"package.module:name"`` of one's own. All
    other fields are the arguments: numbers, texts, lists of them.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @model_validator(mode="after")
    def _check_arguments(self) -> Self:
        check_plain(self.arguments)
        return self

    @property
    def arguments(self) -> dict[str, Any]:
        """Name → value of all that is not the part's own name."""
        return dict(self.model_extra or {})


def tuples_to_lists(value: Any) -> Any:
    """The value with lists for tuples, as it comes back from a file."""
    if isinstance(value, list | tuple):
        return [tuples_to_lists(one) for one in value]
    if isinstance(value, Mapping):
        return {key: tuples_to_lists(one) for key, one in value.items()}
    return value


def normalize_component(given: Any) -> Any:
    """A part from its short forms: a name alone, or a function or class that can be imported.

    ``file.py:NAME`` becomes ``file:NAME``, where Python finds the file.
    """
    if isinstance(given, str):
        given = {"name": given}
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
    if isinstance(given, Mapping) and isinstance(given.get("name"), str):
        given = {**given, "name": locate_user_file(given["name"])}
    if isinstance(given, Mapping) and isinstance(given.get("transforms"), list | tuple):
        given = {**given, "transforms": [normalize_component(one) for one in given["transforms"]]}
    return tuples_to_lists(given)


Named = Annotated[Component, BeforeValidator(normalize_component)]
"""A part, or its short form."""


def describe_refusal(error: Exception, function: Callable[..., Any], skip: int) -> str:
    """What a constructor raised, in one line; where it did not foresee it, what it accepts."""
    if is_out_of_memory(error):
        return TOO_LARGE
    text = next(iter(str(error).splitlines()), "")
    if isinstance(error, ValueError):
        return str(error)
    reason = text if isinstance(error, TypeError) else f"{type(error).__name__}: {text}"
    return f"{reason}{describe_accepted(function, skip)}"


def describe_part(kind: str, part: Component) -> str:
    """``optimizer Adam(lr=0.1)``"""
    shown = ", ".join(f"{k}={cut_text(repr(v))}" for k, v in part.arguments.items())
    return f"{kind} {part.name}({shown})"


def cut_text(text: str) -> str:
    """A text that may be as long as the user's list is, at a length that is read."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]} …"


def takes_outputs(function: Callable[..., Any], arguments: Mapping[str, Any]) -> bool:
    """Whether a function is a metric itself, of (output, target) and these arguments by name."""
    if not isinstance(function, FunctionType):
        return False
    parameters = signature(function).parameters
    free = [p for name, p in parameters.items() if name not in arguments]
    required = [p for p in free if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return len(required) == 2 and required == free[:2] and arguments.keys() <= parameters.keys()


def build_component(kind: str, part: Component, *given: Any, **more: Any) -> Any:
    """Call what the part names, with ``given`` first and its own arguments by name.

    A metric may be the function of (output, target) itself, with further arguments. Raises
    StudyError, which names the part with its arguments, where it does not accept them: an
    unknown, a missing or a wrong one; and where it makes something else. What cannot be read stays
    an OSError, and what our own say of data what it is.
    """
    function = resolve_callable(kind, part.name)
    label = describe_part(kind, part)
    arguments = {**part.arguments, **more}
    if kind == "metric" and takes_outputs(function, arguments):
        return partial(function, **arguments) if arguments else function
    if problem := find_argument_problem(kind, function, arguments, len(given)):
        raise StudyError(f"{label}: {problem}")
    try:
        made = function(*given, **arguments)
    except (ChainruleError, OSError, ImportError):
        raise
    except Exception as error:  # whatever a constructor raises for a value it does not foresee
        raise StudyError(f"{label}: {describe_refusal(error, function, len(given))}") from error
    wanted = product_class(kind)
    if kind != "data" and not isinstance(made, wanted):
        problem = f"expected it to make a {wanted.__name__}, got {describe_object(made)}"
        is_torch = find_torch_base(type(made)) is not None
        fix = f"; write it with the classes of {wanted.__module__.rpartition('.')[0]}"
        raise StudyError(f"{kind} {part.name}: {problem}{fix if is_torch else ''}")
    return made
