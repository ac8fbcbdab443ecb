"""MLPClassifier and MLPRegressor: layers one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, final

import numpy as np
from sklearn.utils._param_validation import Interval

from chainrule.nn import BatchNorm1d, Dropout, Linear, Module, Sequential
from chainrule.nn.init import Uniform
from chainrule.nn.loss import Loss
from chainrule.sklearn.kinds import NetClassifierBase, NetRegressorBase
from chainrule.sklearn.settings import Part
from chainrule.zoo.activations import build_activation

__all__ = ["MLPClassifier", "MLPRegressor"]

ACTIVATIONS = {"identity": "Identity", "logistic": "Sigmoid", "tanh": "Tanh", "relu": "ReLU"}
"""scikit-learn's words; any other is the name of an activation of ``chainrule.nn``."""

CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [str],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "batch_norm": ["boolean"],
}


class _LayersMixin:
    """A net of hidden layers, each with its activation."""

    hidden_layer_sizes: Sequence[int] | int
    activation: str
    dropout: float
    batch_norm: bool

    def make_net(self, inputs: int, outputs: int) -> Module:
        """A net of this many inputs and outputs, its parameters not yet drawn."""
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, object)).tolist()
        if not all(isinstance(size, Integral) and int(size) >= 1 for size in hidden):
            raise ValueError(
                "hidden_layer_sizes: expected whole numbers, at least 1 each, got "
                f"{self.hidden_layer_sizes!r}"
            )
        sizes = [inputs, *map(int, hidden)]
        layers: list[Module] = []
        for a, b in pairwise(sizes):
            layers.append(self._build_linear(a, b, bias=not self.batch_norm))
            layers += [BatchNorm1d(b)] if self.batch_norm else []
            if self.activation != "identity":
                layers.append(build_activation(ACTIVATIONS.get(self.activation, self.activation)))
            layers += [Dropout(self.dropout)] if self.dropout else []
        return Sequential(*layers, self._build_linear(sizes[-1], outputs))

    def _build_linear(self, inputs: int, outputs: int, *, bias: bool = True) -> Linear:
        return Linear(inputs, outputs, bias=bias)


@final
class MLPClassifier(_LayersMixin, NetClassifierBase):
    """Hidden layers and a softmax, as scikit-learn's MLPClassifier, for ``n_seeds`` nets at once.

    - ``hidden_layer_sizes``, ``activation`` ("relu", "tanh", "logistic", "identity", or one of
      ``chainrule.nn``'s by name); ``dropout`` after, ``batch_norm`` before each.
    - ``optimizer``, ``loss``, ``schedule``: by name, or ``{"name": "SGD", "momentum": 0.9}``;
      ``learning_rate_init``; ``alpha``: the L2 penalty of all parameters, over the weight of a
      batch.
    - ``batch_size``: "auto" is 200, or all samples where there are fewer.
    - ``max_iter``: epochs at most. Ended earlier where the training loss has not fallen by ``tol``
      for ``n_iter_no_change`` epochs; with ``early_stopping`` the loss of a share
      ``validation_fraction`` that is held out, and each net goes back to its best epoch.
    - ``n_seeds``: nets that differ in their seed alone; ``predict`` averages them and
      ``predict_std`` says how far they disagree.
    - ``compile``: as in :class:`chainrule.train.Trainer`.
    - ``dtype``: "float32" or "float64", of the nets and their training. "auto": that of X, but for
      one of 10,000 numbers or more float32, which is up to twice as fast. Answers are in X's.
    - ``class_weight``: "balanced", or class → weight.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NetClassifierBase._parameter_constraints,
        **CONSTRAINTS,
    }

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str = "relu",
        *,
        dropout: float = 0.0,
        batch_norm: bool = False,
        optimizer: Part = "Adam",
        learning_rate_init: float = 1e-3,
        alpha: float = 1e-4,
        loss: Part | Loss | None = None,
        schedule: Part | None = None,
        batch_size: int | str = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_seeds: int = 1,
        compile: bool | Literal["auto"] = "auto",  # noqa: A002 (the word for it)
        dtype: Any = "auto",
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        class_weight: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.loss = loss
        self.schedule = schedule
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_seeds = n_seeds
        self.compile = compile
        self.dtype = dtype
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.class_weight = class_weight


@final
class MLPRegressor(_LayersMixin, NetRegressorBase):
    """Hidden layers and a linear output; otherwise as :class:`MLPClassifier`.

    y may have several columns. Weights and biases start in ±√(6 / (inputs + outputs)) of their
    layer, with "logistic" in ±√(2 / (inputs + outputs)), as scikit-learn's do.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NetRegressorBase._parameter_constraints,
        **CONSTRAINTS,
    }

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str = "relu",
        *,
        dropout: float = 0.0,
        batch_norm: bool = False,
        optimizer: Part = "Adam",
        learning_rate_init: float = 1e-3,
        alpha: float = 1e-4,
        loss: Part | Loss | None = None,
        schedule: Part | None = None,
        batch_size: int | str = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_seeds: int = 1,
        compile: bool | Literal["auto"] = "auto",  # noqa: A002 (the word for it)
        dtype: Any = "auto",
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.loss = loss
        self.schedule = schedule
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_seeds = n_seeds
        self.compile = compile
        self.dtype = dtype
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def _build_linear(self, inputs: int, outputs: int, *, bias: bool = True) -> Linear:
        layer = super()._build_linear(inputs, outputs, bias=bias)
        bound = sqrt((2 if self.activation == "logistic" else 6) / (inputs + outputs))
        layer.set_init(Uniform(-bound, bound))
        if layer.bias is not None:
            layer.bias.init = Uniform(-bound, bound)
        return layer
