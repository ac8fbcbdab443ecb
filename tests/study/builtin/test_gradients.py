"""Every parameter of every arm's net has a gradient: one without is moved by rounding alone.

A bias before batch normalization is subtracted again. Its gradient is 0 but for rounding, and an
optimizer that divides by the gradient's own size makes steps as large as any other of it.
"""

from __future__ import annotations

from typing import Any

import pytest

from chainrule._util.pytree import tree_map
from chainrule.study.builtin import NAMES, load_builtin
from chainrule.study.plan.dry_run import first_training_data, take_first
from chainrule.study.round_data import RoundData
from tests.study.builtin import parts
from tests.zoo.gradients import find_useless_parameters

PARTS = {part.name: part for name in NAMES for part in parts(load_builtin(name).quick_form())}


@pytest.fixture(scope="module", params=PARTS.values(), ids=PARTS)
def study_and_data(request):
    study = request.param
    data, _ = first_training_data(study, RoundData(study))
    return study, take_first(data, 64)


def to_double(x: Any) -> Any:
    """Numbers in float64; those of classes and tokens stay whole."""
    return tree_map(lambda t: t.double() if t.is_floating_point() else t, x)


def test_every_parameter_of_every_arm_has_a_gradient(study_and_data):
    study, data = study_and_data
    useless = {}
    for arm in study.all_arms:
        middle = {
            path: d.choices[len(d.choices) // 2] if d.choices else d.value_at(0.5)
            for path, d in arm.space.items()
        }
        recipe = arm.with_overrides(middle)
        inputs, targets = map(to_double, (data.inputs, data.targets))
        found = find_useless_parameters(recipe.make_net(), inputs, recipe.make_loss({}), targets)
        if found:
            useless[arm.name] = found
    assert not useless
