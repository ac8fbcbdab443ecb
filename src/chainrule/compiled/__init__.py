"""The compiled kernel: nets, losses and optimizers lowered to a program that C++ runs."""

from chainrule.compiled.build import BuildError, build_kernel

__all__ = ["BuildError", "build_kernel"]
