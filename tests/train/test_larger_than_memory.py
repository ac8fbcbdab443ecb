"""Trainings on files that are larger than the memory that they may take."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

ROWS, FEATURES = 8_192, 16_384  # of bytes: 128 MiB
ALLOWED = 96 * 2**20
AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
"""With glibc, large tensors go back to the system at once: what is held is what is counted."""

TRAINING = f"""
import resource, sys
import numpy as np, torch
from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import Trainer, build_kernel

torch.set_num_threads(1)
build_kernel(torch.float32)
path, kind = sys.argv[1:]
features = {FEATURES} // np.dtype(kind).itemsize

def train(compile, rows, targets):
    net = nn.Sequential(nn.Linear(features, 3), nn.Tanh(), nn.Linear(3, 2)).initialize(7)
    data = Dataset.of(rows, targets, scale=1 / 255 if kind == "uint8" else None)
    trainer = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net, lr=1e-3), batch_size=64,
                      compile=compile)
    history = trainer.fit(data, epochs=1, progress=False)
    return trainer, data, history["train_loss"].item(), trainer.predict(data)

few = np.zeros((300, features), kind)
for compile in (False, True):  # what is loaded with a first training is not counted
    train(compile, few, few[:, 0].astype(int))
with open("/proc/self/status") as lines:
    held = next(int(line.split()[1]) for line in lines if line.startswith("VmData")) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (held + {ALLOWED}, resource.RLIM_INFINITY))
rows = np.memmap(path, kind, "r").reshape({ROWS}, -1)
found = [train(compile, rows, np.arange({ROWS}) % 2) for compile in (False, True)]
assert [str(trainer.backend_status) for trainer, *_ in found] == ["plain", "compiled"]
(_, data, loss, outputs), (_, _, other, others) = found
assert abs(loss - other) < 1e-4, (loss, other)
torch.testing.assert_close(outputs, others, rtol=1e-3, atol=1e-4)
assert outputs.shape == ({ROWS}, 2)
try:
    data.inputs + data.inputs  # the limit is one
except RuntimeError:
    print("done")
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file of bytes that are small numbers as float32 too."""
    made = tmp_path_factory.mktemp("large") / "rows.bin"
    block = np.random.default_rng(3).integers(60, 64, (64, FEATURES), np.uint8)
    with made.open("wb") as file:
        for _ in range(ROWS // len(block)):
            file.write(block.tobytes())
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize("kind", ["uint8", pytest.param("float32", marks=pytest.mark.slow)])
def test_a_file_larger_than_the_memory_trains_and_predicts_on_either_path(path, kind):
    assert path.stat().st_size > ALLOWED
    command = [sys.executable, "-c", TRAINING, str(path), kind]
    env = {**os.environ, **AT_ONCE}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.stdout == "done\n", done.stderr
