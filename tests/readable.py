"""What a message has that nobody wrote for users."""

from __future__ import annotations

import re

RAW = re.compile(
    r"Traceback|object has no|NoneType|pydantic|unsupported operand|unexpected key|Input should|"
    r"<class|<function|site-packages|\[type=|mat1|positional arg|keyword arg|size mismatch|"
    r"subscriptable|not iterable|not callable|unhashable|to unpack|index out of range|"
    r"cannot be interpreted|could not convert|invalid literal|Field required|: '[\w.]+'$"
)
"""Words of Python's, PyTorch's and pydantic's own errors."""


def check_readable(text: str) -> None:
    """It is a sentence of ours, and not endless."""
    found = RAW.search(text)
    assert found is None, f"{found and found[0]!r} in {text}"
    assert len(text) < 2000, text
