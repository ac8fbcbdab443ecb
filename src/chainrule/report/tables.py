"""Results as tables for the terminal."""

from __future__ import annotations

import math

from rich.box import SIMPLE_HEAD
from rich.table import Table

from chainrule.study.result import ArmResult, StudyResult

__all__ = ["study_table"]


def study_table(result: StudyResult) -> Table:
    """A row an arm: test metric as mean ± standard deviation over the rounds, size and times."""
    metric = result.arms[0].metric if result.arms else "metric"
    table = Table(
        title=f"{result.study}: test {metric} in %, mean ± std (ddof 1) over n rounds\n"
        f"{result.epochs} epochs, root seed {result.seed}",
        title_justify="left",
        caption="solo: seconds for one round trained alone\n"
        "share: seconds for all n rounds trained at once, divided by n",
        caption_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("arm", no_wrap=True)
    for name in ("mean ± std", "ok/n", "reported", "params", "solo", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    for arm in result.arms:
        table.add_row(*_cells(arm))
    return table


def _cells(arm: ArmResult) -> tuple[str, ...]:
    reported = "–" if arm.reported is None else _percent(arm.reported.mean, arm.reported.std)
    return (
        arm.arm,
        _percent(arm.mean, arm.std),
        f"{arm.n_ok}/{arm.n}",
        reported,
        f"{arm.parameters:,}",
        f"{arm.solo_seconds:.2f}",
        f"{arm.amortised_seconds:.3f}",
    )


def _percent(mean: float, std: float) -> str:
    spread = "–" if math.isnan(std) else f"{100 * std:.2f}"
    return f"{100 * mean:.2f} ± {spread}"
