"""How the rounds of a study came about. It decides the test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from chainrule._util.argument_checks import check_arguments
from chainrule.statistics.checks import check_at_least, check_fractions, check_shares

__all__ = ["Design", "FinitePool", "FixedSplit", "FreshData", "PartialResplits", "Resplits"]


class Design(ABC):
    """What varies from round to round."""

    @property
    @abstractmethod
    def test_over_train(self) -> float:
        """n_test / n_train where rounds share their data, else 0: they are independent."""

    @property
    @abstractmethod
    def scope(self) -> str:
        """A sentence for the report: the test, why it, and what its conclusion is about."""

    @property
    def independent(self) -> bool:
        """Whether the rounds are independent of each other."""
        return self.test_over_train == 0


@final
@dataclass(frozen=True)
class FreshData(Design):
    """Each round draws its own training and test data."""

    @property
    def test_over_train(self) -> float:
        return 0.0

    @property
    def scope(self) -> str:
        return "Paired t test: every round has data of its own, so rounds are independent."


@final
@check_arguments
@dataclass(frozen=True)
class Resplits(Design):
    """Each round divides one data set anew, into ``n_train`` and ``n_test`` samples.

    The rounds share samples, so their differences are correlated. Raises StatisticsError unless
    both numbers are positive.
    """

    n_test: int
    n_train: int

    def __post_init__(self) -> None:
        check_at_least(1, n_test=self.n_test, n_train=self.n_train)

    @classmethod
    @check_arguments
    def folds(cls, k: int) -> Resplits:
        """The k folds of cross-validation, once or repeated: n_test / n_train = 1 / (k − 1)."""
        check_at_least(2, k=k)
        return cls(n_test=1, n_train=k - 1)

    @property
    def test_over_train(self) -> float:
        return self.n_test / self.n_train

    @property
    def scope(self) -> str:
        return (
            "Nadeau-Bengio's corrected t test: the rounds are parts of one data set and share "
            "samples, so they are correlated."
        )


@final
@dataclass(frozen=True)
class FixedSplit(Design):
    """One training set and one test set; only the seeds differ from round to round."""

    @property
    def test_over_train(self) -> float:
        return 0.0

    @property
    def scope(self) -> str:
        return (
            "Paired t test over seeds: the training and the test set are always the same, so the "
            "conclusion holds for this split alone."
        )


@final
@check_arguments
@dataclass(frozen=True)
class PartialResplits(Design):
    """Each round divides some samples of one data set, so one trains with what another tests.

    ``correlation`` is that of two rounds' differences, as their shared samples let expect. Raises
    StatisticsError unless it is above 0 and below 1.
    """

    correlation: float

    def __post_init__(self) -> None:
        check_shares(correlation=self.correlation)

    @property
    def test_over_train(self) -> float:
        """ρ / (1 − ρ), which for Nadeau and Bengio's ρ is n_test / n_train."""
        return self.correlation / (1 - self.correlation)

    @property
    def scope(self) -> str:
        return (
            "Nadeau-Bengio's corrected t test: rounds train with test samples of other rounds, so "
            f"they are correlated (by {self.correlation:.2f}, as their shared samples let expect)."
        )


@final
@check_arguments
@dataclass(frozen=True)
class FinitePool(Design):
    """Each round draws from a pool of samples, and rounds share some; none trains with tests.

    ``samples`` is the number of different test samples, ``shared_test`` and ``shared_train`` the
    mean shares of a round's samples that another one has too. Raises StatisticsError for no
    sample and a share outside [0, 1].
    """

    samples: int
    shared_test: float
    shared_train: float = 0.0

    def __post_init__(self) -> None:
        check_at_least(1, samples=self.samples)
        check_fractions(shared_test=self.shared_test, shared_train=self.shared_train)

    @property
    def test_over_train(self) -> float:
        return 0.0

    @property
    def scope(self) -> str:
        if not self.shared_test:
            return (
                f"Paired t test: rounds share {self.shared_train:.0%} of their training samples, "
                "so the conclusion is about training samples of this pool."
            )
        return (
            f"Paired t test: rounds share {self.shared_test:.0%} of their test samples, so the "
            f"conclusion is about this pool of {self.samples:,} samples. Per-sample predictions "
            "give one about new samples."
        )
