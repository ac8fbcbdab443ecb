"""To and from other frameworks."""

from chainrule.interop.torch import from_torch, to_torch
from chainrule.interop.torch_backend import TorchTrainer

__all__ = ["TorchTrainer", "from_torch", "to_torch"]
