"""What is wrong with the components as a declaration has them, and the line that each is on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from chainrule.recipes.arguments import find_written_problems
from chainrule.recipes.component import normalize_component
from chainrule.recipes.importing import SEARCH_MODULES
from chainrule.recipes.problems import Place
from chainrule.recipes.recipe import Schedule
from chainrule.study.spec.sections import Data
from chainrule.study.spec.sections.space import Dimension, covering_settings
from chainrule.study.spec.toml_lines import find_line, find_lines

__all__ = ["ComponentProblems", "find_component_problems"]

Part = Mapping[str, Any]

OWN_FIELDS = {"data": Data.model_fields, "schedule": Schedule.model_fields}
"""What a component of a kind has that its function is not given, besides its name."""


@final
class ComponentProblems:
    """The problems of a study's components, and where they stand in the file that declares it.

    ``source``: the TOML file; of anything else there are no lines.
    """

    def __init__(self, declared: Part, space: Mapping[str, Dimension], source: str) -> None:
        self.found = dict(find_component_problems(declared, space))
        is_file = source.endswith(".toml") and Path(source).is_file()
        self.lines = find_lines(Path(source).read_text("utf-8-sig")) if is_file else {}

    def locate(self, message: str) -> str:
        """A message with the place of each component that one of its lines is about before it."""
        lines = []
        for line in message.splitlines():
            is_quick = line.lstrip().startswith("quick form")
            shown = "".join(
                self._name_place(place)
                for place, problem in self.found.items()
                if problem in line and is_quick == (place[0] == "quick")
            )
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}{shown}{line.lstrip()}")
        return "\n".join(lines)

    def list_unsaid(self, messages: Iterable[str]) -> list[str]:
        """A line for each that none of the messages says."""
        said = "\n".join(messages)
        unsaid = {place: problem for place, problem in self.found.items() if problem not in said}
        return [
            f"{self._name_place(place) or '.'.join(map(str, place)) + ': '}{problem}"
            for place, problem in unsaid.items()
        ]

    def _name_place(self, place: Place) -> str:
        """``line 8, net.hidden: ``, where the line is known."""
        number = find_line(self.lines, place)
        return f"line {number}, {'.'.join(map(str, place))}: " if number else ""


def find_component_problems(
    declared: Mapping[str, Any], space: Mapping[str, Dimension] | None = None
) -> Iterator[tuple[Place, str]]:
    """The place of each, and what is wrong there; of the values of a space too, if it is given.

    A component without a name of its own has one of those that are declared of its kind, and what
    one of them takes is right.
    """
    parts = [*find_parts(declared, ()), *find_searched(space or {})]
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
    for kind, path, of in written:
        part: Any = None
        with suppress(ValueError, TypeError):  # said where the declaration is read
            part = normalize_component(of)
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


def find_searched(space: Mapping[str, Dimension]) -> Iterator[tuple[str, Place, Part]]:
    """The same of the paths of a space, with each of their values or each end of a range."""
    for setting in covering_settings(space):
        for path, value in setting.items():
            kind, _, argument = path.partition(".")
            if argument and kind in SEARCH_MODULES and space[path].parts is None:
                yield kind, ("space", path), {argument: value}
