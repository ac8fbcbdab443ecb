"""What a shell offers where a study or a run is wanted. It imports nothing of the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["complete_builtin_study", "complete_run", "complete_study"]

BUILTIN = Path(__file__).parents[1] / "study" / "builtin"


def complete_builtin_study(incomplete: str) -> list[str]:
    """The built-in studies whose names begin so."""
    names = sorted(path.stem for path in BUILTIN.glob("*.toml"))
    return [name for name in names if name.startswith(incomplete)]


def complete_study(incomplete: str) -> list[str]:
    """Built-in studies, and TOML files."""
    return [*complete_builtin_study(incomplete), *complete_path(incomplete, ".toml")]


def complete_run(incomplete: str) -> list[str]:
    """The runs in runs/, and stores elsewhere."""
    names = sorted(path.stem for path in Path("runs").glob("*.sqlite"))
    runs = [name for name in names if name.startswith(incomplete)]
    return [*runs, *complete_path(incomplete, ".sqlite")]


def complete_path(incomplete: str, suffix: str) -> list[str]:
    """Folders, and files of this suffix, whose paths begin so."""
    folder, _, begin = incomplete.rpartition("/")
    prefix = f"{folder}/" if "/" in incomplete else ""
    try:
        found = sorted(Path(prefix or ".").iterdir())
    except OSError:
        return []
    shown = [path for path in found if path.name.startswith(begin) and path.name[0] != "."]
    return [
        f"{prefix}{path.name}{'/' if path.is_dir() else ''}"
        for path in shown
        if path.is_dir() or path.suffix == suffix
    ]
