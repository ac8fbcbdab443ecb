"""Whole epochs of a cohort of small nets, done by the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from ctypes import c_bool, c_int64, c_void_p
from functools import partial
from threading import Event, Thread
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from chainrule._util.stopping import check_stop
from chainrule._util.threads import kernel_threads
from chainrule.compiled.abi import THREADS_PER_REPLICA, EpochArgs
from chainrule.compiled.build import kernel
from chainrule.compiled.compile import CompiledProgram
from chainrule.compiled.lowering.layers.conv import CACHE_LINE
from chainrule.compiled.lowering.layers.dropout import count_uses, dropout_states
from chainrule.compiled.lowering.optimizer import (
    HyperparameterRows,
    bound_per_replica,
    hyperparameter_rows,
    parameter_groups,
)
from chainrule.compiled.lowering.optimizer_rows import (
    OptimizerRows,
    collect_gradient_rows,
    collect_rows,
    join_rows,
    return_gradients,
    return_rows,
)
from chainrule.compiled.lowering.outputs import OutputKey
from chainrule.compiled.lowering.targets import loss_weights
from chainrule.nn.loss import Loss
from chainrule.optim import Optimizer
from chainrule.optim.inplace import Scalar

__all__ = ["Epochs", "Evaluation", "compute_gradients", "compute_outputs", "train_epochs"]

INTERRUPTIBLE_WORK = 2**31
"""Work of a call that is to be stopped before its end: it takes longer than a tenth of a second."""
POLL_SECONDS = 0.2
"""Seconds between two looks for Ctrl-C."""


Heads: TypeAlias = dict[OutputKey, Tensor]
"""Head → its outputs (K, N, …) for all samples."""


class Evaluation(NamedTuple):
    """How to compute the net's outputs for other samples, and whether to, after each epoch."""

    program: CompiledProgram
    looks: list[bool]


class Epochs(NamedTuple):
    """losses (E, terms, batches, K), finite (E, batches, K), samples a batch; outputs by epoch.

    ``outputs`` are those of the steps, ``evaluations`` those for other samples after the epochs
    that were asked for, in their order; both are empty where there are none.
    """

    losses: Tensor
    finite: Tensor
    sizes: list[int]
    outputs: list[Heads]
    evaluations: list[Heads]


def train_epochs(
    program: CompiledProgram,
    criterion: Loss,
    optimizer: Optimizer,
    orders: Tensor,
    active: Tensor,
    *,
    clip_norm: Scalar | None = None,
    clip_value: Scalar | None = None,
    hyperparameters: HyperparameterRows | None = None,
    outputs: bool = False,
    evaluation: Evaluation | None = None,
) -> Epochs:
    """All steps of E epochs, their samples in these orders (E, K, N); who is not active (K,) stays.

    N may be some steps of an epoch. ``hyperparameters``: those of each step, where the optimizer's
    own are not for all of them.
    """
    args = program.args
    batches = -(-orders.shape[2] // args.batch_size)
    steps = -(-batches // args.accumulate)
    optimizer.zero_grad()
    fresh = ["momentum_buffer" not in state for state in optimizer.state]
    rows = collect_rows(optimizer, program.frozen)
    bounds = [
        bound_per_replica(name, bound, optimizer.replicas)
        for name, bound in (("max_norm", clip_norm), ("clip_value", clip_value))
    ]
    numbers = hyperparameters or hyperparameter_rows(optimizer)
    groups, shapes = parameter_groups(optimizer, numbers.tables, fresh)
    args.clip_norm, args.clip_value = map(address, bounds)
    args.groups, args.num_groups = ctypes.addressof(groups), len(groups)
    args.steps_per_row = numbers.steps_per_row
    epochs = launch(program, criterion, rows, orders, active, outputs, evaluation)
    del shapes
    return_rows(optimizer, rows)
    for group in optimizer.param_groups:
        group["step"] += len(orders) * steps
    return epochs


def compute_gradients(
    program: CompiledProgram,
    criterion: Loss,
    optimizer: Optimizer,
    order: Tensor,
    *,
    outputs: bool = False,
) -> Epochs:
    """The losses of the batches of one step, in this order (K or 1, N), for all replicas.

    The gradients of their mean are left with the optimizer; nothing moves.
    """
    args, everyone = program.args, torch.ones(program.args.replicas, dtype=torch.bool)
    optimizer.zero_grad()
    rows = collect_gradient_rows(optimizer, program.frozen)
    args.clip_norm = args.clip_value = args.groups = None
    args.num_groups, args.steps_per_row = 0, 1
    epochs = launch(program, criterion, rows, order[None], everyone, outputs)
    return_gradients(optimizer, rows)
    return epochs


def compute_outputs(program: CompiledProgram, optimizer: Optimizer) -> Heads:
    """Head → its outputs (K, N, …) for all samples."""
    K = program.args.replicas
    frozen = [parameter.data.reshape(K, -1) for parameter in program.frozen]
    params = join_rows([flat.data for flat in optimizer.flats] + frozen)
    call = prepare_evaluation(program, params, 1)
    run_kernel(program, call.epochs, None)
    return call.epochs.outputs[0]


def launch(
    program: CompiledProgram,
    criterion: Loss,
    rows: OptimizerRows,
    orders: Tensor,
    active: Tensor,
    outputs: bool,
    evaluation: Evaluation | None = None,
) -> Epochs:
    """Run the kernel on the parameters: who is not active (K,) goes forward only."""
    weights = loss_weights(criterion, program.args.replicas)
    draws, kept = dropout_states(program.dropouts)
    program.args.loss_weights = weights.data_ptr()
    program.args.dropouts = ctypes.addressof(draws)
    call = prepare_call(program, rows, orders, active, len(orders) if outputs else 0)
    look = None
    if evaluation is not None:
        look = prepare_evaluation(evaluation.program, rows.params, sum(evaluation.looks))
    run_kernel(program, call.epochs, evaluation)
    del kept
    batches = len(orders) * len(call.epochs.sizes)
    for uses in (program.dropouts, program.idle_draws):
        count_uses(uses.items(), batches)
    return call.epochs._replace(evaluations=[] if look is None else look.epochs.outputs)


class Call(NamedTuple):
    """What the kernel fills, and who else holds memory that it is pointed at."""

    epochs: Epochs
    owners: list[Any]


def prepare_evaluation(program: CompiledProgram, params: Tensor, times: int) -> Call:
    """All samples forward, so many times, in one order and with outputs for each."""
    order = torch.arange(program.samples)[None, None]
    nobody = torch.zeros(program.args.replicas, dtype=torch.bool)
    rows = OptimizerRows(params, params, None, None, None, None)  # nobody learns
    return prepare_call(program, rows, order, nobody, times)


def prepare_call(
    program: CompiledProgram, rows: OptimizerRows, orders: Tensor, active: Tensor, outputs: int
) -> Call:
    """Write the arguments for E epochs in these orders (E, K or 1, N), and so many outputs."""
    args, params = program.args, rows.params
    args.samples = orders.shape[2]  # a part of the data set's where an epoch is done in parts
    args.params, args.grads, args.momentum, args.mean, args.mean_square, args.extra = map(
        address, rows
    )
    for buffer in program.running:
        buffer.data = buffer.data.contiguous()
    running = (c_void_p * len(program.running))(*(each.data.data_ptr() for each in program.running))
    args.running = ctypes.addressof(running)
    for copy, source in program.copies:
        copy.copy_(source)  # somebody may have written to it
    starts = range(0, args.samples, args.batch_size)
    sizes = [min(args.batch_size, args.samples - start) for start in starts]
    E, batches, K = len(orders), len(sizes), args.replicas
    losses = params.new_empty(E, args.num_terms, batches, K)
    finite = torch.empty(E, batches, K, dtype=torch.bool)
    shapes = program.heads.items() if outputs else ()
    heads = {name: params.new_empty(outputs, K, args.samples, *shape) for name, shape in shapes}
    by_epoch = [{name: head[i] for name, head in heads.items()} for i in range(outputs)]
    places = [address(head) for each in by_epoch for head in each.values()]
    pointers = (c_void_p * len(places))(*places)
    args.outputs = ctypes.addressof(pointers) if outputs else None
    orders, active = orders.contiguous(), active.contiguous()
    args.order, args.order_stride = orders.data_ptr(), args.samples if orders.shape[1] > 1 else 0
    args.losses, args.finite, args.active = map(address, (losses, finite, active))
    allocate_workspace(program, params)
    args.stop = 0
    owners = [rows, running, pointers, orders, active]
    return Call(Epochs(losses, finite, sizes, by_epoch, []), owners)


def run_kernel(program: CompiledProgram, epochs: Epochs, evaluation: Evaluation | None) -> None:
    """Run the call that was prepared, with the other one's after some epochs."""
    args, E = program.args, len(epochs.losses)
    work = E * program.work
    look: tuple[Any, Any] = None, None
    if evaluation is not None:
        work += sum(evaluation.looks) * evaluation.program.work
        look = ctypes.byref(evaluation.program.args), (c_bool * E)(*evaluation.looks)
    call = partial(kernel(epochs.losses.dtype).run_epochs, ctypes.byref(args), c_int64(E), *look)
    if work < INTERRUPTIBLE_WORK:
        call()
    else:
        run_interruptible(args, call)


def allocate_workspace(program: CompiledProgram, params: Tensor) -> None:
    """The memory of who works at once: replicas, or where threads are left two for each."""
    args, threads = program.args, kernel_threads()
    chunked = args.batch_size > args.batch_columns
    shared = chunked and threads >= THREADS_PER_REPLICA * args.replicas
    args.num_workers = (
        THREADS_PER_REPLICA * args.replicas if shared else min(threads, args.replicas)
    )
    size = 2 * args.activation_size + args.step_workspace + args.scratch
    size += args.parameters if chunked else 0
    args.worker_size = -(-size // CACHE_LINE) * CACHE_LINE
    total = args.num_workers * args.worker_size
    if not program.workspace or len(program.workspace[0]) < total:
        program.workspace[:] = [params.new_zeros(total)]
    args.workspace = program.workspace[0].data_ptr()


def run_interruptible(args: EpochArgs, call: Callable[[], object]) -> None:
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
        while not done.wait(POLL_SECONDS):  # without a limit not every system would wake it
            check_stop()
    except BaseException:
        args.stop = 1  # a worker that has not begun does nothing
        while worker.ident is not None and not done.is_set():  # it writes to what would be freed
            with suppress(KeyboardInterrupt):
                done.wait(POLL_SECONDS)
        raise


def address(t: Tensor | None) -> int | None:
    """Where a tensor's numbers are."""
    return None if t is None else t.data_ptr()
