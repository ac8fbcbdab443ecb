"""What all loggers share: one run a replica, and the values of each of its epochs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from chainrule.train.state import Callback, TrainState

__all__ = ["Logger", "name_training"]


class Logger(Callback, ABC):
    """Writes each replica's curves, after each epoch, as a run of its own in ``folder``.

    An epoch has what the history has of it, "lr" (of several parameter groups "lr/0", "lr/1", …)
    as it was in its steps, and with ``gradient_norm`` that of the last step. It looks on between
    epochs alone, so the kernel trains as it would. In a study a run is named by arm, stage,
    candidate, round and fold; else it is the folder, or "replica-0" and on. What is not a number
    is left out, and so is a replica that trains no more.
    """

    def __init__(self, folder: str | Path, gradient_norm: bool = False) -> None:
        self.folder, self.gradient_norm = Path(folder), gradient_norm
        self._rates: dict[str, Tensor] = {}

    def on_fit_start(self, state: TrainState) -> None:
        if state.epoch == 0:
            for k in range(len(state.active)):
                self.start_run(name_replica(state, k), describe_replica(state, k))

    def on_epoch_start(self, state: TrainState) -> None:
        """Keep the rates that its steps have, which a schedule changes at its end."""
        self._rates = learning_rates(state)

    def on_epoch_end(self, state: TrainState) -> None:
        values = {name: curve[-1] for name, curve in state.history.curves.items()} | self._rates
        if self.gradient_norm:
            values["gradient_norm"] = gradient_norms(state)
        for k in range(len(state.active)):
            if state.active[k] or state.history.stopped.get(k) == state.epoch:
                self.log_values(name_replica(state, k), state.epoch, pick_replica(values, k))

    def on_fit_end(self, state: TrainState) -> None:
        diverged = {each.replica for each in state.history.diverged}
        for k in range(len(state.active)):
            ended = "stopped" if state.running else "done"
            self.end_run(name_replica(state, k), "diverged" if k in diverged else ended)

    @abstractmethod
    def start_run(self, run: str, about: Mapping[str, Any]) -> None:
        """Begin a run, in place of one of this name; ``about``: what it is."""

    @abstractmethod
    def log_values(self, run: str, epoch: int, values: Mapping[str, float]) -> None:
        """Write the values of an epoch."""

    def log_epochs(self, run: str, epochs: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        """Write (epoch, its values) of a whole run."""
        for epoch, values in epochs:
            self.log_values(run, epoch, values)

    def end_run(self, run: str, status: str) -> None:
        """Say how it ended: "done", "stopped", "diverged" or "failed"; it may go on after all."""

    def place(self, run: str) -> Path:
        """The folder of a run, which is made."""
        folder = self.folder / run
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def name_training(about: Mapping[str, Any]) -> str:
    """``two/search/candidate-3/round-001/fold-0`` of a training of a study."""
    parts = [str(about["arm"]), str(about["stage"]), f"candidate-{about['candidate']}"]
    parts.append(f"round-{about['round']:03}")
    if about["stage"] == "search":
        parts.append(f"fold-{about['fold']}")
    return "/".join([*parts, *([f"member-{about['member']}"] if about.get("member") else [])])


def name_replica(state: TrainState, k: int) -> str:
    """The run of replica k; "" where there is but one."""
    if state.context:
        return name_training(state.context[k])
    return "" if state.net.replicas is None else f"replica-{k}"


def describe_replica(state: TrainState, k: int) -> dict[str, Any]:
    """What the run of replica k is: its place in a study, and its first numbers."""
    about = dict(state.context[k]) if state.context else {}
    rates = pick_replica(learning_rates(state), k)
    return about | {"seed": state.seeds[k], "batch_size": state.batch_size} | rates


def learning_rates(state: TrainState) -> dict[str, Tensor]:
    """The name "lr" → that of each replica (K,) or of all (); of several groups "lr/0", …"""
    rates = [torch.as_tensor(group["lr"]) for group in state.optimizer.param_groups]
    names = ["lr"] if len(rates) == 1 else [f"lr/{i}" for i in range(len(rates))]
    return dict(zip(names, (rate.double().cpu().clone() for rate in rates), strict=True))


def gradient_norms(state: TrainState) -> Tensor:
    """The norm of each replica's gradient of the last step    (K,)"""
    norms = [flat.grad.double().norm(dim=-1).cpu() for flat in state.optimizer.flats]
    total: Tensor = torch.stack(norms).norm(dim=0)
    return total


def pick_replica(values: Mapping[str, Tensor], k: int) -> dict[str, float]:
    """The finite values of replica k, of which there may be one for all."""
    found = {name: float(t.reshape(-1)[min(k, t.numel() - 1)]) for name, t in values.items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}
