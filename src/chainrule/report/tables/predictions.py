"""What kept predictions say: how sure each mean is, and where the nets are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

from chainrule._util.words import count_noun
from chainrule.report.data import ReportData
from chainrule.report.numbers import MISSING, PERCENT, format_decimal, format_p
from chainrule.report.tables.comparisons import describe_differences, describe_direction
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.statistics import MeanInterval, VariancePart
    from chainrule.study import StudyResult
    from chainrule.study.results.predictions.by_sample import SampleComparison
    from chainrule.study.results.predictions.decisions import Decisions, WrongSample

__all__ = [
    "PredictionTable",
    "build_prediction_table",
    "calibration_table",
    "confusion_table",
    "intervals_table",
    "sample_comparisons_table",
    "wrong_samples_table",
]

INTERVAL = (
    "interval: for new test samples and new rounds, as the scores of single samples let expect; of "
    "fewer than three rounds for these nets and new samples."
)
RESPLITS = (
    "The rounds divide one data set anew, so their nets share training samples: in simulation such "
    "intervals hold the true mean in 91 to 95 of 100 studies."
)
PARTS: Mapping[str, str] = {
    "samples": "test samples",
    "rounds": "rounds (training data and seeds)",
    "seeds": "seeds",
    "search": "settings that the searches chose",
    "rest": "the rest",
}
"""Part of a variance → what it is called."""

WRONG = (
    "round : sample: a place of it, counted from 0, in the test set of a round "
    "(result.data(round))."
)

MAX_WRONG = 50
"""So many samples of an arm are listed."""


def intervals_table(result: StudyResult | ReportData) -> Table:
    """A row an arm: its mean, the interval, and what makes it unsure.

    Raises StudyError where no predictions are kept, or the metric is no mean over samples.
    """
    data = ReportData.wrap(result)
    intervals = data.prediction_data.intervals
    parts = {arm: data.prediction_data.variance_parts.get(arm, []) for arm in intervals}
    names = [name for name in PARTS if any(p.name == name for of in parts.values() for p in of)]
    confidence = next(iter(intervals.values())).confidence
    metric = f"test {data.study.metric_name}{' in %' if data.unit.suffix else ''}"
    resplits = data.result.design.test_over_train > 0
    return Table(
        "intervals",
        f"{data.study.name}: mean {metric} with its {confidence:.0%} interval.",
        [
            Column("arm", "arm", numeric=False),
            Column("mean", "mean", best=data.best_end),
            Column("interval", "interval", note=INTERVAL),
            Column("rounds", "rounds"),
            Column("samples", "samples", note="samples: different test samples in all."),
            *(Column(f"{name},\u00a0%", f"{name} %") for name in names),
        ],
        [_interval_cells(arm, found, parts[arm], names, data) for arm, found in intervals.items()],
        [_interval_row(arm, found, parts[arm]) for arm, found in intervals.items()],
        [
            *(
                [f"In %: the share of the variance of the mean that is from {_join_parts(names)}."]
                if names
                else []
            ),
            *([RESPLITS] if resplits else []),
            *data.prediction_data.interval_problems,
        ],
    )


def _join_parts(names: Sequence[str]) -> str:
    return ", ".join(PARTS[name] for name in names)


def _interval_cells(
    arm: str,
    found: MeanInterval,
    parts: Sequence[VariancePart],
    names: Sequence[str],
    data: ReportData,
) -> list[Cell]:
    unit, shares = data.unit, _shares(parts)
    return [
        Cell(arm, arm),
        Cell(unit.number(found.mean), found.mean),
        Cell(f"[{unit.number(found.low)}, {unit.number(found.high)}]", found.low),
        Cell(str(found.rounds), found.rounds),
        Cell(f"{found.samples:,}", found.samples),
        *(
            Cell(format_decimal(None if s is None else 100 * s, 0), s)
            for s in (shares.get(name) for name in names)
        ),
    ]


def _shares(parts: Sequence[VariancePart]) -> dict[str, float]:
    total = sum(part.of_mean for part in parts)
    return {part.name: part.of_mean / total for part in parts} if total > 0 else {}


def _interval_row(arm: str, found: MeanInterval, parts: Sequence[VariancePart]) -> dict[str, Any]:
    return {
        "arm": arm,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "confidence": found.confidence,
        "standard_error": found.standard_error,
        "df": found.df,
        "rounds": found.rounds,
        "samples": found.samples,
        "variance_of_mean": {part.name: part.of_mean for part in parts},
    }


def sample_comparisons_table(
    result: StudyResult | ReportData, comparisons: Sequence[SampleComparison]
) -> Table:
    """A row a comparison, for samples that no round has seen."""
    data = ReportData.wrap(result)
    unit, first = data.unit, comparisons[0].test
    over = "samples" if first.test.endswith("samples") else "rounds"
    return Table(
        "new-samples",
        f"The comparisons for new test samples, by predictions of single samples: {first.test}; "
        f"{describe_differences(unit)}, each with its {first.confidence:.0%} interval.",
        [
            Column("a", "a", numeric=False),
            Column("b", "b", numeric=False),
            Column(over, over),
            Column("difference", "a − b", best="high"),
            Column("interval", "interval"),
            Column("p", "p"),
            Column("p, Holm", "p Holm"),
        ],
        [
            [
                Cell(c.a, c.a),
                Cell(c.b, c.b),
                Cell(f"{c.test.n:,}", c.test.n),
                Cell(unit.difference(c.test.difference), c.test.difference),
                Cell(unit.interval(c.test.low, c.test.high), c.test.low),
                Cell(format_p(c.test.p), c.test.p),
                Cell(format_p(c.p_holm), c.p_holm),
            ]
            for c in comparisons
        ],
        [c.as_row() for c in comparisons],
        [describe_direction(data, "a − b"), *_correction_notes(comparisons[0])],
    )


def _correction_notes(first: SampleComparison) -> list[str]:
    """What p is corrected for, where that is more than one test."""
    tests = [f"{first.tests} tests of the study"] if first.tests > 1 else []
    looks = [f"{first.looks} looks, by Bonferroni"] if first.looks > 1 else []
    return [f"p, Holm: for {' and '.join([*tests, *looks])}."] if tests or looks else []


def confusion_table(decisions: Mapping[str, Decisions]) -> Table:
    """A row an arm and true class: how often it was taken for each class, over all rounds."""
    L = max((len(each.classes) for each in decisions.values()), default=0)
    rows = [
        (arm, c, [*row.tolist(), *[0] * (L - len(row))])
        for arm, each in decisions.items()
        for c, row in enumerate(each.confusion())
    ]
    return Table(
        "confusion",
        "Decisions on test samples, over all rounds: how often each class was taken for each.",
        [
            Column("arm", "arm", numeric=False),
            Column("true class", "true"),
            *(Column(f"as {k}", f"as {k}") for k in range(L)),
            Column("right, %", "right %", best="high"),
        ],
        [
            [
                Cell(arm, arm),
                Cell(str(c), c),
                *(Cell(str(n), n) for n in counts),
                _share_cell(counts[c] / sum(counts) if any(counts) else None),
            ]
            for arm, c, counts in rows
        ],
        [
            {"arm": arm, "truth": c, **{f"as_{k}": n for k, n in enumerate(counts)}}
            for arm, c, counts in rows
        ],
    )


def _share_cell(share: float | None) -> Cell:
    return Cell(MISSING if share is None else PERCENT.number(share), share)


def calibration_table(decisions: Mapping[str, Decisions]) -> Table:
    """A row an arm and bin: what nets said that they would be right in, and were."""
    rows = [(arm, b) for arm, each in decisions.items() for b in each.calibration()]
    errors = [
        f"{arm} {PERCENT.magnitude(error)}"
        for arm, each in decisions.items()
        if (error := each.calibration_error()) is not None
    ]
    return Table(
        "calibration",
        "How sure nets were of their decisions, and how often they were right, over all rounds.",
        [
            Column("arm", "arm", numeric=False),
            Column("said, %", "said %", numeric=False),
            Column("said on average, %", "mean %"),
            Column("right, %", "right %", best="high"),
            Column("n", "n"),
        ],
        [
            [
                Cell(arm, arm),
                Cell(f"{100 * b.low:.0f} to {100 * b.high:.0f}", b.low),
                _share_cell(b.confidence),
                _share_cell(b.accuracy),
                Cell(f"{b.n:,}", b.n),
            ]
            for arm, b in rows
        ],
        [{"arm": arm, **vars(b)} for arm, b in rows],
        [f"Expected calibration error, the mean distance of said and right: {', '.join(errors)}."]
        if errors
        else [],
    )


def wrong_samples_table(decisions: Mapping[str, Decisions]) -> Table:
    """A row an arm and test sample that was decided wrongly, in the most rounds first."""
    found = {arm: each.wrong_samples() for arm, each in decisions.items()}
    shown = [(arm, w) for arm, of in found.items() for w in of[:MAX_WRONG]]
    more = [
        f"{arm}: decided wrongly too: {count_noun(len(of) - MAX_WRONG, 'sample')} more."
        for arm, of in found.items()
        if len(of) > MAX_WRONG
    ]
    return Table(
        "wrong",
        "The test samples that were decided wrongly, those first that were so in most rounds.",
        [
            Column("arm", "arm", numeric=False),
            Column("round : sample", "round : sample", numeric=False, note=WRONG),
            Column("true class", "true"),
            Column("taken for", "taken for"),
            Column("wrong / tested", "wrong/tested"),
            Column("said, %", "said %"),
        ],
        [
            [
                Cell(arm, arm),
                Cell(f"{w.round} : {w.index}", w.round),
                Cell(str(w.truth), w.truth),
                Cell(str(w.decided), w.decided),
                Cell(f"{w.wrong}/{w.n}", w.wrong / w.n),
                _share_cell(None if isnan(w.confidence) else w.confidence),
            ]
            for arm, w in shown
        ],
        [_wrong_row(arm, w) for arm, of in found.items() for w in of],
        more,
    )


def _wrong_row(arm: str, w: WrongSample) -> dict[str, Any]:
    confidence = None if isnan(w.confidence) else w.confidence
    return {"arm": arm, **vars(w), "sample": list(w.sample), "confidence": confidence}


PredictionTable = Literal["intervals", "confusion", "calibration", "wrong"]
"""The tables that need kept predictions."""


def build_prediction_table(result: StudyResult | ReportData, name: PredictionTable) -> Table:
    """One of these tables. Raises StudyError where no predictions, or none of classes, are kept."""
    data = ReportData.wrap(result)
    if name == "intervals":
        return intervals_table(data)
    make = {
        "confusion": confusion_table,
        "calibration": calibration_table,
        "wrong": wrong_samples_table,
    }[name]
    return make(data.prediction_data.require_decisions())
