"""What makes a net a classifier or a regressor: its targets, its losses and its answers."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d
from torch import Tensor

from chainrule.estimators.fit import loss_for
from chainrule.nn.loss import Loss
from chainrule.recipes.component import build_component
from chainrule.sklearn.estimator import NetEstimator
from chainrule.sklearn.samples import Array, Samples, read_weights
from chainrule.sklearn.settings import Part, read_part
from chainrule.train.inference import TO_PROBABILITIES, probabilities

__all__ = ["NetClassifierBase", "NetRegressorBase"]


class NetClassifierBase(ClassifierMixin, NetEstimator):  # type: ignore[misc]
    """Nets that tell a class; the probabilities of all seeds are averaged.

    After ``fit`` also: ``classes_``, in the order of the columns of ``predict_proba``.
    """

    class_weight: Any
    classes_: Array

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NetEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples X (N, D) with classes y (N,), each counting by its weight (N,).

        Raises ValueError for what does not fit together, and where every net diverges.
        """
        return self._fit_samples(self.read_samples(X, y, sample_weight))

    def read_samples(self, X: Any, y: Any, sample_weight: Any = None) -> Samples:
        """What ``fit`` learns from; the classes are taken from it."""
        self._validate_params()
        X = self._read_inputs(X, reset=not self._goes_on)
        y = self._read_labels(X, y)
        classes, codes = np.unique(y, return_inverse=True)
        if self._goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        self.classes_ = classes
        return self._weigh(X, codes, sample_weight, stratify=True)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch more, on these samples; the first call says all ``classes`` there will be.

        Raises ValueError for ``class_weight="balanced"`` and for ``early_stopping``, which need all
        samples at once.
        """
        self._check_partial()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples, of which partial_fit sees a part: give "
                "the weights, {class: weight}, as sklearn.utils.compute_class_weight finds them"
            )
        first = not hasattr(self, "_trainer")
        X = self._read_inputs(X, reset=first)
        y = self._read_labels(X, y)
        if first:
            self.classes_ = np.unique(y if classes is None else classes)
        elif classes is not None and not np.array_equal(self.classes_, np.unique(classes)):
            raise ValueError(f"classes: expected those of the first call, {self.classes_}")
        if unknown := np.setdiff1d(y, self.classes_).tolist():
            raise ValueError(f"y has classes that the first call did not name: {unknown}")
        codes = np.searchsorted(self.classes_, y)
        samples = self._weigh(X, codes, sample_weight, stratify=False)
        return self._fit_samples(samples, epochs=1)

    def _read_labels(self, X: Any, y: Any) -> Array:
        """y as an array (N,) of classes."""
        require_target(self, y)
        check_consistent_length(X, y)
        y = check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype=None, input_name="y")
        check_one_kind(y)
        check_classification_targets(y)
        labels: Array = y
        return labels

    def _weigh(self, X: Any, codes: Array, sample_weight: Any, *, stratify: bool) -> Samples:
        """The samples of these classes, each with its own weight times that of its class."""
        weight = read_weights(sample_weight, X)
        if self.class_weight is not None:
            y = self.classes_[codes]
            by_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
            if (by_class < 0).any():
                raise ValueError(
                    f"class_weight: expected weights of at least 0, got {self.class_weight}"
                )
            weight = by_class[codes].astype(X.dtype) * (1 if weight is None else weight)
        found = Samples(X, codes.astype(np.int64), weight, len(self.classes_), stratify=stratify)
        return found.drop_weightless()

    def predict(self, X: Any) -> Array:
        """The likeliest class of each sample (N,)."""
        scores = self._scores(X)
        found: Array = self.classes_[scores.mean(0).argmax(-1).numpy()]
        return found

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class (N, L), the mean over the seeds.

        Raises ValueError for nets of a loss that makes no probabilities.
        """
        proba = self._probabilities(self._net_outputs(X)).mean(0)
        return self._as_trained(proba / proba.sum(-1, keepdim=True))

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            logs: Array = np.log(self.predict_proba(X))
        return logs

    def predict_std(self, X: Any) -> Array:
        """How far the seeds disagree on each class's probability (N, L): their std, ddof = 1."""
        proba = self._probabilities(self._net_outputs(X))
        return self._as_trained(proba.std(0, correction=min(1, len(proba) - 1)))

    def decision_function(self, X: Any) -> Array:
        """The log of each class's probability (N, L); of two classes the difference (N,).

        Of a loss that makes no probabilities the mean output in their place.
        """
        scores = self._scores(X).mean(0)
        scores = scores.log() if self._makes_probabilities else scores
        return self._as_trained(scores[:, 1] - scores[:, 0] if scores.shape[-1] == 2 else scores)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy; within a search, which has checked y, it is one comparison."""
        if sample_weight is None and self._knows_outputs(X):
            return float(np.mean(self.predict(X) == np.asarray(y).ravel()))
        return float(super().score(X, y, sample_weight))

    def make_loss(self) -> Loss:
        return loss_for(build_loss(self.loss, "CrossEntropyLoss"), "classification")

    @property
    def _makes_probabilities(self) -> bool:
        return self._loss_name in TO_PROBABILITIES

    def _scores(self, X: Any) -> Tensor:
        """The probabilities of each net, or where there are none its outputs        (n, N, L)"""
        outputs = self._net_outputs(X)
        return self._probabilities(outputs) if self._makes_probabilities else outputs

    def _probabilities(self, outputs: Tensor) -> Tensor:
        return probabilities(outputs, self._loss_name)


class NetRegressorBase(RegressorMixin, NetEstimator):  # type: ignore[misc]
    """Nets that tell one number or several; the answers of all seeds are averaged."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples X (N, D) with targets y (N,) or (N, T), each counting by its weight.

        Raises ValueError for what does not fit together, and where every net diverges.
        """
        return self._fit_samples(self.read_samples(X, y, sample_weight))

    def read_samples(self, X: Any, y: Any, sample_weight: Any = None) -> Samples:
        """What ``fit`` learns from."""
        self._validate_params()
        return self._weigh(self._read_inputs(X, reset=not self._goes_on), y, sample_weight)

    def _weigh(self, X: Any, y: Any, sample_weight: Any) -> Samples:
        """The samples with these targets and weights."""
        targets = self._read_targets(X, y)
        weight = read_weights(sample_weight, X)
        return Samples(X, targets, weight, targets.shape[1], stratify=False).drop_weightless()

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch more, on these samples. Raises ValueError for ``early_stopping``."""
        self._check_partial()
        X = self._read_inputs(X, reset=not hasattr(self, "_trainer"))
        return self._fit_samples(self._weigh(X, y, sample_weight), epochs=1)

    def predict(self, X: Any) -> Array:
        """The number of each sample (N,), or its numbers (N, T)."""
        return self._as_fitted(self._net_outputs(X).mean(0))

    def predict_std(self, X: Any) -> Array:
        """How far the seeds disagree, as :meth:`predict`: their std, ddof = 1."""
        outputs = self._net_outputs(X)
        return self._as_fitted(outputs.std(0, correction=min(1, len(outputs) - 1)))

    def _as_fitted(self, values: Tensor) -> Array:
        found = self._as_trained(values)
        return found.ravel() if self._is_flat else found

    def make_loss(self) -> Loss:
        return loss_for(build_loss(self.loss, "MSELoss"), "regression")

    def _read_targets(self, X: Any, y: Any) -> Array:
        require_target(self, y)
        check_consistent_length(X, y)
        targets: Array = check_array(y, ensure_2d=False, dtype=X.dtype, input_name="y")
        self._is_flat = targets.ndim == 1 or targets.shape[1] == 1
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)
        return targets.reshape(len(targets), -1)


def require_target(estimator: NetEstimator, y: Any) -> None:
    """Raise ValueError where there is none."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )


def check_one_kind(y: Array) -> None:
    """Raise ValueError for classes of which only some are texts, which have no order."""
    if y.dtype == object and len({isinstance(label, str) for label in y}) > 1:
        kinds = " and ".join(sorted({type(label).__name__ for label in y}))
        raise ValueError(f"y has classes of more than one kind: expected all of one, got {kinds}")


def build_loss(given: Part | Loss | None, usual: str) -> Loss:
    """The loss of this name, or the one given. Raises StudyError, a ValueError, for another."""
    if isinstance(given, Loss):
        return given
    loss: Loss = build_component("loss", read_part("loss", usual if given is None else given))
    return loss
