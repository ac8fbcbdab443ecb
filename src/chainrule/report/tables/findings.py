"""The table of a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import Review

__all__ = ["findings_table"]

STUDY = "the study"
"""What stands for the arm where a finding is of none."""


def findings_table(found: Review) -> Table:
    """What was found, of which arms, and what to type.

    To be read, one row has all arms of which the same was found; ``rows`` have a finding each.
    """
    arms: dict[tuple[str, ...], list[str]] = {}
    for f in found.findings:
        same = f.code, f.severity, f"{f.message}.", f"{f.advice}."
        arms.setdefault(same, []).append(f.arm or STUDY)
    titles = ("code", "severity", "arm", "finding", "what to do")
    skipped = [f"{code} could not look: {why}" for code, why in found.skipped.items()]
    return Table(
        "findings",
        f"{found.study}: what a review found.",
        [Column(title, title, numeric=False) for title in titles],
        [
            [Cell(text, text) for text in (code, severity, ", ".join(names), *said)]
            for (code, severity, *said), names in arms.items()
        ],
        [finding.as_row() for finding in found.findings],
        skipped,
    )
