"""How the rounds of a result came about, by the samples that its rows were made with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

from chainrule.recipes.errors import StudyError
from chainrule.statistics import (
    Design,
    FinitePool,
    FixedSplit,
    FreshData,
    PartialResplits,
    Resplits,
)
from chainrule.study.results.arm_result import ArmResult
from chainrule.study.spec.study import Study

if TYPE_CHECKING:
    from chainrule.study.round_data import RoundData

__all__ = ["SeenDesign", "check_same_samples", "digest_rounds", "read_design"]

Digests = Mapping[str, str]
"""``learned`` and ``judged`` → a digest, as in a row."""

DESIGNS: dict[str, Callable[..., Design]] = {
    kind.__name__: kind for kind in (FinitePool, FixedSplit, FreshData, PartialResplits, Resplits)
}


@dataclass(frozen=True)
class SeenDesign:
    """A design that was read off samples, and the digest of what samples these were.

    ``leaks`` has a line for each way in which test samples were learned from; None: nobody looked.

    A store keeps it, so that who compares later need not make them again.
    """

    design: Design
    samples: str
    leaks: tuple[str, ...] | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any] | None) -> Self | None:
        """What :meth:`as_row` gives; None for anything else."""
        try:
            arguments = {**(row or {})}
            samples, kind = arguments.pop("of"), arguments.pop("kind")
            leaks = arguments.pop("leaks", None)
            noted = None if leaks is None else tuple(map(str, leaks))
            return cls(DESIGNS[kind](**arguments), str(samples), noted)
        except (KeyError, TypeError, ValueError):
            return None

    def as_row(self) -> dict[str, Any]:
        """It as JSON data."""
        arguments: dict[str, Any] = asdict(self.design)  # type: ignore[call-overload]
        noted = {} if self.leaks is None else {"leaks": [*self.leaks]}
        return {"of": self.samples, "kind": type(self.design).__name__, **noted, **arguments}


def digest_rounds(arms: Sequence[ArmResult]) -> str:
    """A digest of the samples of all rounds; empty where rows do not tell of all."""
    used = {row.round: dict(row.samples) for arm in arms for row in arm.rows}
    if not all(used.values()):
        return ""
    return sha256(json.dumps(sorted(used.items())).encode()).hexdigest()


def read_design(
    study: Study,
    arms: Sequence[ArmResult],
    load_data: Callable[[], RoundData],
    seen: SeenDesign | None,
) -> tuple[Design, str]:
    """(the design, why it is not seen but declared).

    That of rounds which divide one draw is declared. Else it is read off the samples: it was
    ``seen`` in those of these rows, or they are made again, if they are those that the rows have
    digests of. Else it is what the digests alone say: one split, or rounds as declared.
    """
    first = arms[0].rows[0]
    if (declared := study.data.declared_design(first.n_train, first.n_test)) is not None:
        return declared, ""
    if seen is not None and seen.samples == digest_rounds(arms):
        return seen.design, ""
    from chainrule.study.sample_overlap import find_design, read_rounds

    rounds = sorted({row.round for arm in arms for row in arm.rows})
    used = {row.round: row.samples for arm in arms for row in arm.rows if row.samples}
    try:
        data = load_data()
        changed = [
            r for r in read_rounds(study, rounds) if r in used and not is_same(data, r, used[r])
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
