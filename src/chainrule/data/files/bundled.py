"""The digits that come with the package.

scripts/build_digits.py and scripts/build_optical_digits.py rebuild their files.
"""

from __future__ import annotations

import io
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from chainrule.data.errors import DataError

__all__ = ["OPTICAL_FILE", "read_bundled", "read_verified"]

FILE = Path(__file__).with_name("digits.npz")
OPTICAL_FILE = Path(__file__).with_name("optical_digits.npz")
SHA256 = {
    FILE.name: "8f0965eb99c47d28ed9a69a6afeb3a01f4211725abaa1b868cac253b4e8ea40f",
    OPTICAL_FILE.name: "a7fdd2bf060a5f44580d2d7ccf9ef4f8b183383e4287d588a56fc7186a03081c",
}


@cache
def read_bundled(path: Path = FILE) -> tuple[Tensor, Tensor]:
    """The images (5000, 28, 28) and labels (5000,), both uint8; read once, not to be written to.

    The first half trains and the second tests; in each, the digits follow each other in turn. Of
    the optical digits there are (1797, 8, 8), from 0 to 16. Raises DataError for another file than
    the one of this name that was shipped.
    """
    content = read_verified(path, SHA256[path.name])
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"])


def read_verified(path: Path, expected: str) -> bytes:
    """The content of a file of the package. Raises DataError for another than was shipped.

    Checked before it is parsed: nothing that a damaged file says is acted upon.
    """
    content = path.read_bytes()
    if (got := sha256(content).hexdigest()) != expected:
        raise DataError(f"{path}: expected SHA-256 {expected}, got {got}; reinstall chainrule")
    return content
