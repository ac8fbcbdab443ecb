"""OneHotLoss: a loss of vectors, for targets that are classes."""

from __future__ import annotations

from typing import Any, final

from torch import Tensor

from chainrule.nn.errors import LayerError, check_input
from chainrule.nn.loss.base import Loss, LossTerm
from chainrule.nn.loss.wrapper import LossWrapper
from chainrule.nn.vjp import BackwardFn

__all__ = ["OneHotLoss"]


@final
class OneHotLoss(LossWrapper):
    """L = ``loss``(o, v(t))        o (N, L), t (N,) int64 classes, v(t) (N, L)

    v(t) is ``high`` at class t and ``low`` elsewhere: 1 and 0 suit a sigmoid or softmax, 1 and −1
    a tanh. With a single output (N, 1) it is ``high`` for class 1 and ``low`` for class 0. The
    gradient is that of ``loss``. Raises LayerError for a target that is no class of the output.
    """

    def __init__(self, loss: Loss, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__(loss)
        self.low, self.high = low, high

    def forward(self, output: Tensor, target: Tensor) -> tuple[Tensor, BackwardFn]:
        try:
            return self.loss.forward(output, self._encode_target(output, target))
        except LayerError as error:
            raise error if error.module is self else error.with_path("OneHotLoss") from None

    def split_terms(self, output: Tensor, target: Tensor, value: Tensor) -> list[LossTerm]:
        """Those of ``loss``."""
        return self.loss.split_terms(output, self._encode_target(output, target), value)

    @property
    def reduction(self) -> str:
        """That of ``loss``."""
        return str(getattr(self.loss, "reduction", "mean"))

    @property
    def decision_threshold(self) -> float:
        """That of ``loss``, or else the middle of ``low`` and ``high``."""
        inner = self.loss.decision_threshold
        return (self.low + self.high) / 2 if inner is None else inner

    def _encode_target(self, output: Tensor, target: Any) -> Tensor:
        self._check_output(output, "…, classes", least=1)
        self._check_target(target, output.shape[self.num_replica_dims : -1], "class indices")
        check_input(self, target, like=target.new_empty((), dtype=int), floating=False)
        classes = max(2, output.shape[-1])
        if target.device.type == "cpu" and ((target < 0) | (target >= classes)).any():
            wrong = target[(target < 0) | (target >= classes)][0]
            raise LayerError(self, f"expected class indices from 0 to {classes - 1}, got {wrong}")
        if output.shape[-1] == 1:
            share: Tensor = target.to(output.dtype).unsqueeze(-1)
            return self.low + (self.high - self.low) * share
        rows: Tensor = output.new_full((*target.shape, classes), self.low)
        rows.scatter_(-1, target.unsqueeze(-1), self.high)
        return rows
