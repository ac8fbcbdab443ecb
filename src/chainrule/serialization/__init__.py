"""Files: tensors with a JSON header, written whole or not at all; nets, and folders of them."""

from chainrule.serialization.folder import save_folder
from chainrule.serialization.nets import load, load_metadata, save
from chainrule.serialization.safetensors_file import FileError

__all__ = ["FileError", "load", "load_metadata", "save", "save_folder"]
