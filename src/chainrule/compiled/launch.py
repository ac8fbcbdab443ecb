"""The epochs of a cohort of small dense nets, done by the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from contextlib import suppress
from ctypes import c_int64, c_void_p
from math import prod
from threading import Event, Thread
from typing import Any, NamedTuple

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves, tree_map
from chainrule._util.threads import kernel_threads
from chainrule.compiled.abi import Job, native
from chainrule.compiled.build import NUMBERS, kernel
from chainrule.compiled.lowering.ir import CONVOLUTION, INPUT, LINE, Op, Program, Unsupported
from chainrule.compiled.lowering.loss import Outputs, Terms
from chainrule.compiled.lowering.net import lower_net, write_outputs
from chainrule.compiled.lowering.optimizer import check_rule, numbers, switches
from chainrule.data import Dataset
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.optim import Optimizer

__all__ = ["Epoch", "Plan", "compute_outputs", "plan_outputs", "plan_training", "train_epoch"]

MOST = 2**24
"""Bytes of one replica's weights, or of its other numbers; with more the library is as fast."""
CHUNK_BYTES = 2**20
"""How much room the values of some samples may take: what a core's own cache has."""
LEAST = 8
"""Vectors of samples that are worth reading the weights of a dense layer for."""
SHARES = 2
"""How many threads can train one replica, as in epoch.cpp."""
AT_ONCE = 128
"""Samples that go through a net together when nothing is learned."""
LONG = 2**31
"""Replicas times samples times parameters of an epoch that is to be stopped before its end: it is
longer than some tenths of a second."""
LOOK = 0.2
"""Seconds between two looks for Ctrl-C."""


class Plan(NamedTuple):
    """How the kernel trains a net on a data set."""

    job: Job
    heads: dict[str, int]  # name → features
    keep: list[Any]  # what the job points at
    workspace: list[Tensor]  # one, when an epoch has been asked for


class Epoch(NamedTuple):
    """losses (steps, K), alive (steps, K), the samples of each step, name → outputs (K, N, …)."""

    losses: Tensor
    alive: Tensor
    sizes: list[int]
    outputs: dict[str, Tensor]


def plan_training(
    net: Module, criterion: Loss, optimizer: Optimizer, train: Dataset, batch_size: int
) -> Plan:
    """How to learn from these samples. Raises Unsupported where the plain path has to do it."""
    check_rule(optimizer)
    program, outputs, train = begun(net, optimizer, train, batch_size)
    terms = Terms(program, criterion, outputs, train.targets, optimizer.flats[0].data.dtype)
    return ended(optimizer, program, outputs, train, terms.tensors, batch_size)


def plan_outputs(net: Module, optimizer: Optimizer, data: Dataset) -> Plan:
    """How to compute the net's outputs alone. Raises Unsupported likewise."""
    return ended(optimizer, *begun(net, optimizer, data, AT_ONCE), [], AT_ONCE)


def begun(
    net: Module, optimizer: Optimizer, data: Dataset, batch: int
) -> tuple[Program, Outputs, Dataset]:
    """The net's operations, and the data with an axis of replicas.

    What is not known is found before the kernel is asked for, which may have to be built.
    """
    if len(optimizer.flats) != 1 or not len(data):
        raise Unsupported("several parameter groups")
    (flat,) = optimizer.flats
    check_data(data, flat.data)
    if data.replicas is None:
        data = Dataset(data.inputs[None], tree_map(lambda t: t[None], data.targets), 1)
    where, shape = places(flat.parameters, len(flat.data)), tuple(data.inputs.shape[2:])
    one = Program(1, where)
    lower_net(one, net, shape)
    built = kernel(flat.data.dtype)
    vector, bfloat16 = int(built.vector_bytes()), bool(built.has_bfloat16())
    wide = vector // flat.data.element_size()
    vectors = -(-min(batch, len(data)) // wide)
    program = Program(wide * chunk(one, vectors, vector), where, bfloat16=bfloat16)
    return program, lower_net(program, net, shape), data


def chunk(one: Program, vectors: int, bytes_of_a_vector: int) -> int:
    """How many of a batch's vectors of samples go through all layers together.

    As many as a core's own cache has room for; but weights of dense layers, which are read for each
    chunk, want some. Of images two threads are to have a part each.
    """
    images = any(op.kind == CONVOLUTION for op in one.ops)
    room = CHUNK_BYTES // ((2 * one.space + one.scratch) * bytes_of_a_vector)
    parts = -(-vectors // max(1 if images else LEAST, room))
    return -(-vectors // max(parts, min(SHARES, vectors) if images else 1))


def ended(
    optimizer: Optimizer,
    program: Program,
    outputs: Outputs,
    data: Dataset,
    targets: Sequence[Tensor],
    batch_size: int,
) -> Plan:
    """The plan, when the operations are known."""
    (flat,) = optimizer.flats
    heads = write_outputs(program, outputs)
    own = 2 * program.space + program.room + program.scratch
    if max(own, flat.data.shape[1]) * flat.data.element_size() > MOST:
        raise Unsupported("a net of this size")
    job, keep = described(program, data, targets)
    job.replicas, job.parameters = flat.data.shape
    job.samples = len(data)
    job.batch = min(batch_size, len(data))
    job.p, job.g = flat.data.data_ptr(), flat.grad.data_ptr()
    return Plan(job, heads, [*keep, flat], [])


def check_data(given: Dataset, data: Tensor) -> None:
    """Raise Unsupported for numbers that the kernel does not read; data (K, P) are the net's."""
    if data.device.type != "cpu" or data.dtype not in NUMBERS:
        raise Unsupported(f"{data.dtype} on {data.device}")
    if given.inputs.dtype != data.dtype:
        raise Unsupported(f"inputs of {given.inputs.dtype}")
    if any(t.device.type != "cpu" for _, t in named_leaves((given.inputs, given.targets))):
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
        room=program.room,
        scratch=program.scratch,
        zero=zero.data_ptr(),
        zero_parameters=zero_parameters.data_ptr(),
        n_zero=len(zero),
        n_zero_parameters=len(zero_parameters),
        inputs=tensors[0].data_ptr(),
        input_stride=strides[0],
        targets=ctypes.addressof(of_targets),
        target_strides=ctypes.addressof(steps),
    )
    return job, [ops, made, tensors, of_targets, steps, zero, zero_parameters]


def read_rows(ops: Sequence[Op], features: int) -> None:
    """Tell what reads the inputs how many numbers a sample has."""
    for op in ops:
        if op.kind == INPUT:
            op.a[1] = features


def train_epoch(
    planned: Plan,
    criterion: Loss,
    optimizer: Optimizer,
    order: Tensor,
    active: Tensor,
    *,
    clip_norm: float | Tensor | None = None,
    outputs: bool = False,
) -> Epoch:
    """All steps of an epoch, its samples in this order (K, N); who is not active (K,) stays."""
    job = planned.job
    optimizer.zero_grad()
    group = optimizer.param_groups[0]
    told, state = switches(optimizer)
    weights, h = Terms.weights(criterion, job.replicas), numbers(optimizer, clip_norm)
    job.weights, job.numbers, job.switches = weights.data_ptr(), h.data_ptr(), told
    job.state, job.step = (c_void_p * 3)(*map(pointer, state)), group["step"]
    epoch = called(planned, optimizer.flats[0].data, order, active, outputs=outputs)
    group["step"] += len(epoch.sizes)
    return epoch


def compute_outputs(planned: Plan, optimizer: Optimizer) -> dict[str, Tensor]:
    """Head → its outputs (K, N, …) for all samples."""
    order = torch.arange(planned.job.samples)[None]
    nobody = torch.zeros(planned.job.replicas, dtype=torch.bool)
    return called(planned, optimizer.flats[0].data, order, nobody, outputs=True).outputs


def called(planned: Plan, data: Tensor, order: Tensor, active: Tensor, *, outputs: bool) -> Epoch:
    """Run the kernel on the parameters data (K, P): who is not active (K,) goes forward only."""
    job = planned.job
    sizes = [min(job.batch, job.samples - i) for i in range(0, job.samples, job.batch)]
    losses = data.new_empty(len(sizes), job.replicas)
    alive = torch.empty(losses.shape, dtype=torch.bool)
    heads = {
        name: data.new_empty(job.replicas, job.samples, features)
        for name, features in (planned.heads.items() if outputs else ())
    }
    places = (c_void_p * len(planned.heads))(*map(pointer, heads.values()))
    job.outputs = ctypes.addressof(places) if outputs else None
    order, active = order.contiguous(), active.contiguous()
    job.order, job.order_stride = order.data_ptr(), order.stride(0) if len(order) > 1 else 0
    job.losses, job.alive, job.active = losses.data_ptr(), alive.data_ptr(), active.data_ptr()
    make_room(planned, data)
    job.stop = 0
    epoch_of = kernel(data.dtype).epoch_of
    if job.replicas * job.samples * job.parameters < LONG:
        epoch_of(ctypes.byref(job))
    else:
        stoppable(job, lambda: epoch_of(ctypes.byref(job)))
    return Epoch(losses, alive, sizes, heads)


def make_room(planned: Plan, data: Tensor) -> None:
    """The room of those who work at once: replicas, or where threads are left two for each."""
    job, threads = planned.job, kernel_threads()
    shared = job.batch > job.columns
    teams = shared and threads >= SHARES * job.replicas
    job.workers = SHARES * job.replicas if teams else min(threads, job.replicas)
    numbers = 2 * job.space + job.room + job.scratch + (job.parameters if shared else 0)
    job.worker = -(-numbers // LINE) * LINE
    if not planned.workspace or len(planned.workspace[0]) < job.workers * job.worker:
        planned.workspace[:] = [data.new_zeros(job.workers * job.worker)]
    job.workspace = planned.workspace[0].data_ptr()


def stoppable(job: Job, call: Callable[[], object]) -> None:
    """The call, in a thread of its own: Ctrl-C is heard here, and the kernel stops at a step."""
    done = Event()

    def work() -> None:
        try:
            call()
        finally:
            done.set()

    worker = Thread(target=work)
    try:
        worker.start()
        while not done.wait(LOOK):  # without a limit not every system would wake it
            pass
    except BaseException:
        job.stop = 1  # a worker that has not begun does nothing
        while worker.ident is not None and not done.is_set():  # it writes to what would be freed
            with suppress(KeyboardInterrupt):
                done.wait(LOOK)
        raise


def pointer(t: Tensor | None) -> int | None:
    """Where a tensor's numbers are."""
    return None if t is None else t.data_ptr()
