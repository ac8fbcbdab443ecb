"""What is wrong with fields of a study that must go together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from chainrule._util.suggest import did_you_mean
from chainrule.recipes.fields import find_unknown
from chainrule.recipes.problems import Place, list_problems, raise_problems
from chainrule.recipes.recipe import Recipe
from chainrule.study.spec.declaration import Declaration, declare_part, declare_quick_form
from chainrule.study.spec.sections import Halving, Race
from chainrule.study.spec.sections.space import grid

__all__ = ["check_declaration", "find_unknown_names"]


def check_declaration(study: Declaration) -> None:
    """Raise, in a validator, what of a study does not go together."""
    check_metric(study)
    check_named_arms(study)
    check_search(study)
    check_datasets(study)
    check_quick_form(study)


def find_unknown_names(
    given: dict[str, Any], field: str, model: type[Declaration]
) -> Iterator[tuple[Place, str]]:
    """What arms, factors or the quick form name that there is not."""
    depth = {"arms": 1, "factors": 2, "quick": 0}[field]
    yield from find_unknown(given, Recipe if depth else model, depth)
    if field == "quick":
        for inner, levels in (("arms", 1), ("factors", 2)):
            yield from find_unknown(given.get(inner) or {}, Recipe, levels, (inner,))


def check_metric(study: Declaration) -> None:
    """Raise ValueError where the metric, its direction and its failure value do not agree."""
    if study.metric_name not in {*study.metrics, "loss"}:
        known = [*study.metrics, "loss"]
        hint = did_you_mean(study.metric, known)
        raise ValueError(f"metric: {hint}expected one of {known}, got {study.metric!r}")
    if study.metric_name == "loss" and study.direction == "max":
        raise ValueError("direction: a loss is better when it is smaller; expected 'min'")
    if study.direction == "min" and study.failure_value == 0:
        raise ValueError(
            "failure_value: with direction 'min', 0 would be the best; expected a large value, "
            "which a training that diverged counts as"
        )


def check_named_arms(study: Declaration) -> None:
    """Raise ValueError where what is said of arms does not fit those that there are."""
    names = [arm.name for arm in study.all_arms]
    for field, given in (
        ("baseline", [study.baseline or names[0]]),
        ("reported", study.reported),
    ):
        if unknown := [name for name in given if name not in names]:
            hint = did_you_mean(unknown[0], names)
            listed = ", ".join(names)
            raise ValueError(f"{field}: no arm {', '.join(unknown)}; {hint}arms: {listed}")
    if study.sequential is not None and len(names) < 2:
        raise ValueError(
            f"rounds: until decided, and {names[0]} is the only arm: there is nothing to "
            "decide; expected a number, or another arm"
        )


def check_search(study: Declaration) -> None:
    """Raise ValueError where search, space and selection do not go together."""
    search = study.search
    if study.space and search.method == "fixed":
        raise ValueError(
            f"search: there is a space ({', '.join(study.space)}), and no method to search it; "
            'expected [search] with method = "grid", "random", "tpe" or "gp"'
        )
    if not study.space and search.method != "fixed":
        raise ValueError(
            f"space: search.method is {search.method!r}, and there is nothing to search; "
            'expected [space] with values for a path, such as "optimizer.lr" = [0.01, 0.1]'
        )
    if search.method in ("random", "tpe", "gp") and search.candidates is None:
        raise ValueError(
            f"search.candidates: {search.method} needs to know how many; expected a number, such "
            "as candidates = 20"
        )
    if search.method == "grid":
        grid(study.space)
    if search.parameters is not None and not study.space:
        raise ValueError("search.parameters: bounds the candidates of a space, and there is none")
    if study.space and study.data.divides_one_draw and not study.searches_each_round:
        raise ValueError(
            "search.each_round: with re-splits or folds of one data set, a search before the "
            "first round would see other rounds' test data; expected true"
        )
    if search.halving:
        check_halving(study, search.halving)
    if search.race:
        check_race(study, search.race)
    if not study.selection.refit and study.selection.splits > 1:
        raise ValueError("selection.refit: without it, one hold-out is needed; expected true")


def check_halving(study: Declaration, halving: Halving) -> None:
    """Raise ValueError where candidates cannot be halved so."""
    if study.search.method not in ("grid", "random"):
        raise ValueError(
            "search.halving: goes with method grid or random, whose candidates begin together"
        )
    searched = [arm for arm in study.all_arms if arm.space]
    if any("epochs" in arm.space for arm in searched):
        raise ValueError("search.halving: decides on the epochs; expected none in the space")
    least = min((arm.recipe.epochs for arm in searched), default=study.epochs)
    if halving.min_epochs >= least:
        raise ValueError(f"search.halving.min_epochs: expected less than epochs = {least}")


def check_race(study: Declaration, race: Race) -> None:
    """Raise ValueError where candidates cannot race so."""
    if study.search.method not in ("grid", "random"):
        raise ValueError(
            "search.race: goes with method grid or random, whose candidates begin together"
        )
    if study.search.halving:
        raise ValueError("search.race: ends candidates by splits, halving by epochs; expected one")
    if race.min_splits >= study.selection.splits:
        raise ValueError(
            f"search.race.min_splits: expected less than the {study.selection.splits} splits that "
            'judge a candidate ([selection] split = "kfold", folds, repeats)'
        )


def check_datasets(study: Declaration) -> None:
    """Raise, in a validator, what is wrong in the study of one of its data sets."""
    for name in study.datasets:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            problem = "expected a letter, then letters, digits, hyphens and underscores"
            raise_problems([(("datasets", name), problem)])
        try:
            type(study).model_validate(declare_part(study, name))
        except ValidationError as error:
            raise_problems(
                (("datasets", name, *place[place[:1] == ("data",) :]), text)
                for place, text in list_problems(error)
            )
    if study.datasets and study.sequential is not None:
        raise ValueError(
            "rounds: until decided goes with one data set, for several are not tested after each "
            "look; expected a number"
        )
    if study.datasets and study.reported:
        raise ValueError("reported: one number an arm goes with one data set")


def check_quick_form(study: Declaration) -> None:
    """Raise, in a validator, what is wrong in the small form that the study declares."""
    for field in ("arms", "factors", "datasets"):
        there: dict[str, Any] = getattr(study, field)
        for name in study.quick.get(field, {}):
            if name not in there:
                hint = did_you_mean(name, there)
                listed = ", ".join(there) or "none"
                problem = f"not one of the study; {hint}{field}: {listed}"
                raise_problems([(("quick", field, name), problem)])
    if study.quick:
        try:
            type(study).model_validate(declare_quick_form(study))
        except ValidationError as error:
            raise_problems((("quick", *place), text) for place, text in list_problems(error))
