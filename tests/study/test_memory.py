"""What a study takes in memory, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

PARTS = """import torch
from chainrule import nn
from chainrule.data import Dataset

def draw(seed):
    x = torch.rand(30_000, 400)
    t = (x[:, 0] > 0.5).long()
    return Dataset(x[6_000:], t[6_000:]), Dataset(x[:6_000], t[:6_000])

def net():
    return nn.Sequential(nn.Linear(400, 2))
"""

RUN = """import resource, sys
from chainrule.study import Study, run

data = {"name": sys.argv[1] + ":draw", "rounds": "resplit"}
parts = {"net": sys.argv[1] + ":net", "loss": "CrossEntropyLoss", "optimizer": "SGD"}
parts |= {"data": data, "batch_size": 1000, "epochs": 1, "arms": {"a": {}}}
run(Study(name="s", rounds=int(sys.argv[2]), **parts), executor="serial")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)
"""


def test_rounds_that_divide_one_data_set_make_no_copies_of_it(tmp_path):
    path = tmp_path / "parts.py"
    path.write_text(PARTS)

    def measure_peak(rounds: int) -> float:
        """In MiB."""
        command = [sys.executable, "-c", RUN, str(path), str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout)

    assert measure_peak(10) - measure_peak(1) < 46  # which one copy takes
