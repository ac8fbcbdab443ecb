"""What the text of a row or of a study must have: checked before any of it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from chainrule.study.store.record import Stage, Status

__all__ = ["find_row_problem", "find_study_problem"]

Kinds = Mapping[str, tuple[type, ...]]

NUMBER = (float, int)
VALUES: Mapping[str, tuple[type, ...]] = {
    "setting": (float, int, str, bool),
    "metrics": NUMBER,
    "seeds": (int,),
    "samples": (str,),
}
"""Tables of a row → what their values are."""

ROW: Kinds = {
    **dict.fromkeys(("arm", "stage", "status", "curves_digest"), (str,)),
    **dict.fromkeys(("candidate", "round", "fold", "epochs"), (int,)),
    **dict.fromkeys(("cohort_size", "parameters", "n_train", "n_test"), (int,)),
    **dict.fromkeys(("setting", "metrics", "seeds"), (dict,)),
    "seconds": NUMBER,
    "curves": (list,),
}
MORE_OF_ROW: Kinds = {
    **dict.fromkeys(("finished", "worker", "note", "backend", "kernel"), (str,)),
    "predictions_digest": (str,),
    "training_version": (int,),
    "machine": (dict,),
    "samples": (dict,),
}
"""What rows of older versions do not have."""

STUDY: Kinds = {"name": (str,), "declaration": (dict,), "created": (str,), "runs": (list,)}
DECLARATION: Kinds = {"toml": (str,), "looks": (list,)}

LOOK: Kinds = {"rounds": (int,), "time": (str,), "plan": (list,), "method": (str, type(None))}
RUN: Kinds = {"time": (str,), "command": (list,), "changes": (dict,), "share": (str,)}
"""Of what is said of a run, that which is read."""


def find_row_problem(values: Any) -> str:
    """The first field that is missing, not what it should be, or one too many; "" where none is."""
    if problem := find_kind_problem(values, ROW, MORE_OF_ROW):
        return problem
    for name, kinds in VALUES.items():
        for key, value in values.get(name, {}).items():
            if type(value) not in kinds:
                return f"{name}.{key}: {value!r}"
    for name, known in (("stage", get_args(Stage)), ("status", get_args(Status))):
        if values[name] not in known:
            return f"{name}: {values[name]!r}"
    for curve in values["curves"]:
        if not isinstance(curve, list) or [*map(type, curve)] != [str, int] or curve[1] < 0:
            return f"curves: {curve!r}"
    return ""


def find_study_problem(values: Any) -> str:
    """The same of a study."""
    if problem := find_kind_problem(values, STUDY, {}):
        return problem
    declaration = values["declaration"]
    if problem := find_known_problem(declaration, DECLARATION):
        return f"declaration.{problem}"
    for look in declaration.get("looks", []):
        if find_kind_problem(look, LOOK, {}) or {*map(type, look["plan"])} - {int}:
            return f"declaration.looks: {look!r}"
    for run in values["runs"] or [None]:
        if find_known_problem(run, RUN) or not all(map(is_pair, run.get("changes", {}).values())):
            return f"runs: {run!r}"
    return ""


def find_known_problem(values: Any, kinds: Kinds) -> str:
    """The same of the fields of these names alone, where they are there."""
    known = (
        {name: values[name] for name in kinds if name in values}
        if isinstance(values, dict)
        else values
    )
    return find_kind_problem(known, {}, kinds)


def is_pair(value: Any) -> bool:
    """Whether it is a list of two."""
    return isinstance(value, list) and len(value) == 2


def find_kind_problem(values: Any, needed: Kinds, more: Kinds) -> str:
    """The same of the kinds of fields alone."""
    if not isinstance(values, dict):
        return f"no table of fields: {values!r}"
    for name, kinds in needed.items():
        if name not in values:
            return f"{name} is missing"
        if type(values[name]) not in kinds:
            return f"{name}: {values[name]!r}"
    for name in values.keys() - needed.keys():
        if type(values[name]) not in more.get(name, ()):
            return f"{name}: {values[name]!r}"
    return ""
