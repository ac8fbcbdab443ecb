"""Whole epochs of a cohort of small nets, done by the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from ctypes import c_int64, c_void_p
from threading import Event, Thread
from typing import NamedTuple

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
    bound_per_replica,
    hyperparameter_tables,
    parameter_groups,
)
from chainrule.compiled.lowering.optimizer_rows import (
    OptimizerRows,
    collect_rows,
    join_rows,
    return_rows,
)
from chainrule.compiled.lowering.targets import loss_weights
from chainrule.nn.loss import Loss
from chainrule.optim import Optimizer
from chainrule.optim.inplace import Scalar

__all__ = ["Epochs", "compute_outputs", "train_epochs"]

INTERRUPTIBLE_WORK = 2**31
"""Work of a call that is to be stopped before its end: it takes longer than a tenth of a second."""
POLL_SECONDS = 0.2
"""Seconds between two looks for Ctrl-C."""


class Epochs(NamedTuple):
    """losses (E, terms, batches, K), finite (E, batches, K), samples a batch, name → outputs.

    The outputs are (K, N, …), those of one epoch.
    """

    losses: Tensor
    finite: Tensor
    sizes: list[int]
    outputs: dict[str, Tensor]


def train_epochs(
    program: CompiledProgram,
    criterion: Loss,
    optimizer: Optimizer,
    orders: Tensor,
    active: Tensor,
    *,
    clip_norm: Scalar | None = None,
    clip_value: Scalar | None = None,
    between_steps: Callable[[], None] | None = None,
    outputs: bool = False,
) -> Epochs:
    """All steps of E epochs, their samples in these orders (E, K, N); who is not active (K,) stays.

    N may be some steps of an epoch.

    With ``between_steps``, which changes the optimizer's hyperparameters after each step, and with
    ``outputs`` E is 1.
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
    tables = hyperparameter_tables(optimizer, steps, between_steps)
    groups, shapes = parameter_groups(optimizer, tables, fresh)
    weights = loss_weights(criterion, args.replicas)
    args.clip_norm, args.clip_value = map(address, bounds)
    args.groups, args.num_groups = ctypes.addressof(groups), len(groups)
    args.steps_differ, args.loss_weights = between_steps is not None, weights.data_ptr()
    draws, kept = dropout_states(program.dropouts)
    args.dropouts = ctypes.addressof(draws)
    epochs = launch(program, rows, orders, active, outputs=outputs)
    del kept, shapes
    count_uses(program.dropouts.items(), len(orders) * batches)
    count_uses(program.idle_draws.items(), len(orders) * batches)
    return_rows(optimizer, rows)
    for group in optimizer.param_groups:
        group["step"] += len(orders) * steps
    return epochs


def compute_outputs(program: CompiledProgram, optimizer: Optimizer) -> dict[str, Tensor]:
    """Head → its outputs (K, N, …) for all samples."""
    order = torch.arange(program.samples)[None, None]
    nobody = torch.zeros(program.args.replicas, dtype=torch.bool)
    frozen = [parameter.data.reshape(len(nobody), -1) for parameter in program.frozen]
    params = join_rows([flat.data for flat in optimizer.flats] + frozen)
    rows = OptimizerRows(params, params, None, None, None, None)  # nobody learns
    return launch(program, rows, order, nobody, outputs=True).outputs


def launch(
    program: CompiledProgram, rows: OptimizerRows, orders: Tensor, active: Tensor, *, outputs: bool
) -> Epochs:
    """Run the kernel on the parameters: who is not active (K,) goes forward only."""
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
    heads = {
        name: params.new_empty(args.replicas, args.samples, *shape)
        for name, shape in (program.heads.items() if outputs else ())
    }
    pointers = (c_void_p * len(program.heads))(*map(address, heads.values()))
    args.outputs = ctypes.addressof(pointers) if outputs else None
    orders, active = orders.contiguous(), active.contiguous()
    args.order, args.order_stride = orders.data_ptr(), args.samples if orders.shape[1] > 1 else 0
    args.losses, args.finite, args.active = map(address, (losses, finite, active))
    allocate_workspace(program, params)
    args.stop = 0
    run_epochs, epochs = kernel(params.dtype).run_epochs, c_int64(E)
    if E * program.work < INTERRUPTIBLE_WORK:
        run_epochs(ctypes.byref(args), epochs)
    else:
        run_interruptible(args, lambda: run_epochs(ctypes.byref(args), epochs))
    return Epochs(losses, finite, sizes, heads)


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
