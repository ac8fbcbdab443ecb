"""What was asked for, and the part that the training cases share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.measuring import check_exactly, compare
from benchmarks.ragged import RaggedWork
from benchmarks.rows import Row
from benchmarks.sides import Peer
from benchmarks.work import Work

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """``repeat``: pairs of runs, fewer where those with a peer would take more than ``seconds``.

    ``peers``: patterns of their names; ``say``: shows a line.
    """

    quick: bool = False
    repeat: int = 5
    seconds: float = 20.0
    peers: tuple[str, ...] = ("*",)
    figures: Path | None = None
    say: Callable[[str], None] = print

    def wanted(self, name: str) -> bool:
        """Whether a peer of this name was asked for."""
        return any(fnmatchcase(name, pattern) for pattern in self.peers)

    def chosen(self, peers: Sequence[Peer]) -> list[Peer]:
        """Those whose names match and whose libraries are there; the others are told of.

        The quick form leaves out PyTorch's compiler, which takes half a minute for each net.
        """
        found = []
        for peer in peers:
            slow = self.quick and "torch.compile" in peer.name
            if slow or not self.wanted(peer.name):
                continue
            if (line := peer.missing()) is not None:
                self.say(line)
            else:
                found.append(peer)
        return found

    def measure(
        self,
        works: Sequence[Work | RaggedWork],
        peers: Sequence[Peer],
        own: Callable[[int], Peer] | None = None,
    ) -> list[Row]:
        """Rows for each work; the first stands for all in the check in float64."""
        chosen = self.chosen(peers)
        if not chosen:
            return []
        self.say(f"{works[0].name}: is the same computed?")
        most = max(works, key=lambda work: min(work.replicas, 3))
        check_exactly(most, chosen, self.say, own=None if own is None else own(1))
        rows = []
        for work in (work.quick() if self.quick else work for work in works):
            self.say(f"{work.name}, K = {work.replicas}:")
            fitting = [peer for peer in chosen if peer.fits(work.replicas)]
            side = None if own is None else own(work.replicas)
            rows += compare(work, fitting, self.repeat, self.say, own=side, most=self.seconds)
        return rows
