"""The table of a review: a row a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.report.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from chainrule.study import Review

__all__ = ["findings_table"]

STUDY = "the study"
"""What stands for the arm where a finding is of none."""


def findings_table(found: Review) -> Table:
    """A row a finding: its code and severity, the arm, what was found, and what to type."""
    titles = ("code", "severity", "arm", "finding", "what to do")
    skipped = [f"{code} could not look: {why}" for code, why in found.skipped.items()]
    return Table(
        "findings",
        f"{found.study}: what a review found.",
        [Column(title, title, numeric=False) for title in titles],
        [
            [
                Cell(text, text)
                for text in (f.code, f.severity, f.arm or STUDY, f"{f.message}.", f"{f.advice}.")
            ]
            for f in found.findings
        ],
        [finding.as_row() for finding in found.findings],
        skipped,
    )
