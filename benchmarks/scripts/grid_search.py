"""A grid search over 48 nets in 5 folds, by ours or by scikit-learn: seconds, and scores.

    python grid_search.py ours|scikit-learn DATA EPOCHS

Prints JSON: seconds and processor seconds of the search alone, the best and the mean score. Before
it, all has been imported, by workers too, and the kernel is there.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn import datasets, neural_network

FOLDS, WORKERS = 5, 2

DATA = {
    "digits": datasets.load_digits,
    "breast cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "table": lambda **_: datasets.make_classification(10_000, 20, n_informative=10, random_state=0),
}

GRID = {
    "mlpclassifier__hidden_layer_sizes": [(10,), (25,), (50,), (25, 25)],
    "mlpclassifier__learning_rate_init": [1e-3, 3e-3, 1e-2],
    "mlpclassifier__alpha": [1e-5, 1e-4, 1e-3, 1e-2],
}


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """X as scikit-learn gives it, in float64, and y."""
    X, y = DATA[name](return_X_y=True)
    return X, y


def make_search(side: str, epochs: int) -> Any:
    """The search, over nets that train for exactly so many epochs."""
    options = {"max_iter": epochs, "tol": 0.0, "n_iter_no_change": epochs, "random_state": 0}
    if side == "ours":
        import torch

        from chainrule.sklearn import CohortSearchCV as Search
        from chainrule.sklearn import MLPClassifier
        from chainrule.train import build_kernel

        build_kernel(torch.float32)
        build_kernel(torch.float64)  # of a small X
    else:
        from sklearn.neural_network import MLPClassifier

        Search = GridSearchCV
        Parallel(WORKERS)(delayed(warm_up)() for _ in range(4 * WORKERS))
    net = make_pipeline(StandardScaler(), MLPClassifier(**options))
    return Search(net, GRID, cv=FOLDS, n_jobs=WORKERS, error_score="raise", refit=False)


def warm_up() -> None:
    """Let a worker import what it needs."""
    X = np.random.default_rng(0).normal(size=(50, 4))
    net = neural_network.MLPClassifier(max_iter=2)
    make_pipeline(StandardScaler(), net).fit(X, X[:, 0] > 0)


def processor_seconds() -> float:
    """What this process and those that it has begun have used."""
    ticks = os.sysconf("SC_CLK_TCK")
    return time.process_time() + sum(
        sum(map(int, stat.rpartition(")")[2].split()[11:13])) / ticks
        for stat in child_stats(os.getpid())
    )


def child_stats(pid: int) -> Iterator[str]:
    """``/proc/…/stat`` of all below a process."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread has ended meanwhile, which has no children
            for child in (task / "children").read_text().split():
                yield Path(f"/proc/{child}/stat").read_text()
                yield from child_stats(int(child))


def main() -> None:
    os.environ["PYTHONWARNINGS"] = "ignore"  # of workers: no net converges in so few epochs
    warnings.simplefilter("ignore")
    side, name, epochs = sys.argv[1:]
    X, y = load(name)
    search = make_search(side, int(epochs))
    start, used = time.perf_counter(), processor_seconds()
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    found = {
        "seconds": time.perf_counter() - start,
        "processor": processor_seconds() - used,
        "best": float(scores.max()),
        "mean": float(scores.mean()),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
