"""What all estimators share: from arrays to a trained cohort of nets, and to its outputs."""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import Tensor

from chainrule import seeds
from chainrule._util.words import count_noun
from chainrule.data import Dataset
from chainrule.nn import Module, SampleWeightedLoss
from chainrule.nn.loss import Loss
from chainrule.recipes.component import Component, build_component, normalize_component
from chainrule.train import EarlyStopping, Trainer, predict

__all__ = [
    "Array",
    "NetEstimator",
    "Part",
    "Samples",
    "make_cohort_trainer",
    "read_part",
    "read_weights",
    "train_nets",
]

Part = str | Mapping[str, Any]
"""A part by its name, or ``{"name": …}`` with its arguments beside it, as a study's file has it."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """What is learned from: X (N, D), targets y, weights (N,) or None, how many outputs.

    ``stratify``: whether a part held out has the same shares of classes.
    """

    X: Array
    y: Array
    weight: Array | None
    outputs: int
    stratify: bool

    def count_training(self, estimator: NetEstimator) -> int:
        """How many samples are learned from, those held out aside."""
        held_out = ceil(estimator.validation_fraction * len(self.X))
        return len(self.X) - held_out if estimator.early_stopping else len(self.X)

    def split(self, estimator: NetEstimator, seed: int) -> tuple[Dataset, Dataset | None]:
        """(what is learned from, what early stopping watches, if it is on)."""
        if not estimator.early_stopping:
            return make_dataset(self.X, self.y, self.weight), None
        try:
            learned, watched = train_test_split(
                np.arange(len(self.X)),
                test_size=estimator.validation_fraction,
                random_state=seed,
                stratify=self.y if self.stratify else None,
            )
        except ValueError as error:
            raise ValueError(f"early_stopping needs samples to validate on: {error}") from None
        train, validation = (
            make_dataset(self.X[i], self.y[i], None if self.weight is None else self.weight[i])
            for i in (learned, watched)
        )
        return train, validation


class NetEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """``n_seeds`` nets that differ in nothing but their seed, trained at once on one table.

    After ``fit``: ``nets_`` the cohort, ``history_`` its curves, ``loss_curve_`` and
    ``validation_loss_curve_`` (with early stopping) their mean over the seeds, ``loss_`` the last
    of them, ``n_iter_`` the epochs done, ``backend_`` the way that they were computed.
    """

    optimizer: Part
    learning_rate_init: float
    alpha: float
    loss: Part | Loss | None
    schedule: Part | None
    batch_size: int | str
    max_iter: int
    tol: float
    n_iter_no_change: int
    early_stopping: bool
    validation_fraction: float
    n_seeds: int
    compile: bool | Literal["auto"]
    random_state: Any
    warm_start: bool
    verbose: bool
    _dtype: Any
    _seed: int

    @abstractmethod
    def make_net(self, inputs: int, outputs: int) -> Module:
        """A net of this many inputs and outputs, its parameters not yet drawn."""

    @abstractmethod
    def make_loss(self) -> Loss:
        """The loss, of plain targets."""

    @abstractmethod
    def read_samples(self, X: Any, y: Any, sample_weight: Any = None) -> Samples:
        """What ``fit`` learns from. Raises ValueError for what does not fit together."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _read_inputs(self, X: Any, *, reset: bool) -> Array:
        """X as a dense array of numbers (N, D), in the dtype that is trained in."""
        wanted = (np.float64, np.float32) if reset else self._dtype
        X = validate_data(self, X, reset=reset, accept_sparse=("csr", "csc"), dtype=wanted)
        dense: Array = X.toarray() if hasattr(X, "toarray") else X
        if reset:
            self._dtype = dense.dtype
        return dense

    def _fit_samples(self, samples: Samples, *, epochs: int | None = None) -> Self:
        """Train, anew or on from where it was; ``epochs``: so many more, whatever the loss does."""
        if not hasattr(self, "_trainer") or (epochs is None and not self.warm_start):
            self.draw_seed()
            self._trainer = make_cohort_trainer([self], samples)
        else:
            use_weights(self._trainer, self, samples)
        train_nets(self._trainer, self, samples, epochs)
        self.take_nets(self._trainer.net, self._trainer, complete=epochs is None)
        return self

    def draw_seed(self) -> int:
        """The seed of a new training, of ``random_state``."""
        if not (isinstance(self.n_seeds, int | np.integer) and self.n_seeds >= 1):
            raise ValueError(f"n_seeds: expected at least 1, got {self.n_seeds!r}")
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return self._seed

    def take_nets(
        self, nets: Module, trainer: Trainer, first: int = 0, *, complete: bool = True
    ) -> None:
        """Be fitted with these nets, replicas ``first``, … of what the trainer trained.

        Raises ValueError where all of them diverged.
        """
        history = copy.copy(trainer.history)
        history.keep_replicas(torch.arange(first, first + self.n_seeds))
        self.nets_, self.history_, self.backend_ = nets, history, str(trainer.backend_status)
        ends = [history.stopped.get(k, trainer.epoch) for k in range(self.n_seeds)]
        self.n_iter_ = max(ends)
        self.loss_curve_ = mean_curve(history["train_loss"][: self.n_iter_])
        self.loss_ = self.loss_curve_[-1]
        if self.early_stopping and "test_loss" in history.curves:
            self.validation_loss_curve_ = mean_curve(history["test_loss"][: self.n_iter_])
        if len(history.diverged) == self.n_seeds:
            raise ValueError(
                f"{history.diverged[0]}; try a smaller learning_rate_init, or standardize X"
            )
        if history.diverged:
            warn_of_convergence(
                f"{len(history.diverged)} of {self.n_seeds} nets diverged, left out: "
                f"{history.diverged[0]}"
            )
        if complete and len(history.stopped) + len(history.diverged) < self.n_seeds:
            warn_of_convergence(
                f"max_iter={self.max_iter}: all epochs are done, and the loss still fell by more "
                f"than tol={self.tol} within {count_noun(self.n_iter_no_change, 'epoch')}"
            )

    def _net_outputs(self, X: Any) -> Tensor:
        """The outputs (n, N, L) of the n nets that did not diverge, in float64."""
        check_is_fitted(self)
        y: Tensor = predict(self.nets_, as_tensor(self._read_inputs(X, reset=False)))
        diverged = {one.replica for one in self.history_.diverged}
        return y[[k for k in range(self.n_seeds) if k not in diverged]].double()

    def _repr_html_inner(self) -> str:
        """The estimator's diagram, and below it the loss."""
        diagram = str(super()._repr_html_inner())
        if not hasattr(self, "loss_curve_"):
            return diagram
        said = f"{count_noun(self.n_iter_, 'epoch')}, loss {self.loss_:.4g}, {self.backend_}"
        return f"{diagram}<p>{escape(said)}</p>"


def make_cohort_trainer(members: Sequence[NetEstimator], samples: Samples) -> Trainer:
    """What trains the nets of all members at once, one member after the other.

    They differ in ``learning_rate_init``, ``alpha`` and their seeds alone, which were drawn.
    """
    first, n_seeds = members[0], members[0].n_seeds
    net = first.make_net(samples.X.shape[1], samples.outputs).to(dtype=as_tensor(samples.X).dtype)
    roots = [seeds.derive(m._seed, "net", k) for m in members for k in range(n_seeds)]
    orders = [
        seeds.derive(seeds.derive(m._seed, "order"), "replica", k)
        for m in members
        for k in range(n_seeds)
    ]
    nets = net.replicate(len(roots), roots)
    n = samples.count_training(first)
    size = choose_batch_size(first.batch_size, max(1, n))
    decays = [m.alpha / batch_weight(samples, size) for m in members]
    numbers = {
        "lr": spread_over_replicas([m.learning_rate_init for m in members], n_seeds),
        "weight_decay": spread_over_replicas(decays, n_seeds),
    }
    part = read_part(first.optimizer)
    optimizer = build_component("optimizer", part, nets, **(numbers | part.arguments))
    scheduler = first.schedule and build_component("schedule", read_part(first.schedule), optimizer)
    return Trainer(
        nets,
        make_criterion(first, samples),
        optimizer,
        scheduler=scheduler or None,
        batch_size=size,
        seed=orders,
        compile=first.compile,
    )


def make_criterion(estimator: NetEstimator, samples: Samples) -> Loss:
    """The loss, with weights where the samples have some."""
    loss = estimator.make_loss()
    return loss if samples.weight is None else SampleWeightedLoss(loss)


def batch_weight(samples: Samples, size: int) -> float:
    """What a batch of this size weighs on average: its samples, where they have no weights."""
    return size * (1.0 if samples.weight is None else float(samples.weight.mean()))


def use_weights(trainer: Trainer, estimator: NetEstimator, samples: Samples) -> None:
    """Let a trainer that goes on take samples with weights, or without, whatever it had before."""
    trainer.state.criterion = make_criterion(estimator, samples).replicate(estimator.n_seeds)
    if "weight_decay" not in read_part(estimator.optimizer).arguments:
        for group in trainer.optimizer.param_groups:
            group["weight_decay"] = estimator.alpha / batch_weight(samples, trainer.batch_size)


def train_nets(
    trainer: Trainer, first: NetEstimator, samples: Samples, epochs: int | None = None
) -> None:
    """Train up to ``max_iter`` epochs more, or as many more as said, as the first member says."""
    train, validation = samples.split(first, first._seed)
    trainer.callbacks[:] = [] if epochs is not None else [build_stopping(first)]
    more = first.max_iter if epochs is None else epochs
    trainer.fit(train, validation, epochs=trainer.epoch + more, progress=bool(first.verbose))


def build_stopping(estimator: NetEstimator) -> EarlyStopping:
    """What ends a training: no gain in validation, or in training."""
    return EarlyStopping(
        "test_loss" if estimator.early_stopping else "train_loss",
        patience=estimator.n_iter_no_change,
        min_delta=estimator.tol,
        restore_best=bool(estimator.early_stopping),
    )


def spread_over_replicas(numbers: Sequence[float], n_seeds: int) -> float | Tensor:
    """A number for each replica (K,), or the one that all have; seeds of a member share it."""
    if len(set(numbers)) == 1:
        return numbers[0]
    return torch.tensor(numbers, dtype=torch.float64).repeat_interleave(n_seeds)


def warn_of_convergence(message: str) -> None:
    """As scikit-learn warns of it, at the call of ``fit``."""
    warnings.warn(message, ConvergenceWarning, stacklevel=5)


def make_dataset(X: Array, y: Array, weight: Array | None) -> Dataset:
    """The arrays as tensors; with weights the target is what SampleWeightedLoss takes."""
    inputs, target = as_tensor(X), as_tensor(y)
    if weight is None:
        return Dataset(inputs, target)
    return Dataset(inputs, {"target": target, "weight": as_tensor(weight)})


def as_tensor(values: Array) -> Tensor:
    """The tensor of an array; of one that is only to be read, a copy."""
    return torch.from_numpy(np.require(values, requirements="W"))


def choose_batch_size(size: int | str, n: int) -> int:
    """Samples a step, of n in all: "auto" is 200, and none is left over for a batch of one."""
    if size != "auto" and not (isinstance(size, int | np.integer) and size >= 1):
        raise ValueError(f"batch_size: expected 'auto' or at least 1, got {size!r}")
    wanted = min(200 if size == "auto" else int(size), n)
    return wanted + 1 if wanted > 1 and n % wanted == 1 else wanted


def read_part(given: Part) -> Component:
    """The part that a name, or a name with arguments, says."""
    return Component.model_validate(normalize_component(given))


def mean_curve(curve: Tensor) -> list[float]:
    """The mean over the nets that are still trained, epoch by epoch."""
    values: list[float] = curve.reshape(len(curve), -1).nanmean(1).tolist()
    return values


def read_weights(weight: Any, X: Array) -> Array | None:
    """Sample weights (N,), None where none are given. Raises ValueError for negative ones."""
    if weight is None:
        return None
    found: Array = _check_sample_weight(weight, X, dtype=X.dtype, ensure_non_negative=True)
    return found
