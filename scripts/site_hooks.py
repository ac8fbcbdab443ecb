"""What mkdocs does beyond its settings: pages from the root, and no page that needs a network."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs loads a hook by its path alone
from cli_reference import build_reference

ROOT = Path(__file__).parents[1]
FROM_ROOT = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
COMMANDS = re.compile(r"<!-- the commands: .* -->")
REMOTE = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//""")


def on_files(files: Files, *, config: Any) -> Files:
    """Files of the root as pages of the site."""
    for page, source in FROM_ROOT.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to these files lead to their pages; the commands stand where their page wants them."""
    for page, source in FROM_ROOT.items():
        markdown = markdown.replace(f"../{source})", f"{page})")
    return COMMANDS.sub(lambda _: build_reference(), markdown)


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Raise PluginError where a page would fetch something from elsewhere."""
    if found := REMOTE.search(output):
        raise PluginError(f"{page.file.src_uri} fetches from elsewhere: {found[0]}")
    return output
