"""The compiled kernel: nets, losses and optimizers lowered to a program that C++ runs."""

from chainrule.compiled.build import (
    SCALAR_TYPES,
    BuildError,
    build_kernel,
    is_built,
    kernel,
    prefer_micro_kernel,
    wait_for_kernel,
)
from chainrule.compiled.compile import CompiledProgram, compile_inference, compile_training
from chainrule.compiled.launch import Epochs, compute_outputs, train_epochs
from chainrule.compiled.lowering.program import Unsupported

__all__ = [
    "SCALAR_TYPES",
    "BuildError",
    "CompiledProgram",
    "Epochs",
    "Unsupported",
    "build_kernel",
    "compile_inference",
    "compile_training",
    "compute_outputs",
    "is_built",
    "kernel",
    "prefer_micro_kernel",
    "train_epochs",
    "wait_for_kernel",
]
