"""NetClassifier and NetRegressor: any net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, final

from chainrule._util.kinds import check_kind
from chainrule.nn import Module
from chainrule.nn.loss import Loss
from chainrule.sklearn.kinds import NetClassifierBase, NetRegressorBase
from chainrule.sklearn.settings import Part
from chainrule.zoo import table_net

__all__ = ["NetClassifier", "NetRegressor"]


class _AnyNetMixin:
    """A net that a function makes."""

    net: Callable[[int, int], Module] | None

    def make_net(self, inputs: int, outputs: int) -> Module:
        """A net of this many inputs and outputs, its parameters not yet drawn."""
        if self.net is None:
            return table_net(inputs=inputs, outputs=outputs)
        if not callable(self.net) or isinstance(self.net, Module):
            raise TypeError(
                f"net: expected a function (inputs, outputs) → Module, got {self.net!r}"
            )
        made = self.net(inputs, outputs)
        check_kind(made, Module, "net")
        return made


@final
class NetClassifier(_AnyNetMixin, NetClassifierBase):
    """Any net as a classifier; all but the net is as in :class:`MLPClassifier`.

    - ``net``: a function (inputs, outputs) → Module with input (N, inputs) and output (N, outputs),
      one output a class. None: ``zoo.table_net``.
    """

    def __init__(
        self,
        net: Callable[[int, int], Module] | None = None,
        *,
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
        self.net = net
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
class NetRegressor(_AnyNetMixin, NetRegressorBase):
    """Any net as a regressor; ``net`` as in :class:`NetClassifier`, all else as MLPRegressor."""

    def __init__(
        self,
        net: Callable[[int, int], Module] | None = None,
        *,
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
        self.net = net
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
