"""Models that begin with the samples as they were read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnxruntime

from chainrule import nn
from chainrule.data import Dataset, read_data, standardize
from chainrule.estimators import DataSplit, Predictor
from chainrule.interop.onnx import build_model

ROWS = [
    *[
        f"{i * 1000},{'red' if i % 3 else 'blue'},{'' if i % 7 == 2 else i % 5},{i}"
        for i in range(40)
    ]
]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,color,b,target\n" + "\n".join(ROWS))
    return read_data(path)[0]


def make_predictor(table, kind: str) -> Predictor:
    preprocessor = DataSplit.make(table, "target", kind).preprocessor
    shape, outputs = preprocessor.shape, preprocessor.task.outputs
    net = nn.Sequential(nn.Linear(*shape, 8), nn.Tanh(), nn.Linear(8, outputs)).initialize(0)
    loss = "MSELoss" if kind == "regression" else "CrossEntropyLoss"
    return Predictor(net, preprocessor, loss, "target")


def run(model, inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return torch.from_numpy(session.run(None, inputs)[0])


def columns_of(table) -> dict[str, np.ndarray]:
    found = {}
    for name in ("a", "color", "b"):
        cells = table[name]
        is_text = name == "color"
        values = cells if is_text else [float(cell) if cell else float("nan") for cell in cells]
        found[name] = np.array(values, dtype=object if is_text else np.float32).reshape(-1, 1)
    return found


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_the_columns_of_a_table_are_the_inputs(table, kind):
    predictor = make_predictor(table, kind)
    model = build_model(predictor.net, preprocessing=predictor.preprocessor)
    assert [i.name for i in model.graph.input] == ["a", "color", "b"]
    y = run(model, columns_of(table))
    if kind == "regression":
        expected = torch.tensor(predictor.predict(table)).unsqueeze(1)
        assert torch.allclose(y.double(), expected.double(), rtol=1e-5, atol=1e-4)
    else:
        assert torch.allclose(y, predictor.outputs(table), rtol=1e-5, atol=1e-5)


def test_a_level_that_is_not_known_is_none_of_them(table):
    predictor = make_predictor(table, "classification")
    model = build_model(predictor.net, preprocessing=predictor.preprocessor)
    inputs = columns_of(table)
    inputs["color"][:] = "green"
    x = predictor.preprocessor.columns.encode_inputs(table)
    names = predictor.preprocessor.columns.features
    x[:, [i for i, name in enumerate(names) if name.startswith("color")]] = 0
    with torch.no_grad():
        expected = predictor.net(predictor.preprocessor.scale(x))
    assert torch.allclose(run(model, inputs), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("per", ["feature", "all"])
def test_a_standardizer_is_the_first_thing(per):
    x = torch.randn(20, 1, 4, 5, generator=torch.Generator().manual_seed(0)) * 3 + 10_000
    x[:, 0, 0, 0] = 7  # never changes
    (data,), scale = standardize(Dataset(x, x), per=per)
    net = nn.Sequential(nn.Flatten(), nn.Linear(20, 2)).initialize(0)
    model = build_model(net, x, preprocessing=scale)
    assert torch.allclose(run(model, {"input": x.numpy()}), net(data.inputs), rtol=1e-4, atol=1e-4)


def test_a_standardizer_of_replicas_is_refused():
    x = torch.randn(3, 20, 4)
    _, scale = standardize(Dataset(x, x, replicas=3))
    with pytest.raises(ValueError, match="that of 3 replicas"):
        build_model(nn.Linear(4, 2), x[0], preprocessing=scale)
