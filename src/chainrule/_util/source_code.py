"""A digest of a module's source: what tells whether its code is still the same."""

from __future__ import annotations

import ast
from hashlib import sha256
from pathlib import Path

__all__ = ["find_studies", "hash_source"]


def hash_source(path: Path) -> str:
    """The SHA-256 of a module, without the studies that are declared at its top: these have a
    digest of their own, and may be extended.
    """
    content = path.read_bytes()
    lines = content.splitlines()
    for node in find_studies(content):
        for i in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[i] = b""
    return sha256(b"\n".join(line for line in lines if line)).hexdigest()


def find_studies(source: bytes) -> list[ast.stmt]:
    """The statements at the top of a module that name a study."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return []
    return [
        node
        for node in body
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_study_call(node.value)
    ]


def is_study_call(node: ast.expr | None) -> bool:
    """``Study(…)``, ``study.Study(…)``"""
    function = node.func if isinstance(node, ast.Call) else None
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "Study"
