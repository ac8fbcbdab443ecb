"""Outputs without targets: what may be given, and what comes of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chainrule import nn
from chainrule.train import predict, predict_proba


def small_net(dtype: torch.dtype = torch.float32) -> nn.Module:
    layers = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2)
    return nn.Sequential(*layers).initialize(0).to(dtype=dtype)


X = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    "inputs",
    [X.numpy(), X.double().numpy(), X.tolist(), np.asfortranarray(X.numpy())[::1]],
    ids=["float32", "float64", "lists", "columns"],
)
def test_arrays_and_lists_take_the_dtype_of_the_net(inputs, dtype):
    net = small_net(dtype)
    y = predict(net, inputs)
    assert y.dtype == dtype
    assert torch.allclose(y, predict(net, X.to(dtype)), atol=1e-6)


def test_an_array_that_is_only_to_be_read_and_one_that_goes_backwards():
    array = X.numpy().copy()
    array.setflags(write=False)
    assert torch.equal(predict(small_net(), array), predict(small_net(), X))
    assert torch.equal(predict(small_net(), array[::-1].copy()), predict(small_net(), X.flip(0)))


def test_the_mode_is_evaluation_and_then_as_it_was():
    net = small_net()
    net[1].eval()
    assert torch.equal(predict(net, X), predict(net, X))
    assert [module.training for module in net] == [True, False, True, True]
    assert int(net[1].num_batches_tracked.data) == 0


def test_slices_change_nothing(monkeypatch):
    net = small_net()
    whole = predict(net, X)
    monkeypatch.setattr("chainrule.train.inference.SLICE_BYTES", 40)
    assert torch.allclose(predict(net, X), whole, atol=1e-6)
    assert predict(net, X[:0]).shape == (0, 2)


def test_a_cohort_gives_the_outputs_of_each_replica():
    cohort = small_net().replicate(3, [0, 1, 2])
    y = predict(cohort, X.numpy())
    assert torch.allclose(y[1], predict(cohort.replica(1), X), atol=1e-6)


def test_whole_numbers_stay_whole():
    net = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2)).initialize(0)
    assert predict(net, [[0, 4], [1, 2]]).shape == (2, 2)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([["a", "b", "c"]], "expected inputs .N, .* of numbers"),
        ([[1.0, 2.0], [1.0]], "expected inputs .N, .* of numbers"),
        (3.0, "got one number"),
        ([[1.0, 2.0]], "expected input .*3"),
        ([[1, 2, 3]], "expected torch.float32, got torch.int64"),
    ],
    ids=str,
)
def test_what_is_no_input_is_the_nets_own_error(inputs, message):
    with pytest.raises(nn.LayerError, match=message):
        predict(small_net(), inputs)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (nn.CrossEntropyLoss(), lambda y: y.softmax(-1)),
        (nn.SampleWeightedLoss(nn.CrossEntropyLoss()), lambda y: y.softmax(-1)),
        (nn.NLLLoss(), lambda y: y.exp()),
        (nn.BCEWithLogitsLoss(), lambda y: y.sigmoid()),
        (nn.OneHotLoss(nn.BCEWithLogitsLoss()), lambda y: y.sigmoid()),
        (nn.OneHotLoss(nn.BCELoss()), lambda y: y),
    ],
    ids=lambda value: value.label() if isinstance(value, nn.Loss) else "",
)
def test_probabilities_are_what_the_loss_takes_the_outputs_for(loss, expected):
    net = small_net()
    assert torch.equal(predict_proba(net, X, loss), expected(predict(net, X)))


def test_a_loss_of_numbers_gives_no_probabilities():
    with pytest.raises(ValueError, match="trained with MSELoss gives no probabilities; those"):
        predict_proba(small_net(), X, nn.OneHotLoss(nn.MSELoss()))
