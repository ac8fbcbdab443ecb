"""The small form of every built-in study, trained whole."""

from __future__ import annotations

import pytest

from chainrule.study import run
from chainrule.study.builtin import NAMES, load_builtin
from tests.study.builtin import parts

MEANT_TO_DIVERGE = {"digits": {"sgd-high"}, "prices": {"too-fast"}}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n == "pairs-depth" else n for n in NAMES],
)
def test_the_quick_form_trains_every_arm_in_every_round(name):
    for study in parts(load_builtin(name).quick_form()):
        result = run(study)
        assert [arm.arm for arm in result.arms] == [arm.name for arm in study.all_arms]
        assert all(arm.n == study.rounds for arm in result.arms)
        lost = {arm.arm for arm in result.arms if arm.n_ok < arm.n}
        assert lost <= MEANT_TO_DIVERGE.get(name, set())
