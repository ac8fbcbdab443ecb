"""What is wrong with fields of a study that must go together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from pydantic import ValidationError

from chainrule._util.suggest import did_you_mean, find_similar
from chainrule._util.words import count_noun
from chainrule.recipes.fields import OLD_NAMES, find_unknown
from chainrule.recipes.problems import Place, list_problems, raise_problems
from chainrule.recipes.recipe import Recipe
from chainrule.study.spec.declaration import Declaration, declare_part, declare_quick_form
from chainrule.study.spec.sections import Race
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import grid

__all__ = ["check_declaration", "find_further_problems", "find_unknown_names"]


def check_declaration(study: Declaration) -> None:
    """Raise, in a validator, what of a study does not go together: all of it at once."""
    found: list[tuple[Place, str]] = [((), problem) for problem in find_inconsistencies(study)]
    said = {problem for _, problem in found}
    parts = [*find_dataset_problems(study), *find_quick_problems(study)]
    raise_problems([*found, *((place, text) for place, text in parts if text not in said)])


def find_inconsistencies(study: Declaration, wrong: Set[str] = frozenset()) -> Iterator[str]:
    """What does not go together in a study, whose fields are right one by one.

    But for the ``wrong`` ones: of what these decide nothing is said.
    """
    for find, fields in CHECKS.items():
        if fields.isdisjoint(wrong):
            yield from find(study)


def find_further_problems(
    declared: Mapping[str, Any], wrong: Set[str], model: type[Declaration]
) -> Iterator[tuple[Place, str]]:
    """What does not go together in a declaration of which these fields are wrong or missing."""
    meant = {OLD_NAMES.get(name) or find_similar(name, model.model_fields) for name in wrong}
    wrong = {*wrong, *filter(None, meant)}
    stand_ins = {"name": "a", "data": {"name": "a"}}
    right = {key: value for key, value in declared.items() if key not in wrong}
    needed = {key: value for key, value in stand_ins.items() if key in wrong}
    try:
        study = model.model_validate({**right, **needed})
    except ValidationError:  # what was said of one field is about another too
        return
    yield from (((), problem) for problem in find_inconsistencies(study, wrong))
    if wrong.isdisjoint(("quick", "arms", "factors", "datasets")):
        yield from find_unknown_parts(study)


def find_unknown_names(
    given: dict[str, Any], field: str, model: type[Declaration]
) -> Iterator[tuple[Place, str]]:
    """What arms, factors or the quick form name that there is not."""
    depth = {"arms": 1, "factors": 2, "quick": 0}[field]
    found = [*find_unknown(given, Recipe if depth else model, depth)]
    if field == "quick":
        for inner, levels in (("arms", 1), ("factors", 2)):
            found += find_unknown(given.get(inner) or {}, Recipe, levels, (inner,))
    for place, problem in found:
        is_further_up = len(place) == depth + 1 and place[-1] in model.model_fields
        where = "expected at the top of the study: arms do not differ in it"
        yield place, where if depth and is_further_up else problem


def find_metric_problems(study: Declaration) -> Iterator[str]:
    """Where the metric, its direction and its failure value do not agree."""
    if study.metric_name not in {*study.metrics, "loss"}:
        known = [*study.metrics, "loss"]
        hint = did_you_mean(study.metric, known)
        yield f"metric: {hint}expected one of {known}, got {study.metric!r}"
    if study.metric_name == "loss" and study.direction == "max":
        yield "direction: a loss is better when it is smaller; expected 'min'"
    if study.direction == "min" and study.failure_value == 0:
        yield (
            "failure_value: with direction 'min', 0 would be the best; expected a large value, "
            "which a training that diverged counts as"
        )


def find_incomplete_arms(study: Declaration) -> Iterator[str]:
    """Where arms are not complete or not right."""
    try:
        _ = study.all_arms
    except ValueError as error:
        yield from str(error).splitlines()


def list_arms(study: Declaration) -> list[Arm]:
    """The arms; none where one is not right."""
    try:
        return study.all_arms
    except ValueError:
        return []


def find_naming_problems(study: Declaration) -> Iterator[str]:
    """Where what is said of arms does not fit those that there are."""
    names = [arm.name for arm in list_arms(study)]
    if not names:
        return
    for field, given in (
        ("baseline", [study.baseline or names[0]]),
        ("reported", study.reported),
    ):
        if unknown := [name for name in given if name not in names]:
            hint, listed = did_you_mean(unknown[0], names), ", ".join(names)
            yield f"{field}: no arm {', '.join(unknown)}; {hint}arms: {listed}"
    if study.sequential is not None and len(names) < 2:
        yield (
            f"rounds: until decided, and {names[0]} is the only arm: there is nothing to "
            "decide; expected a number, or another arm"
        )


def find_search_problems(study: Declaration) -> Iterator[str]:
    """Where search, space and selection do not go together."""
    search, space, selection = study.search, study.space, study.selection
    if space and search.method == "fixed":
        yield (
            f"search: there is a space ({', '.join(space)}), and no method to search it; "
            'expected [search] with method = "grid", "random", "tpe" or "gp"'
        )
    if not space and search.method != "fixed":
        yield (
            f"space: search.method is {search.method!r}, and there is nothing to search; "
            'expected [space] with values for a path, such as "optimizer.lr" = [0.01, 0.1]'
        )
    if search.method in ("random", "tpe", "gp") and search.candidates is None:
        yield (
            f"search.candidates: {search.method} needs to know how many; expected a number, such "
            "as candidates = 20"
        )
    if search.method == "grid":
        try:
            grid(space)
        except ValueError as error:
            yield str(error)
    if search.parameters is not None and not space:
        yield "search.parameters: bounds the candidates of a space, and there is none"
    if search.race:
        yield from find_race_problems(study, search.race)
    if not selection.refit and selection.splits > 1:
        yield "selection.refit: without it, one hold-out is needed; expected true"


def find_search_leaks(study: Declaration) -> Iterator[str]:
    """Where a search would see what other rounds test on."""
    if not (study.space and study.data.divides_one_draw and list_arms(study)):
        return
    if not study.searches_each_round:
        yield (
            "search.each_round: with re-splits or folds of one data set, a search before the "
            "first round would see other rounds' test data; expected true"
        )


def find_halving_problems(study: Declaration) -> Iterator[str]:
    """Where candidates cannot be halved so."""
    halving = study.search.halving
    if halving is None:
        return
    if study.search.method not in ("grid", "random"):
        yield "search.halving: goes with method grid or random, whose candidates begin together"
    searched = [arm for arm in list_arms(study) if arm.space]
    if any("epochs" in arm.space for arm in searched):
        yield "search.halving: decides on the epochs; expected none in the space"
    least = min((arm.recipe.epochs for arm in searched), default=study.epochs)
    if halving.min_epochs >= least:
        yield f"search.halving.min_epochs: expected less than epochs = {least}"


def find_race_problems(study: Declaration, race: Race) -> Iterator[str]:
    """Where candidates cannot race so."""
    if study.search.method not in ("grid", "random"):
        yield "search.race: goes with method grid or random, whose candidates begin together"
    if study.search.halving:
        yield "search.race: ends candidates by splits, halving by epochs; expected one"
    if race.min_splits >= study.selection.splits:
        yield (
            "search.race.min_splits: expected less than the "
            f"{count_noun(study.selection.splits, 'split')} that judge a candidate "
            '([selection] split = "kfold", folds, repeats)'
        )


def find_dataset_problems(study: Declaration) -> Iterator[tuple[Place, str]]:
    """What is wrong in the study of one of its data sets."""
    for name in study.datasets:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            problem = "expected a letter, then letters, digits, hyphens and underscores"
            yield ("datasets", name), problem
            continue
        try:
            type(study).model_validate(declare_part(study, name))
        except ValidationError as error:
            for place, text in list_problems(error):
                yield ("datasets", name, *place[place[:1] == ("data",) :]), text
    if study.datasets and study.sequential is not None:
        problem = "until decided goes with one data set, for several are not tested after each look"
        yield ("rounds",), f"{problem}; expected a number"
    if study.datasets and study.reported:
        yield ("reported",), "one number an arm goes with one data set"


def find_quick_problems(study: Declaration) -> Iterator[tuple[Place, str]]:
    """What is wrong in the small form that the study declares."""
    unknown = [*find_unknown_parts(study)]
    yield from unknown
    if study.quick and not unknown:
        try:
            type(study).model_validate(declare_quick_form(study))
        except ValidationError as error:
            yield from list_problems(error, ("quick",))


def find_unknown_parts(study: Declaration) -> Iterator[tuple[Place, str]]:
    """What the small form changes that the study has not."""
    for field in ("arms", "factors", "datasets"):
        there: dict[str, Any] = getattr(study, field)
        named = study.quick.get(field)
        for name in named if isinstance(named, Mapping) else ():
            if name not in there:
                hint = did_you_mean(name, there)
                listed = ", ".join(there) or "none"
                yield ("quick", field, name), f"not one of the study; {hint}{field}: {listed}"


RECIPE = frozenset(
    ("net", "loss", "optimizer", "schedule", "init", "augment", "trainer", "arms", "factors")
)
SEARCHED = frozenset(("search", "space", "selection"))

CHECKS: dict[Callable[[Declaration], Iterator[str]], frozenset[str]] = {
    find_metric_problems: frozenset(("metrics", "metric", "direction", "failure_value")),
    find_search_problems: SEARCHED,
    find_incomplete_arms: RECIPE | {"space"},
    find_naming_problems: RECIPE | {"space", "baseline", "reported", "rounds"},
    find_halving_problems: RECIPE | SEARCHED | {"epochs"},
    find_search_leaks: RECIPE | SEARCHED | {"data", "datasets"},
}
"""What looks at several fields → those that it looks at."""
