"""Critical differences: arms by mean rank over several data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule.report.figures.canvas import WIDTH, line_style, literal

if TYPE_CHECKING:
    from chainrule.statistics import Ranking

__all__ = ["critical_differences"]

STEP = 0.9


def critical_differences(ranking: Ranking) -> tuple[Figure, Axes]:
    """The arms on a line of mean ranks, 1 at the left; a bar joins arms that cannot be told apart.

    ``ranking`` is :func:`chainrule.statistics.rank_arms` of one score an arm and data set.
    (Demšar 2006.)
    """
    arms = len(ranking.arms)
    bars, rows = 0.5 * len(ranking.cliques), STEP * -(-arms // 2)
    figure = Figure(figsize=(WIDTH, 1.1 + 0.3 * (bars + rows)), layout="constrained")
    axes: Axes = figure.subplots()
    axes.set(xlim=(1 - 0.45 * arms, arms + 0.45 * arms), ylim=(bars + rows + STEP / 2, -1.4))
    axes.axis("off")
    _scale(axes, ranking)
    for i, clique in enumerate(ranking.cliques):
        ends = [ranking.mean_ranks[ranking.arms.index(arm)] for arm in (clique[0], clique[-1])]
        height = 0.5 * (i + 1)
        axes.plot([ends[0] - 0.05, ends[1] + 0.05], [height] * 2, color=line_style(1).color, lw=4)
    for i in range(arms):
        _arm(axes, ranking, i, bars)
    if ranking.note:
        figure.supxlabel(ranking.note, fontsize=8, wrap=True)
    return figure, axes


def _scale(axes: Axes, ranking: Ranking) -> None:
    arms, p = len(ranking.arms), ranking.friedman.p
    axes.plot([1, arms], [0, 0], color="black", lw=1)
    for tick in range(1, arms + 1):
        axes.plot([tick] * 2, [0, -0.15], color="black", lw=1)
        axes.text(tick, -0.3, str(tick), ha="center", fontsize=9)
    said = f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
    title = f"mean rank over {ranking.n} data sets (1 is best); Friedman, Iman-Davenport: {said}"
    axes.text((1 + arms) / 2, -1.1, title, ha="center", fontsize=9)


def _arm(axes: Axes, ranking: Ranking, i: int, bars: float) -> None:
    """The better half has its names at the left, the best on top; the others at the right."""
    arms, rank = len(ranking.arms), ranking.mean_ranks[i]
    left = i < -(-arms // 2)
    height = bars + STEP * ((i if left else arms - 1 - i) + 0.7)
    side = 1 - 0.06 * arms if left else arms + 0.06 * arms
    axes.plot([rank, rank, side], [0, height, height], color="black", lw=0.8)
    text = f"{ranking.arms[i]}  {rank:.2f}" if left else f"{rank:.2f}  {ranking.arms[i]}"
    align = "right" if left else "left"
    away = -0.02 * arms if left else 0.02 * arms
    axes.text(side + away, height, literal(text), ha=align, va="center", fontsize=9)
