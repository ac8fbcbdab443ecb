"""A net with its preparation: saved, loaded, and answering."""

from __future__ import annotations

import json

import pytest
import torch

from chainrule import load, nn, save
from chainrule.data import Arrays, Preprocessor, read_csv
from chainrule.estimators import Predictor
from chainrule.serialization import load_metadata
from chainrule.serialization.safetensors_file import read_file, write_file
from chainrule.train import FileError

ROWS = Arrays(
    "here", torch.rand(30, 2, generator=torch.Generator().manual_seed(3)), ("a", "b", "c") * 10
)


def predictor(loss: str = "CrossEntropyLoss") -> Predictor:
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 3)).initialize(1)
    return Predictor(net, Preprocessor.fit(ROWS, range(30), "classification"), loss)


def test_it_answers_in_evaluation_mode_and_stays_as_it_was():
    one = predictor()
    assert one.predict(ROWS) == one.predict(ROWS)
    assert one.net.training


def test_what_is_saved_answers_the_same(tmp_path):
    path = tmp_path / "net.safetensors"
    one = predictor()
    one.save(path)
    again = Predictor.load(path)
    assert torch.equal(again.outputs(ROWS), one.outputs(ROWS))
    assert again.predict(ROWS) == one.predict(ROWS)
    assert (again.loss, again.target) == ("CrossEntropyLoss", None)
    assert repr(load(path)) == repr(one.net)


def test_a_table_needs_no_more_than_the_file(tmp_path):
    (tmp_path / "t.csv").write_text("x,kind,y\n1,a,2\n2,b,4\n3,a,5\n4,,9\n")
    rows = read_csv(tmp_path / "t.csv")
    prepared = Preprocessor.fit(rows, range(4), "regression", "y")
    one = Predictor(nn.Linear(4, 1).initialize(0), prepared, "MSELoss", "y")
    one.save(tmp_path / "net.safetensors")
    again = Predictor.load(tmp_path / "net.safetensors")
    assert again.predict(rows) == one.predict(rows)
    assert again.target == "y"
    assert again.scores(again.predict(rows), rows) == one.scores(one.predict(rows), rows)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("CrossEntropyLoss", lambda y: y.softmax(-1)),
        ("NLLLoss", torch.exp),
        ("BCEWithLogitsLoss", torch.sigmoid),
        ("BCELoss", lambda y: y),
    ],
)
def test_the_loss_says_what_probabilities_are(loss, expected):
    one = predictor(loss)
    y = one.outputs(ROWS)
    assert torch.allclose(one.probabilities(y), expected(y.double()))


def test_without_probabilities_it_says_so():
    one = predictor("MSELoss")
    with pytest.raises(ValueError, match="trained with MSELoss gives no probabilities; those"):
        one.probabilities(one.outputs(ROWS))


def test_without_targets_there_are_no_scores():
    one = predictor()
    blind = Arrays("there", ROWS.inputs)
    assert one.scores(one.predict(blind), blind) == {}


def test_a_net_alone_does_not_predict(tmp_path):
    save(nn.Linear(2, 2), tmp_path / "net.safetensors")
    assert load_metadata(tmp_path / "net.safetensors") == {}
    with pytest.raises(FileError, match=r"net.safetensors: a net alone: what predicts is a file"):
        Predictor.load(tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["preparation"].pop("mean"),
        lambda about: about["preparation"]["task"].pop("classes"),
        lambda about: about.pop("loss"),
        lambda about: about.update(preparation=[]),
    ],
)
def test_half_of_what_is_needed_is_refused_by_name(change, tmp_path):
    path = tmp_path / "net.safetensors"
    predictor().save(path)
    kind, tensors, header = read_file(path)
    header = json.loads(json.dumps(header))
    change(header["metadata"])
    write_file(path, kind, tensors, header)
    with pytest.raises(FileError, match=r"net.safetensors: does not say how to predict"):
        Predictor.load(path)
