"""The same training, its steps done by PyTorch: what ours is compared with."""

from __future__ import annotations

import inspect
from typing import Any, final

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.pytree import tree_map
from chainrule.data import Dataset
from chainrule.interop.torch import find_twin, shared_arguments, to_torch
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.optim import Optimizer
from chainrule.train.batches import iter_batches
from chainrule.train.trainer import EpochOutput, Trainer

__all__ = ["TorchTrainer"]


@final
class TorchTrainer(Trainer):
    """A Trainer whose steps are PyTorch's: torch.nn, autograd and torch.optim, in a plain loop.

    Net, loss and optimizer are given as ours and stand for PyTorch's of the same names and numbers.
    The replicas of a cohort are trained one after the other, as people do, from the same first
    parameters over the same batches, on as many threads as PyTorch is set to. All else is the
    Trainer's: the evaluation after each epoch, metrics, curves, divergence, schedules by epoch.

    Raises ValueError for what has no twin in PyTorch, and for what the plain loop does not do:
    clipping, augmentation, ``compile``, a schedule by step. A training cannot be saved and resumed.
    """

    def __init__(self, net: Module, criterion: Loss, optimizer: Optimizer, **options: Any) -> None:
        super().__init__(net, criterion, optimizer, **options)
        given = {name: getattr(self, name) for name in ("clip_norm", "clip_value", "augment")}
        given["compile"] = options.get("compile") or None
        if unknown := [name for name, value in given.items() if value is not None]:
            raise ValueError(f"TorchTrainer has no {', '.join(unknown)}: its loop is the plain one")
        if self.scheduler is not None and self.schedule_every == "step":
            raise ValueError("TorchTrainer moves the learning rate by epochs: every = 'epoch'")
        loss = self.criterion if net.replicas is None else self.criterion.replica(0)
        cls = find_twin(torch.nn, loss)
        self.loss = cls(**shared_arguments(loss, cls))
        self.nets = [module_of(net, k) for k in range(net.replicas or 1)]
        self.optimizers = [optimizer_of(self, k) for k in range(len(self.nets))]

    @property
    def path(self) -> str:
        return "PyTorch"

    def save(self, path: Any) -> None:
        raise ValueError("TorchTrainer: what PyTorch's optimizer knows is not saved; save the net")

    load = save

    def _train_epoch(self, train: Dataset, order: Tensor) -> EpochOutput:
        if len(self.nets) != (self.net.replicas or 1):
            raise ValueError("TorchTrainer: a cohort of PyTorch's nets cannot be made smaller")
        parts = [self._replica(k, train, order) for k in range(len(self.nets))]
        if self.net.replicas is None:
            losses, sizes, outputs, targets = parts[0]
            return EpochOutput(losses, still(losses).unsqueeze(-1), sizes, outputs, targets)
        losses = torch.stack([part[0] for part in parts], 1)
        outputs, targets = (
            [torch.stack(batch) for batch in zip(*(part[i] for part in parts), strict=True)]
            for i in (2, 3)
        )
        alive = still(losses) & self.active.to(losses.device)
        return EpochOutput(losses, alive, parts[0][1], outputs, targets)

    @torch.enable_grad()
    def _replica(
        self, k: int, train: Dataset, order: Tensor
    ) -> tuple[Tensor, list[int], list[Tensor], list[Tensor]]:
        """An epoch of one replica: the loss of each step, and the samples, outputs and targets."""
        net, optimizer = self.nets[k].train(), self.optimizers[k]
        keep = self.metrics and self.train_metrics
        losses, sizes, outputs, targets = [], [], [], []
        data = train if train.replicas is None else train.replica(k)
        for theirs, ours in zip(optimizer.param_groups, self.optimizer.param_groups, strict=True):
            theirs["lr"] = number(ours["lr"], k)
        with torch.random.fork_rng(devices=[]):  # what dropout draws from
            torch.manual_seed(seeds.derive(self.seeds[k], "torch", self.epoch))
            for x, target in iter_batches(data, order[k : k + 1], self.batch_size):
                optimizer.zero_grad()
                y = net(x)
                loss = self.loss(y, target)
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
                sizes.append(len(x))
                if keep:
                    outputs.append(y.detach())
                    targets.append(target)
        return torch.stack(losses), sizes, outputs, targets


def module_of(net: Module, k: int) -> torch.nn.Module:
    """PyTorch's module of replica k, its parameters and buffers in the memory of the cohort's."""
    plain = net if net.replicas is None else net.replica(k)
    module = to_torch(plain)
    ours = dict(net.named_state())
    for name, theirs in (*module.named_parameters(), *module.named_buffers()):
        data = ours[name].data
        theirs.data = data if net.replicas is None else data[k]
    return module


def optimizer_of(trainer: TorchTrainer, k: int) -> torch.optim.Optimizer:
    """PyTorch's optimizer of replica k, with the numbers of ours."""
    cls = find_twin(torch.optim, trainer.optimizer)
    theirs = dict(trainer.nets[k].named_parameters())
    names = {id(parameter): name for name, parameter in trainer.net.named_parameters()}
    known = inspect.signature(cls).parameters
    groups = []
    for group in trainer.optimizer.param_groups:
        numbers = {name: number(v, k) for name, v in group.items() if name in known}
        groups.append({**numbers, "params": [theirs[names[id(p)]] for p in group["params"]]})
    made: torch.optim.Optimizer = cls(groups)
    return made


def number(value: Any, k: int) -> Any:
    """A hyper-parameter of replica k."""
    return tree_map(lambda t: t[k].item() if t.dim() else t.item(), value)


def still(losses: Tensor) -> Tensor:
    """Whether each loss, and all before it, were finite    losses (steps, …)"""
    return losses.isfinite().cummin(0).values
