"""What the playground shows, as data: samples, one net or two side by side, how many seeds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import invalidate_caches
from inspect import signature
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from chainrule._util.user_code import is_user_file
from chainrule.data.files.csv_file import digest_file
from chainrule.nn.loss.base import ElementwiseLoss
from chainrule.recipes.component import Component, build_component, normalize_component
from chainrule.recipes.errors import StudyError
from chainrule.recipes.fields import StrictModel, validate_model
from chainrule.recipes.importing import import_user_module, resolve_callable
from chainrule.recipes.recipe import Recipe
from chainrule.study import Data

__all__ = ["MAX_SAMPLES", "Setting", "fit_recipe", "read_setting"]

MAX_SAMPLES = 20_000
"""Of each part of built-in data: all are kept in memory, once for each open page."""

USED = {"net", "init", "loss", "optimizer", "batch_size", "clip_norm"}
"""Of a recipe, what can be chosen here."""


class Setting(StrictModel):
    """What is trained and looked at.

    - ``data``: as a study declares them; the samples are those of the root seed ``seed``.
    - ``sides``: one recipe, or two that are compared on the same seeds and samples.
    - ``seeds``: how many nets of each side train at once, as a cohort.
    """

    data: Annotated[Data, BeforeValidator(normalize_component)]
    sides: list[Recipe] = Field(min_length=1, max_length=2)
    seeds: int = Field(default=16, ge=1, le=64)
    seed: int = Field(default=0, ge=0, lt=2**32)


def read_setting(given: Any) -> Setting:
    """A setting from JSON data, ready to be built.

    A CSV file gets the digest of its content, a net ``file.py:FUNCTION`` the name of its module.
    Nothing else of the user's is imported. Raises StudyError, with a line a problem.
    """
    setting: Setting = validate_model(Setting, given)
    check_components(setting)
    check_sample_counts(setting)
    data = setting.data.model_dump(exclude_defaults=True)
    if "csv" in data:
        data["sha256"] = digest_file(Path(data["csv"]))
    sides = [import_net(side) for side in setting.sides]
    return setting.model_copy(update={"data": Data(**data), "sides": sides})


def check_components(setting: Setting) -> None:
    """Raise StudyError for what a playground has not, and where a part but a net is the user's."""
    for side in setting.sides:
        for name in side.model_fields_set - USED:
            raise StudyError(f"{name}: the playground has none; it has {', '.join(sorted(USED))}")
    parts = [
        ("data", setting.data),
        *(pair for side in setting.sides for pair in list_components(side)),
    ]
    for kind, part in parts:
        if ":" in part.name and kind != "net":
            raise StudyError(
                f"{kind} {part.name!r}: in the playground only a net is a function of your own"
            )


def list_components(side: Recipe) -> Iterator[tuple[str, Component]]:
    """(kind, component) of each part that a recipe has."""
    for kind in Recipe.model_fields:
        part = getattr(side, kind)
        if isinstance(part, Component):
            yield kind, part


def check_sample_counts(setting: Setting) -> None:
    """Raise StudyError for more samples than a page should wait for."""
    for name in ("train", "test"):
        n = setting.data.arguments.get(name, 0)
        if isinstance(n, int) and n > MAX_SAMPLES:
            raise StudyError(f"data.{name}: at most {MAX_SAMPLES:,} here, got {n:,}")


def import_net(side: Recipe) -> Recipe:
    """The recipe with its net's file as a module that is imported: anew, for it may have changed"""
    if ":" not in side.net.name:
        return side
    source = side.net.name.rpartition(":")[0].removesuffix(".py")
    file = getattr(sys.modules.get(source), "__file__", None)
    if file is not None and is_user_file(file):
        del sys.modules[source]
        invalidate_caches()
    return side.with_overrides({"net.name": import_user_module(side.net.name)})


def fit_recipe(recipe: Recipe, shape: tuple[int, ...], outputs: int, kind: str) -> Recipe:
    """The recipe with the data's sizes where its net asks for them, and its loss for the targets.

    A net that takes ``inputs`` gets the shape of a sample, one number where it is a row, or the
    numbers in it; one that takes ``outputs`` how many the targets need. A loss of vectors gets
    classes as vectors.
    """
    wanted = signature(resolve_callable("net", recipe.net.name)).parameters
    is_image = recipe.net.name == "sequential_net" and len(shape) > 1
    sizes = {"inputs": [*shape] if is_image else prod(shape), "outputs": outputs}
    given = {f"net.{name}": size for name, size in sizes.items() if name in wanted}
    recipe = recipe.with_overrides(given)
    loss = build_component("loss", recipe.loss)
    if kind == "classification" and isinstance(loss, ElementwiseLoss):
        wrapped = {"name": "class_loss", "loss": recipe.loss.name}
        recipe = recipe.model_copy(update={"loss": Component.model_validate(wrapped)})
    return recipe
