"""Settings that Optuna proposes, of a Gaussian process."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, final

from chainrule.recipes.errors import StudyError
from chainrule.study.search.model_search import count_startup
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Dimension, Params
from chainrule.study.spec.study import Study
from chainrule.study.store.record import Value

__all__ = ["OptunaModel"]

Codes = tuple[int | float, ...]
"""A setting as Optuna knows it, see :func:`encode_value`, in the order of the space."""


@final
class OptunaModel:
    """A model of Optuna's, which is told of each candidate once."""

    def __init__(self, study: Study, arm: Arm) -> None:
        self.study, self.space = study, arm.space
        self._memory: Any = None
        self._told: list[tuple[Codes, float]] = []

    def ask(
        self, settings: Sequence[Params], values: Sequence[float], n: int, seed: int
    ) -> list[Params]:
        """n settings more, given all earlier ones and their values.

        Raises StudyError where Optuna is not installed.
        """
        from chainrule._util.threads import torch_threads

        optuna, told = import_optuna(), self._encode(settings, values)
        kinds = {
            path: make_distribution(optuna, dimension) for path, dimension in self.space.items()
        }
        with quiet_optuna(optuna), torch_threads(1):  # on several it takes several times as long
            if self._memory is None or told[: len(self._told)] != self._told:
                direction = "maximize" if self.study.direction == "max" else "minimize"
                self._memory, self._told = optuna.create_study(direction=direction), []
            for codes, value in told[len(self._told) :]:
                params = dict(zip(self.space, codes, strict=True))
                trial = optuna.create_trial(params=params, distributions=kinds, value=value)
                self._memory.add_trial(trial)
            self._told = told
            self._memory.sampler = optuna.samplers.GPSampler(
                seed=seed % 2**32, n_startup_trials=count_startup(self.study)
            )
            asked = [self._memory.ask(kinds) for _ in range(n)]
            for trial in asked:  # it is told of them as candidates, when their values are known
                self._memory.tell(trial, state=optuna.trial.TrialState.FAIL)
        return [self._decode(trial.params) for trial in asked]

    def _encode(
        self, settings: Sequence[Params], values: Sequence[float]
    ) -> list[tuple[Codes, float]]:
        """(codes, value) of each candidate; the codes of those that were told are known."""
        known = [codes for codes, _ in self._told[: len(settings)]]
        known += [
            tuple(encode_value(dimension, setting[path]) for path, dimension in self.space.items())
            for setting in settings[len(known) :]
        ]
        return [*zip(known, values, strict=True)]

    def _decode(self, codes: dict[str, Any]) -> Params:
        """The setting of a trial's codes."""
        return {path: decode_value(of, codes[path]) for path, of in self.space.items()}


def import_optuna() -> ModuleType:
    """Optuna. Raises StudyError, which names its extra, where it is missing."""
    try:
        import optuna
    except ImportError as error:
        raise StudyError(
            "search.method: gp needs Optuna: pip install 'chainrule[optuna]'"
        ) from error
    return optuna


@contextmanager
def quiet_optuna(optuna: ModuleType) -> Iterator[None]:
    """Without Optuna's messages and warnings."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def make_distribution(optuna: ModuleType, dimension: Dimension) -> Any:
    """What Optuna draws codes from."""
    kinds = optuna.distributions
    if dimension.values is not None:
        return kinds.CategoricalDistribution(range(len(dimension.values)))
    if dimension.cells is not None:
        return kinds.IntDistribution(0, len(dimension.cells) - 1)
    low, high = dimension.low or 0.0, dimension.high or 0.0
    if dimension.integer:
        return kinds.IntDistribution(int(low), int(high), log=True)
    return kinds.FloatDistribution(low, high, log=dimension.log)


def encode_value(dimension: Dimension, value: Value) -> Any:
    """A value for Optuna: its number, as 1, 1.0 and true are one to it; else the value itself."""
    return value if dimension.cells is None else dimension.find_cell(value)


def decode_value(dimension: Dimension, coded: Any) -> Value:
    """The value of a code, of its own type."""
    found: Value = coded if dimension.cells is None else dimension.cells[coded]
    return found
