"""The same numbers in every environment, and no memory that grows."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import disk
from chainrule.train import Accuracy, Trainer

DIGEST = """
import hashlib
from tests.train.test_promises import trained
net, history = trained()
parts = [*net.state_dict().values(), *history.curves.values()]
print(hashlib.sha256(b"".join(t.contiguous().numpy().tobytes() for t in parts)).hexdigest())
"""


def trained():
    layers = [nn.Linear(2, 8), nn.Dropout(0.2), nn.Tanh(), nn.BatchNorm1d(8), nn.Linear(8, 2)]
    net = nn.Sequential(layers).replicate(3, [1, 2, 3])
    own = Trainer(
        net,
        nn.CrossEntropyLoss(),
        optim.Adam(net, lr=0.05),
        seed=[4, 5, 6],
        batch_size=16,
        metrics={"accuracy": Accuracy()},
    )
    return net, own.fit(disk(100), disk(50, seed=1), epochs=3)


def digest(*options: str, **environment: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    if "HOME" in environment and environment["HOME"] == "unset":
        del environment["HOME"]
    command = [sys.executable, *options, "-c", DIGEST]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.mark.slow
def test_a_training_is_the_same_bit_for_bit_whatever_the_environment():
    first = digest(PYTHONHASHSEED="0")
    assert len(first) == 64
    assert digest(PYTHONHASHSEED="1", LANG="C", LC_ALL="C", TZ="Asia/Kathmandu") == first
    assert digest("-O", HOME="unset") == first
    assert digest("-W", "error::DeprecationWarning:chainrule", LC_ALL="de_DE.UTF-8") == first


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_ten_thousand_steps_take_no_more_memory_and_files_than_a_thousand():
    net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2)).replicate(4)
    own = Trainer(net, nn.CrossEntropyLoss(), optim.Adam(net), batch_size=10)
    own.fit(disk(100), epochs=100)
    before = usage()
    own.fit(disk(100), epochs=1000)
    after = usage()
    assert after[0] < 1.05 * before[0]
    assert after[1] == before[1]


def usage() -> tuple[int, int]:
    """Resident pages and open files."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages, len(list(Path("/proc/self/fd").iterdir()))


def test_two_trainings_in_one_process_are_the_same_bit_for_bit():
    first, second = trained()[0], trained()[0]
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
