"""The full MNIST from its public mirrors, each file checked by its SHA-256."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

from chainrule.data.files.mnist import FILES, Split

__all__ = ["MIRRORS", "SHA256", "download_mnist"]

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

# Of each published file, named without its .gz.
SHA256 = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def download_mnist(split: Split, root: str | Path | None = None) -> tuple[Path, Path]:
    """The gzipped images and labels of a split, in `root` or else in the user's cache.

    A file that is already there with the right SHA-256 is not downloaded again; one with another
    is replaced. Raises ImportError without pooch, OSError where no mirror gives the file.
    """
    pooch = _import_pooch()
    folder = _cache_folder(pooch) if root is None else Path(root).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = FILES[split]
    return _fetch(pooch, images, folder), _fetch(pooch, labels, folder)


def _fetch(pooch: ModuleType, name: str, folder: Path) -> Path:
    file, failures = f"{name}.gz", []
    for mirror in MIRRORS:
        try:
            return Path(pooch.retrieve(mirror + file, SHA256[name], fname=file, path=folder))
        except (OSError, ValueError) as error:  # no network, or not the file that was published
            failures.append(f"{mirror}: {error}")
    raise OSError(_format_advice(file, folder, failures))


def _cache_folder(pooch: ModuleType) -> Path:
    folder: Path = pooch.os_cache("chainrule")
    # Without HOME, and for a user whom the system does not know, it begins with a literal "~".
    return folder if folder.is_absolute() else Path(tempfile.gettempdir()) / "chainrule"


def _import_pooch() -> ModuleType:
    try:
        return import_module("pooch")
    except ImportError as error:
        raise ImportError(
            "download=True needs the package pooch: pip install 'chainrule[download]'"
        ) from error


def _format_advice(file: str, folder: Path, failures: list[str]) -> str:
    lines = [
        f"{file}: no mirror gave the file. Fetch the files of MNIST where there is a network:",
        *(f"  {MIRRORS[0]}{name}.gz" for name in SHA256),
        f"Put them into a folder, such as {folder}, and pass it as root=. What was tried:",
        *(f"  {failure}" for failure in failures),
    ]
    return "\n".join(lines)
