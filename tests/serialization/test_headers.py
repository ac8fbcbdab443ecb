"""A forged header, its digest right: a FileError or a load that is right, and nothing else."""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
import operator
import random

import pytest
import torch

import chainrule
from chainrule import nn, optim
from chainrule.data import disk
from chainrule.optim import lr_scheduler
from chainrule.serialization.safetensors_file import read_file, write_file
from chainrule.train import EarlyStopping, FileError, Trainer, load
from tests.nn.test_conformance import CASES
from tests.readable import check_readable

OTHERS = [None, True, -1, 1.5, "text", [], {}, [None], {"text": None}, ["a", "b"], 1e300]
OTHERS += [{"again": 5}, {"tensor": "x"}, {"dict": 3}, {"list": [{}]}, {"module": 3}, "x" * 5000]


def build() -> Trainer:
    net = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).initialize(0)
    optimizer = optim.Adam(net)
    return Trainer(
        net,
        nn.CrossEntropyLoss(),
        optimizer,
        scheduler=lr_scheduler.ExponentialLR(optimizer, 0.9),
        callbacks=[EarlyStopping("train_loss")],
        batch_size=20,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("training") / "training"
    trainer = build()
    trainer.fit(disk(40, seed=0), epochs=1)
    trainer.save(path)
    return path


def find_places(value, place=()):
    """The place of each field of nested dicts and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items if isinstance(value, dict | list) else ():
        yield (*place, key)
        if isinstance(item, dict | list):
            yield from find_places(item, (*place, key))


def reach(header, place):
    """The value at this place; None where there is none."""
    with contextlib.suppress(LookupError, TypeError):
        return functools.reduce(operator.getitem, place, header)


def forge(header, place, value):
    """The header with another value at this place; without the field for ``...``."""
    header = copy.deepcopy(header)
    inner = header
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return header


def try_to_load(path) -> None:
    trainer = build()
    before = {name: t.clone() for name, t in trainer.net.state_dict().items()}
    try:
        trainer.load(path)
        trainer.fit(disk(40, seed=0), epochs=trainer.epoch + 1, progress=False)
    except FileError as error:
        check_readable(str(error))
        now = trainer.net.state_dict()
        assert all(torch.equal(t, now[name]) for name, t in before.items())
    with refused():
        load(path)


@contextlib.contextmanager
def refused():
    """In here a FileError in words is right too."""
    try:
        yield
    except FileError as error:
        check_readable(str(error))


def check_forged_headers(saved, folder, number):
    kind, tensors, header = read_file(saved)
    changes = [
        change
        for change in itertools.product(find_places(header), (..., *OTHERS))
        if change[0][0] != "trainer" or change[1] != 1e300  # an epoch of that number is one
    ]
    for place, value in random.Random(0).sample(changes, number):
        write_file(folder / "forged", kind, tensors, forge(header, place, value))
        try_to_load(folder / "forged")


def test_each_field_gone_or_of_another_kind(saved, tmp_path):
    check_forged_headers(saved, tmp_path, 100)


@pytest.mark.slow
def test_many_fields_gone_or_of_another_kind(saved, tmp_path):
    check_forged_headers(saved, tmp_path, 1500)


def change_tensors(tensors, draw):
    """One tensor less, one more, or one of another name, dtype, shape or number of axes."""
    changed, name = dict(tensors), draw.choice([*tensors])
    t = changed.pop(name)
    change = draw.randrange(6)
    if change == 1:
        changed[f"{name}x"] = t
    elif change == 2:
        changed |= {name: t, "net.extra": torch.ones(2)}
    elif change == 3:
        kinds = [torch.float64, torch.int64, torch.bfloat16, torch.bool, torch.uint8]
        changed[name] = t.to(draw.choice([kind for kind in kinds if kind != t.dtype]))
    elif change == 4:
        changed[name] = torch.cat([t.reshape(-1)] * 2)
    elif change == 5:
        changed[name] = t.unsqueeze(0)
    return changed


@pytest.mark.parametrize("seed", range(60))
def test_tensors_that_are_not_those_saved_are_refused_or_not_needed(seed, saved, tmp_path):
    kind, tensors, header = read_file(saved)
    write_file(tmp_path / "forged", kind, change_tensors(tensors, random.Random(seed)), header)
    try_to_load(tmp_path / "forged")


def test_rates_for_another_number_of_groups_are_refused(saved, tmp_path):
    kind, tensors, header = read_file(saved)
    places = {(*place[:-1], 1, "list") for place in find_places(header)}
    [place] = [p for p in places if reach(header, (*p[:-2], 0)) == "base_lrs"]
    write_file(tmp_path / "forged", kind, tensors, forge(header, place, []))
    with pytest.raises(FileError, match=r"scheduler\.base_lrs: expected 1 value, got 0"):
        build().load(tmp_path / "forged")


@pytest.mark.parametrize("field", ["architecture", "modes", "config", "trainer", "rng_state"])
def test_the_error_names_file_and_field(field, saved, tmp_path):
    kind, tensors, header = read_file(saved)
    write_file(tmp_path / "forged", kind, tensors, forge(header, (field,), ...))
    with pytest.raises(FileError, match=f"forged: does not describe a training: {field}"):
        build().load(tmp_path / "forged")


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.bfloat16])
def test_a_tensor_of_another_dtype_is_named(dtype, saved, tmp_path):
    kind, tensors, header = read_file(saved)
    name = "net.2.weight"
    write_file(tmp_path / "forged", kind, {**tensors, name: tensors[name].to(dtype)}, header)
    for use in (load, build().load):
        with pytest.raises(FileError, match=r"2\.weight: expected torch.float32"):
            use(tmp_path / "forged")


LAYERS = {case.name.partition("(")[0]: case for case in CASES if not case.integer}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_other_arguments_is_refused_when_it_is_read_or_says_why_it_does_not_run(
    name, tmp_path
):
    case, path = LAYERS[name], tmp_path / "forged"
    try:
        chainrule.save(case.make(), path)
    except ValueError:  # one that is not of chainrule.nn
        return
    kind, tensors, header = read_file(path)
    places = [place for place in find_places(header) if "arguments" in place[:-1]]
    others = [*OTHERS, 10**30, 1e30, 0, 3, [1, 2], [2.5, 1], [[1]], "same"]
    changes = [*itertools.product(places, (..., *others))]
    for place, value in random.Random(name).sample(changes, min(25, len(changes))):
        write_file(path, kind, tensors, forge(header, place, value))
        with refused():
            net = load(path).to(dtype=torch.float64)
            with contextlib.suppress(nn.LayerError):
                net(case.x())
