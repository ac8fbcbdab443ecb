"""``python -m benchmarks``. Nothing is imported here that a side's process would have to load."""

from __future__ import annotations

if __name__ == "__main__":
    import sys

    from benchmarks.cli import main

    sys.exit(main())
