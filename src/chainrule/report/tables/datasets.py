"""The tables of a study over several data sets: what was reached on each, and over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule._util.words import count_noun
from chainrule.report.numbers import MISSING, PERCENT, Unit, fit_unit, format_p, metric_unit
from chainrule.report.sentences import failure_sentences
from chainrule.report.tables.table import Cell, Column, Table
from chainrule.statistics import mean_ranks

if TYPE_CHECKING:
    from chainrule.statistics import DatasetsComparison, DatasetsComparisons
    from chainrule.study import ArmResult, DatasetsResult

__all__ = ["datasets_comparisons_table", "datasets_table", "datasets_unit"]

MEAN_RANK = "mean rank"
RANKS = "mean rank: over data sets, 1 for an arm that is best on each of them; ties share a rank."
SIGNS = "+/=/−: data sets on which a has the better mean, as good a one, the worse one."
CONCLUSION = (
    "conclusion: by the exact Wilcoxon signed-rank test over data sets after Holm's correction; no "
    "difference found is not the same as no difference."
)
CONCLUSIONS = {"better": "a is better", "worse": "a is worse", "undecided": "no difference found"}
POSTERIOR = (
    "P(…): how far it may be believed that on another data set like these a is worse,{} is "
    "better; by a hierarchical Bayesian model of the rounds."
)


def datasets_unit(result: DatasetsResult) -> Unit:
    """Per cent for a share; else the metric's own unit, to two digits of the usual spread."""
    if (unit := metric_unit(result.study.metric_name, result.study)) is PERCENT:
        return unit
    arms = [arm for of in result.datasets.values() for arm in of.arms]
    return fit_unit([a.std for a in arms if a.std > 0], [abs(a.mean) for a in arms if a.mean])


def datasets_table(result: DatasetsResult) -> Table:
    """A row a data set and a column an arm, over the rounds that all arms have; then mean ranks.

    With more arms than data sets a row an arm.
    """
    unit, metric = datasets_unit(result), result.study.metric_name
    names, heads = [*result.datasets], result.arms
    grid = [_dataset_cells(result, name, unit) for name in names]
    if len(heads) > 1 and (ranks := _rank_cells(result)):
        names, grid = [*names, MEAN_RANK], [*grid, ranks]
    first = "data set"
    if len(heads) > len(result.datasets):
        first, names, heads = "arm", heads, names
        grid = [list(row) for row in zip(*grid, strict=True)]
    share = " in %" if unit.suffix else ""
    return Table(
        "datasets",
        f"{result.name}: test {metric}{share}, mean ± standard deviation (ddof = 1) over rounds.",
        [Column(first, first, numeric=False), *(Column(head, head) for head in heads)],
        [[Cell(name, name), *row] for name, row in zip(names, grid, strict=True)],
        result.as_rows(),
        _notes(result),
    )


def _dataset_cells(result: DatasetsResult, name: str, unit: Unit) -> list[Cell]:
    """One an arm."""
    arms = {arm.arm: arm for arm in result.datasets[name].common_arms}
    return [_arm_cell(arms.get(arm), unit) for arm in result.arms]


def _arm_cell(arm: ArmResult | None, unit: Unit) -> Cell:
    if arm is None or not arm.n:
        return Cell(MISSING, None)
    return Cell(unit.spread(arm.mean, arm.std), arm.mean)


def _rank_cells(result: DatasetsResult) -> list[Cell]:
    """The mean rank of each arm; none before two data sets are compared, or for two arms."""
    if len(result.compared_arms) < 2 or len(result.arms) < 3:
        return []
    sign = 1.0 if result.study.direction == "max" else -1.0
    means = {
        arm: [sign * of[arm].mean for of in result.compared_arms.values()] for arm in result.arms
    }
    return [Cell(f"{rank:.2f}", rank) for rank in mean_ranks(means).values()]


def _notes(result: DatasetsResult) -> list[str]:
    """What must be known to read it."""
    rounds = {arm.n for arms in result.compared_arms.values() for arm in arms.values()}
    n = (
        [
            f"n = {min(rounds)} to {max(rounds)} rounds."
            if len(rounds) > 1
            else f"n = {count_noun(rounds.pop(), 'round')}."
        ]
        if rounds
        else []
    )
    diverged = sum(a.n - a.n_ok for arms in result.compared_arms.values() for a in arms.values())
    failure = datasets_unit(result).quantity(result.study.failure_value)
    return [
        *n,
        *([RANKS] if _rank_cells(result) else []),
        *(
            [f"{count_noun(diverged, 'round')} diverged, counted as {failure} each."]
            if diverged
            else []
        ),
        *(
            [f"Without {', '.join(out)}, where an arm has no result."]
            if (out := result.left_out)
            else []
        ),
        *(
            f"{name}: {sentence}"
            for name, of in result.datasets.items()
            for sentence in failure_sentences(of)[:-1]
        ),
    ]


def datasets_comparisons_table(
    result: DatasetsResult, comparisons: DatasetsComparisons | None = None
) -> Table:
    """A row a comparison over data sets; Friedman's test of all arms is said below.

    ``comparisons`` are by default those that the study declares. Raises ValueError where there is
    too little to compare.
    """
    found = result.comparisons if comparisons is None else comparisons
    unit = datasets_unit(result)
    against = "" if found.baseline is None else f" with the baseline {found.baseline}"
    points = f" in{unit.difference_suffix}" if unit.difference_suffix else ""
    n = len(found.comparisons[0].differences)
    return Table(
        "comparisons",
        f"Comparisons{against} over these {n} data sets: mean differences{points}.",
        _comparison_columns(found, result, unit),
        [_comparison_cells(c, found, unit, bool(result.study.rope)) for c in found.comparisons],
        found.as_rows(),
        [*_friedman_notes(found), *([found.note] if found.note else []), _direction(result)],
    )


def _comparison_columns(
    found: DatasetsComparisons, result: DatasetsResult, unit: Unit
) -> list[Column]:
    columns = [
        Column("a", "a", numeric=False),
        *([Column("b", "b", numeric=False)] if found.baseline is None else []),
        Column("difference", "a − b"),
        Column("+/=/−", "+/=/−", note=SIGNS),
        Column("p"),
        Column("p, Holm", "p Holm"),
        Column("conclusion", "conclusion", numeric=False, note=CONCLUSION),
    ]
    if any(c.posterior for c in found.comparisons):
        rope = result.study.rope
        same = f" is the same within {unit.magnitude(rope)}," if rope else ""
        columns += [
            Column("P(worse)", "P(worse)" if found.baseline else None),
            *([Column("P(same)", "P(same)" if found.baseline else None)] if rope else []),
            Column("P(better)", "P(better)", note=POSTERIOR.format(same)),
        ]
    return columns


def _comparison_cells(
    c: DatasetsComparison, found: DatasetsComparisons, unit: Unit, has_rope: bool
) -> list[Cell]:
    row, belief = c.as_row(), c.posterior
    cells = [
        Cell(c.a, c.a),
        *([Cell(c.b, c.b)] if found.baseline is None else []),
        Cell(unit.difference(c.difference), c.difference),
        Cell(f"{row['wins']}/{row['ties']}/{row['losses']}", row["wins"] - row["losses"]),
        Cell(format_p(c.wilcoxon.p), c.wilcoxon.p),
        Cell(format_p(c.p_holm), c.p_holm),
        Cell(CONCLUSIONS[c.conclusion], c.conclusion),
    ]
    if not any(of.posterior for of in found.comparisons):
        return cells
    shares: Sequence[Any] = [None] * 3
    if belief:
        shares = (belief.next_worse, belief.next_equivalent, belief.next_better)
    shares = shares if has_rope else (shares[0], shares[2])
    return [*cells, *(Cell(MISSING if x is None else f"{x:.2f}", x) for x in shares)]


def _friedman_notes(found: DatasetsComparisons) -> list[str]:
    """Whether the arms differ at all."""
    if found.ranking is None:
        return []
    test = found.ranking.friedman
    p = format_p(test.p)
    sentence = (
        f"Friedman's test of all {test.arms} arms over these {test.data_sets} data sets, by "
        f"Iman and Davenport: F = {test.f:.2f}, p {p if p.startswith('<') else f'= {p}'}."
    )
    return [sentence, *([test.note] if test.note else [])]


def _direction(result: DatasetsResult) -> str:
    turned = "" if result.study.direction == "max" else " with the sign turned, as less is better"
    return f"A difference is a − b of the means over rounds{turned}: above 0 is better."
