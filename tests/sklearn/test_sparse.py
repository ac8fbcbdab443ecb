"""A sparse X that would be large as an array is made dense a batch at a time."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy.sparse import csc_matrix, csr_array, csr_matrix

from chainrule.sklearn import CohortSearchCV, MLPClassifier, MLPRegressor, samples

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 12)) * (RNG.random((90, 12)) < 0.2)
Y = np.arange(90) % 3
WEIGHTS = np.arange(90) % 4
OPTIONS = {"hidden_layer_sizes": (4,), "max_iter": 3, "batch_size": 20, "random_state": 0}


@pytest.mark.parametrize("make", [csr_array, csr_matrix, csc_matrix])
@pytest.mark.parametrize(
    "fit",
    [
        lambda x: MLPClassifier(**OPTIONS).fit(x, Y, WEIGHTS),
        lambda x: MLPClassifier(**OPTIONS, early_stopping=True, class_weight="balanced").fit(x, Y),
        lambda x: MLPClassifier(**OPTIONS).partial_fit(x, Y, [0, 1, 2]).partial_fit(x, Y),
        lambda x: MLPRegressor(**OPTIONS, n_seeds=2).fit(x, np.stack([Y, WEIGHTS], 1)),
        lambda x: CohortSearchCV(MLPRegressor(**OPTIONS), {"alpha": [0, 1]}, cv=2).fit(x, Y),
    ],
    ids=["weights", "early stopping", "partial", "seeds", "search"],
)
def test_a_large_one_learns_the_same(monkeypatch, fit, make):
    dense = fit(X)
    assert (fit(make(X)).predict(X) == dense.predict(X)).all()  # a small one is made dense
    monkeypatch.setattr(samples, "MAX_DENSE_BYTES", 0)
    large = fit(make(X))
    assert np.allclose(large.predict(make(X)), dense.predict(X), rtol=1e-9)
    assert large.score(make(X), Y if dense.predict(X).ndim == 1 else np.stack([Y, WEIGHTS], 1)) < 1


ALLOWED = 320 * 2**20
TRAINING = f"""
import resource, warnings
import numpy as np, torch
from scipy.sparse import csr_array
from chainrule.sklearn import MLPClassifier

warnings.simplefilter("ignore")
torch.set_num_threads(1)
rows, columns = 1_000, 150_000  # 572 MiB as an array of float32
places = np.random.default_rng(0).integers(0, columns, (rows, 100))
X = csr_array(
    (np.ones(places.size, np.float32), places.ravel(), np.arange(0, places.size + 1, 100)),
    shape=(rows, columns),
)
y = np.arange(rows) % 2
net = MLPClassifier((2,), max_iter=1, batch_size=50)
MLPClassifier((2,), max_iter=1).fit(np.eye(4), [0, 1, 0, 1])  # what is loaded is not counted
with open("/proc/self/status") as lines:
    held = next(int(line.split()[1]) for line in lines if line.startswith("VmData")) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (held + {ALLOWED}, resource.RLIM_INFINITY))
net.fit(X, y)
assert (net.predict(X) == net.predict_proba(X).argmax(1)).all()
assert 0 <= net.score(X, y) <= 1
try:
    X.toarray()  # the limit is one
except MemoryError:
    print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_it_takes_no_more_memory_than_its_batches():
    env = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(2**20)}  # what is free goes back at once
    command = [sys.executable, "-c", TRAINING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.stdout == "done\n", done.stderr
