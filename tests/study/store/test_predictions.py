"""What nets say of each sample, kept beside the rows of any kind of store."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainrule.study import StoreError, open_store
from chainrule.study.store.predictions import (
    Predictions,
    decode_predictions,
    encode_predictions,
)
from tests.study.store.rows import DECLARATION, PROVENANCE, row


def made(n: int = 5) -> Predictions:
    draw = np.random.default_rng(n)
    return Predictions(
        outputs={
            "main": draw.normal(size=(n, 3)).astype(np.float32),
            "aux": (draw.normal(size=n),),
        },
        targets=draw.integers(3, size=n),
        scores={"accuracy": draw.integers(2, size=n).astype(float), "own": np.full(n, np.nan)},
        samples=draw.integers(-(2**63), 2**63 - 1, size=(n, 2)),
        unit=2.5,
    )


def with_predictions(r: int, n: int = 5, **changes):
    return replace(row(r), predictions=encode_predictions(made(n)), **changes)


def assert_equal(found: Predictions, expected: Predictions) -> None:
    np.testing.assert_array_equal(found.outputs["main"], expected.outputs["main"])
    np.testing.assert_array_equal(found.outputs["aux"][0], expected.outputs["aux"][0])
    np.testing.assert_array_equal(found.targets, expected.targets)
    np.testing.assert_array_equal(found.samples, expected.samples)
    assert found.scores.keys() == expected.scores.keys()
    for name in found.scores:
        np.testing.assert_array_equal(found.scores[name], expected.scores[name])
    assert found.unit == expected.unit


@pytest.mark.parametrize("n", [0, 1, 40])
def test_they_come_back_as_they_were(n):
    found = decode_predictions(encode_predictions(made(n)))
    assert_equal(found, made(n))
    assert found.outputs["main"].dtype == np.float32
    assert len(found) == n


def test_the_same_predictions_have_the_same_bytes():
    assert encode_predictions(made()) == encode_predictions(made())


def test_a_store_hands_them_back_by_arm_and_stage(where):
    with open_store(where) as store:
        study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
        store.add(study, [with_predictions(1, 4), with_predictions(0, 3), row(3)])
        store.add(study, [with_predictions(0, 7, stage="search"), with_predictions(0, arm="conv")])
    with open_store(where, read_only=True) as store:
        found = store.predictions(study, arm="mlp", stage="final")
        assert [(key.arm, key.round) for key in found] == [("mlp", 0), ("mlp", 1)]
        for one, n in zip(found.values(), (3, 4), strict=True):
            assert_equal(one, made(n))
        assert len(store.predictions(study)) == 4


def test_rows_are_read_without_them_and_say_that_they_are_there(store):
    study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
    store.add(study, [with_predictions(0), row(1)])
    first, second = store.rows(study, curves=True)
    assert first.predictions == second.predictions == b""
    assert first.predictions_digest
    assert not second.predictions_digest


def test_the_first_of_two_rows_keeps_its_own(store):
    study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
    store.add(study, [with_predictions(0, 3)])
    store.add(study, [with_predictions(0, 4), with_predictions(1, 6)])
    assert [len(one) for one in store.predictions(study).values()] == [3, 6]


def test_they_go_with_their_study(store):
    ids = [store.open_study("pairs", d, DECLARATION, PROVENANCE).id for d in ("abc", "def")]
    for number, n in zip(ids, (3, 4), strict=True):
        store.add(number, [with_predictions(0, n)])
    store.remove(ids[0])
    assert [len(one) for one in store.predictions(ids[1]).values()] == [4]
    [[left]] = store.fetch_all("SELECT count(*) FROM prediction")
    assert left == 1


@pytest.mark.parametrize("sql", ["DELETE FROM prediction", "UPDATE prediction SET data = curve"])
def test_lost_and_changed_ones_are_found(sql, store):
    study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
    store.add(study, [with_predictions(0)])
    with store.transaction(write=True):
        store.execute_many(sql.replace("curve", "(SELECT data FROM curve)"), [{}])
    assert store.rows(study)
    with pytest.raises(
        StoreError, match=r"the predictions of the row .* do not match their digest"
    ):
        store.predictions(study)
