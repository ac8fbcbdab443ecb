"""The digits that come with the package. scripts/build_digits.py rebuilds their file."""

from __future__ import annotations

import io
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from chainrule.data.errors import DataError

__all__ = ["read_bundled", "read_verified"]

FILE = Path(__file__).with_name("digits.npz")
SHA256 = "98ab451c67388df86fda379c993ffc0909a1d4977898e23eadb08b512f37b956"


@cache
def read_bundled(path: Path = FILE) -> tuple[Tensor, Tensor]:
    """The images (5000, 28, 28) and labels (5000,), both uint8; read once, not to be written to.

    The first half trains and the second tests; in each, the digits follow each other in turn.
    Raises DataError for another file than the one that was shipped.
    """
    with np.load(io.BytesIO(read_verified(path, SHA256)), allow_pickle=False) as arrays:
        return torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"])


def read_verified(path: Path, expected: str) -> bytes:
    """The content of a file of the package. Raises DataError for another than was shipped.

    Checked before it is parsed: nothing that a damaged file says is acted upon.
    """
    content = path.read_bytes()
    if (got := sha256(content).hexdigest()) != expected:
        raise DataError(f"{path}: expected SHA-256 {expected}, got {got}; reinstall chainrule")
    return content
