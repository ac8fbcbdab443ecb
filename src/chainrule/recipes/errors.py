"""What is said of a recipe or a study that cannot be carried out."""

from __future__ import annotations

from chainrule.errors import ChainruleError

__all__ = ["StudyError"]


class StudyError(ChainruleError, ValueError):
    """A study that cannot be run as asked; the message says what would be right."""
