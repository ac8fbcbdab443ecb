"""Seeds from names.

Every random number of the package comes from a generator that is seeded by what it is *for*
(a root seed, then names such as ``"init", "0.weight"``), never by the order of calls. So a run
may be stopped, resumed or spread over machines, and a net may gain a head, without any other
number changing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import blake2b
from operator import index
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:  # the seeds of a declaration are named without torch
    import torch

__all__ = ["DerivedSeeds", "derive", "derive_each", "generator"]


def derive(root: int, *names: str | int) -> int:
    """The seed of a purpose: a whole number in [0, 2⁶³), the same on every machine.

    ``derive(7, "init", "0.weight")`` depends on each of its arguments, on their order and on
    their types (``1`` and ``"1"`` differ). Raises TypeError for a name that is neither a text
    nor a whole number.
    """
    return digest_seed(b"\0".join(map(spell, (root, *names))))


def derive_each(roots: Iterable[int], *names: str | int) -> list[int]:
    """``derive(root, *names)`` of each of these, which takes half as long as one by one."""
    ending = b"".join(b"\0" + spell(name) for name in names)
    return [digest_seed(spell(root) + ending) for root in roots]


class DerivedSeeds(Sequence[int]):
    """The same, derived when one of them is first asked for: few layers of a net ever draw."""

    def __init__(self, roots: Sequence[int], *names: str | int) -> None:
        self._roots, self._names = tuple(roots), names

    @cached_property
    def _seeds(self) -> list[int]:
        return derive_each(self._roots, *self._names)

    def __len__(self) -> int:
        return len(self._roots)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        return self._seeds[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._seeds == [*other]

    __hash__ = None  # type: ignore[assignment]  # as of a list


def digest_seed(purpose: bytes) -> int:
    """The first 63 bits of a digest."""
    return int.from_bytes(blake2b(purpose, digest_size=8).digest(), "little") >> 1


def spell(name: str | int) -> bytes:
    """A root or a name as it is digested. Raises TypeError for another type."""
    return repr(name if isinstance(name, str) else index(name)).encode()


def generator(root: int, *names: str | int) -> torch.Generator:
    """A CPU generator seeded with :func:`derive`; drawing on the CPU is the same everywhere."""
    import torch

    return torch.Generator().manual_seed(derive(root, *names))
