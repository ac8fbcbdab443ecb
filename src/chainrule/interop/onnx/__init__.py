"""Nets as files of ONNX, which other programs run. Needs ``chainrule[onnx]``."""

try:
    import onnx  # noqa: F401 (the other one: ONNX's own builder)
except ImportError as error:
    raise ImportError("onnx is missing: pip install 'chainrule[onnx]'") from error

from chainrule.interop.onnx.containers import CONTAINERS, LAYERS
from chainrule.interop.onnx.export import build_model, export

__all__ = ["CONTAINERS", "LAYERS", "build_model", "export"]
