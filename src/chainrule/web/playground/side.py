"""One of the nets that are compared: its cohort, how it trains, and how it was at every epoch."""

from __future__ import annotations

import copy
from bisect import bisect_right
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.words import count_noun
from chainrule.data import Dataset
from chainrule.data.batches import epoch_permutations
from chainrule.estimators.fit import check_fit
from chainrule.nn.module import Module
from chainrule.recipes.component import build_component
from chainrule.recipes.cost import count_activations
from chainrule.recipes.errors import StudyError
from chainrule.recipes.recipe import Recipe
from chainrule.train import Trainer
from chainrule.train.inference import predict
from chainrule.train.layer_stats import CohortLayerRow, cohort_layer_stats
from chainrule.train.metrics import Accuracy
from chainrule.web.playground.layer_numbers import choose_sample_count
from chainrule.web.playground.samples import PlaygroundSamples
from chainrule.web.playground.setting import Setting, fit_recipe

__all__ = ["Side", "derive_seeds"]

MAX_NUMBERS = 20_000_000
"""Parameters of all seeds of one side."""

MAX_KEPT_BYTES = 96 * 2**20
"""How much of the past is kept, of one side; when it is more, every second epoch is forgotten."""


class Kept(NamedTuple):
    """A net after an epoch: its tensors, and how often each module has drawn."""

    epoch: int
    state: list[Tensor]
    counters: list[int]


@final
class Side:
    """A cohort of one recipe, and its states at the epochs that are kept.

    Raises StudyError or ValueError where net, loss and data do not fit.
    """

    def __init__(self, setting: Setting, recipe: Recipe, samples: PlaygroundSamples) -> None:
        self.samples = samples
        self.recipe = fit_recipe(recipe, samples.shape, samples.outputs, samples.kind)
        check_declared_size(self.recipe, setting.seeds)
        plain = self.recipe.make_net()
        check_total_size(plain, setting.seeds)
        check_fit(plain, self.recipe.make_loss({}), samples.train, samples.outputs)
        net = plain.replicate(setting.seeds)
        init = None if recipe.init is None else build_component("init", recipe.init)
        net.initialize(derive_seeds(setting, "net"), init)
        metrics = {"accuracy": Accuracy()} if samples.kind == "classification" else {}
        self.trainer: Trainer = self.recipe.make_trainer(
            net, {}, seed=derive_seeds(setting, "order"), metrics=metrics
        )
        self.view = copy.deepcopy(net)
        """A net of its own, for looking at any of the states."""
        self.loss = self.recipe.make_loss({})
        """The loss of one net."""
        self._cohort_loss = self.loss.replicate(setting.seeds)
        activations = count_activations(self.recipe, samples.shape)
        self._stats_count = choose_sample_count(activations, setting.seeds, len(samples.train))
        self._kept: list[Kept] = []
        self._every = 1
        self.keep()

    @property
    def epoch(self) -> int:
        """How many are done."""
        return self.trainer.epoch

    @property
    def is_running(self) -> bool:
        """Whether a net of it is left to train: not all have diverged."""
        return bool(self.trainer.active.any())

    @property
    def was_interrupted(self) -> bool:
        """Whether the last epoch was given up half way."""
        return self.trainer.history.interrupted

    def advance(self) -> None:
        """One epoch more."""
        self.trainer.fit(
            self.samples.train, self.samples.test, epochs=self.epoch + 1, progress=False
        )
        self.keep()

    def keep(self) -> None:
        """Note how the net is now; the first and the last state always stay."""
        if self._kept and self._kept[-1].epoch == self.epoch:
            return
        net = self.trainer.net
        state = [value.data.clone() for value in net.unique_state()]
        if len(self._kept) > 1 and self._kept[-1].epoch % self._every:
            self._kept.pop()
        self._kept.append(Kept(self.epoch, state, [m.rng_counter for m in net.modules()]))
        size = sum(t.numel() * t.element_size() for t in state)
        if size * len(self._kept) > MAX_KEPT_BYTES and len(self._kept) > 3:
            self._every *= 2
            last = self._kept[-1]
            self._kept = [k for k in self._kept[:-1] if k.epoch % self._every == 0] + [last]

    def look_at(self, epoch: int) -> int:
        """Put the view into its state after this epoch, or the last before that is kept; which."""
        place = bisect_right([kept.epoch for kept in self._kept], epoch) - 1
        kept = self._kept[max(0, place)]
        for value, tensor in zip(self.view.unique_state(), kept.state, strict=True):
            value.data.copy_(tensor)
        for module, counter in zip(self.view.modules(), kept.counters, strict=True):
            module.rng_counter = counter
        return kept.epoch

    def predict(self, inputs: Tensor, epoch: int) -> Tensor:
        """All nets' outputs for inputs (N, …), as the view was after ``look_at(epoch)``."""
        if epoch != self.epoch:
            y: Tensor = predict(self.view, inputs)
            return y
        targets = torch.zeros(len(inputs))  # the trainer takes data sets; it reads the inputs
        return self.trainer.predict(Dataset(inputs, targets))  # type: ignore[no-any-return]

    def plain_net(self, k: int) -> Module:
        """Seed k's net, as the view is."""
        return self.view.replica(k)

    def layer_stats(self) -> list[CohortLayerRow]:
        """What the first training samples do in each layer of all nets, as the view is.

        The view's running statistics and draws have gone on afterwards: look at an epoch anew.
        """
        some = self.samples.train.subset(torch.arange(self._stats_count))
        return cohort_layer_stats(self.view.train(), some.inputs, some.targets, self._cohort_loss)

    def next_batch(self, k: int, epoch: int) -> tuple[Any, Any, Tensor]:
        """(inputs, targets, which samples) of the first batch that seed k sees after this epoch."""
        train = self.samples.train
        order = epoch_permutations(len(train), [self.trainer.seeds[k]], epoch)[0]
        index = order[: self.recipe.batch_size]
        batch = train.subset(index)
        return batch.inputs, batch.targets, index

    def describe(self) -> dict[str, Any]:
        """What a page needs once: layers with their parameters' shapes, and who computes."""
        net = self.recipe.make_net()
        layers = [
            {
                "path": path,
                "layer": layer.label(),
                "kind": type(layer).__name__,
                "parameters": {n: list(p.data.shape) for n, p in layer.local_parameters()},
            }
            for path, layer in net.named_modules()
            if layer.is_layer()
        ]
        count = sum(p.data.numel() for p in net.parameters())
        return {"layers": layers, "parameters": count, "loss": self.recipe.loss.name}


def check_declared_size(recipe: Recipe, K: int) -> None:
    """As check_total_size, before there are numbers, which a net may have no memory for."""
    with torch.device("meta"):
        try:
            net = recipe.make_net()
        except Exception:  # a function of one's own may need them: then its net is measured
            return
    check_total_size(net, K)


def check_total_size(net: Module, K: int) -> None:
    """Raise StudyError where that many nets are more than a page should wait for."""
    count = sum(p.data.numel() for p in net.parameters())
    if count * K > MAX_NUMBERS:
        raise StudyError(
            f"{count_noun(K, 'net')} of {count_noun(count, 'parameter')}: too many here, where "
            f"there are at most {MAX_NUMBERS:,} in all; "
            "take fewer seeds or smaller layers"
        )


def derive_seeds(setting: Setting, purpose: str) -> list[int]:
    """A seed for each net of a side; the same for either side."""
    return [seeds.derive(setting.seed, purpose, k) for k in range(setting.seeds)]
