"""Files: tensors with a JSON header, written whole or not at all; nets."""

from chainrule.serialization.nets import load, save
from chainrule.serialization.safetensors_file import FileError

__all__ = ["FileError", "load", "save"]
