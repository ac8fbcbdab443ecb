"""Whole epochs of a cohort of small nets, done by the compiled kernel."""

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

from chainrule._util.pytree import named_leaves
from chainrule._util.stopping import check_stop
from chainrule._util.threads import kernel_threads
from chainrule.compiled.abi import THREADS_PER_REPLICA, EpochArgs, native_ops
from chainrule.compiled.build import SCALAR_TYPES, kernel
from chainrule.compiled.lowering.conv import CACHE_LINE
from chainrule.compiled.lowering.dropout import count_uses, dropout_states
from chainrule.compiled.lowering.grad_modes import (
    accumulated_parameters,
    accumulated_values,
    assign_grad_modes,
)
from chainrule.compiled.lowering.ir import NOWHERE, BatchNormalize, Convolution, Lookup, Matmul
from chainrule.compiled.lowering.loss import Outputs, loss_weights, lower_loss
from chainrule.compiled.lowering.net import lower_net, write_outputs
from chainrule.compiled.lowering.optimizer import (
    OptimizerRows,
    bound_per_replica,
    check_update_rule,
    collect_rows,
    hyperparameter_tables,
    join_rows,
    parameter_groups,
    return_rows,
)
from chainrule.compiled.lowering.program import Program, Unsupported
from chainrule.data import Dataset
from chainrule.nn.layers.dropout import DropoutBase
from chainrule.nn.loss import Loss, SampleWeightedLoss
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.optim import Optimizer
from chainrule.optim.inplace import Scalar

__all__ = [
    "CompiledProgram",
    "Epochs",
    "compile_inference",
    "compile_training",
    "compute_outputs",
    "train_epochs",
]

MAX_WEIGHT_BYTES = 2**24
"""Bytes of one replica's weights, or of its other numbers; with more the library is as fast."""
MAX_BATCH_BYTES = 2**27
"""The same of a batch that has to go through as a whole."""
CHUNK_BYTES = 2**20
"""How much memory the values of some samples may take: what a core's own cache has."""
MIN_CHUNK_VECTORS = 8
"""Vectors of samples that are worth reading the weights of a dense layer for."""
INFERENCE_BATCH = 128
"""Samples that go through a net together when nothing is learned."""
INTERRUPTIBLE_WORK = 2**31
"""Work of a call that is to be stopped before its end: it takes longer than a tenth of a second."""
OPERATIONS_OF_A_VALUE = 8
"""What a number that goes through a net costs beside products, forward and back, in products."""
POLL_SECONDS = 0.2
"""Seconds between two looks for Ctrl-C."""


class CompiledProgram(NamedTuple):
    """How the kernel trains a net on a data set."""

    args: EpochArgs
    heads: dict[str, int]  # name → features
    owners: list[Any]  # of the memory that the arguments point at
    copies: list[tuple[Tensor, Tensor]]  # of data that are not contiguous: copy, original
    running: list[Buffer]  # what layers learn beside parameters
    dropouts: dict[DropoutBase, int]  # those that draw, each with how often it does in a step
    workspace: list[Tensor]  # one, when an epoch has been asked for
    samples: int  # of the data set
    work: int  # about how many products an epoch of all replicas has, forward


class Epochs(NamedTuple):
    """losses (E, terms, steps, K), finite (E, steps, K), samples a step, name → outputs (K, N, …).

    The outputs are those of one epoch.
    """

    losses: Tensor
    finite: Tensor
    sizes: list[int]
    outputs: dict[str, Tensor]


def compile_training(
    net: Module, criterion: Loss, optimizer: Optimizer, train: Dataset, batch_size: int
) -> CompiledProgram:
    """How to learn from these samples. Raises Unsupported where the plain path has to do it."""
    check_update_rule(optimizer)
    program, outputs, train = lower_and_size(net, optimizer, train, batch_size, training=True)
    dtype = optimizer.flats[0].data.dtype
    targets = lower_loss(program, criterion, outputs, train.targets, dtype)
    num_terms = 1 if isinstance(criterion, SampleWeightedLoss) else len(targets)
    return finalize_program(optimizer, program, outputs, train, targets, num_terms, batch_size)


def compile_inference(net: Module, optimizer: Optimizer, data: Dataset) -> CompiledProgram:
    """How to compute the net's outputs alone. Raises Unsupported likewise."""
    program, outputs, data = lower_and_size(net, optimizer, data, INFERENCE_BATCH, training=False)
    return finalize_program(optimizer, program, outputs, data, [], 0, INFERENCE_BATCH)


def lower_and_size(
    net: Module, optimizer: Optimizer, data: Dataset, batch_size: int, *, training: bool
) -> tuple[Program, Outputs, Dataset]:
    """The net's operations, and the data with an axis of replicas.

    What is not known is found before the kernel is asked for, which may have to be built.
    """
    if not len(data):
        raise Unsupported("no samples")
    flat = optimizer.flats[0]
    check_data(data, flat.data)
    if data.replicas is None:
        data = data.expand(1)
    shape, whole_numbers = tuple(data.inputs.shape[2:]), data.inputs.dtype == torch.int64
    parameters = [p for flat in optimizer.flats for p in flat.parameters]
    offsets = parameter_offsets(parameters, len(flat.data))
    kind = {"training": training, "whole_numbers": whole_numbers}
    single = Program(1, prod(shape), offsets, **kind)
    lower_net(single, net, shape)
    check_names(single, data.inputs)
    library = kernel(flat.data.dtype)
    vector_bytes, bfloat16 = int(library.vector_bytes()), int(library.bfloat16_channels())
    width = vector_bytes // flat.data.element_size()
    vectors = chunk_vectors(single, -(-min(batch_size, len(data)) // width), vector_bytes)
    program = Program(width * vectors, prod(shape), offsets, bfloat16_channels=bfloat16, **kind)
    return program, lower_net(program, net, shape), data


def chunk_vectors(single: Program, vectors: int, vector_bytes: int) -> int:
    """How many of a batch's vectors of samples go through all layers together.

    As many as a core's own cache has room for; but weights of dense layers, which are read for each
    chunk, want some. Of images two threads are to have a part each. ``single``: the program of one
    sample.
    """
    if single.whole_batch:
        return vectors
    images = any(isinstance(op, Convolution) for op in single.ops)
    fit = CHUNK_BYTES // ((2 * single.activation_size + single.scratch) * vector_bytes)
    chunks = -(-vectors // max(1 if images else MIN_CHUNK_VECTORS, fit))
    return -(-vectors // max(chunks, min(THREADS_PER_REPLICA, vectors) if images else 1))


def finalize_program(
    optimizer: Optimizer,
    program: Program,
    outputs: Outputs,
    data: Dataset,
    targets: Sequence[Tensor],
    num_terms: int,
    batch_size: int,
) -> CompiledProgram:
    """The kernel's arguments, when the operations are known."""
    data_rows = [flat.data for flat in optimizer.flats]
    K, P = len(data_rows[0]), sum(t.shape[1] for t in data_rows)
    heads = write_outputs(program, outputs)
    worker_size = 2 * program.activation_size + program.step_workspace + program.scratch
    limit = MAX_BATCH_BYTES if program.whole_batch else MAX_WEIGHT_BYTES
    size = data_rows[0].element_size()
    if worker_size * size > limit or P * size > MAX_WEIGHT_BYTES:
        raise Unsupported("a net of this size")
    sources = [data.inputs, *targets]
    tensors = [t.contiguous() for t in sources]
    copies = [(t, source) for t, source in zip(tensors, sources, strict=True) if t is not source]
    args, owners = build_args(program, tensors)
    args.input_scale = 0.0 if data.scale is None else float(data.scale)
    args.replicas, args.parameters = K, P
    args.batch_size, args.num_terms = min(batch_size, len(data)), num_terms
    check_buffers(program, data_rows[0])
    running, dropouts = program.running, program.dropouts
    work = K * len(data) * count_work(program)
    return CompiledProgram(args, heads, owners, copies, running, dropouts, [], len(data), work)


def count_work(program: Program) -> int:
    """About how many products a sample has, forward."""
    work = OPERATIONS_OF_A_VALUE * program.activation_size
    for op in program.ops:
        if isinstance(op, Matmul):
            work += op.m * op.k * op.n
        elif isinstance(op, Convolution):
            work += op.C * op.window_size * op.O * op.h * op.w * op.n
    return work // program.batch_columns


def check_data(dataset: Dataset, params: Tensor) -> None:
    """Raise Unsupported for numbers that the kernel does not read; params (K, P) are the net's."""
    if params.device.type != "cpu" or params.dtype not in SCALAR_TYPES:
        raise Unsupported(f"{params.dtype} on {params.device}")
    if dataset.input_dtype not in (params.dtype, torch.int64):
        raise Unsupported(f"inputs of {dataset.input_dtype}")
    tensors = [t for _, t in named_leaves((dataset.inputs, dataset.targets))]
    if any(t.device.type != "cpu" or t.layout != torch.strided or t.is_neg() for t in tensors):
        raise Unsupported("data that are no plain memory of the CPU")


def check_buffers(program: Program, params: Tensor) -> None:
    """Raise Unsupported where what layers learn is not as they made it; params (K, P)."""
    for op in program.ops:
        if not isinstance(op, BatchNormalize):
            continue
        moments = (op.running_mean, op.running_var)
        expected = dict.fromkeys(moments, (len(params) * op.channels, params.dtype))
        expected[op.num_batches] = len(params), torch.int64
        for number, layout in expected.items():
            if number != NOWHERE:
                data = program.running[number].data
                if (data.numel(), data.dtype) != layout:
                    raise Unsupported("running statistics of another shape or dtype")


def check_names(program: Program, inputs: Tensor) -> None:
    """Raise Unsupported unless all whole numbers are rows of what they are looked up in."""
    rows = [op.num_rows for op in program.ops if isinstance(op, Lookup)]
    if rows and not 0 <= int(inputs.min()) <= int(inputs.max()) < min(rows):
        raise Unsupported("whole numbers that are no rows of an embedding")


def parameter_offsets(parameters: Sequence[Parameter], K: int) -> dict[int, tuple[int, int]]:
    """Where each parameter begins in a replica's row, and how many numbers it has."""
    offsets, start = {}, 0
    for parameter in parameters:
        size = parameter.data.numel() // K
        offsets[id(parameter)] = (start, size)
        start += size
    return offsets


def build_args(program: Program, tensors: Sequence[Tensor]) -> tuple[EpochArgs, list[Any]]:
    """The program and the data, inputs and targets, and what holds their memory."""
    ops = assign_grad_modes(program)
    array = native_ops(ops)
    strides = [t[0].numel() if len(t) > 1 else 0 for t in tensors]
    target_pointers = (c_void_p * len(strides[1:]))(*(t.data_ptr() for t in tensors[1:]))
    target_strides = (c_int64 * len(strides[1:]))(*strides[1:])
    values, parameters = (
        torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
        for pairs in (accumulated_values(program), accumulated_parameters(program))
    )
    args = EpochArgs(
        ops=ctypes.addressof(array),
        num_ops=len(ops),
        batch_columns=program.batch_columns,
        activation_size=program.activation_size,
        step_workspace=program.step_workspace,
        scratch=program.scratch,
        accumulated_values=values.data_ptr(),
        accumulated_parameters=parameters.data_ptr(),
        num_accumulated_values=len(values),
        num_accumulated_parameters=len(parameters),
        inputs=tensors[0].data_ptr(),
        input_stride=strides[0],
        targets=ctypes.addressof(target_pointers),
        target_strides=ctypes.addressof(target_strides),
    )
    return args, [ops, array, tensors, target_pointers, target_strides, values, parameters]


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

    N may be some batches of an epoch.

    With ``between_steps``, which changes the optimizer's hyperparameters after each step, and with
    ``outputs`` E is 1.
    """
    args = program.args
    steps = -(-orders.shape[2] // args.batch_size)
    optimizer.zero_grad()
    fresh = ["momentum_buffer" not in state for state in optimizer.state]
    rows = collect_rows(optimizer)
    bounds = [
        bound_per_replica(name, bound, optimizer.replicas)
        for name, bound in (("max_norm", clip_norm), ("clip_value", clip_value))
    ]
    tables = hyperparameter_tables(optimizer, steps, between_steps)
    groups = parameter_groups(optimizer, tables, fresh)
    weights = loss_weights(criterion, args.replicas)
    args.clip_norm, args.clip_value = map(address, bounds)
    args.groups, args.num_groups = ctypes.addressof(groups), len(groups)
    args.steps_differ, args.loss_weights = between_steps is not None, weights.data_ptr()
    draws, kept = dropout_states(program.dropouts)
    args.dropouts = ctypes.addressof(draws)
    epochs = launch(program, rows, orders, active, outputs=outputs)
    del kept
    count_uses(program.dropouts, len(orders) * steps)
    return_rows(optimizer, rows)
    for group in optimizer.param_groups:
        group["step"] += len(orders) * steps
    return epochs


def compute_outputs(program: CompiledProgram, optimizer: Optimizer) -> dict[str, Tensor]:
    """Head → its outputs (K, N, …) for all samples."""
    order = torch.arange(program.samples)[None, None]
    nobody = torch.zeros(program.args.replicas, dtype=torch.bool)
    params = join_rows([flat.data for flat in optimizer.flats])
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
    E, steps, K = len(orders), len(sizes), args.replicas
    losses = params.new_empty(E, args.num_terms, steps, K)
    finite = torch.empty(E, steps, K, dtype=torch.bool)
    heads = {
        name: params.new_empty(args.replicas, args.samples, features)
        for name, features in (program.heads.items() if outputs else ())
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
