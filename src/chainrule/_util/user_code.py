"""What an error says, and the lines of the user's own code that it went through."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from traceback import FrameSummary, extract_tb

__all__ = ["TOO_LARGE", "describe_error", "find_user_frames", "is_out_of_memory"]

PACKAGE = Path(__file__).resolve().parents[1]
LIBRARIES = tuple({str(PACKAGE), *map(sysconfig.get_path, ("stdlib", "purelib", "platlib"))})
"""Where code lies that is not the user's."""

MAX_FRAMES = 4
"""So many lines of one error are shown, the innermost ones."""


def describe_error(error: BaseException) -> str:
    """The message of an error; with its kind where that is not one of ours, nor the system's of a
    file.

    Below it the lines of the user's own files that it went through, the innermost last.
    """
    text = " ".join(str(error).split())
    kind = type(error).__name__
    if isinstance(error, OSError) and error.filename and error.strerror:
        return add_user_lines(f"{error.filename}: {error.strerror}", error)
    message = text if isinstance(error, ValueError) and text else f"{kind}: {text}".rstrip(": ")
    message = TOO_LARGE if is_out_of_memory(error) else message
    return add_user_lines(message, error)


def add_user_lines(message: str, error: BaseException) -> str:
    """The message, and below it the lines of the user's own files, but those that it has."""
    lines = map(format_frame, find_user_frames(error)[-MAX_FRAMES:])
    return "\n".join([message, *(line for line in lines if line.strip() not in message)])


TOO_LARGE = "it is too large for the memory of this machine"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory for a tensor, or it is larger than any could be."""
    text = str(error).lower()
    beyond = isinstance(error, OverflowError | RuntimeError) and "overflow" in text
    signs = ("allocate memory", "out of memory", "overflow when unpacking")
    return isinstance(error, MemoryError) or beyond or any(sign in text for sign in signs)


def find_user_frames(error: BaseException) -> list[FrameSummary]:
    """Where in the user's code the error, or what it arose from, came about; outermost first."""
    for cause in error_chain(error):
        frames = [f for f in extract_tb(cause.__traceback__) if is_user_file(f.filename)]
        if isinstance(cause, SyntaxError) and cause.filename and is_user_file(cause.filename):
            line = (cause.text or "").strip()
            frames.append(FrameSummary(cause.filename, cause.lineno, "<module>", line=line))
        if frames:
            return frames
    return []


def error_chain(error: BaseException) -> Iterator[BaseException]:
    """What an error arose from, what was first at first, and itself."""
    if (earlier := error.__cause__ or error.__context__) is not None:
        yield from error_chain(earlier)
    yield error


def is_user_file(name: str) -> bool:
    """Whether a file belongs neither to Python, nor to chainrule, nor to an installed package."""
    command = Path(sys.argv[0]).name if sys.argv else ""
    own = Path(name).name == command == "chainrule"
    return not (name.startswith(("<", *LIBRARIES)) or "site-packages" in name or own)


def format_frame(frame: FrameSummary) -> str:
    """``  nets.py:12, in small: return nn.Linear(2, -1)``"""
    name = Path(frame.filename)
    shown = name.relative_to(Path.cwd()) if name.is_relative_to(Path.cwd()) else name
    line = f": {frame.line}" if frame.line else ""
    return f"  {shown}:{frame.lineno}, in {frame.name}{line}"
