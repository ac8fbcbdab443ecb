"""A rule, and what it finds."""

from __future__ import annotations

import math
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = [
    "Finding",
    "Rule",
    "Severity",
    "format_number",
    "is_share",
    "run_command",
]

Severity = Literal["error", "warning"]
"""``error``: what the study seems to say does not follow; ``warning``: it says less than it could,
or may mislead."""


@final
@dataclass(frozen=True)
class Finding:
    """What a rule found: in which arm (None: in the study), in words, and what to type.

    ``numbers`` are those of the message in full precision.
    """

    code: str
    title: str
    severity: Severity
    arm: str | None
    message: str
    advice: str
    numbers: Mapping[str, Any]

    def as_row(self) -> dict[str, Any]:
        """The row as JSON data."""
        return asdict(self)


class Rule(ABC):
    """One thing to look for.

    ``title`` says it in a few words, ``why`` what is wrong with it, ``advice`` what to do;
    ``reads_samples``: it makes the samples of the rounds anew, which may fail.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    severity: ClassVar[Severity]
    why: ClassVar[str]
    advice: ClassVar[str]
    reads_samples: ClassVar[bool] = False

    @abstractmethod
    def find(self, result: StudyResult) -> Iterator[Finding]:
        """What there is of it in a study, finished or not."""

    def make_finding(self, arm: str | None, message: str, advice: str, **numbers: Any) -> Finding:
        """A finding of this rule; infinities and nan among the numbers are None."""
        plain = {
            name: None if isinstance(x, float) and not math.isfinite(x) else x
            for name, x in numbers.items()
        }
        return Finding(self.code, self.title, self.severity, arm, message, advice, plain)


def format_number(x: float) -> str:
    """Four digits, in the metric's own unit."""
    return f"{x:.4g}"


def is_share(value: float, n: int) -> bool:
    """Whether a value is k / n for a whole number k, as the share of n samples is."""
    return 0 <= value <= 1 and abs(value * n - round(value * n)) < 1e-6


def run_command(result: StudyResult, *options: str) -> str:
    """The command that ran the study, with these options in the place of its own of their names."""
    words: list[str] = []
    if result.runs:
        words = [str(word) for word in result.runs[-1].get("command", ())]
    if len(words) < 3 or Path(words[0]).name != "chainrule" or words[1] != "run":
        words = ["chainrule", "run", result.study.name]
    kept, named = ["chainrule", "run"], {word for word in options if word.startswith("--")}
    i = 2
    while i < len(words):
        name, equals, _ = words[i].partition("=")
        if name not in named:
            kept.append(words[i])
        elif not equals and name != "--extend":
            i += 1  # its value
        i += 1
    return shlex.join([*kept, *options])
