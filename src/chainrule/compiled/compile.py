"""From a net, its loss, its optimizer and its data to what the kernel is called with."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_int64, c_void_p
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves
from chainrule.compiled.abi import THREADS_PER_REPLICA, EpochArgs, native_ops
from chainrule.compiled.build import SCALAR_TYPES, kernel
from chainrule.compiled.lowering.grad_modes import (
    accumulated_parameters,
    accumulated_values,
    assign_grad_modes,
)
from chainrule.compiled.lowering.ir import (
    NOWHERE,
    BatchNormalize,
    Convolution,
    Lookup,
    Matmul,
    TransposedConvolution,
)
from chainrule.compiled.lowering.loss import lower_loss
from chainrule.compiled.lowering.matrices import count_step_products, count_step_scratch
from chainrule.compiled.lowering.net import lower_net, write_outputs
from chainrule.compiled.lowering.optimizer import check_parameter_types, has_update_rule
from chainrule.compiled.lowering.outputs import OutputKey, Outputs
from chainrule.compiled.lowering.program import Program, Unsupported
from chainrule.data import Dataset
from chainrule.data.resampled import ResampledDataset, input_shape, stored_data
from chainrule.nn.loss import Loss, SampleWeightedLoss
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.optim import Optimizer

__all__ = ["CompiledProgram", "compile_inference", "compile_training"]

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
OPERATIONS_OF_A_VALUE = 8
"""What a number that goes through a net costs beside products, forward and back, in products."""


class CompiledProgram(NamedTuple):
    """How the kernel trains a net on a data set."""

    args: EpochArgs
    heads: dict[OutputKey, tuple[int, ...]]  # → the shape of a sample
    owners: list[Any]  # of the memory that the arguments point at
    copies: list[tuple[Tensor, Tensor]]  # of data that are not contiguous: copy, original
    running: list[Buffer]  # what layers learn beside parameters
    frozen: list[Parameter]  # those of the net that the optimizer does not move
    dropouts: dict[Module, int]  # those that draw, each with how often it does for a batch
    idle_draws: dict[Module, int]  # the same of those that count draws and make none
    workspace: list[Tensor]  # one, when an epoch has been asked for
    samples: int  # of the data set
    work: int  # about how many products an epoch of all replicas has, forward and in updates
    updates: bool = True  # whether the kernel moves the parameters; else the optimizer itself does


def compile_training(
    net: Module,
    criterion: Loss,
    optimizer: Optimizer,
    train: Dataset,
    batch_size: int,
    accumulate: int = 1,
    *,
    updates: bool = True,
) -> CompiledProgram:
    """How to learn from these samples, with so many batches a step.

    Without ``updates``, and for an update rule that it has not, the kernel computes the gradients
    alone. Raises Unsupported where the plain path has to do it.
    """
    check_parameter_types(optimizer)
    updates = updates and has_update_rule(optimizer)
    frozen = frozen_parameters(net, optimizer)
    program, outputs, train = lower_and_size(
        net, optimizer, frozen, train, batch_size, training=True
    )
    dtype = optimizer.flats[0].data.dtype
    targets = lower_loss(program, criterion, outputs, stored_data(train).targets, dtype)
    program.add_workspace(0, count_step_scratch(optimizer))
    num_terms = 1 if isinstance(criterion, SampleWeightedLoss) else len(targets)
    found = finalize_program(
        optimizer, frozen, program, outputs, train, targets, num_terms, batch_size
    )
    found.args.accumulate = accumulate
    steps = -(-len(train) // (found.args.batch_size * accumulate))
    update = found.args.replicas * steps * count_step_products(optimizer)
    return found._replace(work=found.work + update, updates=updates)


def compile_inference(net: Module, optimizer: Optimizer, data: Dataset) -> CompiledProgram:
    """How to compute the net's outputs alone. Raises Unsupported likewise."""
    frozen = frozen_parameters(net, optimizer)
    program, outputs, data = lower_and_size(
        net, optimizer, frozen, data, INFERENCE_BATCH, training=False
    )
    return finalize_program(optimizer, frozen, program, outputs, data, [], 0, INFERENCE_BATCH)


def lower_and_size(
    net: Module,
    optimizer: Optimizer,
    frozen: Sequence[Parameter],
    data: Dataset,
    batch_size: int,
    *,
    training: bool,
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
    stored = stored_data(data)
    shape, whole_numbers = tuple(stored.inputs.shape[2:]), stored.inputs.dtype == torch.int64
    offsets = parameter_offsets([*moved_parameters(optimizer), *frozen], len(flat.data))
    kind = {"training": training, "whole_numbers": whole_numbers}
    single = Program(1, prod(shape), offsets, **kind)
    lower_net(single, net, shape)
    check_names(single, stored.inputs)
    library = kernel(flat.data.dtype)
    vector_bytes, bfloat16 = int(library.vector_bytes()), int(library.bfloat16_channels())
    width = vector_bytes // flat.data.element_size()
    vectors = chunk_vectors(single, -(-min(batch_size, len(data)) // width), vector_bytes)
    program = Program(
        width * vectors,
        prod(shape),
        offsets,
        vector_bytes=vector_bytes,
        bfloat16_channels=bfloat16,
        **kind,
    )
    return program, lower_net(program, net, shape), data


def chunk_vectors(single: Program, vectors: int, vector_bytes: int) -> int:
    """How many of a batch's vectors of samples go through all layers together.

    As many as a core's own cache has room for; but weights of dense layers, which are read for each
    chunk, want some. Of images two threads are to have a part each. ``single``: the program of one
    sample.
    """
    if single.whole_batch:
        return vectors
    images = any(isinstance(op, Convolution | TransposedConvolution) for op in single.ops)
    fit = CHUNK_BYTES // ((2 * single.activation_size + single.scratch) * vector_bytes)
    chunks = -(-vectors // max(1 if images else MIN_CHUNK_VECTORS, fit))
    return -(-vectors // max(chunks, min(THREADS_PER_REPLICA, vectors) if images else 1))


def moved_parameters(optimizer: Optimizer) -> list[Parameter]:
    """The parameters that an optimizer moves, as they lie in its rows."""
    return [parameter for flat in optimizer.flats for parameter in flat.parameters]


def frozen_parameters(net: Module, optimizer: Optimizer) -> list[Parameter]:
    """Those of the net that the optimizer does not move, each once.

    Raises Unsupported where they have not its dtype, or not its replicas.
    """
    moved, data = {*map(id, moved_parameters(optimizer))}, optimizer.flats[0].data
    frozen = [parameter for parameter in net.parameters() if id(parameter) not in moved]
    for parameter in frozen:
        replicas = parameter.shape[:1] if net.replicas is not None else (1,)
        if parameter.data.dtype != data.dtype or replicas != (len(data),):
            raise Unsupported("a frozen parameter of another dtype or other replicas")
        if parameter.data.device != data.device:
            raise Unsupported("a frozen parameter elsewhere")
    return frozen


def finalize_program(
    optimizer: Optimizer,
    frozen: list[Parameter],
    program: Program,
    outputs: Outputs,
    data: Dataset,
    targets: Sequence[Tensor],
    num_terms: int,
    batch_size: int,
) -> CompiledProgram:
    """The kernel's arguments, when the operations are known."""
    data_rows = [flat.data for flat in optimizer.flats]
    K, moved = len(data_rows[0]), sum(t.shape[1] for t in data_rows)
    P = moved + sum(parameter.numel() for parameter in frozen) // K
    heads = write_outputs(program, outputs)
    worker_size = 2 * program.activation_size + program.step_workspace + program.scratch
    limit = MAX_BATCH_BYTES if program.whole_batch else MAX_WEIGHT_BYTES
    size = data_rows[0].element_size()
    if worker_size * size > limit or P * size > MAX_WEIGHT_BYTES:
        raise Unsupported("a net of this size")
    stored = stored_data(data)
    sources = [stored.inputs, *targets]
    tensors = [t.contiguous() for t in sources]
    copies = [(t, source) for t, source in zip(tensors, sources, strict=True) if t is not source]
    args, owners = build_args(program, tensors, moved)
    args.input_scale = 0.0 if stored.scale is None else float(stored.scale)
    if isinstance(data, ResampledDataset):
        owners.append(add_rows(args, data))
    args.replicas, args.parameters, args.moved, args.accumulate = K, P, moved, 1
    args.batch_size, args.num_terms = min(batch_size, len(data)), num_terms
    args.num_heads = len(heads)
    check_buffers(program, data_rows[0])
    return CompiledProgram(
        args,
        heads,
        owners,
        copies,
        program.running,
        frozen,
        program.dropouts,
        program.idle_draws,
        workspace=[],
        samples=len(data),
        work=K * len(data) * count_work(program),
    )


def add_rows(args: EpochArgs, data: ResampledDataset) -> list[Tensor]:
    """Which of the stored samples each replica has, and what their inputs go through.

    Returns what holds the memory.
    """
    K, (fill, scale) = data.replicas or 1, data.preprocessing
    shape = (K, *input_shape(data)[1:])

    def spread(t: Tensor) -> Tensor:
        """A number for each replica and feature."""
        return t.double().squeeze(1).expand(shape).contiguous()

    rows = data.rows.contiguous()
    kept, args.rows = [rows], rows.data_ptr()
    args.rows_stride = rows.shape[1] if len(rows) > 1 else 0
    if fill is not None:
        kept.append(spread(fill))
        args.input_fill = kept[-1].data_ptr()
    if scale is not None:
        kept += [spread(scale.mean), spread(scale.factor)]
        args.input_mean, args.input_factor = (t.data_ptr() for t in kept[-2:])
    return kept


def count_work(program: Program) -> int:
    """About how many products a sample has, forward."""
    work = OPERATIONS_OF_A_VALUE * program.activation_size
    for op in program.ops:
        if isinstance(op, Matmul):
            work += op.m * op.k * op.n
        elif isinstance(op, Convolution | TransposedConvolution):
            work += op.C * op.window_size * op.O * op.h * op.w * op.n
    return work // program.batch_columns


def check_data(dataset: Dataset, params: Tensor) -> None:
    """Raise Unsupported for numbers that the kernel does not read; params (K, P) are the net's."""
    if params.device.type != "cpu" or params.dtype not in SCALAR_TYPES:
        raise Unsupported(f"{params.dtype} on {params.device}")
    if dataset.input_dtype not in (params.dtype, torch.int64):
        raise Unsupported(f"inputs of {dataset.input_dtype}")
    stored = stored_data(dataset)
    tensors = [t for _, t in named_leaves((stored.inputs, stored.targets))]
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


def build_args(
    program: Program, tensors: Sequence[Tensor], moved: int
) -> tuple[EpochArgs, list[Any]]:
    """The program and the data, inputs and targets, and what holds their memory.

    ``moved``: how many of a replica's numbers are learned; those that come after have no gradient.
    """
    ops = assign_grad_modes(program, moved)
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
