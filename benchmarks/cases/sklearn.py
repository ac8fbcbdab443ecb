"""A grid search, 48 nets in 5 folds, against scikit-learn's own of its own nets."""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring import DifferenceError, quartiles
from benchmarks.options import Options
from benchmarks.processes import used
from benchmarks.rows import Row

__all__ = ["DATA", "PEER", "check_scores", "run"]

SCRIPT = Path(__file__).parents[1] / "scripts" / "grid_search.py"

PEER = "scikit-learn GridSearchCV, a process a core"

FITS = 48 * 5

POINTS = 0.02
"""How far the scores of both sides may be apart: their weights and batches are not the same."""


@dataclass(frozen=True)
class Table:
    """A data set of a search: its samples to learn from, in batches of 200, and epochs."""

    name: str
    samples: int
    epochs: int

    @property
    def steps(self) -> int:
        """Of all trainings of the search."""
        return FITS * self.epochs * -(-self.samples // 200)


DATA = (
    Table("digits", 1437, 30),
    Table("breast cancer", 455, 200),
    Table("wine", 142, 200),
    Table("table", 8000, 10),
)


def search(side: str, table: Table, epochs: int) -> tuple[dict[str, float], int]:
    """(what the script says, the most bytes that its process held)."""
    found = used((sys.executable, str(SCRIPT), side, table.name, str(epochs)))
    (said,) = (line for line in found.output.splitlines() if line.startswith("{"))
    return json.loads(said), found.peak


def check_scores(ours: dict[str, float], peer: dict[str, float]) -> None:
    """Compare the best and the mean score of both. Raises DifferenceError."""
    for name in ("best", "mean"):
        if not abs(ours[name] - peer[name]) <= POINTS:
            raise DifferenceError(
                f"the {name} score is {ours[name]:.3f}, and scikit-learn's {peer[name]:.3f}"
            )


def run(options: Options) -> list[Row]:
    """Two rows a data set: seconds, and processor seconds of all processes of a side."""
    if not options.wanted(PEER):
        return []
    rows = []
    for table in DATA[1:3] if options.quick else DATA:
        epochs = 2 if options.quick else table.epochs
        options.say(f"grid search, {table.name}:")
        pairs = []
        for _ in range(options.repeat):
            pairs.append((search("ours", table, epochs), search("scikit-learn", table, epochs)))
            ours, peer = pairs[-1][0][0], pairs[-1][1][0]
            options.say(f"  mean score {ours['mean']:.4f}, scikit-learn's {peer['mean']:.4f}")
            if not options.quick:  # a net that has learned nothing yet has any score
                check_scores(ours, peer)
        rows += [make_row(table, pairs, "seconds"), make_row(table, pairs, "processor")]
    return rows


def make_row(table: Table, pairs: list[Any], measure: str) -> Row:
    """Of pairs (ours, the peer's) as ``search`` gives them."""
    seconds = [(a[measure], b[measure]) for (a, _), (b, _) in pairs]
    low, ratio, high = quartiles([b / a for a, b in seconds])
    each = 1e6 / table.steps
    return Row(
        workload=f"grid search, {table.name}" + (", processor" if measure == "processor" else ""),
        replicas=FITS,
        peer=PEER,
        ratio=ratio,
        low=low,
        high=high,
        ours_us=statistics.median(a for a, _ in seconds) * each,
        peer_us=statistics.median(b for _, b in seconds) * each,
        gflops=None,
        ceiling_fraction=None,
        peak_bytes=max(peak for (_, peak), _ in pairs),
        peer_peak_bytes=max(peak for _, (_, peak) in pairs),
        pairs=len(pairs),
    )
