"""What all estimators share: from arrays to a trained cohort of nets, and to its outputs."""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from html import escape
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from chainrule import seeds
from chainrule._util.words import count_noun
from chainrule.nn import Module, SampleWeightedLoss
from chainrule.nn.loss import Loss
from chainrule.recipes.component import build_component
from chainrule.sklearn.samples import Array, Samples, cast_finite, to_dense
from chainrule.sklearn.settings import (
    CONSTRAINTS,
    MAY_CHANGE,
    Part,
    choose_batch_size,
    choose_dtype,
    read_part,
    spread_over_replicas,
    value_key,
)
from chainrule.sklearn.share import NetShare, compute_rows, known_outputs
from chainrule.train import EarlyStopping, Trainer
from chainrule.train.inference import loss_name

__all__ = ["NetEstimator", "make_cohort_trainer", "train_nets"]


class NetEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """``n_seeds`` nets that differ in nothing but their seed, trained at once on one table.

    After ``fit``: ``nets_`` the cohort, ``history_`` its curves, ``loss_curve_`` and
    ``validation_loss_curve_`` (with early stopping) their mean over the seeds, ``loss_`` the last
    of them, ``n_iter_`` the epochs done, ``n_outputs_`` of a net, ``dtype_`` in which and
    ``backend_`` how they were trained.
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
    dtype: Any
    random_state: Any
    warm_start: bool
    verbose: bool
    dtype_: np.dtype[Any]
    _answer_dtype: np.dtype[Any]
    _seed: int
    _trainer: Trainer
    _made_with: dict[str, Any]
    _share: NetShare
    n_outputs_: int
    _loss_name: str

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    @abstractmethod
    def make_net(self, inputs: int, outputs: int) -> Module:
        """A net of this many inputs and outputs, its parameters not yet drawn."""

    @abstractmethod
    def make_loss(self) -> Loss:
        """The loss, of plain targets."""

    @abstractmethod
    def read_samples(self, X: Any, y: Any, sample_weight: Any = None) -> Samples:
        """What ``fit`` learns from. Raises ValueError for what does not fit together."""

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Read once a class: a search asks for them hundreds of times."""
        names: list[str] = super()._get_param_names()
        return names

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _read_inputs(self, X: Any, *, reset: bool) -> Any:
        """X as an array (N, D), or a large sparse one in rows, in the dtype that is trained in."""
        found = self._check_inputs(X, reset=reset)
        if reset:
            self._answer_dtype = found.dtype
            self.dtype_ = choose_dtype(self.dtype, found)
            found = cast_finite(found, self.dtype_)
        return to_dense(found)

    def _check_inputs(self, X: Any, *, reset: bool) -> Any:
        """X as an array or a sparse matrix (N, D). Raises ValueError for what does not fit."""
        wanted = (np.float64, np.float32) if reset else self.dtype_
        return validate_data(self, X, reset=reset, accept_sparse=("csr", "csc"), dtype=wanted)

    @property
    def held_out(self) -> float:
        """The share of the samples that early stopping watches."""
        return float(self.validation_fraction) if self.early_stopping else 0.0

    @property
    def can_stop(self) -> bool:
        """Whether a training may end before ``max_iter``."""
        return bool(self.early_stopping) or self.n_iter_no_change < self.max_iter

    @property
    def _goes_on(self) -> bool:
        """Whether ``fit`` goes on with the nets that there are."""
        return bool(self.warm_start) and hasattr(self, "_trainer")

    def _fit_samples(self, samples: Samples, *, epochs: int | None = None) -> Self:
        """Train, anew or on from where it was; ``epochs``: so many more, whatever the loss does."""
        if self._goes_on or (epochs is not None and hasattr(self, "_trainer")):
            check_going_on(self, samples.outputs)
            adopt_settings(self._trainer, self, samples)
        else:
            self.draw_seed()
            self._trainer = make_cohort_trainer([self], samples)
            self._made_with = read_fixed(self)
        train_nets(self._trainer, self, samples, epochs)
        self.take_nets(self._trainer, samples, complete=epochs is None)
        return self

    def _check_partial(self) -> None:
        """Raise ValueError for what does not go with a part of the samples."""
        self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")

    def draw_seed(self) -> int:
        """The seed of a new training, of ``random_state``."""
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return self._seed

    def take_nets(
        self, trainer: Trainer, samples: Samples, first: int = 0, *, complete: bool = True
    ) -> None:
        """Be fitted with replicas ``first``, … of what the trainer trained.

        Raises ValueError where all of them diverged.
        """
        history = copy.copy(trainer.history)
        history.keep_replicas(torch.arange(first, first + self.n_seeds))
        self.history_, self.backend_ = history, str(trainer.backend_status)
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
        self._share = NetShare(trainer.net, first, self.n_seeds)
        self.n_outputs_ = samples.outputs
        self._loss_name = loss_name(trainer.state.criterion)
        if history.diverged:
            warn_of_convergence(
                f"{len(history.diverged)} of {self.n_seeds} nets diverged and are left out: "
                f"{history.diverged[0]}"
            )
        if complete and len(history.stopped) + len(history.diverged) < self.n_seeds:
            warn_of_convergence(
                f"max_iter={self.max_iter} epochs are done, and the loss still fell by more than "
                f"tol={self.tol} within {self.n_iter_no_change} epochs"
            )

    @property
    def nets_(self) -> Module:
        """The cohort of its ``n_seeds`` nets. Raises NotFittedError before ``fit``."""
        if not hasattr(self, "_share"):
            raise NotFittedError(f"this {type(self).__name__} has no nets_ yet: call fit")
        return self._share.nets

    def adopt_reading(self, other: NetEstimator, differing: Sequence[str]) -> None:
        """Know what the other has read of the samples, which differs in these parameters alone.

        Raises ValueError for a value that one of them cannot have.
        """
        own = {name: getattr(self, name) for name in differing}
        validate_parameter_constraints(self._parameter_constraints, own, type(self).__name__)
        read = {name: value for name, value in vars(other).items() if name not in vars(self)}
        self.__dict__.update(read)

    @contextmanager
    def know_outputs(self, others: Sequence[NetEstimator], X: Any) -> Iterator[None]:
        """In here, what these and the others say of X is known: each cohort goes over it once."""
        try:
            checked = self._check_inputs(X, reset=False)
        except ValueError:  # which each of them will say
            yield
        else:
            with known_outputs([each._share for each in (self, *others)], X, checked):
                yield

    def _knows_outputs(self, X: Any) -> bool:
        """Whether a search has been over this X."""
        return hasattr(self, "_share") and self._share.find_outputs(X) is not None

    def _net_outputs(self, X: Any) -> Tensor:
        """The outputs (n, N, L) of the n nets that did not diverge, in float64."""
        check_is_fitted(self)
        outputs = self._share.find_outputs(X)
        if outputs is None:
            outputs = compute_rows(self.nets_, self._check_inputs(X, reset=False))
        diverged = {one.replica for one in self.history_.diverged}
        return outputs[[k for k in range(len(outputs)) if k not in diverged]].double()

    def _as_trained(self, values: Tensor) -> Array:
        """The array of them, in the dtype of the X that was learned from."""
        found: Array = values.numpy().astype(self._answer_dtype)
        return found

    def _repr_html_inner(self) -> str:
        """The estimator's diagram, and below it how the training went."""
        diagram = str(super()._repr_html_inner())
        return f"{diagram}{show_training(self)}" if hasattr(self, "loss_curve_") else diagram


def read_fixed(estimator: NetEstimator) -> dict[str, Any]:
    """The parameters that nets keep as long as they are trained on."""
    params = estimator.get_params(deep=False)
    return {name: value for name, value in params.items() if name not in MAY_CHANGE}


def check_going_on(estimator: NetEstimator, outputs: int) -> None:
    """Raise ValueError where other nets are wanted than there are to go on with."""
    there = estimator.n_outputs_
    if outputs != there:
        raise ValueError(
            f"y has {outputs} outputs, but {type(estimator).__name__} is expecting {there} outputs"
        )
    for name, now in read_fixed(estimator).items():
        made = estimator._made_with[name]
        if value_key(now) != value_key(made):
            raise ValueError(
                f"{name}: expected {made!r}, as of the nets to go on with, got {now!r}; "
                "fit with warm_start=False trains others"
            )


def make_cohort_trainer(members: Sequence[NetEstimator], samples: Samples) -> Trainer:
    """What trains the nets of all members at once, one member after the other.

    They differ in ``learning_rate_init``, ``alpha`` and their seeds alone, which were drawn.
    """
    first, n_seeds = members[0], members[0].n_seeds
    net = first.make_net(samples.X.shape[1], samples.outputs).to(dtype=samples.dtype)
    roots = [seeds.derive(m._seed, "net", k) for m in members for k in range(n_seeds)]
    orders = [
        seeds.derive(seeds.derive(m._seed, "order"), "replica", k)
        for m in members
        for k in range(n_seeds)
    ]
    nets = net.replicate(len(roots), roots)
    size = find_batch_size(first, samples)
    decays = [m.alpha / (size * samples.mean_weight()) for m in members]
    numbers = {
        "lr": spread_over_replicas([m.learning_rate_init for m in members], n_seeds),
        "weight_decay": spread_over_replicas(decays, n_seeds),
    }
    part = read_part("optimizer", first.optimizer)
    optimizer = build_component("optimizer", part, nets, **(numbers | part.arguments))
    scheduler = None
    if first.schedule is not None:
        schedule = read_part("schedule", first.schedule)
        scheduler = build_component("schedule", schedule, optimizer)
    return Trainer(
        nets,
        make_criterion(first, samples),
        optimizer,
        scheduler=scheduler,
        batch_size=size,
        seed=orders,
        compile=first.compile,
    )


def find_batch_size(estimator: NetEstimator, samples: Samples) -> int:
    """Samples a step, of those that are learned from."""
    n = samples.count_training(estimator.held_out)
    return choose_batch_size(estimator.batch_size, max(1, n))


def make_criterion(estimator: NetEstimator, samples: Samples) -> Loss:
    """The loss, with weights where the samples have some."""
    loss = estimator.make_loss()
    return loss if samples.weight is None else SampleWeightedLoss(loss)


def adopt_settings(trainer: Trainer, estimator: NetEstimator, samples: Samples) -> None:
    """Let a trainer go on with the numbers that its estimator has now, on these samples.

    They may have weights, or none, whatever there was before.
    """
    state = trainer.state
    state.criterion = make_criterion(estimator, samples).replicate(estimator.n_seeds)
    state.batch_size = find_batch_size(estimator, samples)
    arguments = read_part("optimizer", estimator.optimizer).arguments
    if "weight_decay" not in arguments:
        decay = estimator.alpha / (state.batch_size * samples.mean_weight())
        for group in trainer.optimizer.param_groups:
            group["weight_decay"] = decay
    if estimator.schedule is None and "lr" not in arguments:
        for group in trainer.optimizer.param_groups:
            group["lr"] = estimator.learning_rate_init


def train_nets(
    trainer: Trainer, first: NetEstimator, samples: Samples, epochs: int | None = None
) -> None:
    """Train up to ``max_iter`` epochs more, or as many more as said, as the first member says."""
    train, validation = samples.split(first.held_out, first._seed)
    trainer.callbacks[:] = build_stopping(first) if epochs is None else []
    more = int(first.max_iter) if epochs is None else epochs
    trainer.fit(train, validation, epochs=trainer.epoch + more, progress=bool(first.verbose))


def build_stopping(estimator: NetEstimator) -> list[EarlyStopping]:
    """What ends a training: no gain in validation, or in training; nothing where none can."""
    if not estimator.can_stop:
        return []  # several short epochs are then one call of the kernel
    stopping = EarlyStopping(
        "test_loss" if estimator.early_stopping else "train_loss",
        patience=estimator.n_iter_no_change,
        min_delta=estimator.tol,
        restore_best=bool(estimator.early_stopping),
    )
    return [stopping]


def warn_of_convergence(message: str) -> None:
    """As scikit-learn warns of it, at the call of ``fit``."""
    warnings.warn(message, ConvergenceWarning, stacklevel=5)


def show_training(estimator: NetEstimator) -> str:
    """HTML of how its training went."""
    epochs = count_noun(estimator.n_iter_, "epoch")
    said = f"{epochs}, loss {estimator.loss_:.4g}, {estimator.backend_}"
    return f"<p>{escape(said)}</p>{estimator.history_._repr_html_()}"


def mean_curve(curve: Tensor) -> list[float]:
    """The mean over the nets that are still trained, epoch by epoch."""
    values: list[float] = curve.reshape(len(curve), -1).nanmean(1).tolist()
    return values
