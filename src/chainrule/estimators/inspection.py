"""Nets to be looked at, each with one batch: built in, of a file, or of a function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from chainrule import data as data_sets
from chainrule import nn, zoo
from chainrule._util.suggest import did_you_mean
from chainrule._util.words import count_noun
from chainrule.data import Dataset
from chainrule.data.tabular.preprocessor import read_targets
from chainrule.estimators.build import build_recipe, build_trainer, load_data, load_split
from chainrule.estimators.fit import loss_for
from chainrule.estimators.predictor import Predictor
from chainrule.estimators.predictor_header import check_metadata
from chainrule.nn import init
from chainrule.recipes.component import Component, build_component
from chainrule.recipes.importing import import_user_module
from chainrule.serialization.folder import is_saved
from chainrule.serialization.nets import load, load_metadata
from chainrule.train import layer_stats
from chainrule.train.layer_stats import LayerRow

__all__ = [
    "BATCH_SIZE",
    "NetWithBatch",
    "built_in_net",
    "find_net",
    "net_on_data",
    "net_to_check",
    "saved_net",
    "stats_by_init",
]

BATCH_SIZE = 200
"""Samples of a batch, where there are as many."""


class NetWithBatch(NamedTuple):
    """A net, what it is given, what it is to answer, its loss, and a sentence about these."""

    net: nn.Module
    inputs: Any
    targets: Any = None
    criterion: nn.Loss | None = None
    description: str = ""


def net_on_data(
    net: str, data: str, target: str | None = None, seed: int = 0, trust: Collection[str] = ()
) -> NetWithBatch:
    """A net that ``chainrule train`` wrote, or the one it would begin with, on these samples.

    ``trust`` as :func:`chainrule.load` has it. Raises ValueError or OSError for what is no net or
    no data, or does not fit.
    """
    if is_saved(net):
        return _trained_net_on_data(net, data, target, trust)
    return _new_net_on_data(net, data, target, seed)


def _new_net_on_data(name: str, data: str, target: str | None, seed: int) -> NetWithBatch:
    """The net of a function, its data preprocessed and its weights drawn as for a training."""
    split = load_split(data, target, seed=seed)
    recipe = build_recipe(name, split.kind, optimizer="SGD")
    trainer = build_trainer(recipe, split, seed)
    batch = split.train_set.subset(torch.arange(min(BATCH_SIZE, len(split.train_set))))
    samples = count_noun(len(batch), "sample")
    description = f"{name}, not trained: {samples} of {data}, {recipe.loss.name}."
    return _with_batch(trainer.net, batch, trainer.criterion, description)


def _trained_net_on_data(
    path: str, data: str, target: str | None, trust: Collection[str]
) -> NetWithBatch:
    """The net of a file, on samples preprocessed as those that it was trained on."""
    predictor = Predictor.load(path, trust)
    if target not in (None, predictor.target):
        raise ValueError(f"{path} tells {predictor.target}, got --target {target}")
    rows, _ = load_data(data)
    cells = read_targets(rows, predictor.target) or ()
    labelled = rows.subset([i for i, cell in enumerate(cells) if cell][:BATCH_SIZE])
    if not len(labelled):
        raise ValueError(f"{data}: it has no targets, and the loss asks for them")
    preprocessor = predictor.preprocessor
    batch = preprocessor.dataset(labelled, predictor.target)
    loss = loss_for(build_component("loss", Component(name=predictor.loss)), preprocessor.task.kind)
    description = f"{path}: {count_noun(len(labelled), 'sample')} of {data}, {predictor.loss}."
    return _with_batch(predictor.net, batch, loss, description)


def _with_batch(
    net: nn.Module, batch: Dataset, criterion: nn.Loss, description: str
) -> NetWithBatch:
    return NetWithBatch(net, batch.inputs, batch.targets, criterion, description)


def _deep_net(
    seed: int, activation: str = "Sigmoid", layers: int = 10, hidden: int = 25
) -> NetWithBatch:
    """Points and whether they are in a disk, for a net of any depth.

    Raises ValueError for an activation that chainrule.nn has not.
    """
    net = zoo.plane_net(hidden, layers, activation).initialize(seed)
    (points,), _ = data_sets.standardize(data_sets.disk(BATCH_SIZE, seed))
    description = f"{count_noun(layers, 'hidden layer')} of {hidden} {activation}: "
    description += f"{BATCH_SIZE} points, cross-entropy."
    return _with_batch(net, points, nn.CrossEntropyLoss(), description)


def _disk_net(seed: int) -> NetWithBatch:
    """The reports' 2-25-25-25-2 and its loss."""
    (points,), _ = data_sets.standardize(data_sets.disk(BATCH_SIZE, seed))
    vectors = data_sets.one_hot(cast("Tensor", points.targets), 2)
    description = f"2-25-25-25-2, ReLU and Tanh: {BATCH_SIZE} points, mean squared error."
    net = zoo.disk_net().initialize(seed)
    return NetWithBatch(net, points.inputs, vectors, nn.MSELoss(), description)


def _pair_net(seed: int) -> NetWithBatch:
    """Two digits, one encoder, the loss of all three answers."""
    net = zoo.pair_mlp(20, share=True, aux=True).initialize(seed)
    batch = data_sets.digit_pairs(BATCH_SIZE, seed=seed)
    description = f"Two digits, a shared encoder, three answers: {BATCH_SIZE} pairs, cross-entropy."
    return _with_batch(net, batch, zoo.pair_loss(1.0), description)


BUILT_IN: dict[str, Callable[..., NetWithBatch]] = {
    "deep": _deep_net,
    "disk": _disk_net,
    "pairs": _pair_net,
}


def built_in_net(name: str, seed: int = 0, **options: Any) -> NetWithBatch:
    """The net deep, disk or pairs with samples of its data.

    deep has the options ``activation``, ``layers`` and ``hidden``. Raises ValueError for an
    activation that chainrule.nn has not, KeyError for another net.
    """
    return BUILT_IN[name](seed, **options)


def saved_net(
    path: str,
    shape: str | None = None,
    *,
    samples: int = BATCH_SIZE,
    known: Iterable[str] = (),
    trust: Collection[str] = (),
) -> NetWithBatch:
    """The net of a file or folder, and random numbers in a shape such as "5,2" for its input.

    Without a shape, so many samples of the one that ``chainrule train`` wrote into the file.
    Raises ValueError where there is no such file, which tells ``known`` nets, or no shape is known.
    """
    check_saved(path, known)
    net, metadata = load(path, trust), load_metadata(path)
    if shape is None:
        if "preparation" not in metadata:
            raise ValueError(f"{path} is a saved net: say the shape of an input, e.g. --shape 5,2")
        check_metadata(path, metadata)
        shape = ",".join(map(str, [samples, *metadata["preparation"]["shape"]]))
    description = f"{path}: one batch of random numbers."
    return NetWithBatch(net, random_input(shape), description=description)


def check_saved(path: str, known: Iterable[str]) -> None:
    """Raise ValueError where there is neither a file nor a folder; it tells the ``known`` nets."""
    if not Path(path).exists():
        names = [*known]
        raise ValueError(
            f"no file {path}, and no built-in net; {did_you_mean(path, names)}"
            f"built in: {', '.join(names)}"
        )


def net_to_check(name: str, shape: str | None = None, trust: Collection[str] = ()) -> NetWithBatch:
    """A net (disk, pairs; of a file or folder; of file.py:FUNCTION), and numbers for its input.

    Raises ValueError or OSError where there is none, or the shape is none.
    """
    if names_function(name) and shape is None:
        raise ValueError(f"{name}: say the shape of an input, e.g. --shape 5,2")
    if name not in SMALL_NETS and not names_function(name):
        return saved_net(name, shape, samples=5, known=SMALL_NETS, trust=trust)
    _, usual_shape = SMALL_NETS.get(name, (None, ""))
    return NetWithBatch(find_net(name), random_input(usual_shape if shape is None else shape))


def find_net(name: str, trust: Collection[str] = ()) -> nn.Module:
    """A net (disk, pairs; of a file or folder; of file.py:FUNCTION), which is drawn anew.

    Raises ValueError or OSError where there is none.
    """
    if names_function(name):
        net: nn.Module = build_component("net", Component(name=import_user_module(name)))
        return net.initialize(0)
    if name in SMALL_NETS:
        build_net, _ = SMALL_NETS[name]
        return build_net()
    check_saved(name, SMALL_NETS)
    return load(name, trust)


def read_net_metadata(name: str) -> dict[str, Any]:
    """What a file or folder says of its net; of others, what it was asked for by."""
    is_made = names_function(name) or name in SMALL_NETS
    return {"net": name} if is_made else load_metadata(name)


def names_function(name: str) -> bool:
    """Whether a net is that of file.py:FUNCTION."""
    return ":" in name and not Path(name).exists()


SMALL_NETS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "disk": (zoo.disk_net, "5,2"),
    "pairs": (partial(zoo.pair_mlp, 20, share=True, aux=True), "5,2,14,14"),
}
"""Built-in nets, each with the shape of five samples."""


def random_input(shape: str) -> Tensor:
    """Normal numbers in a shape written as "5,2", the same each time."""
    sizes = [int(size) for size in shape.split(",") if size.isdecimal()]
    if len(sizes) != shape.count(",") + 1 or not 0 < prod(sizes) < 10**8:
        raise ValueError(f"--shape is whole numbers with commas, e.g. 5,2, got {shape!r}")
    return torch.randn(sizes, generator=torch.Generator().manual_seed(0))


def stats_by_init(
    example: NetWithBatch, inits: Sequence[str] = (), seed: int = 0
) -> dict[str, list[LayerRow]]:
    """Label → what happens in each layer: of the net as it is, or drawn anew in each way.

    Raises ValueError for an initialization that nn.init has not, or that needs a number.
    """
    initializers = {name: find_initializer(name) for name in inits}
    stats = {}
    for label, initializer in initializers.items() or [("as it is", None)]:
        if initializer is not None:
            example.net.initialize(seed, initializer)
        stats[label] = layer_stats(example.net, example.inputs, example.targets, example.criterion)
    return stats


def find_initializer(name: str) -> init.Initializer:
    """What draws weights so. Raises ValueError for a name that init has not, or needs a number."""
    not_ready = ("Constant", "Initializer", "calculate_gain")
    ready = [known for known in init.__all__ if known not in not_ready]
    if name not in ready:
        raise ValueError(
            f"no initialization {name!r}; {did_you_mean(name, ready)}there are: {', '.join(ready)}"
        )
    initializer: init.Initializer = getattr(init, name)()
    return initializer
