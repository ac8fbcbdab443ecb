"""A wheel gets kernels for the processors that it may meet: whoever installs it needs no compiler.

And the derivations, which the app shows beside its layers.

Hatchling calls this. ``CHAINRULE_WHEEL_KERNELS`` names the levels, such as "x86-64-v3,x86-64-v4",
or "none"; without it there are all of this kind of machine. Without a C++ compiler the wheel has
none, and is for every machine.
"""

from __future__ import annotations

import os
import runpy
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TOOLCHAIN = Path("src/chainrule/compiled/toolchain.py")


@final
class KernelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the kernels before the wheel is written, and removes them afterwards."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        build_data["force_include"]["docs/derivations"] = "chainrule/web/derivations"
        toolchain = runpy.run_path(str(Path(self.root) / TOOLCHAIN))
        wanted = wanted_levels(list(toolchain["LEVELS"]))
        cxx = toolchain["compiler"]()
        if cxx is None:
            self.app.display_warning("no C++ compiler: the wheel has no kernels")
        if cxx is None or not wanted:
            return
        self.folder = TemporaryDirectory()
        toolchain["compile_kernels"](cxx, Path(self.folder.name), wanted)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"], build_data["tag"] = False, f"py3-none-{platform}"
        build_data["force_include"][self.folder.name] = "chainrule/compiled/kernels"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


def wanted_levels(known: list[str]) -> list[str]:
    """Those of ``$CHAINRULE_WHEEL_KERNELS``, else all. Raises ValueError for an unknown one."""
    told = os.environ.get("CHAINRULE_WHEEL_KERNELS")
    if not told:
        return known
    wanted = [] if told == "none" else told.split(",")
    if unknown := sorted(set(wanted) - set(known)):
        raise ValueError(f"CHAINRULE_WHEEL_KERNELS: {unknown[0]!r} is none of {', '.join(known)}")
    return wanted
