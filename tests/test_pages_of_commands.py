"""Pages of commands as a reader goes through them: Python blocks and commands in turn.

What a block of commands prints is compared as text, its numbers left aside: how long a training
took, and how far it came, is the machine's.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest

from chainrule.cli import main
from tests.test_docs import BLOCK

HOWTO = Path(__file__).parents[1] / "docs" / "howto"


def pages_blocks(page: Path) -> list[tuple[str, str, str]]:
    """(language, code, the output shown) of each block that is run."""
    found = [(m[1], m[2]) for m in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    after = [*found[1:], ("", "")]
    return [
        (language, code, shown if kind == "text" else "")
        for (language, code), (kind, shown) in zip(found, after, strict=True)
        if language in ("python", "sh")
    ]


def without_numbers(text: str) -> str:
    """One sign for each number with what is around it, and for each class that is predicted.

    And for the name of the kernel, which has its machine's vectors and its sources' hash.
    """
    text = re.sub(r"compiled kernel [\w-]+", "compiled kernel 0", text)
    text = re.sub(r"[─\s]*[<+-]?\s*\d[\d.,e+-]*k?[─\s]*|[─\s]+", " # ", text)
    return text.replace("europe,", "usa,").replace("japan,", "usa,")


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    """Run the commands of a block: stderr of each, then its stdout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "nets", raising=False)

    def run(line: str) -> str:
        program, *words = shlex.split(line)
        if program == "sed":  # sed s/a/b/ FILE > FILE
            _, old, new, _ = words[0].split("/")
            Path(words[3]).write_text(Path(words[1]).read_text().replace(old, new))
            return ""
        monkeypatch.setattr(sys, "argv", ["chainrule", *words])
        with pytest.raises(SystemExit):
            main()
        out, err = capfd.readouterr()
        return (err + out).replace(f"{tmp_path}/", "")

    return run


@pytest.mark.slow
@pytest.mark.parametrize("page", ["own-data.md", "compare.md", "export.md"])
def test_the_commands_print_what_the_page_says(shell, capfd, page):
    module = ModuleType("page")
    for language, code, shown in pages_blocks(HOWTO / page):
        if language == "python":
            exec(compile(code, page, "exec"), vars(module))
            capfd.readouterr()
            continue
        printed = "".join(map(shell, code.replace("\\\n", " ").splitlines()))
        assert without_numbers(printed) == without_numbers(shown), code
