"""The design of a study, read off the samples of its rounds instead of what was declared."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

from chainrule._util.argument_checks import check_arguments
from chainrule.statistics.design import (
    Design,
    FinitePool,
    FixedSplit,
    FreshData,
    PartialResplits,
    Resplits,
)
from chainrule.statistics.errors import StatisticsError

__all__ = ["Overlap", "design_from_overlap"]

Samples = Sequence[Collection[Hashable]]


@dataclass(frozen=True)
class Overlap:
    """What the rounds of a study share, and the design that follows.

    Shares are means over all ordered pairs of rounds, of the first one's samples:
    ``shared_test`` of its test samples that the other one tests too, ``shared_train`` of its
    training samples that the other one trains with too, ``crossed`` of its test samples that the
    other one trains with. ``leaks`` are the rounds that train with some of their own test samples:
    no test mends these. ``samples`` is how many different samples there are.
    """

    design: Design
    shared_test: float
    shared_train: float
    crossed: float
    leaks: tuple[int, ...]
    samples: int

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the report: what is wrong, and what the rounds share."""
        notes = []
        if self.leaks:
            rounds = ", ".join(map(str, self.leaks))
            notes.append(f"A leak: a round trains with test samples of its own (rounds {rounds}).")
        if self.crossed:
            notes.append(
                f"{self.crossed:.0%} of a round's test samples are training samples of another "
                "round, on average: the rounds are not independent."
            )
        return tuple(notes)


@check_arguments
def design_from_overlap(train: Samples, test: Samples) -> Overlap:
    """The design of rounds whose training and test samples are these

    ``train`` and ``test`` have one collection of identities (numbers, digests) a round; what a
    round's search saw counts as training.

    - nothing shared: :class:`FreshData`;
    - always the same training and test samples: :class:`FixedSplit`;
    - a round trains with test samples of another: :class:`Resplits` where all rounds divide the
      same samples, else :class:`PartialResplits` with the correlation
      ρ = max(shared_test, q n_test/(n_test + n_train)), q the share of a round's test samples that
      another one uses at all: Nadeau and Bengio's n_test/(n_test + n_train) where q = 1;
    - only test samples, or only training samples, shared: :class:`FinitePool`.

    Raises StatisticsError for fewer than two rounds, unequal numbers of them, an empty set.
    """
    trains, tests = [set(x) for x in train], [set(x) for x in test]
    if len(trains) < 2 or len(trains) != len(tests) or not all(trains) or not all(tests):
        raise StatisticsError(
            "expected training and test samples of at least two rounds, "
            f"got those of {len(trains)} and of {len(tests)}, or an empty set"
        )
    shared_test = mean_share(tests, tests)
    shared_train = mean_share(trains, trains)
    crossed = mean_share(tests, trains)
    unions = [x | y for x, y in zip(trains, tests, strict=True)]
    samples = len(set().union(*unions))
    n_test, n_train = (sum(map(len, sets)) / len(sets) for sets in (tests, trains))
    design: Design
    if all(x == trains[0] for x in trains) and all(x == tests[0] for x in tests):
        design = FixedSplit()
    elif crossed:
        if all(union == unions[0] for union in unions):
            design = Resplits(n_test=round(n_test), n_train=round(n_train))
        else:
            reuse = mean_share(tests, unions) * n_test / (n_test + n_train)
            design = PartialResplits(max(shared_test, reuse))
    elif shared_test or shared_train:
        design = FinitePool(len(set().union(*tests)), shared_test, shared_train)
    else:
        design = FreshData()
    leaks = tuple(j for j, (x, y) in enumerate(zip(trains, tests, strict=True)) if x & y)
    return Overlap(design, shared_test, shared_train, crossed, leaks, samples)


def mean_share(parts: list[set[Hashable]], others: list[set[Hashable]]) -> float:
    """The mean, over ordered pairs of different rounds, of the share of one set in the other."""
    pairs = [pair for i, j in combinations(range(len(parts)), 2) for pair in ((i, j), (j, i))]
    return sum(len(parts[i] & others[j]) / len(parts[i]) for i, j in pairs) / len(pairs)
