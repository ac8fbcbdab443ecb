"""The modules of a user's own that a saved net needs: imported where they are trusted."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path

from chainrule._util.source_code import hash_source

__all__ = ["import_trusted"]


def import_trusted(sources: Mapping[str, str], trust: Collection[str]) -> None:
    """Import the modules that a net was saved with; module → digest of its source.

    Raises ValueError where one is not among the trusted, cannot be imported, or has another source
    than when the net was saved: then what its classes do is not known.
    """
    trusted = [trust] if isinstance(trust, str) else trust
    if strange := [name for name in sources if name not in trusted]:
        listed = ", ".join(map(repr, strange))
        raise ValueError(
            f"it has classes of {', '.join(strange)}, whose code loading it runs: where you trust "
            f"that, load(path, trust=[{listed}]), on the command line --trust {strange[0]}"
        )
    for name, digest in sources.items():
        check_source(name, digest)


def check_source(name: str, digest: str) -> None:
    """Import a module, whose source is to have this digest. Raises ValueError as said above."""
    try:
        module = import_module(name)
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise ValueError(
            f"it needs the module {name}, which cannot be imported "
            f"({type(error).__name__}: {error}); looked for in {', '.join(sys.path[:3])}, …"
        ) from error
    file = getattr(module, "__file__", None)
    if file is None or hash_source(Path(file)) != digest:
        raise ValueError(
            f"{name} was changed since the net was saved ({file}): with the earlier source it "
            "loads; or build the net in code, and load_state_dict"
        )
