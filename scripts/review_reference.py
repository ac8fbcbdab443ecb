"""What docs/reference/review.md shows of the rules of a review, made from the rules themselves."""

from __future__ import annotations

from chainrule.study.rules.base import Rule
from chainrule.study.rules.review import RULES

__all__ = ["build_rules"]


def build_rules() -> str:
    """Markdown: a table of the rules, then for each why it is one, and what to do."""
    contents = ["| code | severity | what |", "|---|---|---|"]
    contents += [f"| [{r.code}](#{r.code.lower()}) | {r.severity} | {r.title} |" for r in RULES]
    sections = "\n\n".join(map(describe_rule, RULES))
    return "\n".join(contents) + f"\n\n{sections}\n"


def describe_rule(rule: Rule) -> str:
    """The section of one rule."""
    heading = f"## {rule.code}: {rule.title} {{ #{rule.code.lower()} }}"
    kind = {"error": "An error.", "warning": "A warning."}[rule.severity]
    return f"{heading}\n\n{kind} {rule.why}\n\n**What to do.** {rule.advice}"
