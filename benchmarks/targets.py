"""What is aimed at: a case, what it is compared with, and the ratio that it should have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmarks.rows import Row

__all__ = ["TARGETS", "Target", "targets_table"]

LOOP = ("PyTorch eager, default threads", "PyTorch eager, one thread")
PER_CORE = ("PyTorch eager, a process a core",)
SCRIPT = ("PyTorch script*",)
MASKS = tuple(f"{name}, own dropout masks" for name in LOOP)


@dataclass(frozen=True)
class Target:
    """``peers``: patterns of names, of which the fastest counts; ``at_least``: the ratio.

    With ``of_ceiling`` it is the share of the fastest product, not a ratio.
    """

    case: str
    against: str
    workload: str
    replicas: int
    peers: tuple[str, ...]
    at_least: float
    of_ceiling: bool = False

    def find_row(self, rows: Iterable[Row]) -> Row | None:
        """The row of the peer that comes closest, None where none was measured."""
        found = [
            row
            for row in rows
            if (row.workload, row.replicas) == (self.workload, self.replicas)
            and any(fnmatchcase(row.peer, pattern) for pattern in self.peers)
        ]
        return min(found, key=lambda row: row.ratio, default=None)


BETTER = "PyTorch eager, the better threads"
JAX, JAX_PER_CORE = ("JAX jit + vmap + scan",), ("JAX jit + vmap + scan, a device a core",)
JAX_BEFORE = ("JAX 0.4.31*",)
SEARCH = ("scikit-learn GridSearchCV*",)
ARM = "conv2-sharing-aux, ten rounds with its search"

TARGETS = (
    Target("`pairs-depth --quick`", "PyTorch script", "pairs-depth --quick", 1, SCRIPT, 4),
    Target("one arm whole", "PyTorch script, a process a core", ARM, 1, SCRIPT, 2),
    Target("`pairs-sharing` cnn, batch norm, K = 10", BETTER, "pair-cnn", 10, LOOP, 2.5),
    Target("`pairs-best`: dropout, warping", BETTER, "pair-best", 10, MASKS, 2.5),
    Target("48 pair MLPs of four widths", "a process a core", "pair-mlp, widths", 48, PER_CORE, 5),
    Target("`disk`, K = 1", "JAX jit + scan", "disk", 1, JAX, 1),
    Target("`disk`, K = 10", BETTER, "disk", 10, LOOP, 30),
    Target("`disk`, K = 100", BETTER, "disk", 100, LOOP, 45),
    Target("`disk`, K = 1,000", BETTER, "disk", 1000, LOOP, 45),
    Target("`pair-mlp`, K = 30", BETTER, "pair-mlp", 30, LOOP, 7),
    Target("`pair-mlp`, K = 30", "a process a core", "pair-mlp", 30, PER_CORE, 4),
    *(
        Target(f"`conv2`, K = {K}", f"{BETTER} and format", "conv2", K, LOOP, 2.5)
        for K in (1, 10, 30)
    ),
    *(
        Target(f"`conv2`, K = {K}, bfloat16", "the same in float32", "conv2, bfloat16", K, LOOP, 4)
        for K in (1, 10, 30)
    ),
    Target("`disk`, K = 10", "JAX on a device a core", "disk", 10, JAX_PER_CORE, 2),
    Target("`disk`, K = 100", "JAX on a device a core", "disk", 100, JAX_PER_CORE, 2.5),
    Target("`disk`, K = 10", "JAX 0.4.31", "disk", 10, JAX_BEFORE, 2),
    Target("`disk`, K = 100", "JAX 0.4.31", "disk", 100, JAX_BEFORE, 2.5),
    Target("64 MLPs of width 384", "packed with bmm", "packed MLPs", 64, ("*bmm*",), 2),
    Target("64 MLPs of width 384", "PyTorch loop", "packed MLPs", 64, LOOP, 3),
    Target("`wide`", "PyTorch eager", "wide", 1, LOOP, 1.8),
    Target("`wide`", "JAX", "wide", 1, JAX, 1),
    Target("`wide`", "the fastest product", "wide", 1, LOOP, 0.75, of_ceiling=True),
    Target("ten disk rounds, a study", "PyTorch script", "ten disk rounds, study", 1, SCRIPT, 3.5),
    Target(
        "the same less `import torch` of both",
        "PyTorch script",
        "ten disk rounds, study, less import torch",
        1,
        SCRIPT,
        12,
    ),
    *(
        Target(
            f"grid search, {data}{measure}",
            "scikit-learn's GridSearchCV",
            f"grid search, {data}{measure}",
            240,
            SEARCH,
            8,
        )
        for data in ("digits", "breast cancer", "wine", "table")
        for measure in ("", ", processor")
    ),
)

HEADS = ("case", "against", "found", "quartiles", "at least", "")


def targets_table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The heads, then a line a target; of what was not measured a dash."""
    return [HEADS, *(line(target, target.find_row(rows)) for target in TARGETS)]


def line(target: Target, row: Row | None) -> tuple[str, ...]:
    """A target and what was found."""
    about = target.case, target.against
    if target.of_ceiling:
        share = None if row is None else row.ceiling_fraction
        if share is None:
            return *about, "–", "–", f"{target.at_least:.0%}", "not measured"
        return *about, f"{share:.0%}", "–", f"{target.at_least:.0%}", judge(share, target)
    if row is None:
        return *about, "–", "–", f"{target.at_least:g} x", "not measured"
    quartiles = f"{row.low:.2f}–{row.high:.2f}"
    return (
        *about,
        f"{row.ratio:.2f} x",
        quartiles,
        f"{target.at_least:g} x",
        judge(row.ratio, target),
    )


def judge(found: float, target: Target) -> str:
    """Whether it was reached."""
    return "reached" if found >= target.at_least else "missed"
