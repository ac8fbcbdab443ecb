"""The glass box shows the gradient that training uses, and what it is made of."""

from __future__ import annotations

import copy

import pytest
import torch

from chainrule.nn import Linear, ReLU
from chainrule.web.playground.catalog import LAYERS, build_catalog
from chainrule.web.playground.glass import explain_layer

ALL = build_catalog()["activations"]
NETS = {
    "plain": [["Linear", 5], "Tanh"],
    "deep": [["Linear", 4], "ReLU", ["Linear", 4], "Sigmoid"],
    "norm": [["Linear", 5], "BatchNorm1d", "Tanh"],
    "layer norm": [["Linear", 5], "LayerNorm", "Tanh"],
    "dropout": [["Linear", 6], "Tanh", ["Dropout", 0.4]],
}


def look(built, path, index):
    found = built.do("weight", path=path, index=index)
    assert found["type"] == "answer", found
    return found


def trained_gradient(side, k, path):
    """That of seed k for the next batch, as its net computes it, in float64."""
    x, target, _ = side.next_batch(k, side.epoch)
    net = copy.deepcopy(side.trainer.net.replica(k)).to(torch.float64).train()
    net.zero_grad()
    y = net(x.double())
    loss = side.loss
    loss(y, target)
    net.backward(loss.backward())
    return dict(net.named_parameters())[path].grad


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("path", "index"), [("0.weight", [2, 1]), ("0.bias", [1])])
def test_the_terms_of_the_samples_sum_to_the_gradient_and_the_difference_agrees(
    page, setting, name, path, index
):
    if name == "norm" and path == "0.bias":
        path = "1.bias"  # a layer before batch normalization has none
    setting["sides"][0]["net"]["layers"] = NETS[name]
    page.do("build", setting=setting)
    page.do("step", epochs=3)
    found = look(page, path, index)
    grad = trained_gradient(page.player.sides[0], 0, path)[tuple(index)].item()
    assert len(found["terms"]) == 20
    assert sum(found["terms"]) == pytest.approx(grad, rel=1e-12, abs=1e-15)
    assert found["grad"] == pytest.approx(grad, rel=1e-12, abs=1e-15)
    assert found["difference"] == pytest.approx(grad, rel=1e-6, abs=1e-6)


def test_a_scale_of_batch_norm_has_terms_of_its_samples_too(page, setting):
    setting["sides"][0]["net"]["layers"] = NETS["norm"]
    page.do("build", setting=setting)
    page.do("step", epochs=3)
    found = look(page, "1.weight", [3])
    assert found["sum"] == pytest.approx(found["grad"], rel=1e-10)
    assert found["difference"] == pytest.approx(found["grad"], abs=1e-6)


def test_a_term_of_a_linear_layer_is_g_times_x(built):
    found = look(built, "2.weight", [1, 3])
    factors = found["factors"]
    products = [g * x for g, x in zip(factors["g"], factors["x"], strict=True)]
    assert products == pytest.approx(found["terms"], rel=1e-12)


def test_a_weight_of_a_convolution_is_explained(page, setting):
    setting["data"] = {"name": "digit_images", "train": 40, "test": 10, "standardize": "all"}
    setting["sides"][0]["net"]["layers"] = [["Conv2d", 2, 5], "Tanh", ["MaxPool2d", 2]]
    page.do("build", setting=setting)
    page.do("step")
    found = look(page, "0.weight", [1, 0, 2, 3])
    assert found["sum"] == pytest.approx(found["grad"], rel=1e-10)
    assert found["difference"] == pytest.approx(found["grad"], abs=1e-6)


IMAGES = [["Conv2d", 2, 3], "BatchNorm2d", "ReLU", ["MaxPool2d", 2], ["Dropout", 0.3]]
IMAGES += [
    ["Conv2d", 2, 3],
    "GELU",
    ["AvgPool2d", 2],
    "Flatten",
    ["Linear", 4],
    "LayerNorm",
    "BatchNorm1d",
]


def test_every_layer_that_is_offered_is_explained(page, setting):
    """A weight of each parameter: its terms sum to its gradient, which the difference confirms."""
    setting["data"] = {"name": "digit_images", "train": 40, "test": 10, "standardize": "all"}
    setting["sides"][0]["net"]["layers"] = IMAGES
    chosen = {layer if isinstance(layer, str) else layer[0] for layer in IMAGES}
    assert {*LAYERS} <= chosen
    page.do("build", setting=setting)
    page.do("step")
    for path, parameter in page.player.sides[0].trainer.net.replica(1).named_parameters():
        found = look(page, path, [0] * parameter.data.dim())
        assert found["sum"] == pytest.approx(found["grad"], rel=1e-9, abs=1e-12), path
        assert found["difference"] == pytest.approx(found["grad"], rel=1e-6, abs=1e-6), path


@pytest.mark.parametrize("activation", [name for name in ALL if name not in ("ReLU", "Tanh")])
def test_a_weight_before_every_activation_is_explained(page, setting, activation):
    setting["sides"][0]["net"]["layers"] = [["Linear", 5], activation]
    page.do("build", setting=setting)
    found = look(page, "0.weight", [1, 0])
    assert found["sum"] == pytest.approx(found["grad"], rel=1e-9, abs=1e-12)
    assert found["difference"] == pytest.approx(found["grad"], rel=1e-6, abs=1e-6)


def test_looking_changes_nothing(built):
    before = copy.deepcopy(built.player.sides[0].trainer.net.state_dict())
    look(built, "0.weight", [0, 0])
    built.do("unit", path="1", unit=2)
    after = built.player.sides[0].trainer.net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_layer_is_shown_as_it_is_written():
    found = explain_layer(ReLU())
    assert found["formula"].startswith("y = max(x, 0)")
    assert found["sources"][0]["source"].startswith("@final\nclass ReLU") or (
        "class ReLU" in found["sources"][0]["source"]
    )
    assert found["derivation"] == "activations"


def test_where_forward_is_inherited_its_class_is_shown_too():
    sources = explain_layer(Linear(2, 3))["sources"]
    assert "def forward" in sources[-1]["source"]


def test_a_unit_has_its_map_over_the_plane(built):
    found = built.do("unit", path="1", unit=4)
    assert found["map"]["size"] == 50
    assert found["weights"]["columns"] == 2


def test_a_unit_of_digits_has_the_image_of_its_weights_and_what_moves_it_most(page, setting):
    setting["data"] = {"name": "digit_images", "train": 40, "test": 10, "standardize": "all"}
    page.do("build", setting=setting)
    found = page.do("unit", path="2", unit=4)
    assert (found["weights"]["rows"], found["weights"]["columns"]) == (28, 28)
    assert len(found["images"]) == 12


def test_a_channel_of_a_convolution_has_its_kernels(page, setting):
    setting["data"] = {"name": "digit_images", "train": 40, "test": 10, "standardize": "all"}
    setting["sides"][0]["net"]["layers"] = [["Conv2d", 2, 5], "Tanh", ["Conv2d", 3, 3]]
    page.do("build", setting=setting)
    found = page.do("unit", path="2", unit=2)["weights"]
    assert (found["rows"], found["columns"], found["shape"]) == (6, 3, [2, 3, 3])


def test_a_unit_of_what_has_no_weights_before_it_has_none(page, setting):
    setting["sides"][0]["net"]["layers"] = ["Tanh"]
    page.do("build", setting=setting)
    assert page.do("unit", path="0", unit=1)["weights"] is None
