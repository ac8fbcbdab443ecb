"""How the rounds of a result came about, by the samples that its rows were made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from chainrule.recipes.errors import StudyError
from chainrule.statistics import Design, FixedSplit, FreshData
from chainrule.study.results.arm_result import ArmResult

if TYPE_CHECKING:
    from chainrule.study.round_data import RoundData

__all__ = ["check_same_samples", "read_design"]

Digests = Mapping[str, str]
"""``learned`` and ``judged`` → a digest, as in a row."""


def read_design(data: RoundData, arms: Sequence[ArmResult]) -> tuple[Design, str]:
    """(the design, why it is not seen but declared).

    It is read off the samples, which are made again, if they are those that the rows have digests
    of. Else it is what the digests alone say: one split, or rounds as declared.
    """
    from chainrule.study.sample_overlap import find_design, read_rounds

    first = arms[0].rows[0]
    rounds = sorted({row.round for arm in arms for row in arm.rows})
    used = {row.round: row.samples for arm in arms for row in arm.rows if row.samples}
    try:
        changed = [
            r
            for r in read_rounds(data.study, rounds)
            if r in used and not is_same(data, r, used[r])
        ]
        if not changed:
            return find_design(data, rounds, (first.n_train, first.n_test)), ""
        numbers = ", ".join(map(str, changed))
        problem = (
            f"the samples of {'round' if len(changed) == 1 else 'rounds'} {numbers}, made again, "
            "are not those that were used"
        )
    except Exception as error:  # a file that is gone, whatever a function of the user raises
        problem = f"{error}"
    one_split = len(used) > 1 and all(digests == used[rounds[0]] for digests in used.values())
    return FixedSplit() if one_split else FreshData(), problem


def is_same(data: RoundData, r: int, used: Digests) -> bool:
    """Whether a round's samples, made again, are those that were used."""
    learned, judged = data.digests(r)
    return dict(used) == {"learned": learned, "judged": judged}


def check_same_samples(arms: Sequence[ArmResult]) -> None:
    """Raise StudyError where arms had other samples in the same round: there are no pairs then."""
    seen: dict[int, tuple[str, Digests]] = {}
    for arm in arms:
        for row in arm.rows:
            other, digests = seen.setdefault(row.round, (arm.arm, row.samples))
            if digests and row.samples and dict(digests) != dict(row.samples):
                raise StudyError(
                    f"round {row.round}: arms {other} and {arm.arm} had different samples, so they "
                    "are not compared; expected the same from the data's function for the same seed"
                )
