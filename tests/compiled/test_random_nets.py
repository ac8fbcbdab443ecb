"""Small nets of every kind are trained on the compiled path as on the plain one."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from chainrule import optim
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.compiled import kernel
from chainrule.compiled.lowering.layers import conv
from chainrule.data import Dataset
from chainrule.train import BackendStatus, Compiled, Trainer
from tests.compiled.random_nets import Case, draw_case, draw_wide_case

LIMITS = {torch.float64: 1e-10, torch.float32: 1e-4}
"""How far the paths may differ, where the plain one is no more sensitive than that."""
AMPLIFIED = 50
"""By how much more they may than the plain path moves when its numbers move by their last bit."""


def move_last_bits(t: Tensor, generator: torch.Generator) -> Tensor:
    """Each number's neighbour, above or below."""
    if not t.is_floating_point():
        return t
    up = torch.rand(t.shape, generator=generator) < 0.5
    limits = torch.where(up, math.inf, -math.inf).to(t.dtype)
    return torch.nextafter(t, limits)


def train_case(
    case: Case, *, compiled: bool, moved: torch.Generator | None = None
) -> tuple[dict[str, Tensor], BackendStatus]:
    """All numbers after two epochs, and which way they were computed.

    With ``moved`` from data and weights whose last bits are others.
    """
    K, data = case.replicas, case.data
    net = deepcopy(case.net)
    net = net.initialize(5) if K is None else net.replicate(K, [*range(5, 5 + K)])
    net.to(case.dtype)
    optimizer = case.make_optimizer(net)
    if moved is not None:
        data = Dataset(move_last_bits(data.inputs, moved), data.targets, data.replicas)
        for flat in optimizer.flats:
            flat.data.copy_(move_last_bits(flat.data, moved))
    trainer = Trainer(
        net,
        case.criterion,
        optimizer,
        scheduler=None if case.make_schedule is None else case.make_schedule(optimizer),
        compile="auto" if compiled else False,
        seed=5 if K is None else [*range(5, 5 + K)],
        **case.options,
    )
    trainer.fit(data, data, epochs=2, progress=False)
    found = {f"weights {i}": flat.data for i, flat in enumerate(optimizer.flats)}
    found |= {f"moments {name}": t for name, t in named_leaves(optimizer.state)}
    found |= {name: buffer.data for name, buffer in net.named_state()}
    found |= {f"outputs {name}": t for name, t in named_leaves(trainer.predict(data))}
    return {**found, **trainer.history.curves}, trainer.backend_status


def difference(some: dict[str, Tensor], others: dict[str, Tensor]) -> float:
    """The largest of all numbers, relative to the largest of its tensor or 1."""
    assert some.keys() == others.keys()
    found = 0.0
    for name, y in some.items():
        other, finite = others[name].double(), y.isfinite()
        if not torch.equal(finite, other.isfinite()):
            return math.inf
        if finite.any():
            y, other = y[finite].double(), other[finite]
            found = max(found, ((y - other).abs().max() / y.abs().max().clamp_min(1)).item())
    return found


def sensitivity(case: Case, plain: dict[str, Tensor]) -> float:
    """How far the plain path moves when the last bits of data and weights do, of some draws."""
    draws = [torch.Generator().manual_seed(seed) for seed in range(10)]
    moved = (train_case(case, compiled=False, moved=draw)[0] for draw in draws)
    return max(difference(plain, each) for each in moved)


def saturates(case: Case, plain: dict[str, Tensor]) -> bool:
    """Whether a probability within 1e-6 of 1 meets BCELoss, whose gradient has 1 − o in it.

    Of that the last bit of o is a large part: at 1 − o = 1e-13 a thousandth. And moving the data's
    last bits does not move such an o, so that the sensitivity does not have it.
    """
    outputs = [y for name, y in plain.items() if name.startswith("outputs")]
    near = any(bool(((1 - y).abs() < 1e-6).any()) for y in outputs)
    losses = [y for name, y in plain.items() if name.endswith("_loss")]
    near = near or any(bool((y > -math.log(1e-6)).any()) for y in losses)  # in an earlier epoch
    return near and "BCELoss" in repr(case.criterion)


def explodes(plain: dict[str, Tensor]) -> bool:
    """Whether weights have left all bounds, so that what is left of a gradient is rounding alone.

    Such as that of Softsign, which the kernel has from its output: 0 where that is 1 but for a bit.
    """
    weights = [t for name, t in plain.items() if name.startswith("weights")]
    return not all(bool((t.abs() < 1e30).all()) for t in weights)


def compare_paths(case: Case) -> tuple[float, float, bool]:
    """(how far the paths differ, how far they may, whether one was compiled as a whole)."""
    plain, _ = train_case(case, compiled=False)
    fast, status = train_case(case, compiled=True)
    found, limit = difference(plain, fast), LIMITS[case.dtype]
    if not found < limit:
        limit = max(limit, AMPLIFIED * sensitivity(case, plain))
        limit = max(limit, 1e-2) if saturates(case, plain) else limit
        limit = math.inf if explodes(plain) else limit
    if not found < limit and case.dtype is torch.float32:
        return compare_paths(in_float64(case))  # whose rounding is too small to be amplified so far
    return found, limit, status == Compiled()


def in_float64(case: Case) -> Case:
    """The same training in double precision."""

    def convert(t: Tensor) -> Tensor:
        return t.double() if t.dtype is torch.float32 else t

    inputs, targets = tree_map(convert, case.data.inputs), tree_map(convert, case.data.targets)
    data = Dataset(inputs, targets, case.data.replicas)
    return case._replace(data=data, dtype=torch.float64)


def check_cases(seeds: range) -> None:
    cases = {seed: case for seed in seeds if (case := draw_case(seed)) is not None}
    found = {}
    for seed, case in cases.items():
        try:
            found[seed] = compare_paths(case)
        except ValueError as error:  # a draw that no path can train
            if "of which the net cannot learn" not in str(error):
                raise
    assert len(cases) - len(found) <= max(1, 0.05 * len(cases))
    assert sum(compiled for _, _, compiled in found.values()) > 0.95 * len(found)
    assert {seed: (d, limit) for seed, (d, limit, _) in found.items() if not d < limit} == {}


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_some_random_nets_agree(first):
    check_cases(range(first, first + 20))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(60, 8060, 100))
def test_random_nets_agree(first):
    check_cases(range(first, first + 100))


def first_step(case: Case, *, compiled: bool, dtype: torch.dtype | None) -> tuple[Tensor, str]:
    """What one step with products in this dtype moves the weights by; and which way it went."""
    net = deepcopy(case.net).replicate(2, [5, 6]).set_matmul_dtype(dtype)
    optimizer = optim.SGD(net, lr=1.0)
    before = optimizer.flats[0].data.clone()
    way: Any = "auto" if compiled else False
    trainer = Trainer(net, case.criterion, optimizer, batch_size=100, seed=[5, 6], compile=way)
    trainer.fit(case.data, epochs=1, progress=False)
    return before - optimizer.flats[0].data, str(trainer.backend_status)


@pytest.mark.parametrize("seed", range(30))
def test_products_in_bfloat16_round_at_most_twice_as_much_as_those_of_the_layers(seed, monkeypatch):
    """Theirs are of the numbers, the kernel's of sums of four of them; none is left in float32."""
    monkeypatch.setattr(conv, "BFLOAT16_SPEED", 1e9)
    monkeypatch.setattr(conv, "WINOGRAD_ADDITIONS", 0)
    case = draw_wide_case(seed)
    exact, _ = first_step(case, compiled=False, dtype=None)
    plain, _ = first_step(case, compiled=False, dtype=torch.bfloat16)
    rounded, way = first_step(case, compiled=True, dtype=torch.bfloat16)
    off, expected = ((each - exact).norm() / exact.norm() for each in (rounded, plain))
    assert off < 2 * expected < 0.2
    if kernel(torch.float32).bfloat16_channels():
        assert way == "compiled"
        assert off > 1e-4  # float32 is off by 1e-6
