"""The lines of a TOML text on which its keys stand: tomllib does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

__all__ = ["find_line", "find_lines", "guess_place"]

TOKEN = re.compile(
    r'(?P<text>"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')'
    r"|(?P<comment>#[^\n]*)|(?P<sign>[\[\]{}=.,\n])|(?P<word>[^\s\[\]{}=.,\"'#]+)",
    re.DOTALL,
)

Path = tuple[str, ...]


def find_lines(text: str) -> dict[Path, int]:
    """The keys that lead to each field → the first line that has it, of a text that is TOML.

    A field of an inline table has the line of the key that the table belongs to.
    """
    lines: dict[Path, int] = {}
    section: Path = ()
    for number, statement in split_statements(text):
        if statement[0] == "[":
            path = section = read_key(statement)
        else:
            path = section + read_key(statement[: statement.index("=")])
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], number)
    return lines


def find_line(lines: Mapping[Path, int], place: Sequence[int | str]) -> int | None:
    """The line of a field, or of what it is in."""
    path = tuple(map(str, place))
    found = (lines.get(path[:length]) for length in range(len(path), 0, -1))
    return next((line for line in found if line is not None), None)


SPOKEN = re.compile(
    r"(?:arm (?P<arm>[^:]+): )?(?:path '(?P<path>[^']+)'|(?P<field>\w+(?:\.[\w-]+)*)): "
)


def guess_place(problem: str, lines: Mapping[Path, int] = MappingProxyType({})) -> Path:
    """``("search", "candidates")`` of ``search.candidates: …``; empty where no field is named.

    ``arm a: net.name: …`` is about the ``net.name`` of that arm, of a level, or of all, which of
    them stands in the ``lines`` of a text; ``path 'optimizer.lr': …`` is about the space.
    """
    found = SPOKEN.match(problem)
    if found is None:
        return ()
    if found["path"]:
        return ("space", found["path"])
    field = tuple(found["field"].split("."))
    levels = [path[:3] for path in lines if path[0] == "factors" and path[3:4] == field[:1]]
    homes = [("arms", found["arm"]), *levels] if found["arm"] else []
    return next(((*home, *field) for home in homes if (*home, field[0]) in lines), field)


def split_statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line that it begins on, pieces) of each header and each ``key = value``."""
    number, depth, start, statement = 1, 0, 1, list[str]()
    for match in TOKEN.finditer(f"{text}\n"):
        piece = match[0]
        depth += (piece in "[{") - (piece in "]}") if match["sign"] else 0
        if piece == "\n" and depth == 0 and statement:
            yield start, statement
            statement = []
        elif match["text"] or match["word"] or (match["sign"] and piece != "\n"):
            start = start if statement else number
            statement.append(piece)
        number += piece.count("\n")


def read_key(pieces: Sequence[str]) -> Path:
    """``("space", "optimizer.lr")`` of the pieces of ``[space."optimizer.lr"]``"""
    parts = [piece for piece in pieces if piece not in "[]."]
    return tuple(unquote(part) for part in parts)


def unquote(part: str) -> str:
    """A key without its quotes."""
    return str(tomllib.loads(f"key = {part}")["key"]) if part[0] in "\"'" else part
