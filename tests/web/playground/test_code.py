"""The code that a page shows computes the page's numbers; its study is one that runs."""

from __future__ import annotations

import sys

import pytest
import torch

from chainrule.cli import main
from chainrule.study import Study
from chainrule.web.playground.catalog import START, build_catalog

OTHERS = {
    "as it begins": {},
    "init": {"init": "HeNormal"},
    "loss of vectors": {"loss": "MSELoss", "clip_norm": 0.5},
    "layers": {
        "net": {
            "name": "sequential_net",
            "layers": [["Linear", 6], "BatchNorm1d", "ReLU", ["Dropout", 0.25]],
        }
    },
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_code_trains_to_the_same_numbers(page, setting, name):
    setting["sides"].append({**setting["sides"][0], **OTHERS[name]})
    page.do("build", setting=setting)
    page.do("step", epochs=3)
    names: dict[str, object] = {}
    exec(page.do("code")["python"], names)
    for label, side in zip(("first", "second"), page.player.sides, strict=True):
        history = names[f"history_{label}"]
        for curve in ("train_loss", "test_loss", "test_accuracy"):
            assert torch.equal(history[curve], side.trainer.history[curve])


def test_the_study_compares_the_two_over_thirty_rounds(page, setting):
    setting["sides"].append({**setting["sides"][0], "init": "Zeros"})
    page.do("build", setting=setting)
    page.do("step", epochs=3)
    study = Study.from_toml(page.do("code")["toml"])
    assert (study.rounds, study.epochs) == (30, 3)
    first, second = study.all_arms
    assert first.recipe.init is None
    assert second.recipe.init.name == "Zeros"
    assert first.recipe.net == second.recipe.net


ROWS = "a,b,y,answer\n" + "".join(
    f"{i},{i % 7},{2 * i},{'yes' if i % 3 else 'no'}\n" for i in range(60)
)


def use_table(setting, folder, target):
    """The setting with the rows of a file, of which it tells a number or a class."""
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    data = {"name": "table", "csv": "rows.csv", "target": target, "standardize": "feature"}
    is_number = target == "y"
    setting["data"] = {**data, "missing": "median", "standardize_target": is_number}
    if is_number:
        setting["sides"][0]["loss"] = "MSELoss"
    return setting


@pytest.mark.parametrize("target", ["y", "answer"])
def test_a_file_of_ones_own_is_learned_from_code_to_the_same_numbers(
    page, setting, tmp_path, monkeypatch, target
):
    monkeypatch.chdir(tmp_path)
    page.do("build", setting=use_table(setting, tmp_path, target))
    page.do("step", epochs=2)
    names: dict[str, object] = {}
    exec(page.do("code")["python"], names)
    history = page.player.sides[0].trainer.history
    assert torch.equal(names["history_one"]["test_loss"], history["test_loss"])


@pytest.mark.parametrize("data", ["plane", "y", "answer"])
def test_check_study_finds_nothing_wrong_with_the_study(
    page, setting, tmp_path, monkeypatch, capfd, data
):
    monkeypatch.chdir(tmp_path)
    setting = setting if data == "plane" else use_table(setting, tmp_path, data)
    setting["sides"].append({**setting["sides"][0], "init": "HeNormal"})
    page.do("build", setting=setting)
    page.do("step", epochs=2)
    (tmp_path / "playground.toml").write_text(page.do("code")["toml"], encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["chainrule", "check-study", "playground.toml"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0, capfd.readouterr()


def test_what_a_page_begins_with_is_a_setting(page):
    assert page.do("build", setting=START)["type"] == "frame"


def test_everything_that_can_be_chosen_is_there(page, setting):
    catalog = build_catalog()
    side = setting["sides"][0]
    for name, lr in catalog["optimizers"].items():
        side["optimizer"] = {"name": name, "lr": lr}
        assert page.do("build", setting=setting)["type"] == "frame"
    for problem in catalog["problems"]:
        setting["data"]["problem"] = problem
        assert page.do("build", setting=setting)["type"] == "frame"
    for init in catalog["inits"]:
        side["init"] = init
        assert page.do("build", setting=setting)["type"] == "frame"
    for loss in catalog["losses"]["classification"]:
        side["loss"] = loss
        assert page.do("build", setting=setting)["type"] == "frame"
    for activation in catalog["activations"]:
        side["net"]["layers"][1] = activation
        assert page.do("build", setting=setting)["type"] == "frame"
