"""Seeds from names: the same for ever, different for every purpose."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule import nn
from chainrule.seeds import DerivedSeeds, derive, derive_each, generator

names = st.lists(st.one_of(st.integers(), st.text(max_size=8)), max_size=4)


@pytest.mark.parametrize(
    ("arguments", "seed"),
    [
        ((7,), 4703935488074688627),
        ((7, "init", "0.weight"), 6516454956001429933),
        ((0, "round", 3), 4441708007119004013),
        ((-1, "a"), 6259171731833864783),
        ((7, 1), 1509143915758878194),
        ((7, "1"), 8300146311360070688),
    ],
)
def test_a_seed_never_changes(arguments, seed):
    assert derive(*arguments) == seed


@given(st.lists(st.integers(), max_size=4), names)
def test_many_seeds_at_once_are_those_of_one_by_one(roots, purpose):
    assert derive_each(roots, *purpose) == [derive(root, *purpose) for root in roots]


def test_seeds_of_what_never_draws_are_not_derived(monkeypatch):
    purposes = []
    digest = "chainrule.seeds.digest_seed"
    monkeypatch.setattr(digest, lambda purpose: purposes.append(purpose) or len(purposes))
    later = DerivedSeeds([7, 8], "draws", "0")
    assert (len(later), purposes) == (2, [])
    assert (later[1], later[:1], [*later]) == (2, [1], [1, 2])
    assert purposes == [b"7\0'draws'\0'0'", b"8\0'draws'\0'0'"]


def test_seeds_that_are_derived_later_are_the_same():
    seeds = derive_each([7, 8], "draws", "0.1")
    assert DerivedSeeds([7, 8], "draws", "0.1") == seeds
    assert DerivedSeeds([7, 9], "draws", "0.1") != seeds
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Tanh(), nn.Dropout())).replicate(2)
    assert net.initialize([7, 8])[1][1].seeds == derive_each([7, 8], "draws", "1.1")


def test_it_is_the_same_in_another_process_with_other_hashes():
    code = "from chainrule.seeds import derive; print(derive(7, 'init', '0.weight'))"
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert int(done.stdout) == derive(7, "init", "0.weight")


def test_a_number_and_its_text_are_different_names():
    assert derive(7, 1) != derive(7, "1")


def test_the_order_of_names_matters():
    assert derive(7, "a", "b") != derive(7, "b", "a")


def test_names_do_not_run_together():
    seeds = {derive(7, "ab"), derive(7, "a", "b"), derive(7, "a\0b"), derive(7, "a'\0'b")}
    assert len(seeds) == 4


def test_the_root_matters():
    assert derive(7, "a") != derive(8, "a")


def test_a_root_may_be_negative():
    assert derive(-1, "a") != derive(1, "a")


@given(st.integers(), names)
def test_a_seed_is_one_that_torch_takes(root, path):
    assert 0 <= derive(root, *path) < 2**63


@given(st.integers(), names, st.integers(), names)
def test_two_purposes_have_two_seeds(root, path, other_root, other_path):
    same = (root, path) == (other_root, other_path)
    assert (derive(root, *path) == derive(other_root, *other_path)) == same


def test_a_generator_draws_the_same_numbers_again():
    draws = [torch.rand(3, generator=generator(7, "data", 2)) for _ in range(2)]
    assert torch.equal(*draws)


def test_a_generator_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    torch.rand(3, generator=generator(7, "data"))
    assert torch.equal(torch.get_rng_state(), before)
