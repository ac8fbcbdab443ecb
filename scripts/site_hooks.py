"""What mkdocs does beyond its settings: pages from the root, and no page that needs a network."""

from __future__ import annotations

import re
import sys
from html import unescape
from importlib import import_module
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs loads a hook by its path alone
from cli_reference import build_reference
from notebook_page import render_notebook
from review_reference import build_rules

from chainrule.recipes.fields import StrictModel

ROOT = Path(__file__).parents[1]
FROM_ROOT = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
NOTEBOOK, NOTEBOOK_PAGE = "notebook.ipynb", "notebook.md"
MEMBERS = re.compile(r"<!-- (chainrule[\w.]*): ([\w, \n]+) -->")
CELL = re.compile(r"<td>(.*?)</td>")
TAG = re.compile(r"<[^>]+>")
NUMBER = re.compile(r"[-+−±<≤≈~ ]*\d.{0,24}")
COMMANDS = re.compile(r"<!-- the commands: .* -->")
RULES = re.compile(r"<!-- the rules of a review: .* -->")
FIND_SITE = """<script>
{ const folder = location.pathname.replace(/[^/]*$/, "")
  document.write(`<base href="${folder.replace(/\\/(FOLDERS)\\/.*/, "/")}">`) }
</script>"""
FIND_INDEX = """<script>
{ const config = document.getElementById("__config")
  config.textContent = config.textContent.replaceAll('": "/', `": "${document.baseURI}`) }
</script>"""
REMOTE = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//""")


def on_files(files: Files, *, config: Any) -> Files:
    """Files of the root, and the notebook, as pages of the site."""
    for page, source in FROM_ROOT.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    page = render_notebook(ROOT / "docs" / NOTEBOOK)
    files.append(File.generated(config, NOTEBOOK_PAGE, content=page))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to these files lead to their pages; commands and rules stand where pages want them."""
    markdown = markdown.replace(f"({NOTEBOOK})", f"({NOTEBOOK_PAGE})")
    for page, source in FROM_ROOT.items():
        markdown = markdown.replace(f"../{source})", f"{page})")
    markdown = MEMBERS.sub(list_members, markdown)
    markdown = RULES.sub(lambda _: build_rules(), markdown)
    return COMMANDS.sub(lambda _: build_reference(), markdown)


def list_members(found: re.Match[str]) -> str:
    """What mkdocstrings wants to hear of some members of a package, each from where it stands."""
    package, lines = import_module(found[1]), []
    for name in found[2].replace(",", " ").split():
        member = getattr(package, name)
        home = getattr(member, "__module__", "")
        path = f"{home if home.startswith('chainrule.') else found[1]}.{name}"
        lines += [f"::: {path}", f"    options: {show_options(member)}", ""]
    return "\n".join(lines)


def show_options(member: Any) -> str:
    """How a member is shown: a declaration, such as a study, with what it inherits."""
    declared = isinstance(member, type) and issubclass(member, StrictModel)
    inherited = str(declared).lower()
    return f"{{heading_level: 3, inherited_members: {inherited}, show_root_heading: true}}"


def on_page_content(html: str, **_: Any) -> str:
    """A short cell that begins with a number is not broken over lines."""
    return CELL.sub(mark_number, html)


def mark_number(cell: re.Match[str]) -> str:
    """The cell of a table, with a class where it is a number with its unit."""
    text = TAG.sub("", unescape(cell[1])).strip()
    return f'<td class="number">{cell[1]}</td>' if NUMBER.fullmatch(text) else cell[0]


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Raise PluginError where a page would fetch something from elsewhere."""
    if found := REMOTE.search(output):
        raise PluginError(f"{page.file.src_uri} fetches from elsewhere: {found[0]}")
    return output


def on_post_template(output: str, *, template_name: str, config: Any, **_: Any) -> str:
    """The page of what is not there finds the site wherever it is served, below a folder too.

    Its address may be any, so that it asks that: the site begins before its first known folder.
    """
    if template_name != "404.html":
        return output
    folders = sorted({path.name for path in Path(config.docs_dir).iterdir() if path.is_dir()})
    script = FIND_SITE.replace("FOLDERS", "|".join(folders))
    output = output.replace("<head>", f"<head>{script}", 1)
    output = re.sub(r'(href|src)="/', r'\1="', output)
    output = re.sub(r'<script id="__config".*?</script>', rf"\g<0>{FIND_INDEX}", output)
    return output.replace('new URL("/",location)', "new URL(document.baseURI)")
