"""Memory that a training gave back stays at hand for its next step."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

__all__ = ["disable_malloc_trim"]

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # names of <malloc.h>
LARGEST = {TRIM_THRESHOLD: 2**31 - 1, MMAP_THRESHOLD: 2**30}  # bytes


def disable_malloc_trim() -> bool:
    """Let this process keep freed memory for its next tensors; true where that is possible.

    Each step of a training makes the same large tensors as the one before. By default the C
    library of Linux returns each of them to the system and asks for it again, and the system
    clears it page by page, which takes up to half of a convolution's time. For processes that
    train and do nothing else: their memory stays at its highest mark until they end. Elsewhere
    than with glibc nothing is changed. Source: mallopt(3).
    """
    if sys.platform != "linux":
        return False
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        return all(mallopt(name, value) == 1 for name, value in LARGEST.items())
    return False
