"""What may look on, or step in, at the end of each epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor

from chainrule.data import Dataset
from chainrule.nn.config import to_config
from chainrule.train.batches import add_replica_axis
from chainrule.train.checkpoint import save_training
from chainrule.train.evaluation import measure
from chainrule.train.inference import eval_mode, predict_in_slices
from chainrule.train.state import Callback, TrainState

__all__ = ["Callback", "Checkpoint", "EarlyStopping"]


@final
class EarlyStopping(Callback):
    """Stop each replica on its own when a curve has not improved for ``patience`` epochs.

    Of a test curve those count after which the test set was evaluated, see the Trainer's
    ``evaluate_every``.

    ``monitor`` names a curve of the history ("test_loss"); ``mode`` is "min" or "max"; smaller
    changes than ``min_delta`` do not count. With ``restore_best`` a replica goes back to the
    weights of its best epoch at the end of the fit; a fit that goes on does so from the last ones.
    Do not monitor the data that you report: with ``validation``, a data set of its own, the
    monitor is the "loss" on it, or a metric by its name.

    Raises ValueError for another mode, and for a patience below 1.
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str = "min",
        restore_best: bool = True,
        validation: Dataset | None = None,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' or 'max', got {mode!r}")
        if patience < 1:
            raise ValueError(f"patience is at least 1 epoch, got {patience}")
        self.monitor = monitor or ("test_loss" if validation is None else "loss")
        self.patience, self.min_delta, self.validation = patience, min_delta, validation
        self.mode, self.restore_best = mode, restore_best
        self.best: Tensor | None = None
        self.bad_epochs = torch.zeros(0, dtype=torch.long)
        self.best_state: dict[str, Tensor] = {}
        self.last_state: dict[str, Tensor] = {}

    def on_fit_start(self, state: TrainState) -> None:
        """Go on from where the training was, not from the best epoch."""
        if self.last_state:
            state.net.load_state_dict(self.last_state)
            self.last_state = {}

    def on_epoch_end(self, state: TrainState) -> None:
        if self.validation is None and self.monitor.startswith("test_") and not state.is_evaluated:
            return
        value = self._watch(state).reshape(-1)
        value = value if self.mode == "min" else -value
        best = torch.full_like(value, torch.inf) if self.best is None else self.best
        better = value < best - self.min_delta
        bad = torch.zeros_like(value, dtype=torch.long) if self.best is None else self.bad_epochs
        self.best = torch.where(better, value, best)
        self.bad_epochs = torch.where(better, 0, bad + 1)
        if self.restore_best:
            self._keep_best(state, better)
        state.stop(self.bad_epochs >= self.patience)

    def _watch(self, state: TrainState) -> Tensor:
        """What is monitored, of this epoch. Raises ValueError where there is no such metric."""
        if self.validation is None:
            return state.history.last(self.monitor)
        if self.monitor not in ("loss", *state.metrics):
            known = ", ".join(("loss", *state.metrics))
            raise ValueError(
                f"EarlyStopping: expected the monitor on its own data to be one of {known}, got "
                f"{self.monitor!r}"
            )
        data = add_replica_axis(self.validation, state.net.replicas)
        with eval_mode(state.net) as net:
            return measure(state, predict_in_slices(net, data), data)[self.monitor]

    def _keep_best(self, state: TrainState, better: Tensor) -> None:
        for name, now in state.net.state_dict().items():
            old = self.best_state.get(name, now)
            if state.net.replicas is None:
                self.best_state[name] = now.clone() if bool(better) else old.clone()
            else:
                mask = better.to(now.device).reshape(-1, *[1] * (now.dim() - 1))
                self.best_state[name] = torch.where(mask, now, old)

    def on_fit_end(self, state: TrainState) -> None:
        if self.restore_best and self.best_state and not state.history.interrupted:
            self.last_state = {name: t.clone() for name, t in state.net.state_dict().items()}
            state.net.load_state_dict(self.best_state)

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "bad_epochs": self.bad_epochs,
            "best_state": self.best_state,
            "last_state": self.last_state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises ValueError for what is not such a state; of the net's, who loads it knows more."""
        best, bad_epochs = state["best"], state["bad_epochs"]
        if not isinstance(bad_epochs, Tensor) or bad_epochs.dtype != torch.long:
            raise ValueError(f"bad_epochs: expected whole numbers, got {bad_epochs!r}")
        if best is not None and not (
            isinstance(best, Tensor) and best.is_floating_point() and best.shape == bad_epochs.shape
        ):
            raise ValueError(f"best: expected a number a replica, got {best!r}")
        self.best, self.bad_epochs = best, bad_epochs
        self.best_state, self.last_state = dict(state["best_state"]), dict(state["last_state"])


@final
class Checkpoint(Callback):
    """Save the whole training to ``path`` every ``every`` epochs and at the end, atomically."""

    def __init__(self, path: str | Path, every: int = 1) -> None:
        if every < 1:
            raise ValueError(f"every is at least 1 epoch, got {every}")
        self.path, self.every = Path(path), every

    def on_fit_start(self, state: TrainState) -> None:
        """Raise ValueError now, not after an epoch, where the net cannot be saved."""
        to_config(state.net)

    def on_epoch_end(self, state: TrainState) -> None:
        if state.epoch % self.every == 0:
            save_training(state, self.path)

    def on_fit_end(self, state: TrainState) -> None:
        save_training(state, self.path)
