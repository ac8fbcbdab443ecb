"""The arms of a study: written out, or the product of factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from chainrule._util.plain_data import flatten_dict
from chainrule.recipes.fields import validate_model
from chainrule.recipes.recipe import Recipe, deep_merge
from chainrule.study.spec.sections.space import Dimension, Params, covering_settings

__all__ = ["Arm", "build_arms"]

Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """One of the things compared.

    ``space`` is what is searched in it; ``factors`` its level of each factor.
    """

    name: str
    recipe: Recipe
    space: Mapping[str, Dimension]
    factors: Mapping[str, str] = field(default_factory=dict)

    def with_overrides(self, setting: Params) -> Recipe:
        """The recipe with the values of a candidate. Raises StudyError for an unknown path."""
        values = {p: self.space[p].resolve(v) if p in self.space else v for p, v in setting.items()}
        return self.recipe.with_overrides(values)


def build_arms(
    base: Overrides,
    written: Mapping[str, Overrides],
    factors: Mapping[str, Mapping[str, Overrides]],
    space: Mapping[str, Dimension],
) -> list[Arm]:
    """Every arm: the base recipe with what the arm, or each of its levels, says differently.

    Raises ValueError where a recipe is not complete or not right, with a line a problem, which
    names the first arm that has it.
    """
    if written and factors:
        raise ValueError("arms are written out or the product of factors; expected one of the two")
    if any(not levels for levels in factors.values()):
        raise ValueError("factors: every factor needs at least one level")
    arms = [*(factorial_arms(factors) if factors else explicit_arms(written or {"only": {}}))]
    check_arm_names([name for name, _, _ in arms])
    built, problems = [], dict[str, str]()
    for name, parts, levels in arms:
        try:
            built.append(build_arm(name, base, parts, levels, space))
        except ValueError as error:
            which = f"arm {name}: " if any(parts) or levels or name != "only" else ""
            for line in str(error).splitlines():
                problems.setdefault(line, which)
    if problems:
        raise ValueError("\n".join(f"{which}{line}" for line, which in problems.items()))
    return built


def check_arm_names(names: Sequence[str]) -> None:
    """Each once, and fit to name a folder of nets."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"arms: {names.count(name)} are named {name!r}; expected one")
        if not name or name[0] == "." or not name.isprintable() or set(name) & set("/\\"):
            raise ValueError(
                f"arms: {name!r} cannot name a folder; expected letters, digits and signs, "
                "no slash and no dot in front"
            )


ArmParts = Iterator[tuple[str, list[Overrides], dict[str, str]]]


def explicit_arms(written: Mapping[str, Overrides]) -> ArmParts:
    """(name, what it says differently, no levels) of each."""
    for name, overrides in written.items():
        yield name, [overrides], {}


def factorial_arms(factors: Mapping[str, Mapping[str, Overrides]]) -> ArmParts:
    """(name, what its levels say, factor → level) of each combination, the first slowest.

    The name joins the levels; for a level "yes" it has the factor's name, for "no" nothing.
    """
    for levels in product(*(levels for levels in factors.values())):
        at = dict(zip(factors, levels, strict=True))
        words = [{"yes": factor, "no": ""}.get(level, level) for factor, level in at.items()]
        name = "-".join(word for word in words if word) or "none"
        yield name, [factors[f][level] for f, level in at.items()], at


def build_arm(
    name: str,
    base: Overrides,
    parts: list[Overrides],
    levels: dict[str, str],
    space: Mapping[str, Dimension],
) -> Arm:
    """The arm; what it sets itself is taken out of the space.

    Raises StudyError, with a line a problem, where its recipe is not complete or not right.
    """
    complete: Overrides = base
    own: dict[str, Any] = {}
    for part in parts:
        complete, own = deep_merge(complete, part), deep_merge(own, part)
    fixed = flatten_dict(own)
    searched = {p: d for p, d in space.items() if not any(covers(leaf, p) for leaf in fixed)}
    arm = Arm(name, validate_model(Recipe, complete), searched, levels)
    for setting in covering_settings(searched):
        arm.with_overrides(setting)
    return arm


def covers(leaf: str, path: str) -> bool:
    """Whether an arm that sets ``leaf`` settles ``path``, or a part of it."""
    return path == leaf or path.startswith(f"{leaf}.") or leaf.startswith(f"{path}.")
