"""Files: tensors with a JSON header, written whole or not at all; nets."""
