"""What can be wrong with a data file."""

from __future__ import annotations

from chainrule.errors import ChainruleError

__all__ = ["DataError"]


class DataError(ChainruleError, ValueError):
    """A data file is damaged, or is not what it should be.

    The message names the file, what is wrong with it and what was expected.
    """
