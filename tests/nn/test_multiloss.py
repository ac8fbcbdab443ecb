"""The weighted sum of losses, one a head."""

from __future__ import annotations

from math import inf, nan

import pytest
import torch

from chainrule import gradcheck
from chainrule.nn import CrossEntropyLoss, GaussianNLLLoss, L1Loss, LayerError, MSELoss, MultiLoss
from tests.nn.cases import odd


def make(weights=None) -> MultiLoss:
    return MultiLoss({"main": CrossEntropyLoss(), "first": MSELoss()}, weights)


def batch(*lead: int) -> tuple[dict, dict]:
    o = {"main": odd(*lead, 4, 3), "first": odd(*lead, 4, 2, seed=1)}
    main = torch.arange(4 * len(o["main"]) if lead else 4).remainder(3)
    t = {"main": main.reshape(*lead, 4), "first": 0.7 * odd(*lead, 4, 2, seed=2)}
    return o, t


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_is_the_weighted_sum():
    loss, (o, t) = make({"first": 0.5}), batch()
    main, first = CrossEntropyLoss(), MSELoss()
    expected = main(o["main"], t["main"]) + 0.5 * first(o["first"], t["first"])
    torch.testing.assert_close(loss(o, t), expected, rtol=1e-14, atol=0)
    gradient = loss.backward()
    torch.testing.assert_close(gradient["main"], main.backward())
    torch.testing.assert_close(gradient["first"], first.backward(0.5))


def test_values_are_not_weighted():
    loss, (o, t) = make({"main": 3.0, "first": 0.0}), batch()
    loss(o, t)
    main, first = CrossEntropyLoss()(o["main"], t["main"]), MSELoss()(o["first"], t["first"])
    assert same(loss.values, {"main": main, "first": first})


def test_its_gradient_agrees_with_finite_differences():
    report = gradcheck(make({"main": 2.0, "first": -0.3}), *batch())
    assert report, report


def test_backward_takes_a_number():
    loss, (o, t) = make({"first": 0.5}), batch()
    loss(o, t)
    once = loss.backward()
    loss(o, t)
    assert same(loss.backward(2), {name: 2 * g for name, g in once.items()})


@pytest.mark.parametrize("weight", [0, 0.0, torch.tensor(0.0)])
@pytest.mark.parametrize("value", [1.0, nan, inf])
def test_a_head_of_weight_0_changes_nothing(weight, value):
    o, t = batch()
    alone = MultiLoss({"main": CrossEntropyLoss()})
    expected, gradient = alone({"main": o["main"]}, t), alone.backward()
    loss = make({"first": weight})
    o["first"][0] = value
    assert torch.equal(loss(o, t), expected)
    assert same(loss.backward(), {**gradient, "first": torch.zeros(4, 2, dtype=torch.float64)})


def test_a_head_of_weight_0_with_a_pair_of_gradients():
    loss = MultiLoss({"a": GaussianNLLLoss()}, {"a": 0.0})
    assert loss({"a": (torch.tensor([nan]), torch.ones(1))}, {"a": torch.ones(1)}) == 0
    assert [d.tolist() for d in loss.backward()["a"]] == [[0.0], [0.0]]


def test_a_head_of_weight_1_shows_its_nan():
    loss, (o, t) = make(), batch()
    o["first"][0] = nan
    assert loss(o, t).isnan()
    gradient = loss.backward()
    assert gradient["first"].isnan().any()
    assert gradient["main"].isfinite().all()


def test_a_cohort_has_its_own_weights():
    K, weights = 3, torch.tensor([0.0, 0.5, 2.0])
    loss, (o, t) = make({"main": 0.5, "first": weights}).replicate(K), batch(K)
    o["first"][0] = nan
    value, gradient = loss(o, t), loss.backward()
    assert value.shape == (K,)
    for k in range(K):
        alone = make({"main": 0.5, "first": weights[k].item()})
        pick = [{name: x[k] for name, x in d.items()} for d in (o, t)]
        torch.testing.assert_close(alone(*pick), value[k], rtol=1e-12, atol=0)
        for name, g in alone.backward().items():
            torch.testing.assert_close(g, gradient[name][k], rtol=1e-12, atol=1e-15)


def test_replicate_leaves_the_original_alone():
    loss = make()
    cohort = loss.replicate(2)
    assert [part.replicas for part in (loss, *loss.losses.values())] == [None] * 3
    assert [part.replicas for part in (cohort, *cohort.losses.values())] == [2] * 3
    cohort.weights["first"] = 0.1
    assert loss.weights["first"] == 1.0


def test_a_multiloss_of_multilosses():
    o, t = batch()
    nested = MultiLoss({"a": make({"first": 0.5}), "b": L1Loss()}, {"a": 2.0, "b": 0.0})
    value = nested({"a": o, "b": o["first"]}, {"a": t, "b": t["first"]})
    inner = make({"first": 0.5})
    assert value == 2 * inner(o, t)
    expected, gradient = inner.backward(2), nested.backward()
    assert same(gradient["a"], expected)
    assert not gradient["b"].any()


def test_targets_without_a_loss_are_ignored():
    loss, (o, t) = make(), batch()
    expected = loss(o, t)
    assert loss(o, {**t, "other": None}) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda o, t: o.pop("first"),
            r"expected outputs for 'main', 'first', got \{'main': \(4, 3\)\}",
        ),
        (lambda o, t: t.pop("main"), r"expected targets for 'main', 'first', got \{'first'"),
        (lambda o, t: o.update(more=odd(4)), r"for 'main', 'first' alone, got \['more'\] besides"),
        (
            lambda o, t: t.update(first=odd(4)),
            r"^MultiLoss\['first'\] MSELoss\(\): expected target \(4, 2\), got \(4,\)",
        ),
    ],
)
def test_wrong_names_and_shapes(change, message):
    o, t = batch()
    change(o, t)
    with pytest.raises(LayerError, match=message):
        make()(o, t)


def test_one_tensor_for_a_dict():
    with pytest.raises(LayerError, match=r"expected outputs for 'main', 'first', got \(2,\)"):
        make()(odd(2), {})


def test_a_weight_of_another_shape():
    loss = make({"first": torch.ones(3)})
    with pytest.raises(LayerError, match=r"weight 'first' .* tensor \(\), got \(3,\)"):
        loss(*batch())
    with pytest.raises(LayerError, match=r"weight 'first' .* tensor \(2,\), got \(3,\)"):
        loss.replicate(2)(*batch(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({},), "at least one loss"),
        (({"a": MSELoss()}, {"b": 1.0}), r"no loss for the weights of \['b'\]; losses: \['a'\]"),
        (({"a": MSELoss("none")},), r"reduced, got 'a': MSELoss\(reduction='none'\)"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MultiLoss(*arguments)


def test_label_shows_the_parts():
    assert repr(MultiLoss({"a": MSELoss()}, {"a": torch.ones(2)})) == (
        "MultiLoss({'a': MSELoss()}, weights={'a': tensor(2,)})"
    )
