"""What was declared differently when a study began, and when that was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.study.spec.study import Study

__all__ = ["describe_later_changes", "find_later_changes"]

FIELDS = {
    "rounds": "number of rounds",
    "arms": "number of arms",
    "baseline": "baseline",
    "rope": "rope",
    "failure_value": "failure value",
}
"""What may be changed while rows stay as they are, and does change a conclusion."""


def find_later_changes(old: Study, new: Study) -> dict[str, list[Any]]:
    """Field → what was declared and what is now, for a run to keep."""
    before, after = read_fields(old), read_fields(new)
    return {name: [before[name], after[name]] for name in FIELDS if before[name] != after[name]}


def read_fields(study: Study) -> dict[str, Any]:
    """The fields as they are declared; of the arms how many, of the rounds at each look."""
    values = {name: getattr(study, name) for name in FIELDS}
    return {**values, "arms": len(study.all_arms), "rounds": [*study.looks]}


def describe_later_changes(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """``The rope was 0.01 when the study began (2026-…), 0.02 from 2026-….`` for each field.

    ``runs`` are the provenances of the runs, which keep what each of them changed: nothing that a
    later run declares takes that away.
    """
    sentences = []
    for name, word in FIELDS.items():
        changes = [(run["changes"][name], run) for run in runs if name in run.get("changes", ())]
        if changes:
            (first, _), _ = changes[0]
            news = [first, *(new for (_, new), _ in changes)]  # several shares make one change
            since = "".join(
                f", {say(new)} from {say_time(run)}"
                for ((_, new), run), before in zip(changes, news, strict=False)
                if new != before
            )
            began = f"The {word} was {say(first)} when the study began ({say_time(runs[0])})"
            sentences.append(f"{began}{since}.")
    return sentences


def say(value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "not declared" if value is None else f"{value}"


def say_time(run: Mapping[str, Any]) -> str:
    """When a run began, to the minute."""
    return f"{run.get('time') or 'time not known'}"[:16].replace("T", " ")
