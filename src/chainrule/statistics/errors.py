"""What is raised where scores say nothing."""

from __future__ import annotations

from chainrule.errors import ChainruleError

__all__ = ["StatisticsError"]


class StatisticsError(ChainruleError, ValueError):
    """Scores from which nothing can be concluded; the message says what would be right."""
