"""What a compiled program was made from: where it differs, the program is another.

A program is made once and used for many epochs. In between anything may change: a constant of a
layer, a layer, the loss, the data. So before each use, what it was made from is read again, which
takes some microseconds. The numbers of parameters and data are read by each use itself, and do not
count here.
"""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves
from chainrule.compiled.lowering.optimizer import has_regular_state
from chainrule.data import Dataset
from chainrule.data.resampled import ResampledDataset
from chainrule.nn.loss import Loss
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.optim import Optimizer
from chainrule.seeds import DerivedSeeds

__all__ = ["Fingerprint"]

ATOMS = frozenset({bool, int, float, complex, str, type(None), torch.dtype, torch.device})
NOT_READ = frozenset({"training", "_last", "_last_values", "rng_counter"})
"""Attributes that no program is made from: a training sets the mode itself, draws go on, and what a
call left behind says what was."""


@final
class Fingerprint:
    """Equal to another where a program of one is a program of the other.

    ``values`` are compared; objects by their number, so ``objects`` keeps them from being freed,
    and the number from being another's.
    """

    __slots__ = ("_seen", "objects", "values")

    def __init__(self, *values: Any) -> None:
        self.values: list[Any] = [*values]
        self.objects: list[object] = []
        self._seen: set[int] = set()  # whose members are among the values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self.values == other.values

    __hash__ = None  # type: ignore[assignment]

    def add_net(self, part: Module | Loss) -> None:
        """All that it is, but for the numbers of parameters and buffers."""
        self._add(part)

    def add_optimizer(self, optimizer: Optimizer) -> None:
        """Which one it is, and the memory of what it moves; its numbers are read by each use."""
        self.add_object(optimizer)
        self.add_object(type(optimizer).step)
        self.add_object(type(optimizer).update)
        self.values += vars(optimizer)  # a method may be among them
        self.values.append(has_regular_state(optimizer))
        for flat in optimizer.flats:
            self.values.append(flat.is_current())
            self._add_memory(flat.data)
            self._add_memory(flat.grad)

    def add_data(self, data: Dataset, *, targets: bool) -> None:
        """Where a data set lies; of targets and whole numbers also their range, which counts."""
        self.values.append(data.replicas)
        if isinstance(data, ResampledDataset):
            self._add_memory(data.rows)
            self._add(tuple(data.preprocessing))
            data = data.stored
        self._add_memory(data.inputs)
        self._add(data.scale)
        if data.inputs.dtype == torch.int64:
            self._add_range(data.inputs)
        for name, t in named_leaves(data.targets) if targets else ():
            self.values.append(name)
            self._add_memory(t)
            self._add_range(t)

    def _add_range(self, t: Tensor) -> None:
        if t.numel() and not t.is_complex():
            self.values += [repr(limit.item()) for limit in t.aminmax()]  # nan is nan

    def _add(self, value: Any) -> None:
        cls = type(value)
        if cls in ATOMS:
            self.values.append(value)
        elif isinstance(value, tuple | list):
            self.values.append(len(value))
            for part in value:
                self._add(part)
        elif cls is dict:
            self.values += value
            for part in value.values():
                self._add(part)
        elif isinstance(value, Tensor):
            self._add_tensor(value)
        elif cls is Buffer:
            self.add_object(value)
            self.values += (value.data.shape, value.data.dtype)
        elif cls is Parameter:
            self.add_object(value)
            self.values += (value.data.shape, value.data.dtype)  # of one that is not moved
        elif not hasattr(value, "__dict__"):
            self.add_object(value)
        else:
            self._add_members(value)

    def _add_members(self, value: Any) -> None:
        known = id(value) in self._seen
        self.add_object(value)
        if known:
            return
        self._seen.add(id(value))
        self.add_object(getattr(type(value), "forward", None))
        for name, part in vars(value).items():
            if name in NOT_READ:
                continue
            self.values.append(name)
            if type(part) in ATOMS:
                self.values.append(part)
            elif name == "seeds" and type(part) in (list, DerivedSeeds):
                self.values.append(len(part))  # they are read by each use
            else:
                self._add(part)

    def _add_tensor(self, t: Tensor) -> None:
        """Its memory and its numbers, such as the weights of classes: somebody may write to it."""
        self._add_memory(t)
        if t.layout == torch.strided and t.device.type == "cpu":
            self.values.append(
                t.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            )

    def _add_memory(self, t: Tensor) -> None:
        """Where a tensor's numbers lie."""
        if t.layout != torch.strided:
            self.add_object(t)
        else:
            self.values += (t.data_ptr(), t.shape, t.stride(), t.dtype, t.device)

    def add_object(self, value: object) -> None:
        """Which one it is."""
        self.objects.append(value)
        self.values += (id(value), type(value))
