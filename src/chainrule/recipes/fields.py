"""Sections of a declaration: a typo in a field is an error, and so is the name it once had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails

from chainrule._util.suggest import did_you_mean, find_similar
from chainrule.recipes.arguments import argument_names
from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import SEARCH_MODULES, component_names
from chainrule.recipes.problems import PROBLEM, Place, format_errors, make_error

__all__ = [
    "OLD_NAMES",
    "StrictModel",
    "describe_unknown",
    "find_unknown",
    "validate_model",
]

OLD_NAMES = {
    "first": "min_epochs",
    "goal": "direction",
    "last": "average_last",
    "members": "ensemble_size",
    "shared": "batchable",
    "whole": "integer",
    "width": "cohort_size",
    "worst": "failure_value",
}
"""What a field was called in the first format → what it is called now."""


class StrictModel(BaseModel):
    """A section that knows all its fields; it says what was meant by one that it has not.

    Raises StudyError, with a line a problem. Within another one, and by pydantic's own
    ``model_validate``, it is pydantic's ValidationError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise StudyError("\n".join(format_errors(error))) from None

    # pydantic calls an __init__ for each section in a section, unless it is told not to
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @model_validator(mode="wrap")
    @classmethod
    def _explain_unknown(cls, given: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        try:
            return handler(given)
        except ValidationError as error:
            found = [cls._explain_error(one, given) for one in error.errors()]
            raise ValidationError.from_exception_data(cls.__name__, found) from None

    @classmethod
    def _explain_error(cls, error: ErrorDetails, given: Any) -> InitErrorDetails:
        """The same error; of a field that is not known, with the names that are."""
        if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
            text = describe_unknown(str(error["loc"][0]), cls, given)
            return make_error(error["loc"], text, error["input"])
        if error["type"] == PROBLEM:
            return make_error(error["loc"], error["msg"], error["input"])
        context = error.get("ctx", {})
        return {
            "type": error["type"],
            "loc": error["loc"],
            "input": error["input"],
            "ctx": context,
        }


Model = TypeVar("Model", bound=BaseModel)


def validate_model(model: type[Model], declared: Mapping[str, Any]) -> Model:
    """The section that these data declare. Raises StudyError, with a line a problem."""
    try:
        return model.model_validate(declared)
    except ValidationError as error:
        raise StudyError("\n".join(format_errors(error))) from None


def find_unknown(
    given: Mapping[str, Any], model: type[BaseModel], depth: int = 0, place: Place = ()
) -> Iterator[tuple[Place, str]]:
    """Each name that is no field of the model, or of a section of it, with its place; ``depth``
    levels of names further in, as in arms and factors.
    """
    for name, inner in given.items() if isinstance(given, Mapping) else ():
        there = (*place, name)
        if depth and isinstance(inner, Mapping):
            yield from find_unknown(inner, model, depth - 1, there)
        elif not depth and name not in model.model_fields:
            yield there, describe_unknown(name, model, given)
        elif not depth and isinstance(inner, Mapping):
            section = model.model_fields[name].annotation
            if isinstance(section, type) and issubclass(section, StrictModel):
                yield from find_unknown(inner, section, 0, there)


def describe_unknown(name: str, model: type[BaseModel], given: Mapping[str, Any]) -> str:
    """``no such field; did you mean 'epochs'?``, or 'optimizer.lr': one further in.

    Of a name that a field once had, ``is called direction now``.
    """
    if OLD_NAMES.get(name) in model.model_fields:
        return f"is called {OLD_NAMES[name]} now"
    known = ", ".join(model.model_fields)
    further = [*find_inner_fields(model, given)]
    inside = [path for path in further if path.rpartition(".")[2] == name]
    hint = f"did you mean {inside[0]!r}? " if inside else ""
    if not hint and "." not in name:
        hint = did_you_mean(name, model.model_fields)
    if not hint:
        hint = describe_owners(name)
    if not hint:
        words = {path.rpartition(".")[2]: path for path in reversed(further)}
        words |= {path: path for path in further}
        found = find_similar(name, words)
        hint = f"did you mean {words[found]!r}? " if found else ""
    return f"no such field; {hint.strip() or f'expected one of: {known}'}"


def describe_owners(argument: str) -> str:
    """``'optimizer.momentum' is an argument of SGD``: what else than is declared has it; or ""."""
    for kind in ("optimizer", "loss", "net", "schedule"):
        named = component_names(kind)
        if owners := [name for name in named if argument in argument_names(kind, name)]:
            return f"'{kind}.{argument}' is an argument of {', '.join(owners)}"
    return ""


def find_inner_fields(model: type[BaseModel], given: Mapping[str, Any]) -> Iterator[str]:
    """``optimizer.lr``, ``search.method``: what components and sections of a model may have.

    Of a component that is not declared, what any of its kind may have.
    """
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, StrictModel):
            yield from (f"{name}.{inner}" for inner in section.model_fields)
        elif name in SEARCH_MODULES and name != "trainer":
            part = given.get(name)
            made = part.get("name") if isinstance(part, Mapping) else getattr(part, "name", part)
            declared = [made] if isinstance(made, str) else component_names(name)
            yield from (f"{name}.{a}" for one in declared for a in argument_names(name, one))
