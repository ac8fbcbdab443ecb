"""The tree of errors in ``chainrule.errors`` is the one there is."""

from __future__ import annotations

import pickle
import re

import pytest

import chainrule
from chainrule import compiled, data, errors, nn, statistics, study, train

TREE = dict(re.findall(r"── (\w+\.\w+) .*\(an? (\w+)\)", errors.__doc__))
RAISED = [
    nn.LayerError,
    data.DataError,
    train.FileError,
    train.CompileError,
    compiled.BuildError,
    statistics.StatisticsError,
    study.StudyError,
    study.StoreError,
]


def test_every_error_of_the_package_is_in_the_tree():
    found = set(errors.ChainruleError.__subclasses__())
    assert found == set(RAISED)
    assert len(TREE) == len(RAISED)


@pytest.mark.parametrize("name", TREE)
def test_what_the_tree_says_of_an_error_is_true(name):
    package, _, error = name.partition(".")
    kind = getattr(getattr(chainrule, package, compiled), error)
    assert kind in RAISED
    assert issubclass(kind, __builtins__[TREE[name]])


@pytest.mark.parametrize(
    "error",
    [
        nn.LayerError(nn.Linear(2, 3), "expected (…, 2), got (4, 5)"),
        train.FileError("net.safetensors", "is empty"),
        study.StoreError("runs/a.sqlite", "is locked"),
        data.DataError("what was wrong"),
        compiled.BuildError("what was wrong"),
        train.CompileError("what was wrong"),
        statistics.StatisticsError("what was wrong"),
        study.StudyError("what was wrong"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_a_worker_arrives_whole(error):
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other)) == (type(error), str(error))
