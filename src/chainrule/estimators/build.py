"""The samples, the recipe and the trainer of one training, from names and values."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from math import prod
from pathlib import Path
from typing import Any, Literal

from chainrule import seeds
from chainrule._util.field_problems import describe_given
from chainrule._util.suggest import did_you_mean
from chainrule.data import CsvTable, Dataset
from chainrule.data.datasets.bundled_tables import BUNDLED_TABLES, bundled_table
from chainrule.data.files.npz_file import Arrays
from chainrule.data.files.reading import RawData, read_data
from chainrule.data.tabular.preprocessor import Preprocessor
from chainrule.data.tabular.target import Kind
from chainrule.estimators.fit import check_fit, loss_for
from chainrule.estimators.split import DataSplit
from chainrule.recipes.component import Component, build_component
from chainrule.recipes.fields import validate_model
from chainrule.recipes.importing import import_user_module, public_names, resolve_callable
from chainrule.recipes.recipe import Recipe, build_augment
from chainrule.train import Trainer

__all__ = ["build_recipe", "build_trainer", "infer_net_sizes", "load_data", "load_split"]


def load_data(
    name: str, seed: int = 0, arguments: Mapping[str, Any] | None = None
) -> tuple[RawData, Arrays | None]:
    """(samples, a test set that comes apart) of a file, a folder, built-in data or a function.

    ``seed`` and ``arguments`` are for built-in data and functions; arguments of a CSV file say how
    it is written, see :func:`read_csv`, and which columns are no inputs (``ignore``). Raises
    ValueError or OSError where there is none of this name, or it cannot be read.
    """
    loaders = [
        loader for loader in public_names("chainrule.data.datasets.loaders") if loader != "table"
    ]
    if name in loaders or (":" in name and not Path(name).exists()):
        return _call_loader(
            name if name in loaders else import_user_module(name), seed, arguments or {}
        )
    written = dict(arguments or {})
    if unknown := [key for key in written if key not in WRITTEN or name in BUNDLED_TABLES]:
        listed = "none" if name in BUNDLED_TABLES else f"{', '.join(WRITTEN)}, of a CSV file"
        raise ValueError(
            f"--set data.{unknown[0]}: {name} takes no such argument; it takes {listed}"
        )
    if name in BUNDLED_TABLES:
        return bundled_table(name), None
    if not Path(name).exists() and not Path(name).suffix:
        known = [*BUNDLED_TABLES, *loaders]
        raise FileNotFoundError(
            f"no data {name!r}; {did_you_mean(name, known)}built in: {', '.join(known)}; or a "
            "CSV or NPZ file, a folder of IDX files, file.py:FUNCTION"
        )
    ignored = written.pop("ignore", ())
    rows, test_rows = read_data(name, **written)
    if not ignored:
        return rows, test_rows
    if not isinstance(rows, CsvTable):
        raise ValueError(f"--ignore names columns of a CSV file; {rows.source} has arrays")
    return rows.drop_columns(ignored), test_rows


WRITTEN = ("na", "decimal", "encoding", "ignore")
"""How a CSV file is written, and taken."""


def load_split(
    data: str,
    target: str | None = None,
    kind: Kind | None = None,
    *,
    test: float = 0.2,
    validation: float = 0.2,
    seed: int = 0,
    arguments: Mapping[str, Any] | None = None,
) -> DataSplit:
    """:func:`load_data` and :meth:`DataSplit.make`; a test set that comes apart stays as it is."""
    rows, test_rows = load_data(data, seed, arguments)
    held_out = test if test_rows is None else test_rows
    return DataSplit.make(rows, target, kind, test=held_out, validation=validation, seed=seed)


def _call_loader(name: str, seed: int, arguments: Mapping[str, Any]) -> tuple[Arrays, Arrays]:
    """(training set, test set) of a function of a seed, such as those of data.datasets.loaders."""
    loaded = build_component("data", Component(name=name, **arguments), seeds.derive(seed, "data"))
    if not isinstance(loaded, tuple) or len(loaded) != 2:
        got = describe_given(loaded)
        raise ValueError(f"{name}: expected it to make (train, test), two data sets, got {got}")
    return _to_arrays(loaded[0], name), _to_arrays(loaded[1], name)


def _to_arrays(data: Dataset, source: str) -> Arrays:
    """The samples with their targets as texts. Raises ValueError for other than one target each."""
    if not isinstance(data, Dataset) or data.replicas is not None:
        raise ValueError(f"{source}: expected plain data sets, got {data!r}")
    if isinstance(data.targets, dict):
        names = ", ".join(data.targets)
        raise ValueError(f"{source}: several targets ({names}); a study trains a net on these")
    if data.targets.numel() != len(data):
        shape = tuple(data.targets.shape)
        raise ValueError(f"{source}: expected one target a sample, got targets {shape}")
    return Arrays(source, data.inputs, tuple(map(str, data.targets.flatten().tolist())))


def build_recipe(
    net: str,
    kind: Kind,
    *,
    loss: str | None = None,
    optimizer: str = "Adam",
    settings: Mapping[str, Any] | None = None,
    **options: Any,
) -> Recipe:
    """The recipe of a net by name: of the zoo, file.py:FUNCTION or package.module:FUNCTION.

    ``loss`` is CrossEntropyLoss for classes and else MSELoss, unless given. ``options`` are other
    fields of the recipe (``epochs``, ``batch_size``); ``settings`` (``{"net.hidden": 50}``) go over
    it in their order. Raises StudyError for a path that it has not, or a value that is none.
    """
    usual_loss = "CrossEntropyLoss" if kind == "classification" else "MSELoss"
    parts = {
        "net": import_user_module(net) if ":" in net else net,
        "loss": loss or usual_loss,
        "optimizer": optimizer,
    }
    recipe = validate_model(Recipe, parts | options)
    for path, value in (settings or {}).items():
        recipe = recipe.with_overrides({path: value})
    return recipe


def infer_net_sizes(recipe: Recipe, preprocessor: Preprocessor) -> Recipe:
    """With the data's sizes where the net's function has ``inputs`` or ``outputs``, not yet set."""
    sizes = {"inputs": prod(preprocessor.shape), "outputs": preprocessor.task.outputs}
    wanted = signature(resolve_callable("net", recipe.net.name)).parameters
    return recipe.with_overrides(
        {
            f"net.{name}": size
            for name, size in sizes.items()
            if name in wanted and name not in recipe.net.arguments
        }
    )


def build_trainer(
    recipe: Recipe,
    split: DataSplit,
    seed: int = 0,
    *,
    compile: bool | Literal["auto"] = "auto",  # noqa: A002 (the Trainer's word)
) -> Trainer:
    """What trains the recipe's net on the split's training set; the net is drawn from the seed.

    The net gets the data's sizes, see :func:`infer_net_sizes`. Raises ValueError where net, loss
    and data do not fit.
    """
    task = split.preprocessor.task
    recipe = infer_net_sizes(recipe, split.preprocessor)
    net = recipe.make_net()
    init = None if recipe.init is None else build_component("init", recipe.init)
    net.initialize(seeds.derive(seed, "net"), init)
    loss = loss_for(recipe.make_loss({}), task.kind)
    check_fit(net, loss, split.train_set, task.outputs)
    optimizer = recipe.make_optimizer(net, {})
    return Trainer(
        net,
        loss,
        optimizer,
        scheduler=recipe.make_schedule(optimizer, {}),
        schedule_every="epoch" if recipe.schedule is None else recipe.schedule.every,
        batch_size=recipe.batch_size,
        evaluate_every=recipe.evaluate_every,
        seed=seeds.derive(seed, "order"),
        clip_norm=recipe.clip_norm,
        augment=None if recipe.augment is None else build_augment(recipe.augment),
        compile=compile,
    )
