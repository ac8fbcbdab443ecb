"""Names say what a thing is: a verb and a noun, or a plain noun; one word has one meaning.

And what they name is short.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import chainrule

SOURCE = Path(chainrule.__file__).parent
FILES = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}

PARTICIPLE = re.compile(r"\w{2,}[^e]ed|(be|ta|gi|wri|cho|hid|bro|spo|dri)\w*en")
NO_NAMES = {
    *("begun", "done", "drawn", "gone", "kept", "known", "left", "lost", "made", "meant"),
    *("said", "seen", "sent", "shown", "slid", "taken", "thought", "told"),
    *("about", "after", "ahead", "along", "among", "apart", "around", "as", "at", "before"),
    *("behind", "below", "beside", "between", "beyond", "by", "for", "from", "in", "into", "like"),
    *("of", "off", "on", "out", "over", "than", "to", "together", "under", "until", "with"),
    *("all", "alive", "anew", "both", "broken", "deep", "each", "empty", "equal", "every", "few"),
    *("finite", "first", "flat", "free", "here", "idle", "innermost", "last", "most", "new"),
    *("now", "only", "other", "ours", "own", "plain", "quick", "same", "several"),
    *("short", "some", "still", "theirs", "usual", "weighty", "whole", "worst"),
}
NOUNS = {"embed", "feed", "need", "seed", "speed", "token"}
"""Words of these endings that are nouns or verbs."""

EXCEPTIONS = {"Module.to", "Dataset.of", "Dataset.to", "History.last"}
"""Names that users know: of torch, and of what a history has."""


def is_no_name(name: str) -> bool:
    """Whether a function's name is a bare participle, preposition or adjective."""
    words = name.strip("_").split("_")
    if words[-1] in ("of", "by", "from", "with", "as"):
        return True
    if len(words) > 1:
        return False
    word = words[0]
    return word not in NOUNS and (word in NO_NAMES or bool(PARTICIPLE.fullmatch(word)))


@cache
def parse(path: Path) -> ast.Module:
    """The syntax tree of a file, for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> list[str]:
    """Each function and method of a file, by its qualified name."""
    found: list[str] = []

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                if isinstance(child, ast.FunctionDef):
                    found.append(prefix + child.name)
                walk(child, f"{prefix}{child.name}.")
            else:
                walk(child, prefix)

    walk(parse(path), "")
    return found


def test_a_function_is_a_verb_and_a_noun_or_a_noun():
    wrong = [
        (file, name)
        for file, path in FILES.items()
        for name in functions(path)
        if is_no_name(name.rpartition(".")[2]) and name not in EXCEPTIONS
    ]
    assert not wrong


@pytest.mark.parametrize("name", ["begun", "_said", "told", "of", "rows_of", "scaled", "_whole"])
def test_what_is_no_name_is_seen(name):
    assert is_no_name(name)


@pytest.mark.parametrize("name", ["forward", "round_seed", "build_plan", "seed", "run", "_send"])
def test_a_name_passes(name):
    assert not is_no_name(name)


def test_one_word_has_one_meaning():
    """No two files define a public class or function of one name."""
    places = defaultdict(set)
    for file, path in FILES.items():
        for node in parse(path).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(file)
    twice = {name: sorted(files) for name, files in places.items() if len(files) > 1}
    assert not twice


def count_lines(node: ast.FunctionDef | ast.ClassDef) -> int:
    """From the first line of a definition to its last."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_a_function_fits_on_a_screen_and_a_class_on_four():
    """Fewer than 50 lines, and than 200."""
    sizes = {ast.FunctionDef: 50, ast.ClassDef: 200}
    assert not [
        (file, node.name)
        for file, path in FILES.items()
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and count_lines(node) >= sizes[type(node)]
    ]
