"""What is wrong with the components as a declaration has them, and the line that each is on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.recipes.arguments import find_written_problems
from chainrule.recipes.importing import SEARCH_MODULES
from chainrule.recipes.problems import Place
from chainrule.recipes.recipe import Schedule
from chainrule.study.spec.sections import Data
from chainrule.study.spec.sections.space import covering_settings
from chainrule.study.spec.study import Study
from chainrule.study.spec.toml_lines import find_line, find_lines

__all__ = ["add_component_lines"]

Part = Mapping[str, Any]

OWN_FIELDS = {"data": Data.model_fields, "schedule": Schedule.model_fields}
"""What a component of a kind has that its function is not given, besides its name."""


def add_component_lines(message: str, study: Study, source: str) -> str:
    """A message with the place of each wrong component that one of its lines is about before it.

    ``source``: the TOML file that declares the study; of anything else there are no lines.
    """
    if not source.endswith(".toml"):
        return message
    numbers = find_lines(Path(source).read_text("utf-8-sig"))
    found = dict(find_component_problems(study))
    lines = []
    for line in message.splitlines():
        is_quick = line.lstrip().startswith("quick form")
        places = [
            p for p, problem in found.items() if problem in line and is_quick == (p[0] == "quick")
        ]
        named = [(find_line(numbers, place), ".".join(map(str, place))) for place in places]
        shown = "".join(f"line {number}, {path}: " for number, path in named if number)
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(f"{indent}{shown}{line.lstrip()}")
    return "\n".join(lines)


def find_component_problems(study: Study) -> Iterator[tuple[Place, str]]:
    """The place of each, and what is wrong there.

    A component without a name of its own has one of those that are declared of its kind, and what
    one of them takes is right.
    """
    parts = [*find_parts(study.as_dict(), ()), *find_searched(study)]
    names: dict[str, dict[str, None]] = {kind: {} for kind in SEARCH_MODULES}
    for kind, _, part in parts:
        names[kind] |= {part["name"]: None} if "name" in part else {}
    for kind, place, part in parts:
        arguments = {k: v for k, v in part.items() if k not in ("name", *OWN_FIELDS.get(kind, ()))}
        makers = [part["name"]] if "name" in part else names[kind]
        found = [find_written_problems(kind, name, arguments) for name in makers]
        for argument in found[0] if found else ():
            if all(argument in problems for problems in found):
                yield place if place[0] == "space" else (*place, argument), found[0][argument]


def find_parts(declared: Any, place: Place) -> Iterator[tuple[str, Place, Part]]:
    """(kind, place, what is written) of each component: of arms, levels and the small form too."""
    if not isinstance(declared, Mapping):
        return
    written: list[tuple[str, Place, Any]]
    written = [(kind, (kind,), declared.get(kind)) for kind in SEARCH_MODULES if kind != "metric"]
    written += [("metric", ("metrics", name), of) for name, of in read_table(declared, "metrics")]
    for kind, path, part in written:
        part = {"name": part} if isinstance(part, str) else part
        if isinstance(part, Mapping) and isinstance(part.get("name", ""), str):
            yield kind, (*place, *path), part
    for name, arm in read_table(declared, "arms"):
        yield from find_parts(arm, (*place, "arms", name))
    for factor, levels in read_table(declared, "factors"):
        for level in levels if isinstance(levels, Mapping) else ():
            yield from find_parts(levels[level], (*place, "factors", factor, level))
    yield from find_parts(declared.get("quick"), (*place, "quick"))


def read_table(declared: Part, field: str) -> Iterable[tuple[str, Any]]:
    """The names and values of a table; none where it is not there, or something else."""
    table = declared.get(field)
    return table.items() if isinstance(table, Mapping) else ()


def find_searched(study: Study) -> Iterator[tuple[str, Place, Part]]:
    """The same of the paths of the space, with each of their values or each end of a range."""
    for setting in covering_settings(study.space):
        for path, value in setting.items():
            kind, _, argument = path.partition(".")
            if argument and kind in SEARCH_MODULES and study.space[path].parts is None:
                yield kind, ("space", path), {argument: value}
