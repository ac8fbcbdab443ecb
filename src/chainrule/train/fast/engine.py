"""The epochs of a cohort of small dense nets, done by the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_int64, c_void_p
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from chainrule.data import Dataset
from chainrule.nn.parameter import Parameter
from chainrule.nn.tree import leaves, tree_map
from chainrule.train.callbacks import Callback
from chainrule.train.fast.build import NUMBERS, kernel
from chainrule.train.fast.job import Job, native
from chainrule.train.fast.losses import Terms
from chainrule.train.fast.lower import lower_net, write_outputs
from chainrule.train.fast.program import INPUT, Op, Program, Unsupported
from chainrule.train.fast.rules import check_rule, numbers, switches

if TYPE_CHECKING:
    from chainrule.train.trainer import Trainer

__all__ = ["Epoch", "Plan", "plan", "run"]

MOST = 2**23
"""Bytes of one replica's numbers beyond which the library's own products are as fast."""


class Plan(NamedTuple):
    """How the kernel trains a net on a data set."""

    job: Job
    heads: dict[str, int]  # name → features
    keep: list[Any]  # what the job points at


class Epoch(NamedTuple):
    """losses (steps, K), alive (steps, K), the samples of each step, name → outputs (K, N, …)."""

    losses: Tensor
    alive: Tensor
    sizes: list[int]
    outputs: dict[str, Tensor]


def plan(trainer: Trainer, train: Dataset) -> Plan:
    """Look at what is to be done. Raises Unsupported where the plain path has to do it."""
    check_rule(trainer.optimizer)
    (flat,) = trainer.optimizer.flats
    check(trainer, train, flat.data)
    if train.replicas is None:
        train = Dataset(train.inputs[None], tree_map(lambda t: t[None], train.targets), 1)
    batch, size = min(trainer.batch_size, len(train)), flat.data.element_size()
    wide = int(kernel(flat.data.dtype).vector_bytes()) // size
    program = Program(-(-batch // wide) * wide, places(flat.parameters, len(flat.data)))
    outputs = lower_net(program, trainer.net, tuple(train.inputs.shape[2:]))
    terms = Terms(program, trainer.criterion, outputs, train.targets, flat.data.dtype)
    heads = write_outputs(program, outputs)
    if (2 * program.space + 3 * flat.data.shape[1]) * size > MOST:
        raise Unsupported("a net of this size")
    job, keep = described(program, train, terms.tensors)
    job.replicas, job.parameters = flat.data.shape
    job.samples, job.batch = len(train), batch
    job.p, job.g = flat.data.data_ptr(), flat.grad.data_ptr()
    return Plan(job, heads, [*keep, flat])


def check(trainer: Trainer, train: Dataset, data: Tensor) -> None:
    """Raise Unsupported for what happens between the steps, and for other numbers."""
    if trainer.clip_norm is not None or trainer.clip_value is not None:
        raise Unsupported("clipping")
    if trainer.augment is not None:
        raise Unsupported("augmentation")
    if trainer.scheduler is not None and trainer.schedule_every == "step":
        raise Unsupported("a schedule by steps")
    for callback in trainer.callbacks:
        if type(callback).on_step_end is not Callback.on_step_end:
            raise Unsupported(f"{type(callback).__name__}, which looks at each step")
    if data.device.type != "cpu" or data.dtype not in NUMBERS:
        raise Unsupported(f"{data.dtype} on {data.device}")
    if train.inputs.dtype != data.dtype:
        raise Unsupported(f"inputs of {train.inputs.dtype}")
    if any(t.device.type != "cpu" for _, t in leaves((train.inputs, train.targets))):
        raise Unsupported("data that are not on the CPU")


def places(parameters: Sequence[Parameter], K: int) -> dict[int, tuple[int, int]]:
    """Where each parameter begins in a replica's row, and how many numbers it has."""
    found, at = {}, 0
    for parameter in parameters:
        size = parameter.data.numel() // K
        found[id(parameter)] = (at, size)
        at += size
    return found


def described(program: Program, train: Dataset, targets: Sequence[Tensor]) -> tuple[Job, list[Any]]:
    """The program and the data, and what holds them."""
    ops = program.finish()
    read_rows(ops, prod(train.inputs.shape[2:]))
    made, tensors = native(ops), [t.contiguous() for t in (train.inputs, *targets)]
    strides = [t[0].numel() if len(t) > 1 else 0 for t in tensors]
    of_targets = (c_void_p * len(targets))(*(t.data_ptr() for t in tensors[1:]))
    steps = (c_int64 * len(targets))(*strides[1:])
    zero, zero_parameters = (
        torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
        for pairs in (program.zeros(), program.zero_parameters())
    )
    job = Job(
        ops=ctypes.addressof(made),
        n_ops=len(ops),
        columns=program.columns,
        space=program.space,
        zero=zero.data_ptr(),
        zero_parameters=zero_parameters.data_ptr(),
        n_zero=len(zero),
        n_zero_parameters=len(zero_parameters),
        inputs=tensors[0].data_ptr(),
        input_stride=strides[0],
        targets=ctypes.addressof(of_targets),
        target_strides=ctypes.addressof(steps),
    )
    return job, [made, tensors, of_targets, steps, zero, zero_parameters]


def read_rows(ops: Sequence[Op], features: int) -> None:
    """Tell what reads the inputs how many numbers a sample has."""
    for op in ops:
        if op.kind == INPUT:
            op.a[1] = features


def run(trainer: Trainer, planned: Plan, order: Tensor) -> Epoch:
    """All steps of an epoch, its samples in this order (K, N)."""
    optimizer, job = trainer.optimizer, planned.job
    optimizer.zero_grad()
    (flat,), group = optimizer.flats, optimizer.param_groups[0]
    sizes = [min(job.batch, job.samples - i) for i in range(0, job.samples, job.batch)]
    losses = flat.data.new_empty(len(sizes), job.replicas)
    epoch = Epoch(losses, torch.empty(losses.shape, dtype=torch.bool), sizes, {})
    if trainer.metrics and trainer.train_metrics:
        for name, features in planned.heads.items():
            epoch.outputs[name] = losses.new_empty(job.replicas, job.samples, features)
    told, state = switches(optimizer)
    outputs = (c_void_p * len(planned.heads))(*(t.data_ptr() for t in epoch.outputs.values()))
    job.outputs = ctypes.addressof(outputs) if epoch.outputs else None
    job.state = (c_void_p * 3)(*(None if t is None else t.data_ptr() for t in state))
    order, active = order.contiguous(), trainer.active.contiguous()
    weights, h = Terms.weights(trainer.criterion, job.replicas), numbers(optimizer)
    job.order, job.order_stride = order.data_ptr(), order.stride(0) if len(order) > 1 else 0
    job.losses, job.alive, job.active = losses.data_ptr(), epoch.alive.data_ptr(), active.data_ptr()
    job.weights, job.numbers, job.switches = weights.data_ptr(), h.data_ptr(), told
    job.threads, job.step = torch.get_num_threads(), group["step"]
    kernel(flat.data.dtype).epoch_of(ctypes.byref(job))
    group["step"] += len(sizes)
    trainer.steps += len(sizes)
    return epoch
