"""Numbers with what they count."""

from __future__ import annotations

__all__ = ["count_noun"]


def count_noun(n: int, noun: str) -> str:
    """``1 round``, ``2 rounds``, ``12,000 batches``"""
    plural = f"{noun}es" if noun.endswith(("rch", "s", "sh", "tch", "x")) else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"
