"""Random numbers from a counter: the same in any order, on any device.

Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011: Philox4x32-10.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["philox_words"]

ROUNDS = 10
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
KEY_STEPS = 0x9E3779B9, 0xBB67AE85
LOW = 2**32 - 1


def philox_words(
    keys: Sequence[int], use: int, samples: int, draws: int, device: torch.device | None = None
) -> Tensor:
    """Whole numbers below 2³², evenly distributed        int64 (K, samples, draws)

    Those of a key depend on it, the number of the use, the sample's and the draw's number alone:
    four neighbouring draws are one block, of the counter (draw / 4, sample, use).
    """
    key = torch.tensor([*keys], dtype=torch.int64, device=device)[:, None, None]
    k0, k1 = key & LOW, (key >> 32) & LOW
    zero = torch.zeros_like(key)
    c0 = torch.arange(-(-draws // 4), device=device) + zero
    c1 = torch.arange(samples, device=device)[None, :, None] + zero
    c2, c3 = zero + (use & LOW), zero + (use >> 32)
    for _ in range(ROUNDS):
        p0, p1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2  # the bits of 64, in a signed number
        c0, c1 = (p1 >> 32) & LOW ^ c1 ^ k0, p1 & LOW
        c2, c3 = (p0 >> 32) & LOW ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + KEY_STEPS[0]) & LOW, (k1 + KEY_STEPS[1]) & LOW
    words = torch.stack([c.expand(len(key), samples, -1) for c in (c0, c1, c2, c3)], -1)
    return words.flatten(2)[..., :draws]
