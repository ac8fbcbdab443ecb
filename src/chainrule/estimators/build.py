"""From what was typed to the data and the recipe of one training."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule._util.suggest import did_you_mean

if TYPE_CHECKING:
    from chainrule.data import Dataset
    from chainrule.data.files.npz_file import Arrays
    from chainrule.data.files.reading import RawData
    from chainrule.data.tabular.preprocessor import Preprocessor
    from chainrule.recipes.recipe import Recipe
    from chainrule.train import Trainer

__all__ = ["data_of", "recipe_of", "settings_of", "sized", "trainer_of"]

PARTS = ("augment", "clip_norm", "data", "init", "loss", "net", "optimizer", "schedule")
"""What a setting may begin with."""


def settings_of(given: Sequence[str]) -> dict[str, Any]:
    """``net.hidden=50`` as path → value, as a TOML file would have it; what is no TOML is a text.

    Raises ValueError for one without = or of another part.
    """
    settings = {}
    for one in given:
        path, sign, text = one.partition("=")
        part = path.partition(".")[0]
        if not sign or part not in PARTS:
            raise ValueError(
                f"--set {one}: {did_you_mean(part, PARTS)}expected PART.ARGUMENT=VALUE, such as "
                f"net.hidden=50; parts: {', '.join(PARTS)}"
            )
        settings[path] = parse_toml_value(text)
    return settings


def parse_toml_value(text: str) -> Any:
    """50, 0.5, true, [8, 16]; else the text itself."""
    try:
        found = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return found["value"] if len(found) == 1 else text


def data_of(
    given: str, seed: int = 0, arguments: Mapping[str, Any] | None = None
) -> tuple[RawData, Arrays | None]:
    """(samples, a test set that comes apart) of a file, a folder, built-in data or a function.

    Raises ValueError or OSError where there is none of this name, or it cannot be read.
    """
    from chainrule.data.datasets.auto_mpg import auto_mpg_table
    from chainrule.data.files.reading import read_data
    from chainrule.recipes.component import public
    from chainrule.recipes.importing import import_user_module

    sources = [name for name in public("chainrule.data.datasets.loaders") if name != "table"]
    if given in sources or (":" in given and not Path(given).exists()):
        return drawn(
            given if given in sources else import_user_module(given), seed, arguments or {}
        )
    if arguments:
        raise ValueError(f"--set data.{next(iter(arguments))}: {given} takes no arguments")
    if given == "auto_mpg":
        return auto_mpg_table(), None
    if not Path(given).exists() and not Path(given).suffix:
        known = ["auto_mpg", *sources]
        raise FileNotFoundError(
            f"no data {given!r}; {did_you_mean(given, known)}built in: {', '.join(known)}; or a "
            "CSV or NPZ file, a folder of IDX files, file.py:FUNCTION"
        )
    return read_data(given)


def drawn(name: str, seed: int, arguments: Mapping[str, Any]) -> tuple[Arrays, Arrays]:
    """(training set, test set) of a function of a seed, such as those of data.datasets.loaders."""
    from chainrule.recipes.component import Component, build
    from chainrule.seeds import derive

    made = build("data", Component(name=name, **arguments), derive(seed, "data"))
    if not isinstance(made, tuple) or len(made) != 2:
        raise ValueError(f"{name}: expected it to make (train, test), two data sets, got {made!r}")
    return _arrays(made[0], name), _arrays(made[1], name)


def _arrays(data: Dataset, source: str) -> Arrays:
    from chainrule.data import Dataset
    from chainrule.data.files.npz_file import Arrays

    if not isinstance(data, Dataset) or data.replicas is not None:
        raise ValueError(f"{source}: expected plain data sets, got {data!r}")
    if isinstance(data.targets, dict):
        names = ", ".join(data.targets)
        raise ValueError(f"{source}: several targets ({names}); a study trains a net on these")
    if data.targets.numel() != len(data):
        shape = tuple(data.targets.shape)
        raise ValueError(f"{source}: expected one target a sample, got targets {shape}")
    return Arrays(source, data.inputs, tuple(map(str, data.targets.flatten().tolist())))


def recipe_of(
    net: str, loss: str, optimizer: str, settings: Mapping[str, Any], **numbers: Any
) -> Recipe:
    """The recipe; settings go over it in their order. Raises StudyError for what it has not."""
    from chainrule.recipes.importing import import_user_module
    from chainrule.recipes.recipe import Recipe

    named = import_user_module(net) if ":" in net else net
    recipe = Recipe(net=named, loss=loss, optimizer=optimizer, **numbers)  # type: ignore[arg-type]
    for path, value in settings.items():
        if path.partition(".")[0] != "data":
            recipe = recipe.with_overrides({path: value})
    return recipe


def sized(recipe: Recipe, prepared: Preprocessor) -> Recipe:
    """With the data's sizes where the net's function has ``inputs`` or ``outputs``, not yet set."""
    from math import prod

    from chainrule.recipes.component import resolve_callable

    sizes = {"inputs": prod(prepared.shape), "outputs": prepared.task.outputs}
    wanted = signature(resolve_callable("net", recipe.net.name)).parameters
    open_ = {k: v for k, v in sizes.items() if k in wanted and k not in recipe.net.arguments}
    return recipe.with_overrides({f"net.{name}": size for name, size in open_.items()})


def trainer_of(recipe: Recipe, prepared: Preprocessor, learned: Dataset, seed: int) -> Trainer:
    """What trains the recipe's net. Raises ValueError where net, loss and data do not fit."""
    from chainrule.estimators.fit import check_fit, loss_for
    from chainrule.recipes.component import build
    from chainrule.seeds import derive
    from chainrule.train import Trainer

    net = recipe.make_net()
    init = None if recipe.init is None else build("init", recipe.init)
    net.initialize(derive(seed, "net"), init)
    loss = loss_for(recipe.make_loss({}), prepared.task.kind)
    check_fit(net, loss, learned, prepared.task.outputs)
    optimizer = recipe.make_optimizer(net, {})
    return Trainer(
        net,
        loss,
        optimizer,
        scheduler=recipe.make_schedule(optimizer, {}),
        schedule_every="epoch" if recipe.schedule is None else recipe.schedule.every,
        batch_size=recipe.batch_size,
        seed=derive(seed, "order"),
        clip_norm=recipe.clip_norm,
        augment=None if recipe.augment is None else build("augment", recipe.augment),
    )
