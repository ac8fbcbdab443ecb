"""The known word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """``did you mean 'pairs-depth'? ``, or nothing where no known word is like it."""
    found = get_close_matches(given, list(known), n=1)
    return f"did you mean {found[0]!r}? " if found else ""
