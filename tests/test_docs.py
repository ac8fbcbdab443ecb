"""The pages: every Python block runs as it stands, and prints what the page says it prints.

The blocks of a page run from top to bottom in one namespace and one temporary folder. A ``text``
block right after a ``python`` block is that block's output. Numbers with a decimal point may
differ a little between machines; all else is compared as it is.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import tomllib
import warnings
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from types import ModuleType, SimpleNamespace

import matplotlib as mpl
import pytest

from chainrule.compiled.toolchain import compiler

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+(?:e[+-]\d+)?|e[+-]\d+)")


def named(page: Path) -> str:
    """``docs/howto/layer.md``"""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> Iterator[tuple[int, str, str | None]]:
    """(line, code, the output shown or None) of each Python block."""
    found = list(BLOCK.finditer(text))
    for here, after in zip_longest(found, found[1:]):
        if here[1] == "python":
            next_to = after and after[1] == "text" and not text[here.end() : after.start()].strip()
            yield text[: here.start(2)].count("\n"), here[2], after[2] if next_to else None


def same(printed: str, shown: str) -> bool:
    """Equal, but for numbers with a decimal point: those within a tenth, or both next to 0."""
    if NUMBER.sub("#", printed.strip()) != NUMBER.sub("#", shown.strip()):
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True)
    return all(float(a) == pytest.approx(float(b), rel=0.1, abs=1e-6) for a, b in pairs)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch, capsys):
    if page.name == "compiled.md" and compiler() is None:
        pytest.skip("there is no C++ compiler")
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # where its classes look for themselves
    monkeypatch.chdir(tmp_path)
    with mpl.rc_context({"backend": "Agg"}), warnings.catch_warnings():
        warnings.simplefilter("error")
        for line, code, shown in blocks(page.read_text(encoding="utf-8")):
            # Empty lines before it, so that a traceback has the lines of the page.
            exec(compile("\n" * line + code, str(page), "exec"), vars(module))
            printed = capsys.readouterr().out
            if shown is not None:
                assert same(printed, shown), f"{named(page)}, line {line}: printed\n{printed}"


def find_in_pages(pattern: str) -> list[tuple[Path, str]]:
    """(page, what is found in it)"""
    return [(p, found) for p in PAGES for found in re.findall(pattern, p.read_text("utf-8"))]


def test_links_between_pages_lead_somewhere():
    links = find_in_pages(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)")
    assert len(links) > 100
    assert not [(named(page), link) for page, link in links if not (page.parent / link).exists()]


def test_a_link_says_in_words_where_it_leads():
    assert find_in_pages(r"\[[\w./-]+\.md\]\(") == []


def test_files_and_tests_that_a_page_names_exist():
    files = find_in_pages(r"`((?:src|tests|scripts|benchmarks|examples)/[\w/.-]+)")
    assert not [(named(page), name) for page, name in files if not (ROOT / name).exists()]
    tests = "".join(f.read_text("utf-8") for f in (ROOT / "tests").rglob("test_*.py"))
    known = {*re.findall(r"def (test_\w+)\(", tests), "test_loss", "test_accuracy"}
    assert not [(named(p), name) for p, name in find_in_pages(r"`(test_\w+)`") if name not in known]


def test_outputs_are_compared():
    assert same("loss 0.501 in 3\n", "loss 0.5 in 3\n")
    assert same("error 1.2e-11", "error 3.4e-10")
    assert not same("loss 0.501 in 3", "loss 0.5 in 4")
    assert not same("loss 0.7", "loss 0.5")


def test_a_page_without_blocks_has_none():
    assert list(blocks("words\n")) == []


def test_blocks_are_found_with_their_lines_and_outputs():
    page = "a\n```python\nx\n```\n\n```text\ny\n```\nb\n```python\nz\n```\n```sh\n```\n"
    assert list(blocks(page)) == [(2, "x\n", "y\n"), (10, "z\n", None)]


REFERENCE = "\n".join(
    page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs" / "reference").rglob("*.md"))
)
PACKAGES = (
    *("nn", "nn.init", "optim", "optim.lr_scheduler", "data", "train", "estimators", "study"),
    *("statistics", "report", "report.figure_data", "zoo", "interop", "sklearn"),
)


@pytest.mark.parametrize("name", PACKAGES)
def test_each_public_name_stands_once_in_the_reference(name):
    package = importlib.import_module(f"chainrule.{name}")
    lists = re.findall(rf"<!-- chainrule\.{re.escape(name)}: ([\w,\s]+) -->", REFERENCE)
    listed = " ".join(lists).replace(",", " ").split()
    modules = {each for each in package.__all__ if inspect.ismodule(getattr(package, each))}
    assert sorted(listed) == sorted(set(package.__all__) - modules)


def public_callables(name: str) -> list[tuple[str, inspect.Signature]]:
    package = importlib.import_module(f"chainrule.{name}")
    members = [(each, getattr(package, each)) for each in package.__all__]
    return [
        (each, inspect.signature(member))
        for each, member in members
        if inspect.isclass(member) or inspect.isfunction(member)
    ]


@pytest.mark.parametrize("name", ["nn", "nn.init", "optim", "optim.lr_scheduler", "zoo"])
def test_each_argument_has_a_meaning(name):
    meanings = tomllib.loads((ROOT / "scripts" / "arguments.toml").read_text(encoding="utf-8"))
    unknown = [
        f"{owner}.{argument}"
        for owner, signature in public_callables(name)
        for argument in signature.parameters
        if argument not in meanings and f"{owner}.{argument}" not in meanings
    ]
    assert unknown == []


def test_no_meaning_is_of_an_argument_that_is_not_there():
    there = set()
    for name in ("nn", "nn.init", "optim", "optim.lr_scheduler", "zoo"):
        for owner, signature in public_callables(name):
            there |= {*signature.parameters, *(f"{owner}.{each}" for each in signature.parameters)}
    meanings = tomllib.loads((ROOT / "scripts" / "arguments.toml").read_text(encoding="utf-8"))
    assert {*meanings} - there == set()


def test_the_reference_of_the_command_line_is_complete():
    import typer.main
    from scripts.cli_reference import build_reference

    from chainrule.cli import load_commands

    page = build_reference()
    assert not re.findall("^# ", page, re.MULTILINE), "a line of a help became a heading"
    for name, command in typer.main.get_command(load_commands()).commands.items():
        _, _, section = page.partition(f"## chainrule {name}\n")
        section, _, _ = section.partition("\n## ")
        assert section, f"{name} has no section"
        names = {opt for p in command.params for opt in (*p.opts, *p.secondary_opts) if "-" in opt}
        assert {opt for opt in names if f"{opt}" not in section} == set()


def test_the_page_of_a_review_has_every_rule():
    from scripts.review_reference import build_rules

    from chainrule.study.rules.review import RULES

    page = build_rules()
    for rule in RULES:
        assert f"| [{rule.code}](#{rule.code.lower()}) | {rule.severity} | {rule.title} |" in page
        section = page.partition(f"## {rule.code}: ")[2].partition("\n## ")[0]
        assert rule.why in section
        assert rule.advice in section


def test_the_page_of_what_is_not_there_finds_the_site_below_a_folder():
    from scripts.site_hooks import on_post_template

    page = '<head><link href="/assets/site.css"></head><a href="/index.html">'
    config = SimpleNamespace(docs_dir=ROOT / "docs")
    made = on_post_template(page, template_name="404.html", config=config)
    assert '<base href="${folder.replace(/\\/(assets|derivations|' in made
    assert '<link href="assets/site.css"></head><a href="index.html">' in made
    assert on_post_template(page, template_name="sitemap.xml", config=config) == page
