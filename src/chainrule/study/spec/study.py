"""What a study is: data x arms x search x rounds, as a TOML file or in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from operator import itemgetter
from pathlib import Path
from typing import Any, Self, final

from pydantic import ValidationError, ValidationInfo, field_validator, model_validator

from chainrule._util.argument_checks import check_arguments
from chainrule._util.display import html_table
from chainrule._util.plain_data import flatten_dict
from chainrule._util.suggest import did_you_mean
from chainrule._util.words import count_noun
from chainrule.recipes.errors import StudyError
from chainrule.recipes.problems import Place, format_problem, list_problems, raise_problems
from chainrule.recipes.recipe import deep_merge
from chainrule.study.spec.checks import (
    check_declaration,
    find_further_problems,
    find_unknown_names,
)
from chainrule.study.spec.components import find_component_problems
from chainrule.study.spec.declaration import Declaration, declare_quick_form
from chainrule.study.spec.digests import digest_content
from chainrule.study.spec.sections import spread_data
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.toml_file import parse_toml, read_study_file
from chainrule.study.spec.toml_lines import find_line, find_lines, guess_place

__all__ = ["Study", "validate_study"]


@final
class Study(Declaration):
    """A declared comparison.

    The recipe that all arms start from stands at the top level: its fields are those of
    :class:`Recipe`. The arms are written out in ``arms``, or are the product of the levels of
    ``factors``; each says what is different. ``space`` maps paths such as ``optimizer.lr`` to
    values; a path that an arm sets itself is not searched in that arm.

    ``metric`` names the one that selects and is tested, by default the first of ``metrics``;
    ``direction`` says which way is better, ``failure_value`` what a diverged training counts as.
    ``rounds``: a number, or a table that says until when, see :class:`SequentialRounds`.
    ``rope``: a difference that does not matter, in the metric's unit. ``precision``: bfloat16 is
    float32, but for the products of convolutions. ``compile`` is the Trainer's of all arms that
    chainrule's own trains: it is no part of what the study is, and rows tell which way they were
    computed. ``cohort_size``: trainings a cohort, by default what fits a cache.
    ``keep="predictions"``: what each net says of each sample that it is judged on is kept beside
    its row. ``timing``: each arm is trained once more alone, for its time. ``callbacks``: what
    looks on, such as a logger; no part of what the study is. ``datasets``: several, each with what
    it says differently from ``data``, see :func:`split_datasets`. In ``sources`` and ``part_of`` a
    run writes the SHA-256 of your modules, and of what study this is a part.

    Raises StudyError, with a line a problem, which names the field and what would be right.
    """

    @field_validator("arms", "factors", "quick")
    @classmethod
    def _check_names(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        raise_problems(find_unknown_names(given, str(info.field_name), cls))
        return given

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        check_declaration(self)
        return self

    @check_arguments
    def select(self, pattern: str = "*") -> list[Arm]:
        """The arms whose names match a glob pattern such as ``mlp*``.

        Raises StudyError, which lists the names, where none does.
        """
        found = [arm for arm in self.all_arms if fnmatchcase(arm.name, pattern)]
        if not found:
            names = [arm.name for arm in self.all_arms]
            known = f"{did_you_mean(pattern, names)}arms: {', '.join(names)}"
            raise StudyError(f"study {self.name}: no arm matches {pattern!r}; {known}")
        return found

    def with_overrides(self, **changes: Any) -> Study:
        """The study with other values in some fields; None leaves one as it is."""
        given = spread_data({k: v for k, v in changes.items() if v is not None}, self.datasets)
        return validate_study(deep_merge(self.as_dict(), given), f"study {self.name}")

    def quick_form(self) -> Study:
        """The small form that the study declares in ``quick``, under a name of its own.

        What others reported is left out: it is not the same study. Raises StudyError where there
        is none.
        """
        if not self.quick:
            raise StudyError(f"study {self.name} declares no quick form ([quick] in its file)")
        return validate_study(declare_quick_form(self), f"study {self.name}, quick form")

    def __repr_args__(self) -> Iterable[tuple[str, Any]]:
        """What was declared, for its repr; pydantic shows the defaults too."""
        return self.as_dict().items()

    def _repr_html_(self) -> str:
        rows = [(path, str(value)) for path, value in flatten_dict(self.as_dict()).items()]
        arms = count_noun(len(self.all_arms), "arm")
        return html_table(("", "declared"), rows, f"study {self.name}, {arms}")

    @property
    def digest(self) -> str:
        """A fingerprint of all that decides a number in the result.

        In what order things are written down counts for factors, which name the arms, and for the
        space, which numbers the candidates.
        """
        return digest_content(self)

    @classmethod
    @check_arguments
    def from_toml(cls, text: str, source: str = "study") -> Study:
        """The study that a TOML text declares. Raises StudyError with a line a problem."""
        return validate_study(parse_toml(text, source), source, text=text)

    @classmethod
    @check_arguments
    def load(cls, path: str | Path) -> Study:
        """The study in a TOML file; a CSV file that it names may stand beside it.

        Raises OSError or StudyError, naming the file.
        """
        declared, text = read_study_file(Path(path))
        return validate_study(declared, str(path), text=text)


def validate_study(
    declared: Mapping[str, Any], source: str, *, text: str | None = None, stored: bool = False
) -> Study:
    """The study that these data declare. Raises StudyError with a line for each problem.

    ``text``: the TOML that it was read from, for the number of the line in it. ``stored``: it ran
    already, so what is no longer allowed in a new one is read as it was.
    """
    try:
        return Study.model_validate(declared, context={"stored": True} if stored else None)
    except ValidationError as error:
        found = list_problems(error)
        places = [place for place, _ in found]
        if all(places):  # these fields are wrong by themselves
            wrong = {str(place[0]) for place in places}
            found += find_further_problems(declared, wrong, Declaration)
        for place, problem in find_component_problems(declared):  # which the arms alone would tell
            if not any(place[: len(other)] == other for other in places if other):
                found.append((place, problem))
        located = [locate_problem(*problem, source, text) for problem in found]
        lines = "\n  ".join(dict.fromkeys(line for _, line in sorted(located, key=itemgetter(0))))
        raise StudyError(f"{source} is not a study:\n  {lines}") from None


def locate_problem(place: Place, problem: str, source: str, text: str | None) -> tuple[int, str]:
    """The line of a problem, and the problem with its line in front, or that there is none.

    Without the text that was read there is no line to tell.
    """
    lines = find_lines(text or "")
    problem, place = format_problem(place, problem), place or guess_place(problem, lines)
    line = find_line(lines, place)
    if line is None and text is not None and place and place[0] in Study.model_fields:
        return 0, f"nowhere in {source}, {problem}"
    return line or 0, f"line {line}, {problem}" if line else problem
