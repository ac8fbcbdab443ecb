"""Ours against each peer: first whether they compute the same, then their times in turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import inf

import numpy as np
import torch

from benchmarks.ceiling import open_ceiling
from benchmarks.peers import ours
from benchmarks.ragged import RaggedTask, RaggedWork
from benchmarks.rows import Row
from benchmarks.sides import Peer, Side
from benchmarks.task import Task
from benchmarks.work import Work

__all__ = ["DifferenceError", "check", "check_exactly", "compare", "quartiles"]

Say = Callable[[str], None]

MIN_PAIRS = 2
EXACT, CLOSE = 1e-8, 1e-2
"""How far losses may be apart, relatively: in float64 after two epochs, and each replica's in
float32 after its first epoch, where a unit within rounding of 0 is on for one side only."""


class DifferenceError(AssertionError):
    """A peer computes something else."""


def check(peer: str, found: np.ndarray, expected: np.ndarray, tolerance: float) -> float:
    """The largest relative difference of two sets of losses. Raises DifferenceError."""
    if found.shape != expected.shape:
        raise DifferenceError(f"{peer}: losses {found.shape}, ours {expected.shape}")
    difference = float(np.max(np.abs(found - expected) / np.maximum(np.abs(expected), 1e-12)))
    if not difference <= tolerance:
        raise DifferenceError(
            f"{peer} computes something else: from the same weights and batches its losses differ "
            f"from ours by {difference:.1e} of them, more than {tolerance:.0e}"
        )
    return difference


def check_exactly(
    work: Work | RaggedWork, peers: Sequence[Peer], say: Say, *, own: Peer | None = None
) -> None:
    """Compare the losses in float64, from a small form of the work; each program once.

    Where our own side rounds on purpose it is the plain one of ours that is compared.
    """
    if own is None or not own.exact:
        own = ours(1)
    small = work.smaller()
    task = small.task(torch.float64)
    expected = losses_of(own, task, small.epochs)
    programs = {(p.module, repr(p.options)): p for p in reversed(peers) if p.exact}
    for peer in programs.values():
        one = replace(peer, processes=1, threads=1)
        difference = check(peer.name, losses_of(one, task, small.epochs), expected, EXACT)
        say(f"  {peer.name}: same losses in float64, to {difference:.0e}")


def losses_of(peer: Peer, task: Task | RaggedTask, epochs: int) -> np.ndarray:
    """The losses (E, K) of a side."""
    with Side(peer) as side:
        side.prepare(task)
        return side.train(epochs)[1]


def compare(
    work: Work | RaggedWork,
    peers: Sequence[Peer],
    repeat: int,
    say: Say,
    *,
    own: Peer | None = None,
    most: float = inf,
) -> list[Row]:
    """A row for each peer, of ``repeat`` pairs of runs, or as many as take ``most`` seconds.

    Two at least. Raises DifferenceError, and SideError for what a side cannot do.
    """
    own = own or ours(work.replicas)
    task = work.task()
    with ExitStack() as stack:
        mine, *sides = [stack.enter_context(Side(peer)) for peer in (own, *peers)]
        ceiling = stack.enter_context(open_ceiling(task))
        expected, own_seconds = warmed(mine, task, work, say)
        counts = []
        for side in sides:
            found, seconds = warmed(side, task, work, say)
            if side.peer.exact:
                check(side.peer.name, found[0], expected[0], CLOSE)
            counts.append(max(MIN_PAIRS, min(repeat, int(most / (own_seconds + seconds)))))
        pairs: list[list[tuple[float, float]]] = [[] for _ in sides]
        ceiling.measure()
        for i in range(max(counts, default=0)):
            for side, times, count in zip(sides, pairs, counts, strict=True):
                if i < count:
                    times.append((mine.train(work.epochs)[0], side.train(work.epochs)[0]))
            ceiling.measure()
        say(f"  GFLOP/s of products on all cores: {ceiling}")
        top = ceiling.gflops
        peak = mine.peak(work.epochs)
        return [
            row_of(work, side, times, top, peak) for side, times in zip(sides, pairs, strict=True)
        ]


def warmed(
    side: Side, task: Task | RaggedTask, work: Work | RaggedWork, say: Say
) -> tuple[np.ndarray, float]:
    """The losses of the first run, in which a compiler may take its time; seconds of the second."""
    note = side.prepare(task)
    first, losses = side.train(work.epochs)
    second, _ = side.train(work.epochs)
    compiled = f"; compiled in {first - second:.1f} s" if first - second > max(1, second) else ""
    say(f"  {side.peer.name}: {note}{compiled}" if note or compiled else f"  {side.peer.name}")
    return losses, second


def row_of(
    work: Work | RaggedWork, side: Side, times: Sequence[tuple[float, float]], top: float, peak: int
) -> Row:
    """The medians and quartiles of pairs of seconds (ours, the peer's)."""
    each = 1e6 / (work.steps * work.replicas)
    us = statistics.median(a for a, _ in times) * each
    low, ratio, high = quartiles([b / a for a, b in times])
    gflops = work.flops / us / 1e3
    return Row(
        workload=work.name,
        replicas=work.replicas,
        peer=side.peer.name,
        ratio=ratio,
        low=low,
        high=high,
        ours_us=us,
        peer_us=statistics.median(b for _, b in times) * each,
        gflops=gflops,
        ceiling_fraction=gflops / top,
        peak_bytes=peak,
        peer_peak_bytes=side.peak(work.epochs),
        pairs=len(times),
    )


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The first quartile, the median and the third."""
    first, second, third = np.quantile(values, (0.25, 0.5, 0.75))
    return float(first), float(second), float(third)
