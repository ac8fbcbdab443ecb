"""How many candidates a search by halving tries in each of its iterations, for how many epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from chainrule.sklearn.candidates import Setting

__all__ = ["HalvingPlan", "find_max_iter", "keep_best", "plan_halving"]


@dataclass(frozen=True)
class HalvingPlan:
    """The iterations, by the words of scikit-learn's HalvingGridSearchCV.

    ``n_candidates``, ``n_resources``: candidates, and epochs of each, iteration by iteration;
    ``n_remaining_candidates``: those that another one would have tried.
    """

    n_candidates: list[int]
    n_resources: list[int]
    n_remaining_candidates: int
    n_required_iterations: int
    n_possible_iterations: int

    def attributes(self) -> dict[str, Any]:
        """What a search knows of it afterwards: name → value."""
        return {
            **{f"{name}_": value for name, value in vars(self).items()},
            "n_iterations_": len(self.n_resources),
            "min_resources_": self.n_resources[0],
            "max_resources_": self.n_resources[-1],
        }


def plan_halving(n: int, factor: int, most: int) -> HalvingPlan:
    """Of n candidates one in ``factor`` is kept each time; the last ones have ``most`` epochs.

    There are so many iterations that fewer than ``factor`` candidates are left, or as many as there
    are different numbers of epochs.
    """
    required = 1 + whole_log(n, factor)
    iterations = min(required, 1 + whole_log(most, factor))
    epochs = [most // factor**i for i in reversed(range(iterations))]
    candidates = [n]
    for _ in range(iterations):
        candidates.append(-(-candidates[-1] // factor))
    possible = 1 + whole_log(most // epochs[0], factor)
    return HalvingPlan(candidates[:-1], epochs, candidates[-1], required, possible)


def whole_log(n: int, base: int) -> int:
    """The largest power of ``base`` that is not above n, at least 1."""
    power = 0
    while base ** (power + 1) <= n:
        power += 1
    return power


def keep_best(candidates: Sequence[Setting], scores: NDArray[Any], n: int) -> list[Setting]:
    """The n with the best scores, in their order; nan is the worst."""
    best = np.argsort(np.nan_to_num(-scores, nan=np.inf), kind="stable")[:n]
    return [candidates[i] for i in sorted(best)]


def find_max_iter(estimator: Any, candidates: Sequence[Setting]) -> tuple[str, int]:
    """(the name of ``max_iter``, its value). Raises ValueError where it is searched."""
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    name = f"{prefix}max_iter"
    if any(name in setting for setting in candidates):
        raise ValueError(f"halving is over {name}, which cannot be searched too")
    return name, int(estimator.get_params()[name])
