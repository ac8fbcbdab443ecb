"""The tables of comparisons: differences of arms, and the tests that suppose no distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule.report.data import ReportData
from chainrule.report.decisions import find_sensitivity, null_sentences
from chainrule.report.numbers import MISSING, Unit, format_decimal, format_p
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.statistics import Comparison, Comparisons, Conclusion, SignTest
    from chainrule.study import StudyResult

__all__ = [
    "comparisons_table",
    "describe_differences",
    "describe_direction",
    "robustness_table",
]

D_Z = "d_z: the mean difference in standard deviations of the rounds' differences; it has no unit."
SUPERIORITY = (
    "P(a > b): the share of rounds in which a is better than b; as good counts half. Its interval "
    "is Wilson's."
)
CONCLUSION = (
    "conclusion: by the tests after Holm's correction; no difference found is not the same as no "
    "difference, which a test of equivalence within the rope shows."
)
CONCLUSIONS: Mapping[Conclusion, str] = {
    "better": "a is better",
    "worse": "a is worse",
    "equivalent": "no difference",
    "different within the rope": "different, too small to matter",
    "undecided": "no difference found",
}
DETECTABLE = (
    "detectable: a mean difference that so many rounds find with a power of 80 %, at the spread "
    "observed; a dash where that is 0, or none can be found."
)
NEEDED = "rounds needed: how many find {} with a power of 80 %; not known where no number does."
SAME = (
    "P(same): how far it may be believed that the mean difference is 0, where up to {} count as "
    "the same."
)


def comparisons_table(
    result: StudyResult | ReportData, comparisons: Comparisons | None = None
) -> Table:
    """A row a comparison: the difference, its interval, and how sure it is.

    ``comparisons`` are by default those that the study declares. Raises ValueError where there is
    too little to compare.
    """
    data = ReportData.wrap(result)
    found = data.comparisons if comparisons is None else comparisons
    of = " of settings" if data.search_scope else ""
    against = "" if found.baseline is None else f" with the baseline {found.baseline}"
    test, unit = found.comparisons[0].test, data.unit
    return Table(
        "comparisons",
        f"Comparisons{of}{against}: {test.test}; {describe_differences(unit)}, each with its "
        f"{test.confidence:.0%} interval.",
        _comparison_columns(found, data),
        [_comparison_cells(c, found, data) for c in found.comparisons],
        [_comparison_row(c, found, data) for c in found.comparisons],
        [
            *null_sentences(data, found),
            describe_direction(data, "a − b"),
            *found.notes,
            *_failure_notes(data),
        ],
    )


def _comparison_row(c: Comparison, found: Comparisons, data: ReportData) -> dict[str, Any]:
    """The row as JSON data, with what it could have found at a power of 80 %."""
    could = find_sensitivity(c.test, found, data).as_row()
    known = bool(c.test.standard_error)
    return {
        **c.as_row(),
        "rounds_planned": data.study.max_rounds,
        "detectable": could["difference"] if known else None,
        "rounds_needed": could["rounds_needed"],
    }


def _failure_notes(data: ReportData) -> list[str]:
    """Which arms are not compared, or not over all rounds, because of an error."""
    short = [arm.arm for arm in data.arms if arm.n_failed]
    absent = [name for name in data.result.failed_arms if name not in {a.arm for a in data.arms}]
    notes = [f"Not compared, for nothing of it was trained without an error: {n}." for n in absent]
    return notes + [f"Only rounds in which {n} did not fail are compared." for n in short]


def _comparison_columns(found: Comparisons, data: ReportData) -> list[Column]:
    """Without what is the same, or not known, in every row."""
    pairs, first, unit = found.baseline is None, found.comparisons[0], data.unit
    wanted = "the rope" if data.study.rope else "the difference seen"
    columns = [
        Column("a", "a", numeric=False),
        *([Column("b", "b", numeric=False)] if pairs else []),
        Column("n"),
        Column("difference", "a − b", best="high"),
        *_interval_columns(found),
        Column("p"),
        *([Column("p, looks"), Column("decided at", "at")] if found.looks else []),
        Column("p, Holm", "p Holm"),
        Column("conclusion", "conclusion", numeric=False, note=CONCLUSION),
        Column("detectable", note=DETECTABLE),
        Column("rounds needed", note=NEEDED.format(wanted)),
        Column("d_z", note=D_Z, best="high"),
    ]
    if first.superiority:
        columns += [
            Column("P(a\u00a0>\u00a0b)", note=SUPERIORITY, best="high"),
            Column("its interval"),
        ]
    if first.posterior:
        rope = f"{unit.number(first.posterior.rope)}{unit.difference_suffix}"
        columns += [
            Column("P(worse)"),
            Column("P(same)", note=SAME.format(rope)),
            Column("P(better)", note=BETTER, best="high"),
        ]
    return columns


def _interval_columns(found: Comparisons) -> list[Column]:
    """The interval by itself, and of several tests or looks the one that holds for all."""
    if found.family == 1 and found.looks is None:
        return [Column("interval", "interval")]
    return [Column("interval"), Column("simultaneous interval", "simultaneous")]


def _comparison_cells(c: Comparison, found: Comparisons, data: ReportData) -> list[Cell]:
    test, wins, belief, unit = c.test, c.superiority, c.posterior, data.unit
    pairs, several = found.baseline is None, found.family > 1 or found.looks is not None
    at_once = Cell(unit.interval(c.simultaneous_low, c.simultaneous_high), c.simultaneous_low)
    could = find_sensitivity(test, found, data)
    least = could.difference if test.standard_error and unit.is_possible(could.difference) else None
    needed = could.rounds_needed
    at = Cell(MISSING if c.decided_at is None else f"{c.decided_at}", c.decided_at)
    cells = [
        Cell(c.a, c.a),
        *([Cell(c.b, c.b)] if pairs else []),
        Cell(str(test.n), test.n),
        Cell(unit.difference(test.difference), test.difference),
        Cell(unit.interval(test.low, test.high), test.low),
        *([at_once] if several else []),
        Cell(format_p(test.p), test.p),
        *([Cell(format_p(c.p_looks), c.p_looks), at] if found.looks else []),
        Cell(format_p(c.p_holm), c.p_holm),
        Cell(CONCLUSIONS[c.conclusion], c.conclusion),
        Cell(MISSING if least is None else unit.difference(least).removeprefix("+"), least),
        Cell(MISSING if needed is None else f"{needed:,}", needed),
        Cell(format_decimal(c.d_z, 2), c.d_z),
    ]
    if wins:
        cells.append(Cell(format_decimal(wins.probability, 2), wins.probability))
        cells.append(Cell(f"[{wins.low:.2f}, {wins.high:.2f}]", wins.low))
    shares = (belief.worse, belief.equivalent, belief.better) if belief else ()
    return [*cells, *(Cell(format_decimal(share, 3), share) for share in shares)]


def describe_differences(unit: Unit) -> str:
    """``differences in points``"""
    return f"differences in{unit.difference_suffix}" if unit.difference_suffix else "differences"


def describe_direction(data: ReportData, difference: str) -> str:
    """Which sign is better: above 0, always."""
    if data.higher_is_better:
        return f"A difference is {difference}: above 0 is better."
    return (
        f"A difference is {difference} with the sign turned, as less is better: above 0 is better."
    )


BETTER = "P(worse), P(better): that it is further from 0 than that."

ROBUSTNESS = (
    Column("a", numeric=False),
    Column("b", numeric=False),
    Column("Wilcoxon p"),
    Column("Wilcoxon p, Holm"),
    Column("sign-flip p"),
    Column("sign-flip p, Holm"),
    Column("smallest possible p"),
)


def robustness_table(comparisons: Comparisons) -> Table:
    """A row a comparison: the tests that suppose no normal distribution.

    Empty where the rounds share data: these tests need independent rounds.
    """
    tested = [
        (c, c.wilcoxon, c.sign_flip) for c in comparisons.comparisons if c.wilcoxon and c.sign_flip
    ]
    return Table(
        "robustness",
        "The same comparisons without the normal distribution: p of two tests of signs.",
        ROBUSTNESS,
        [_robustness_cells(*tests) for tests in tested],
        [c.as_row() for c, _, _ in tested],
        ["Exact Wilcoxon signed-rank test and sign-flip permutation test, both two-sided."],
    )


def _robustness_cells(c: Comparison, ranks: SignTest, flips: SignTest) -> list[Cell]:
    p = (ranks.p, c.wilcoxon_p_holm, flips.p, c.sign_flip_p_holm)
    least = Cell(f"{ranks.smallest_p:.2g}", ranks.smallest_p)
    return [Cell(c.a, c.a), Cell(c.b, c.b), *(Cell(format_p(x), x) for x in p), least]
