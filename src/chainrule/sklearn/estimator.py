"""What all estimators share: from arrays to a trained cohort of nets, and to its outputs."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from html import escape
from typing import Any, Self

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
from chainrule.data import Dataset
from chainrule.nn import Module, SampleWeightedLoss
from chainrule.nn.loss import Loss
from chainrule.recipes.component import Component, build_component, normalize_component
from chainrule.train import Callback, EarlyStopping, Trainer, predict

__all__ = ["NetEstimator", "Part"]

Part = str | Mapping[str, Any]
"""A part by its name, or ``{"name": …}`` with its arguments beside it, as a study's file has it."""

Array = NDArray[Any]


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
    compile: bool | str
    random_state: Any
    warm_start: bool
    verbose: bool
    _dtype: Any

    @abstractmethod
    def _make_net(self, inputs: int, outputs: int) -> Module:
        """A net of this many inputs and outputs, its parameters not yet drawn."""

    @abstractmethod
    def _make_loss(self) -> Loss:
        """The loss, of plain targets."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _read_samples(self, X: Any, *, reset: bool) -> Array:
        """X as a dense array of numbers (N, D), in the dtype that is trained in."""
        wanted = (np.float64, np.float32) if reset else self._dtype
        X = validate_data(self, X, reset=reset, accept_sparse=("csr", "csc"), dtype=wanted)
        dense: Array = X.toarray() if hasattr(X, "toarray") else X
        if reset:
            self._dtype = dense.dtype
        return dense

    def _fit_nets(
        self,
        X: Array,
        y: Array,
        weight: Array | None,
        outputs: int,
        *,
        stratify: bool,
        epochs: int | None = None,
    ) -> Self:
        """Train, anew or on from where it was; ``epochs``: so many more, whatever the loss does."""
        seed = self._draw_seed(fresh=epochs is None)
        train, validation = self._split(X, y, weight, seed, stratify and epochs is None)
        goes_on = hasattr(self, "_trainer") and (epochs is not None or self.warm_start)
        if not goes_on:
            self._trainer = self._make_trainer(X.shape[1], outputs, len(train), seed, weight)
            self.nets_, self.history_ = self._trainer.net, self._trainer.history
        trainer = self._trainer
        trainer.callbacks[:] = [] if epochs is not None else self._stopping()
        more = self.max_iter if epochs is None else epochs
        trainer.fit(train, validation, epochs=trainer.epoch + more, progress=bool(self.verbose))
        self._read_history(epochs is None)
        return self

    def _draw_seed(self, *, fresh: bool) -> int:
        if fresh or not hasattr(self, "_seed"):
            self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return self._seed

    def _split(
        self, X: Array, y: Array, weight: Array | None, seed: int, stratify: bool
    ) -> tuple[Dataset, Dataset | None]:
        """(what is learned from, what early stopping watches, if it is on)."""
        if not self.early_stopping:
            return make_dataset(X, y, weight), None
        rows = np.arange(len(X))
        try:
            learned, watched = train_test_split(
                rows,
                test_size=self.validation_fraction,
                random_state=seed,
                stratify=y if stratify else None,
            )
        except ValueError as error:
            raise ValueError(f"early_stopping needs samples to validate on: {error}") from None
        parts = (
            make_dataset(X[i], y[i], None if weight is None else weight[i])
            for i in (learned, watched)
        )
        train, validation = parts
        return train, validation

    def _make_trainer(
        self, inputs: int, outputs: int, n: int, seed: int, weight: Array | None
    ) -> Trainer:
        if not (isinstance(self.n_seeds, int | np.integer) and self.n_seeds >= 1):
            raise ValueError(f"n_seeds: expected at least 1, got {self.n_seeds!r}")
        net = self._make_net(inputs, outputs).to(
            dtype=torch.from_numpy(np.empty(0, self._dtype)).dtype
        )
        roots = [seeds.derive(seed, "net", k) for k in range(self.n_seeds)]
        nets = net.replicate(self.n_seeds, roots)
        size = choose_batch_size(self.batch_size, n)
        arguments = {"lr": self.learning_rate_init} | read_part(self.optimizer).arguments
        mean_weight = 1.0 if weight is None else float(weight.mean())
        decay = {"weight_decay": self.alpha / (size * mean_weight)} if self.alpha else {}
        name = read_part(self.optimizer).name
        optimizer = build_component(
            "optimizer", Component(name=name, **{**decay, **arguments}), nets
        )
        scheduler = self.schedule and build_component(
            "schedule", read_part(self.schedule), optimizer
        )
        loss = self._make_loss()
        return Trainer(
            nets,
            loss if weight is None else SampleWeightedLoss(loss),
            optimizer,
            scheduler=scheduler or None,
            batch_size=size,
            seed=seeds.derive(seed, "order"),
            compile=bool(self.compile),
        )

    def _stopping(self) -> list[Callback]:
        """What ends a training: no gain in validation, or in training."""
        watched = "test_loss" if self.early_stopping else "train_loss"
        return [
            EarlyStopping(
                watched,
                patience=self.n_iter_no_change,
                min_delta=self.tol,
                restore_best=bool(self.early_stopping),
            )
        ]

    def _read_history(self, complete: bool) -> None:
        """What the training says of itself, as scikit-learn calls it."""
        trainer, history = self._trainer, self._trainer.history
        self.history_, self.n_iter_ = history, trainer.epoch
        self.backend_ = str(trainer.backend_status)
        self.loss_curve_ = mean_curve(history["train_loss"])
        self.loss_ = self.loss_curve_[-1]
        if self.early_stopping and "test_loss" in history.curves:
            self.validation_loss_curve_ = mean_curve(history["test_loss"])
        if len(history.diverged) == self.n_seeds:
            raise ValueError(
                f"{history.diverged[0]}; try a smaller learning_rate_init, or standardize X"
            )
        if history.diverged:
            warnings.warn(
                f"{len(history.diverged)} of {self.n_seeds} nets diverged and are left out: "
                f"{history.diverged[0]}",
                ConvergenceWarning,
                stacklevel=4,
            )
        if complete and len(history.stopped) + len(history.diverged) < self.n_seeds:
            warnings.warn(
                f"max_iter={self.max_iter} epochs are done, and the loss still fell by more than "
                f"tol={self.tol} within {self.n_iter_no_change} epochs",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _net_outputs(self, X: Any) -> Tensor:
        """The outputs (n, N, L) of the n nets that did not diverge, in float64."""
        check_is_fitted(self)
        y: Tensor = predict(self.nets_, as_tensor(self._read_samples(X, reset=False)))
        diverged = {one.replica for one in self.history_.diverged}
        return y[[k for k in range(self.n_seeds) if k not in diverged]].double()

    def _repr_html_inner(self) -> str:
        """The estimator's diagram, and below it the loss."""
        diagram = str(super()._repr_html_inner())
        if not hasattr(self, "loss_curve_"):
            return diagram
        said = f"{self.n_iter_} epochs, loss {self.loss_:.4g}, {self.backend_}"
        return f"{diagram}<p>{escape(said)}</p>"


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
