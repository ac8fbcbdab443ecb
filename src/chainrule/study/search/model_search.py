"""Candidates that a model proposes, a batch at a time, from what is known of the earlier ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Protocol, final

from chainrule import seeds
from chainrule.study.search import selection
from chainrule.study.search.budget import draw_within_budget, fits_budget
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Params, random_settings
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingRecord

__all__ = ["ModelSearch", "SettingModel", "candidate_mean", "count_startup", "replace_lost"]

STARTUP = 10
"""About so many candidates are drawn at random before a model has a say: Optuna's own number."""

TRIES = 100
"""How many random draws are looked at for one that is new."""

Known = Mapping[int, Sequence[TrainingRecord]]
"""Candidate → its rows, one a split."""


class SettingModel(Protocol):
    """What proposes settings. One is asked about one search, of which it may keep what it knows."""

    def ask(
        self, settings: Sequence[Params], values: Sequence[float], n: int, seed: int
    ) -> list[Params]:
        """n settings more, given all earlier ones and their values."""
        ...


@final
class ModelSearch:
    """The n candidates of one search, as a model proposes them: whole batches.

    A batch is proposed when every split of all earlier candidates is known. The model is asked for
    each batch once, with a seed of the batch's own: the same rows give the same batch, whatever was
    interrupted. A candidate with rows has the setting of them.
    """

    def __init__(self, study: Study, arm: Arm, n: int, seed: int, model: SettingModel) -> None:
        self.study, self.arm, self.n, self.seed, self.model = study, arm, n, seed, model
        self._judged: list[Params] = []
        self._means: list[float | None] = []

    def propose(self, known: Known) -> list[Params]:
        """The settings of candidates 0, 1, … as far as they can be said now."""
        self._judge(known)
        batch = self.study.search.batch
        start = len(self._judged) // batch * batch
        numbers = range(start, min(start + batch, self.n))
        settings, new = self._judged[:start], list[Params]()
        if any(c not in known for c in numbers):
            values = replace_lost(self.study, self._means[:start])
            own = seeds.derive(self.seed, "batch", start // batch)
            new = self._propose_batch(settings, values, len(numbers), own)
        return settings + [known[c][0].setting if c in known else new[c - start] for c in numbers]

    def _judge(self, known: Known) -> None:
        """Look once at each candidate that all is known of."""
        splits = self.study.selection.splits
        while len(rows := known.get(len(self._judged), ())) >= splits:
            self._judged.append(rows[0].setting)
            self._means.append(candidate_mean(self.study, rows))

    def _propose_batch(
        self, settings: Sequence[Params], values: Sequence[float], n: int, seed: int
    ) -> list[Params]:
        """n settings more, given the values of the earlier ones. Raises as :meth:`_choose`."""
        found = [*settings]
        for proposed in self.model.ask(settings, values, n, seed):
            found.append(self._choose(proposed, found, seed))
        return found[len(settings) :]

    def _choose(self, proposed: Params, found: Sequence[Params], seed: int) -> Params:
        """The setting that was proposed, or another one in its place.

        One that is there already gives way to a random draw that is not, if such a one is found;
        and so does one whose net is too small or too large. Raises StudyError where all are.
        """
        others = []
        for setting in self._draw_instead(proposed, seeds.derive(seed, "instead", len(found))):
            if fits_budget(self.study, self.arm, setting):
                if setting not in found:
                    return setting
                others.append(setting)
        within = seeds.derive(seed, "within", len(found))
        return (others or draw_within_budget(self.study, self.arm, 1, within))[0]

    def _draw_instead(self, proposed: Params, seed: int) -> Iterator[Params]:
        """What was proposed, then random draws, which are made if they are looked at."""
        yield proposed
        yield from random_settings(self.arm.space, TRIES, seed)


def count_startup(study: Study) -> int:
    """How many candidates are drawn at random: whole batches, and a model from the next one on."""
    batch = study.search.batch
    return STARTUP // batch * batch or STARTUP


def candidate_mean(study: Study, rows: Sequence[TrainingRecord]) -> float | None:
    """The mean of a candidate over its splits; None where one diverged or failed."""
    if not all(row.has_value for row in rows):
        return None
    return fmean(selection.metric_value(study, row) for row in rows)


def replace_lost(study: Study, means: Sequence[float | None]) -> list[float]:
    """The means, the worst of them in place of each that is None.

    A model that is told a number from far away sees no difference between the rest.
    """
    whole = [value for value in means if value is not None]
    worst = (min if study.direction == "max" else max)(whole, default=0.0)
    return [worst if value is None else value for value in means]
