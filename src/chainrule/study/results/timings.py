"""Times of trainings that ran alone: of one machine, since those of several are no column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, final

from chainrule._util.words import count_noun
from chainrule.study.store.record import TrainingRecord

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult

__all__ = ["Timings", "describe_machines"]

Machine = tuple[str, str]
"""(host, the model of its processor; "" in rows from before that was recorded)"""


@final
@dataclass(frozen=True)
class Timings:
    """The rows of a study that were trained alone for their time, of whichever machines.

    The times that count are those of one ``machine``: the one that timed the most arms, of several
    such the one that was at it last.
    """

    rows: Sequence[TrainingRecord]

    @classmethod
    def of_rows(cls, rows: Iterable[TrainingRecord]) -> Timings:
        """Those among all rows of a study that were timed, and did not fail."""
        return cls([row for row in rows if row.stage == "timing" and row.status != "failed"])

    @cached_property
    def _machines(self) -> list[Machine]:
        """Of each row."""
        cpus = {find_host(row): cpu for row in self.rows if (cpu := row.machine.get("cpu"))}
        return [
            (host, row.machine.get("cpu") or cpus.get(host, ""))
            for row in self.rows
            for host in [find_host(row)]
        ]

    @cached_property
    def machine(self) -> Machine | None:
        """The machine whose times count; None where nothing was timed."""
        counts = Counter(self._machines)
        last = {
            machine: row.finished
            for row, machine in sorted(
                zip(self.rows, self._machines, strict=True), key=lambda pair: pair[0].finished
            )
        }
        return max(counts, key=lambda machine: (counts[machine], last[machine]), default=None)

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Arm → what its training took alone, on the machine that counts."""
        pairs = zip(self.rows, self._machines, strict=True)
        return {row.arm: row.seconds for row, machine in pairs if machine == self.machine}

    def describe_others(self) -> str:
        """A sentence that names the arms that other machines timed; empty where none did."""
        if not (others := sorted({row.arm for row in self.rows} - {*self.seconds})):
            return ""
        here, _ = self.machine or ("", "")
        arms = f"{'arm' if len(others) == 1 else 'arms'} {', '.join(others)}"
        return (
            f"The solo times are those of {here or 'one machine'}; {arms} "
            f"{'was' if len(others) == 1 else 'were'} timed on another machine."
        )


def describe_machines(arms: Iterable[ArmResult]) -> list[str]:
    """A sentence that names the machines that trained these arms' rounds; none for one machine."""
    hosts = sorted({find_host(row) for arm in arms for row in arm.rows} - {""})
    if len(hosts) < 2:
        return []
    names = ", ".join([*hosts[:3], f"{len(hosts) - 3} more"] if len(hosts) > 4 else hosts)
    machines = count_noun(len(hosts), "machine")
    return [f"The amortised times are those of {machines}, not of one: {names}."]


def find_host(row: TrainingRecord) -> str:
    """The machine that trained a row, by its name."""
    return row.machine.get("host") or row.worker.rpartition(":")[0]
