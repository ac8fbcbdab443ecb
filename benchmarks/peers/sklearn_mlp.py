"""scikit-learn's MLPClassifier, one after the other, an epoch a call of ``partial_fit``.

Its loss is the log loss of the classes. For nets with cross-entropy that is the same computation;
the disk net's tanh and mean squared error it does not have, so there the number of products is the
same and the loss is not.
"""

from __future__ import annotations

import warnings
from typing import final

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.task import Runner, Task

__all__ = ["Side"]


@final
class Side(Runner):
    """SGD without momentum, and no penalty."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.classes = np.arange(task.net.widths[-1])
        target = task.targets["main"]
        self.target = target.argmax(-1) if task.net.loss == "mse" else target
        self.reset()

    def reset(self) -> None:
        self.nets = [self._made(k) for k in range(self.task.K)]

    def _made(self, k: int) -> MLPClassifier:
        task = self.task
        net = MLPClassifier(
            task.net.widths[1:-1],
            solver="sgd",
            learning_rate_init=float(task.lr[k]),
            alpha=0.0,
            momentum=0.0,
            nesterovs_momentum=False,
            batch_size=task.batch,
            shuffle=False,
        )
        x, t = self._data(k)
        with warnings.catch_warnings():  # one batch is all that it sees here
            warnings.simplefilter("ignore")
            net.partial_fit(x[: task.batch], t[: task.batch], classes=self.classes)
        weights = [weight[k] for weight in task.weights]
        for i, (coefs, intercepts) in enumerate(zip(net.coefs_, net.intercepts_, strict=True)):
            out = len(intercepts)  # two classes are one output here
            coefs[:], intercepts[:] = weights[2 * i][:out].T, weights[2 * i + 1][:out]
        return net

    def _data(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        x, t = self.task.inputs, self.target
        return x[min(k, len(x) - 1)], t[min(k, len(t) - 1)]

    def train(self, epochs: int) -> np.ndarray:
        return np.array([[*self._losses(k, epochs)] for k in range(self.task.K)]).T

    def _losses(self, k: int, epochs: int) -> list[float]:
        net, (x, t) = self.nets[k], self._data(k)
        losses = []
        for order in self.task.orders[min(k, len(self.task.orders) - 1)][:epochs]:
            net.partial_fit(x[order], t[order])
            losses.append(net.loss_)
        return losses
