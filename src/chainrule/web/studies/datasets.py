"""What is shown of a study over several data sets: the arms over all of them, and its parts."""

from __future__ import annotations

from typing import Any

from chainrule.report.datasets_sentences import (
    datasets_opening,
    datasets_progress,
    datasets_verdict,
)
from chainrule.report.figure_data.critical_difference import critical_differences_data
from chainrule.report.tables.datasets import datasets_comparisons_table, datasets_table
from chainrule.web.studies.blocks import Block, figure_block, optional, paragraphs, table_block
from chainrule.web.studies.stores import StoredDatasets

__all__ = ["show_datasets"]


def show_datasets(stored: StoredDatasets) -> dict[str, Any]:
    """All of its page."""
    result = stored.result
    return {
        "name": result.name,
        "summary": result.study.summary,
        "opening": datasets_opening(result),
        "progress": datasets_progress(result),
        "state": stored.state,
        "version": stored.version,
        "parts": [
            {
                "dataset": name,
                "number": stored.numbers.get(name),
                **describe_dataset_progress(stored, name),
            }
            for name in result.declared
        ],
        "blocks": show_blocks(stored),
    }


def describe_dataset_progress(stored: StoredDatasets, name: str) -> dict[str, Any]:
    """How far the study is on one data set."""
    found = stored.result.datasets.get(name)
    if found is None:
        return {"state": "not begun", "rounds": [0, stored.result.study.max_rounds]}
    done = min((arm.n for arm in found.arms), default=0)
    if len(found.arms) < len(found.study.all_arms):
        done = 0
    return {"state": stored.states[name], "rounds": [done, found.needed_rounds]}


def show_blocks(stored: StoredDatasets) -> list[Block]:
    """What it says so far; where it is too little to compare the arms, why."""
    result = stored.result

    def compare() -> list[Block]:
        found = result.comparisons
        drawn: list[Block] = []
        if found.ranking is not None:
            data = critical_differences_data(found.ranking)
            drawn = [figure_block("ranks", data, RANKS)]  # its note stands below the table
        return [
            *paragraphs(datasets_verdict(result, found)),
            *drawn,
            table_block(datasets_comparisons_table(result, found)),
        ]

    return [*optional(compare), *optional(lambda: table_block(datasets_table(result)))]


RANKS = (
    "Mean ranks over the data sets, the best on top. A bar joins arms no two of which differ at 5% "
    "by Wilcoxon's test, after Holm's correction for all pairs."
)
