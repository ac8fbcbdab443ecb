"""The tables of comparisons and of the effects of factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from chainrule.report.numbers import PLAIN, Unit, decimal, p_value
from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.statistics import Comparison, Comparisons, Effect, Effects, SignTest

__all__ = ["comparisons_sheet", "effects_sheet", "robust_sheet"]


def comparisons_sheet(
    found: Comparisons, unit: Unit = PLAIN, *, goal: Literal["max", "min"] = "max"
) -> Table:
    """A row a comparison: the difference, its interval, and how sure it is."""
    against = "" if found.baseline is None else f" with the baseline {found.baseline}"
    rope = next((c.posterior.rope for c in found.comparisons if c.posterior), None)
    notes = [_direction(goal, "a − b"), *found.notes]
    if rope is not None:
        notes.append(
            "P(worse), P(same), P(better): what is believed of the mean difference, where up to "
            f"{unit.number(rope)}{unit.gap} count as the same."
        )
    test = found.comparisons[0].test
    return Table(
        "comparisons",
        f"Comparisons{against}: {test.test}; differences{_in(unit)}, each with its "
        f"{test.confidence:.0%} interval.",
        _comparison_columns(found),
        [_comparison_cells(c, unit, pairs=found.baseline is None) for c in found.comparisons],
        found.as_rows(),
        notes,
    )


def _comparison_columns(found: Comparisons) -> list[Column]:
    """Without what is the same, or not known, in every row."""
    pairs, first = found.baseline is None, found.comparisons[0]
    columns = [
        Column("a", "a", numeric=False),
        *([Column("b", "b", numeric=False)] if pairs else []),
        Column("n"),
        Column("difference", "a − b"),
        Column("interval", "interval"),
        Column("p"),
        Column("p, Holm", "p Holm"),
        Column("d_z", None if pairs else "d_z"),
    ]
    if first.superiority:
        columns += [
            Column("P(a\u00a0>\u00a0b)", None if pairs else "P(a>b)"),
            Column("its interval"),
        ]
    if first.posterior:
        same = None if pairs else "P(same)"
        columns += [Column("P(worse)"), Column("P(same)", same), Column("P(better)")]
    return columns


def _comparison_cells(c: Comparison, unit: Unit, *, pairs: bool) -> list[Cell]:
    test, wins, belief = c.test, c.superiority, c.posterior
    cells = [
        Cell(c.a, c.a),
        *([Cell(c.b, c.b)] if pairs else []),
        Cell(str(test.n), test.n),
        Cell(unit.signed(test.difference), test.difference),
        Cell(unit.interval(test.low, test.high), test.low),
        Cell(p_value(test.p), test.p),
        Cell(p_value(c.p_holm), c.p_holm),
        Cell(decimal(c.d_z, 2), c.d_z),
    ]
    if wins:
        cells.append(Cell(decimal(wins.probability, 2), wins.probability))
        cells.append(Cell(f"[{wins.low:.2f}, {wins.high:.2f}]", wins.low))
    shares = (belief.worse, belief.equivalent, belief.better) if belief else ()
    return [*cells, *(Cell(decimal(share, 3), share) for share in shares)]


EFFECTS = (
    Column("effect", "effect", numeric=False),
    Column("kind", numeric=False),
    Column("n"),
    Column("difference", "diff."),
    Column("interval", "interval"),
    Column("p"),
    Column("p, Holm", "p Holm"),
)


def effects_sheet(
    found: Effects, unit: Unit = PLAIN, *, goal: Literal["max", "min"] = "max"
) -> Table:
    """A row an effect: main effects, then interactions."""
    test = found.effects[0].test
    return Table(
        "effects",
        f"Effects of the factors: {test.test} over n = {test.n} rounds; differences{_in(unit)}, "
        f"each with its {test.confidence:.0%} interval.",
        EFFECTS,
        [_effect_cells(effect, unit) for effect in found.effects],
        found.as_rows(),
        [
            _direction(goal, "the new level − the old one"),
            "A main effect is averaged over the other factors.",
            "An interaction is a difference of differences.",
            f"Holm counts {len(found.effects)} effects. {found.design.scope}",
        ],
    )


def _effect_cells(effect: Effect, unit: Unit) -> list[Cell]:
    test = effect.test
    kind = "main effect" if len(effect.levels) == 1 else "interaction"
    return [
        Cell(effect.name, effect.name),
        Cell(kind, kind),
        Cell(str(test.n), test.n),
        Cell(unit.signed(test.difference), test.difference),
        Cell(unit.interval(test.low, test.high), test.low),
        Cell(p_value(test.p), test.p),
        Cell(p_value(effect.p_holm), effect.p_holm),
    ]


def _in(unit: Unit) -> str:
    return f" in{unit.gap}" if unit.gap else ""


def _direction(goal: str, difference: str) -> str:
    if goal == "max":
        return f"A difference is {difference}: above 0 is better."
    return (
        f"A difference is {difference} with the sign turned, as less is better: above 0 is better."
    )


ROBUST = (
    Column("a", numeric=False),
    Column("b", numeric=False),
    Column("Wilcoxon p"),
    Column("Wilcoxon p, Holm"),
    Column("sign-flip p"),
    Column("sign-flip p, Holm"),
    Column("smallest possible p"),
)


def robust_sheet(found: Comparisons) -> Table:
    """A row a comparison: the tests that suppose no normal distribution.

    Empty where the rounds share data: these tests need independent rounds.
    """
    tested = [(c, c.wilcoxon, c.sign_flip) for c in found.comparisons if c.wilcoxon and c.sign_flip]
    return Table(
        "robustness",
        "The same comparisons without the normal distribution: p of two tests of signs.",
        ROBUST,
        [_robust_cells(*one) for one in tested],
        [c.as_row() for c, _, _ in tested],
        ["Exact Wilcoxon signed-rank test and sign-flip permutation test, both two-sided."],
    )


def _robust_cells(c: Comparison, ranks: SignTest, flips: SignTest) -> list[Cell]:
    p = (ranks.p, c.wilcoxon_p_holm, flips.p, c.sign_flip_p_holm)
    least = Cell(f"{ranks.smallest_p:.2g}", ranks.smallest_p)
    return [Cell(c.a, c.a), Cell(c.b, c.b), *(Cell(p_value(x), x) for x in p), least]
