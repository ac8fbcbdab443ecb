"""What saved nets learned, a panel an arm or a round."""

from __future__ import annotations

import pytest
import torch

from chainrule.data import Dataset
from chainrule.nn import Linear
from chainrule.report import plane_outputs, plane_predictions
from chainrule.study import run
from tests.study.small import small

THREE = {"narrow": {}, "wide": {"net": {"hidden": 7}}, "slow": {"optimizer": {"lr": 1e-4}}}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A result and the folder of its nets."""
    folder = tmp_path_factory.mktemp("nets")
    return run(small(arms=THREE), nets=folder), folder


def titles(places) -> list[str]:
    return [axes.get_title() for axes in places]


@pytest.mark.parametrize("kind", [plane_outputs, plane_predictions])
def test_a_panel_an_arm_or_of_one_arm_a_panel_a_round(saved, kind):
    result, folder = saved
    arms = [title.split(":")[0] for title in titles(kind(result, folder)[1])]
    rounds = [title.split(":")[0] for title in titles(kind(result, folder, "wide")[1])]
    assert arms == ["narrow", "wide", "slow"]
    assert rounds == ["round 0", "round 1", "round 2"]


def test_the_share_that_is_right_is_that_of_the_table(saved):
    result, folder = saved
    shown = titles(plane_predictions(result, folder)[1])
    assert shown == [f"{arm.arm}: {arm.mean:.1%}" for arm in result.arms]


def test_every_test_point_of_every_round_is_there(saved):
    result, folder = saved
    for axes in plane_predictions(result, folder)[1]:
        assert sum(len(dots.get_offsets()) for dots in axes.collections) == 3 * 30


def test_all_panels_share_their_colours(saved):
    result, folder = saved
    limits = {axes.collections[0].get_clim() for axes in plane_outputs(result, folder)[1]}
    assert len(limits) == 1
    ((low, high),) = limits
    assert low == -high


def test_a_single_output_is_compared_with_the_threshold(tmp_path):
    study = small(
        net={"name": "plane_net", "hidden": 4, "outputs": 1, "output": "Sigmoid"},
        loss={"name": "class_loss", "loss": "BCELoss"},
        arms={"one": {}, "two": {"epochs": 3}},
    )
    result = run(study, nets=tmp_path)
    shown = titles(plane_predictions(result, tmp_path)[1])
    assert shown == [f"{arm.arm}: {arm.mean:.1%}" for arm in result.arms]


def test_nets_that_are_not_there_are_named_with_how_to_have_them(saved, tmp_path):
    result, _ = saved
    with pytest.raises(ValueError, match=r"no net .*narrow/round-000.*retrain_nets.* makes it"):
        plane_outputs(result, tmp_path)


def test_a_study_of_other_inputs_is_refused(tmp_path):
    study = small(
        data={"name": "tests.report.figures.nets.test_decision_maps:solid"},
        net={"name": "tests.report.figures.nets.test_decision_maps:net"},
        arms={"only": {}},
    )
    result = run(study, nets=tmp_path)
    with pytest.raises(ValueError, match=r"study small: expected points \(N, 2\), got \(5, 3\)"):
        plane_predictions(result, tmp_path)


def solid(seed: int) -> tuple[Dataset, Dataset]:
    draws = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(seed))
    train, test = (Dataset(x, torch.tensor([0, 1, 0, 1, 1])) for x in draws)
    return train, test


def net() -> Linear:
    return Linear(3, 2)
