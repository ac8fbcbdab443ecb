"""A predictor's file that was forged, its digest right: a FileError, or answers; nothing else."""

from __future__ import annotations

import itertools
import random

import pytest

from chainrule import estimators
from chainrule.serialization.safetensors_file import read_file, write_file
from chainrule.train import FileError
from tests.readable import check_readable
from tests.serialization.test_headers import find_places, forge

OTHERS = [None, True, -1, 1.5, "text", [], {}, [None], ["a", "b"], {"text": None}, 1e300, 3]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    rows = [f"{i * i % 7},{'ab'[i % 2]},{'XYZ'[i % 3]},{i * 13 % 17}.5" for i in range(48)]
    path.write_text("\n".join(["size,town,kind,price", *rows]))
    return estimators.load_data(str(path))[0]


@pytest.fixture(scope="module", params=["kind", "price"])
def saved(request, table, tmp_path_factory):
    split = estimators.DataSplit.make(table, request.param)
    trainer = estimators.build_trainer(estimators.build_recipe("table_net", split.kind), split)
    predictor, _ = estimators.fit_predictor(trainer, split, epochs=1, patience=1, progress=False)
    path = tmp_path_factory.mktemp("predictor") / "saved"
    predictor.save(path)
    return path


def try_to_predict(path, table):
    try:
        predictor = estimators.Predictor.load(path)
    except FileError as error:
        check_readable(str(error))
        return
    known = {column.name for column in predictor.preprocessor.columns.inputs}
    if known <= {*table.columns} and predictor.target in table.columns:
        outputs = predictor.outputs(table)
        answers = predictor.preprocessor.task.decode(outputs)
        assert len(answers) == len(table)
        assert predictor.scores(answers[:0], table.subset([])) == {}


def check_forged(saved, table, folder, number):
    kind, tensors, header = read_file(saved)
    places = [place for place in find_places(header) if place[0] == "metadata"]
    changes = [*itertools.product(places, (..., *OTHERS))]
    for place, value in random.Random(0).sample(changes, min(number, len(changes))):
        write_file(folder / "forged", kind, tensors, forge(header, place, value))
        try_to_predict(folder / "forged", table)


def test_what_was_saved_predicts(saved, table):
    assert len(estimators.Predictor.load(saved).predict(table)) == len(table)


def test_each_field_gone_or_of_another_kind(saved, table, tmp_path):
    check_forged(saved, table, tmp_path, 80)


@pytest.mark.slow
def test_every_field_gone_or_of_another_kind(saved, table, tmp_path):
    check_forged(saved, table, tmp_path, 10_000)


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        (("target",), "size", "target"),
        (("loss",), ..., "loss"),
        (("preparation", "shape"), [5], "preparation: mean: expected 5 numbers, got 6"),
        (
            ("preparation", "task", "std"),
            0.0,
            r"preparation\.task\.std: expected more than 0, got 0\.0",
        ),
        (("preparation", "columns", "inputs", 0, "name"), 3, "preparation.columns.inputs.0"),
    ],
)
def test_the_error_names_file_and_field(table, tmp_path, place, value, field):
    split = estimators.DataSplit.make(table, "price")
    trainer = estimators.build_trainer(estimators.build_recipe("table_net", split.kind), split)
    predictor, _ = estimators.fit_predictor(trainer, split, epochs=1, patience=1, progress=False)
    predictor.save(tmp_path / "saved")
    kind, tensors, header = read_file(tmp_path / "saved")
    write_file(tmp_path / "forged", kind, tensors, forge(header, ("metadata", *place), value))
    with pytest.raises(FileError, match=f"forged: does not say how to predict: {field}"):
        estimators.Predictor.load(tmp_path / "forged")
