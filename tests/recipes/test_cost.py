"""What a net costs, found without what takes long to load."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chainrule.nn import summary
from chainrule.recipes.cost import count_activations, count_parameters, training_cost
from chainrule.recipes.recipe import Recipe
from chainrule.zoo import digit_net

CODE = """
import sys
from chainrule.recipes.cost import count_activations
from chainrule.recipes.recipe import Recipe
print(count_activations(Recipe(net="disk_net", loss="MSELoss", optimizer="SGD"), (2,)))
print("torch._dynamo" in sys.modules)
"""


def test_sizes_of_the_disk_net():
    recipe = Recipe(net="disk_net", loss="MSELoss", optimizer="SGD", epochs=7, ensemble_size=2)
    weights = 2 * 25 + 25 * 25 + 25 * 25 + 25 * 2
    assert count_parameters(recipe) == weights + 25 + 25 + 25 + 2
    assert count_activations(recipe, (2,)) == 2 * (25 + 25 + 25 + 2)
    assert training_cost(recipe, (11, 2)) == 3 * weights * 11 * 7 * 2


def test_one_sample_on_the_cpu_gives_what_meta_tensors_give():
    net = digit_net()
    on_meta, on_cpu = (summary(net, (1, 1, 28, 28), device=d) for d in ("meta", "cpu"))
    assert on_meta.rows == on_cpu.rows


@pytest.mark.slow
def test_a_study_that_begins_does_not_load_the_compiler_of_torch():
    run = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.split() == ["154", "False"]
