"""What computes the epochs of a training: the layers themselves, or a compiled kernel."""

from chainrule.train.backends.base import (
    Backend,
    BackendStatus,
    Compiled,
    CompileError,
    EpochOutput,
    Plain,
    QuietEpoch,
)
from chainrule.train.backends.compiled import CompiledBackend
from chainrule.train.backends.plain import PlainBackend

__all__ = [
    "Backend",
    "BackendStatus",
    "CompileError",
    "Compiled",
    "CompiledBackend",
    "EpochOutput",
    "Plain",
    "PlainBackend",
    "QuietEpoch",
]
