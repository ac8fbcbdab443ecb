"""A name or an argument that is wrong is said in a sentence, with what was probably meant."""

from __future__ import annotations

import pytest

from chainrule.recipes.component import Component, build_component
from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import component_names, resolve_callable

NAMES = {
    "case": ("optimizer", "adam", "Adam"),
    "beginning": ("init", "He", "HeNormal"),
    "loss": ("loss", "CrossEntropy", "CrossEntropyLoss"),
    "metric": ("metric", "Acuracy", "Accuracy"),
    "schedule": ("schedule", "Cosine", "CosineAnnealingLR"),
    "net": ("net", "plane_nt", "plane_net"),
    "data": ("data", "disk", "disk_points"),
    "trainer": ("trainer", "Train", "Trainer"),
}


@pytest.mark.parametrize(("kind", "given", "meant"), NAMES.values(), ids=[*NAMES])
def test_an_unknown_name_gets_a_near_one(kind, given, meant):
    with pytest.raises(StudyError, match=rf"{kind} '{given}' is not known; did you mean '{meant}'"):
        resolve_callable(kind, given)


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("loss", "ReLU"),
        ("loss", "Accuracy"),
        ("metric", "MSELoss"),
        ("metric", "Trainer"),
        ("optimizer", "Optimizer"),
        ("optimizer", "StepLR"),
        ("schedule", "LRScheduler"),
        ("init", "calculate_gain"),
        ("net", "class_loss"),
        ("trainer", "History"),
        ("augment", "read_csv"),
    ],
)
def test_a_kind_has_none_of_another(kind, other):
    assert other not in component_names(kind)
    with pytest.raises(StudyError, match=f"{kind} '{other}' is not known"):
        resolve_callable(kind, other)


def test_a_name_of_another_kind_is_said_to_be_one():
    with pytest.raises(StudyError, match="loss 'Accuracy' is not known, but metric 'Accuracy' is;"):
        resolve_callable("loss", "Accuracy")


def test_a_name_in_a_module_gets_a_near_one():
    with pytest.raises(StudyError, match="has no function 'plane_ne'; did you mean 'plane_net'"):
        resolve_callable("net", "chainrule.zoo:plane_ne")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("broken_nets", "def net(:\n", "SyntaxError"),
        ("script_nets", "import sys\nsys.exit(2)", r"sys\.exit\(2\): put what a script does below"),
    ],
)
def test_a_module_that_fails_is_said(tmp_path, monkeypatch, name, text, said):
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StudyError, match=rf"net '{name}:net': cannot import .*{said}"):
        resolve_callable("net", f"{name}:net")


WRONG = {
    "near": (
        "net",
        {"name": "plane_net", "layer": 3},
        "no argument 'layer'; did you mean 'layers'",
    ),
    "list": ("net", {"name": "plane_net", "layer": 3}, "it takes hidden, layers, activation"),
    "long for short": ("net", {"name": "table_net", "n_hidden": 3}, "did you mean 'hidden'"),
    "who has it": ("optimizer", {"name": "Adam", "momentum": 0.9}, "RMSprop, SGD have it"),
    "initials": ("optimizer", {"name": "SGD", "learning_rate": 1}, "did you mean 'lr'"),
    "missing": ("schedule", {"name": "StepLR"}, "argument 'step_size' is missing; it takes"),
    "negative": ("net", {"name": "plane_net", "hidden": -1}, "hidden: .* 0 or more, got -1"),
    "fraction": ("net", {"name": "plane_net", "layers": 1.5}, "layers: .*whole number, got 1.5"),
    "text": ("net", {"name": "plane_net", "hidden": "ten"}, "whole number, got 'ten'"),
    "bool": ("net", {"name": "plane_net", "hidden": True}, "whole number, got True"),
    "flag": ("net", {"name": "plane_net", "norm": 1}, "norm: expected true or false, got 1"),
    "activation": ("net", {"name": "plane_net", "activation": "relu"}, "did you mean 'ReLU'"),
    "no activation": (
        "net",
        {"name": "digit_net", "activation": "MSELoss"},
        "there are: CELU, ELU, Exp, GELU",
    ),
    "loss in a loss": ("loss", {"name": "class_loss", "loss": "MSE"}, "did you mean 'MSELoss'"),
    "list for one": ("init", {"name": "Normal", "std": [1]}, r"init Normal\(std=\[1\]\): "),
    "weights": ("loss", {"name": "BCELoss", "weight": "a"}, "weight: expected a list of numbers"),
    "list of the wrong length": ("optimizer", {"name": "Adam", "betas": [0.9]}, "a list of 2 num"),
    "one of two words": (
        "schedule",
        {"name": "ReduceLROnPlateau", "mode": "mix"},
        "'min' or 'max'",
    ),
    "layers of a lifetime": ("net", {"name": "table_net", "layers": 10**9}, "from 0 to 1,000"),
    "less than none": ("loss", {"name": "NLLLoss", "weight": [-1]}, "numbers of at least 0"),
}


@pytest.mark.parametrize(("kind", "part", "message"), WRONG.values(), ids=[*WRONG])
def test_a_wrong_argument_is_a_sentence_that_names_the_part(kind, part, message):
    given = [None] if kind in ("schedule", "optimizer") else []
    with pytest.raises(StudyError, match=message) as caught:
        build_component(kind, Component(**part), *given)
    assert str(caught.value).startswith(f"{kind} {part['name']}(")


def test_whatever_a_constructor_raises_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "odd_nets.py").write_text("def net(depth):\n    return {}[depth]\n")
    monkeypatch.syspath_prepend(tmp_path)
    part = Component(name="odd_nets:net", depth=3)
    with pytest.raises(
        StudyError, match=r"net odd_nets:net\(depth=3\): KeyError: 3; it takes depth"
    ):
        build_component("net", part)


def test_a_function_of_data_that_does_not_take_the_seed_first_is_told(tmp_path, monkeypatch):
    (tmp_path / "odd_data.py").write_text("def data(train, seed):\n    return train, seed\n")
    monkeypatch.syspath_prepend(tmp_path)
    said = r"'train' stands first, where a study gives the seed of a round: write it after that"
    with pytest.raises(StudyError, match=said):
        build_component("data", Component(name="odd_data:data", train=3), 7)


def test_weights_may_be_a_list():
    loss = build_component("loss", Component(name="CrossEntropyLoss", weight=[1, 17.5]))
    assert loss.weight.tolist() == [1.0, 17.5]
