"""The known word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "find_similar"]


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """``did you mean 'pairs-depth'? ``, or nothing where no known word is like it."""
    found = find_similar(given, known)
    return f"did you mean {found!r}? " if found else ""


def find_similar(given: str, known: Iterable[str]) -> str | None:
    """The known word that differs in case alone (``relu``), goes on (``He``), has these words'
    first letters (``learning_rate``, lr), is spelled alike, or is the beginning (``maximize``);
    None where there is none.
    """
    words = {_fold(word): word for word in reversed([*known])}
    text = _fold(given)
    longer = sorted((word for word in words if word.startswith(text)), key=len)
    initials = "".join(part[0] for part in given.lower().replace("-", "_").split("_") if part)
    if text in words:
        return words[text]
    if longer and len(text) > 1:
        return words[longer[0]]
    if initials in words and len(initials) > 1:
        return words[initials]
    shorter = sorted((word for word in words if text.startswith(word)), key=len)
    alike = get_close_matches(text, words, n=1) or [word for word in shorter if len(word) > 2][-1:]
    return words[alike[0]] if alike else None


def _fold(word: str) -> str:
    """Without what people do not remember: capitals, hyphens, underscores."""
    return word.lower().replace("_", "").replace("-", "")
