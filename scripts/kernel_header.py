"""Write src/chainrule/compiled/cpu/abi.h: what Python and the kernel hand each other, in C++.

    python scripts/kernel_header.py

To be run after a change of the classes that it declares; they are in chainrule.compiled.abi and
what that imports.
"""

from __future__ import annotations

from chainrule.compiled.abi import header
from chainrule.compiled.build import HEADER

if __name__ == "__main__":
    HEADER.write_text(header(), encoding="utf-8")
