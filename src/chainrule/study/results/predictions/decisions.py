"""Which class each net decided for, and how sure it was: confusion, calibration, wrong samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.recipes.errors import StudyError
from chainrule.statistics import special
from chainrule.statistics.scores import Array
from chainrule.study.store.predictions import take_samples

if TYPE_CHECKING:
    from chainrule.study.spec.study import Study
    from chainrule.study.store.predictions import Predictions

__all__ = ["CalibrationBin", "Decisions", "WrongSample", "read_decisions"]

Integers = NDArray[np.int64]
BINS = 10


@final
@dataclass(frozen=True)
class CalibrationBin:
    """The predictions of which the net said a probability from ``low`` to ``high``.

    ``confidence`` is the mean of what it said, ``accuracy`` the share that was right.
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    n: int


@final
@dataclass(frozen=True)
class WrongSample:
    """A test sample that nets decided wrongly: in ``wrong`` of the ``n`` rounds that tested it.

    ``sample`` is its name, or those of its images; ``round`` and ``index`` are a place of it among
    the test samples; ``decided`` is what was said most often where it was wrong, ``confidence`` the
    mean probability that was said of it then, nan where nets say none.
    """

    sample: tuple[int, ...]
    truth: int
    decided: int
    wrong: int
    n: int
    confidence: float
    round: int
    index: int


@final
@dataclass(frozen=True, eq=False)
class Decisions:
    """The decisions of an arm's nets in all rounds, one a prediction: all (M,), samples (M, m).

    ``confidence`` is the probability that the net gave the class it decided for; nan where its loss
    makes no probabilities of its outputs.
    """

    truth: Integers
    decided: Integers
    confidence: Array
    rounds: Integers
    indices: Integers
    samples: Integers

    @property
    def classes(self) -> list[int]:
        """All that occur, and those between."""
        return [*range(int(max(self.truth.max(), self.decided.max(), 1)) + 1)]

    def confusion(self) -> Integers:
        """How often class i was taken for class j, (L, L)."""
        L = len(self.classes)
        counts = np.bincount(self.truth * L + self.decided, minlength=L * L)
        return counts.reshape(L, L).astype(np.int64)

    def calibration(self, bins: int = BINS) -> list[CalibrationBin]:
        """The predictions by what the net said, in bins of equal width; none where it says none."""
        if np.isnan(self.confidence).any():
            return []
        right = self.truth == self.decided
        place = np.minimum((self.confidence * bins).astype(int), bins - 1)
        return [
            CalibrationBin(
                low=b / bins,
                high=(b + 1) / bins,
                confidence=float(self.confidence[place == b].mean()),
                accuracy=float(right[place == b].mean()),
                n=int((place == b).sum()),
            )
            for b in np.unique(place).tolist()
        ]

    def calibration_error(self, bins: int = BINS) -> float | None:
        """Σ_b n_b / M · |accuracy − confidence|, the expected calibration error; None without."""
        found = self.calibration(bins)
        total = sum(b.n * abs(b.accuracy - b.confidence) for b in found)
        return total / len(self.truth) if found else None

    def wrong_samples(self) -> list[WrongSample]:
        """The samples that were decided wrongly, those first that were so in most rounds."""
        _, names = np.unique(self.samples, axis=0, return_inverse=True)
        names = names.reshape(-1)
        tested, missed = np.bincount(names), self.truth != self.decided
        of: dict[int, list[int]] = {}
        for m in np.flatnonzero(missed).tolist():
            of.setdefault(int(names[m]), []).append(m)
        found = [self._describe_wrong(places, int(tested[name])) for name, places in of.items()]
        return sorted(found, key=lambda w: (-w.wrong / w.n, -w.wrong, -np.nan_to_num(w.confidence)))

    def _describe_wrong(self, places: Sequence[int], n: int) -> WrongSample:
        first = places[0]
        said = Counter(self.decided[places].tolist())
        return WrongSample(
            sample=tuple(self.samples[first].tolist()),
            truth=int(self.truth[first]),
            decided=max(said, key=lambda c: (said[c], -c)),
            wrong=len(places),
            n=n,
            confidence=float(self.confidence[places].mean()),
            round=int(self.rounds[first]),
            index=int(self.indices[first]),
        )


def read_decisions(study: Study, arm: str, rounds: Mapping[int, Predictions]) -> Decisions:
    """What an arm's nets decided in each round; StudyError where they decide for no class."""
    name, head = find_accuracy(study)
    make = find_probabilities(study, arm, head)
    counted = {r: np.flatnonzero(~np.isnan(one.scores[name])) for r, one in rounds.items()}
    some = {r: take_samples(one, counted[r]) for r, one in rounds.items()}
    parts = [decide_round(found, name, head, make, study) for found in some.values()]
    truth, decided, confidence = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Decisions(
        truth,
        decided,
        confidence,
        rounds=np.concatenate([np.full(len(one), r) for r, one in some.items()]),
        indices=np.concatenate([*counted.values()]),
        samples=np.concatenate([one.samples.reshape(len(one), -1) for one in some.values()]),
    )


def find_accuracy(study: Study) -> tuple[str, str | None]:
    """The metric that counts right decisions, and the head that it is of.

    That which is compared, or the first one. Raises StudyError where there is none.
    """
    for name in (study.metric_name, *study.metrics):
        component = study.metrics.get(name)
        if component is not None and component.name in ("Accuracy", "ErrorRate"):
            return name, component.arguments.get("head")
    raise StudyError(
        f"study {study.name}: none of its metrics is an Accuracy of one decision: "
        "its nets decide for no class"
    )


def find_probabilities(study: Study, arm: str, head: str | None) -> str:
    """How outputs become probabilities: "softmax", "sigmoid", "identity", or "" where not at all.

    As the arm's loss has it.
    """
    (declared,) = study.select(arm)
    if (name := declared.recipe.loss.name) in PROBABILITIES:
        return PROBABILITIES[name]
    from chainrule.nn.loss import MultiLoss

    loss = declared.recipe.make_loss({})
    if isinstance(loss, MultiLoss) and head in loss.losses:
        loss = loss.losses[head]
    return PROBABILITIES.get(type(loss).__name__, "")


PROBABILITIES: Mapping[str, str] = {
    "CrossEntropyLoss": "softmax",
    "NLLLoss": "softmax",
    "BCEWithLogitsLoss": "sigmoid",
    "BCELoss": "identity",
}


def decide_round(
    found: Predictions, metric: str, head: str | None, make: str, study: Study
) -> tuple[Integers, Integers, Array]:
    """Truth, decision and confidence of a round's test samples, (N,) each."""
    outputs, targets = (
        np.asarray(each[head] if head is not None else each)
        for each in (found.outputs, found.targets)
    )
    if outputs.ndim != 2:
        raise StudyError(f"study {study.name}: expected outputs (N, L), got {outputs.shape}")
    if outputs.shape[1] == 1:
        return decide_binary(outputs, targets, right_decisions(found, metric, study), make)
    truth = targets.argmax(-1) if targets.ndim == 2 else targets
    decided = outputs.argmax(-1)
    confidence = np.full(len(outputs), np.nan)
    if make == "softmax":
        confidence = softmax(outputs.astype(np.float64)).max(axis=1)
    return truth.astype(np.int64), decided.astype(np.int64), confidence


def softmax(outputs: Array) -> Array:
    """exp xᵢ / Σ exp xⱼ along the last axis; any shape."""
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def right_decisions(found: Predictions, metric: str, study: Study) -> NDArray[np.bool_]:
    """Whether each decision was right, (N,)."""
    counted: Array = found.scores[metric]
    return counted < 0.5 if study.metrics[metric].name == "ErrorRate" else counted > 0.5


def decide_binary(
    outputs: Array, targets: NDArray[Any], right: NDArray[np.bool_], make: str
) -> tuple[Integers, Integers, Array]:
    """Of one output: the metric knows the threshold, so what was right is what was decided."""
    middle = 0.0 if (targets < 0).any() else 0.5
    truth = (targets.reshape(-1) > middle).astype(np.int64)
    decided = np.where(right, truth, 1 - truth)
    p = outputs.reshape(-1).astype(np.float64)
    if make == "sigmoid":
        p = special.expit(p)
    elif make != "identity":
        p = np.full(len(p), np.nan)
    return truth, decided, np.where(decided == 1, p, 1 - p)
