"""All that a training is, to a file and back: it goes on bit for bit."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.serialization.nets import load_rng_state, net_header, net_tensors, rng_state
from chainrule.serialization.safetensors_file import FileError, pack, read, unpack, write
from chainrule.train.history import Divergence

if TYPE_CHECKING:
    from chainrule.train.trainer import Trainer

__all__ = ["load", "restore", "save", "snapshot"]


def parts(trainer: Trainer) -> dict[str, Any]:
    """What a trainer is made of besides its net: it must be the same to go on."""
    return {
        "criterion": trainer.criterion.label(),
        "optimizer": type(trainer.optimizer).__name__,
        "scheduler": type(trainer.scheduler).__name__,
        "schedule_every": trainer.schedule_every,
        "batch_size": trainer.batch_size,
        "callbacks": [type(callback).__name__ for callback in trainer.callbacks],
    }


def state(trainer: Trainer) -> dict[str, Any]:
    """What changes while training, but for the net's tensors."""
    history = trainer.history
    return {
        "epoch": trainer.epoch,
        "steps": trainer.steps,
        "seeds": trainer.seeds,
        "active": trainer.active,
        "optimizer": trainer.optimizer.state_dict(),
        "scheduler": None if trainer.scheduler is None else trainer.scheduler.state_dict(),
        "callbacks": [callback.state_dict() for callback in trainer.callbacks],
        "curves": history.curves,
        "diverged": [list(astuple(d)) for d in history.diverged],
        "stopped": [list(item) for item in history.stopped.items()],
        "seconds": history.seconds,
        "global": torch.get_rng_state(),
    }


def set_state(trainer: Trainer, values: dict[str, Any]) -> None:
    """Take over what :func:`state` gave."""
    trainer.optimizer.load_state_dict(values["optimizer"])
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(values["scheduler"])
    for callback, kept in zip(trainer.callbacks, values["callbacks"], strict=True):
        callback.load_state_dict(kept)
    trainer.epoch, trainer.steps = values["epoch"], values["steps"]
    trainer.seeds, trainer.active = list(values["seeds"]), values["active"]
    history = trainer.history
    history.curves, history.seconds = dict(values["curves"]), values["seconds"]
    history.diverged = [Divergence(*row) for row in values["diverged"]]
    history.stopped = {k: epoch for k, epoch in values["stopped"]}  # noqa: C416 (lists of two)
    torch.set_rng_state(values["global"])


def snapshot(trainer: Trainer, last: dict[str, Any] | None = None) -> dict[str, Any]:
    """A copy of everything, to go back to.

    The net's is made where that of the ``last`` snapshot was, which is lost: a system takes longer
    to find new memory than to copy into it.
    """
    room: dict[str, Tensor] = {} if last is None else last["net"]

    def copied(name: str, tensor: Tensor) -> Tensor:
        there = room.get(name)
        if there is None or (there.shape, there.dtype) != (tensor.shape, tensor.dtype):
            return tensor.clone()
        return there.copy_(tensor)

    return {
        "state": tree_map(torch.clone, state(trainer)),
        "net": {name: copied(name, tensor) for name, tensor in trainer.net.state_dict().items()},
        "draws": rng_state(trainer.net),
    }


def restore(trainer: Trainer, kept: dict[str, Any]) -> None:
    """Go back to a snapshot."""
    trainer.net.load_state_dict(kept["net"])
    load_rng_state(trainer.net, kept["draws"])
    set_state(trainer, kept["state"])


def save(trainer: Trainer, path: str | Path) -> None:
    """Write a training to a file, atomically. Raises OSError naming the path."""
    tensors: dict[str, Tensor] = {}
    packed = pack(state(trainer), tensors, "trainer")
    header = {**net_header(trainer.net), "made of": parts(trainer), "trainer": packed}
    write(path, "training", tensors | net_tensors(trainer.net), header)


def load(trainer: Trainer, path: str | Path) -> None:
    """Make a trainer go on from a file. Raises FileError, and changes nothing, where it cannot."""
    kind, tensors, header = read(path)
    if kind != "training":
        raise FileError(path, f"holds a {kind}, not a training: chainrule.load reads it")
    own = net_header(trainer.net)
    for part in ("architecture", "replicas", "ties"):
        if header[part] != own[part]:
            raise FileError(path, f"is the training of another net: its {part} is {header[part]}")
    for part, mine in parts(trainer).items():
        if header["made of"][part] != mine:
            saved = header["made of"][part]
            raise FileError(path, f"does not fit this trainer: its {part} is {saved}, not {mine}")
    before = snapshot(trainer)
    try:
        net = {
            path: tensors[f"net.{header['ties'].get(path, path)}"]
            for path in trainer.net.state_dict()
        }
        kept = {"net": net, "draws": header["draws"], "state": unpack(header["trainer"], tensors)}
        restore(trainer, kept)
    except (ValueError, KeyError, TypeError) as error:
        restore(trainer, before)
        raise FileError(path, f"does not fit this trainer: {error}") from None
