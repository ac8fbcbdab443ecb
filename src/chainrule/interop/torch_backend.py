"""The same training, its steps done by PyTorch: what ours is compared with."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.pytree import tree_map
from chainrule.data import Dataset
from chainrule.data.batches import iter_batches
from chainrule.data.resampled import used_targets
from chainrule.interop.torch import find_twin, shared_arguments, to_torch
from chainrule.nn.errors import describe_shape
from chainrule.nn.loss import Loss
from chainrule.nn.loss.base import combine_batches, sum_counted
from chainrule.nn.module import Module
from chainrule.optim import Optimizer
from chainrule.train import Backend, BackendStatus, Checkpoint, Trainer, TrainState
from chainrule.train.backends import EpochOutput, PlainBackend
from chainrule.train.metrics.epoch import EpochMetrics

__all__ = ["TorchBackend", "TorchTrainer"]

NOT_SAVED = "TorchTrainer: what PyTorch's optimizer knows is not saved; save the net"


@final
@dataclass(frozen=True)
class StepsByTorch(BackendStatus):
    """By torch.nn, autograd and torch.optim."""

    def __str__(self) -> str:
        return "PyTorch"


@final
class TorchBackend(Backend):
    """The steps of an epoch by PyTorch, one replica after the other; the evaluation is ours.

    Its modules have their parameters and buffers in the memory of the net. Raises ValueError for
    what has no twin in PyTorch.
    """

    status = StepsByTorch()

    def __init__(self, state: TrainState) -> None:
        self.plain = PlainBackend()
        self.criterion = (
            state.criterion if state.net.replicas is None else state.criterion.replica(0)
        )
        cls = find_twin(torch.nn, self.criterion)
        self.loss = cls(**shared_arguments(self.criterion, cls))
        self.nets = [build_torch_net(state.net, k) for k in range(state.net.replicas or 1)]
        self.optimizers = [build_torch_optimizer(state, k, net) for k, net in enumerate(self.nets)]

    def prepare(self, state: TrainState, train: Dataset) -> BackendStatus:
        if len(self.nets) != (state.net.replicas or 1):
            raise ValueError("TorchTrainer: a cohort of PyTorch's nets cannot be made smaller")
        for k, module in enumerate(self.nets):  # after a pickle it has a memory of its own
            share_memory(module, state.net, k)
        return self.status

    def use_threads(self, state: TrainState, train: Dataset) -> AbstractContextManager[None]:
        return nullcontext()

    def predict(self, state: TrainState, data: Dataset) -> Any:
        return self.plain.predict(state, data)

    def train_epoch(self, state: TrainState, train: Dataset, order: Tensor) -> EpochOutput:
        epochs = [self._train_replica(k, state, train, order) for k in range(len(self.nets))]
        for flat in state.optimizer.flats:
            flat.count_change()
        if state.net.replicas is None:
            loss, losses, outputs, targets = epochs[0]
            active = find_finite_steps(losses).unsqueeze(-1)
            return EpochOutput(loss, active, measure_batches(state, train, outputs, targets))
        loss = torch.stack([epoch.loss for epoch in epochs])
        losses = torch.stack([epoch.losses for epoch in epochs], 1)
        active = find_finite_steps(losses) & state.active.to(losses.device)
        outputs = [torch.stack(ys) for ys in zip(*(e.outputs for e in epochs), strict=True)]
        targets = [torch.stack(ts) for ts in zip(*(e.targets for e in epochs), strict=True)]
        return EpochOutput(loss, active, measure_batches(state, train, outputs, targets))

    @torch.enable_grad()
    def _train_replica(
        self, k: int, state: TrainState, train: Dataset, order: Tensor
    ) -> ReplicaEpoch:
        net, optimizer = self.nets[k].train(), self.optimizers[k]
        terms, outputs, targets = [], [], []
        data = train if train.replicas is None else train.replica(k)
        groups = zip(optimizer.param_groups, state.optimizer.param_groups, strict=True)
        for torch_group, group in groups:
            torch_group["lr"] = replica_value(group["lr"], k)
        with torch.random.fork_rng(devices=[]):  # what dropout draws from
            torch.manual_seed(seeds.derive(state.seeds[k], "torch", state.epoch))
            for x, target in iter_batches(data, order[k : k + 1], state.batch_size):
                optimizer.zero_grad()
                y = net(x)
                if not isinstance(y, Tensor):
                    raise ValueError(
                        f"TorchTrainer: expected a net of one output, got {describe_shape(y)}"
                    )
                loss = self.loss(y, target)
                loss.backward()
                optimizer.step()
                terms.append(self.criterion.split_terms(y.detach(), target, loss.detach()))
                if state.batch_metrics:
                    outputs.append(y.detach())
                    targets.append(target)
        losses = torch.stack([sum_counted(each) for each in terms])
        return ReplicaEpoch(combine_batches(terms), losses, outputs, targets)


class ReplicaEpoch(NamedTuple):
    """Of one replica's epoch: its loss, that of each step, and its outputs and targets."""

    loss: Tensor
    losses: Tensor
    outputs: list[Tensor]
    targets: list[Tensor]


def measure_batches(
    state: TrainState, train: Dataset, outputs: Sequence[Tensor], targets: Sequence[Tensor]
) -> dict[str, Tensor]:
    """The metrics of an epoch's batches: name → (K,), or a scalar."""
    metrics = EpochMetrics(
        state.batch_metrics, lambda: used_targets(train), state.net.num_replica_dims
    )
    for y, target in zip(outputs, targets, strict=True):
        metrics.add(y, target)
    return metrics.compute()


@final
class TorchTrainer(Trainer):
    """A Trainer whose steps are PyTorch's: torch.nn, autograd and torch.optim, in a plain loop.

    Net, loss and optimizer are given as ours and stand for PyTorch's of the same names and numbers.
    The replicas of a cohort are trained one after the other, as people do, from the same first
    parameters over the same batches, on as many threads as PyTorch is set to. All else is the
    Trainer's: the evaluation after each epoch, metrics, curves, divergence, schedules by epoch.

    Raises ValueError for what has no twin in PyTorch, and for what the plain loop does not do:
    clipping, augmentation, ``accumulate``, ``compile``, LBFGS, a schedule by step. A training
    cannot be saved and resumed.
    """

    def __init__(self, net: Module, criterion: Loss, optimizer: Optimizer, **options: Any) -> None:
        super().__init__(net, criterion, optimizer, **options)
        given = {name: options.get(name) for name in ("clip_norm", "clip_value", "augment")}
        given["compile"] = True if options.get("compile") is True else None
        given["accumulate"] = options.get("accumulate") if self.state.accumulate > 1 else None
        if unknown := [name for name, value in given.items() if value is not None]:
            raise ValueError(f"TorchTrainer has no {', '.join(unknown)}: its loop is the plain one")
        if optimizer.needs_closure:
            name = type(optimizer).__name__
            raise ValueError(f"TorchTrainer has no {name}: its loop looks at the loss once a step")
        if self.state.scheduler is not None and self.state.schedule_every == "step":
            raise ValueError("TorchTrainer moves the learning rate by epochs: every = 'epoch'")
        if any(isinstance(callback, Checkpoint) for callback in self.callbacks):
            raise ValueError(NOT_SAVED)
        self.backend = TorchBackend(self.state)

    def save(self, path: Any) -> None:
        raise ValueError(NOT_SAVED)

    load = save


def build_torch_net(net: Module, k: int) -> torch.nn.Module:
    """PyTorch's module of replica k, its parameters and buffers in the memory of the cohort's."""
    module = to_torch(net if net.replicas is None else net.replica(k))
    share_memory(module, net, k)
    return module


def share_memory(module: torch.nn.Module, net: Module, k: int) -> None:
    """Let PyTorch's module have its parameters and buffers in the memory of replica k's."""
    values = dict(net.named_state())
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        data = values[name].data
        tensor.data = data if net.replicas is None else data[k]


def build_torch_optimizer(
    state: TrainState, k: int, module: torch.nn.Module
) -> torch.optim.Optimizer:
    """PyTorch's optimizer of replica k, whose net is this module, with the numbers of ours."""
    cls = find_twin(torch.optim, state.optimizer)
    parameters = dict(module.named_parameters())
    names = {id(parameter): name for name, parameter in state.net.named_parameters()}
    known = inspect.signature(cls).parameters
    groups = []
    for group in state.optimizer.param_groups:
        numbers = {name: replica_value(v, k) for name, v in group.items() if name in known}
        groups.append({**numbers, "params": [parameters[names[id(p)]] for p in group["params"]]})
    optimizer: torch.optim.Optimizer = cls(groups)
    return optimizer


def replica_value(value: Any, k: int) -> Any:
    """A hyper-parameter of replica k."""
    return tree_map(lambda t: t[k].item() if t.dim() else t.item(), value)


def find_finite_steps(losses: Tensor) -> Tensor:
    """Whether each loss, and all before it, were finite    losses (steps, …)"""
    return losses.isfinite().cummin(0).values
