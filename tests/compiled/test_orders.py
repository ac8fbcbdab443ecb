"""The kernel's permutations: those of torch, number by number."""

from __future__ import annotations

import pytest
import torch

from chainrule.compiled.orders import call_kernel, draw_in_kernel
from chainrule.data.batches import draw_permutations
from chainrule.seeds import derive_each

SEEDS = [0, 1, 2**32 + 5, 2**63 - 1, *derive_each(range(8), "order", 3)]


@pytest.mark.parametrize("N", [1, 2, 7, 624, 625, 626, 1249, 5000])
def test_permutations_are_those_of_torch(N: int) -> None:
    expected = draw_permutations(N, SEEDS)
    assert torch.equal(call_kernel(N, SEEDS, torch.float32), expected)
    assert torch.equal(draw_in_kernel(N, SEEDS, torch.float64), expected)


def test_where_torch_draws_in_another_way_its_numbers_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chainrule.compiled.orders.agrees_with_torch", lambda _: False)
    monkeypatch.setattr("chainrule.compiled.orders.call_kernel", None)
    assert torch.equal(draw_in_kernel(9, SEEDS, torch.float32), draw_permutations(9, SEEDS))
