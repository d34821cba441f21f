"""The documentation as text: pages, their headings and links, and the commands in their blocks of code."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]

Pages = dict[str, str]


def generator() -> ModuleType:
    """``docs/generate.py``, which is no package's module."""
    found = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def read_pages() -> Pages:
    """Every page by its path from the root."""
    written = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    pages = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in written}
    made: dict[str, str] = generator().pages()
    return {**pages, **{f"docs/{name}": text for name, text in made.items()}}


def hand_written(pages: Pages) -> str:
    """The text of all pages that are not generated."""
    return "\n".join(text for name, text in pages.items() if not name.startswith("docs/reference/"))


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,6}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {title!r}"
    return found.group(2)


def blocks(text: str, *kinds: str) -> Iterator[str]:
    """The blocks of code of these kinds."""
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if kind in kinds:
            yield block


def code_words(text: str) -> set[str]:
    """What stands between backticks outside of blocks."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", prose))


def slugs(text: str) -> set[str]:
    """The anchors of a page's headings, as mkdocs and code hosts make them."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in titles}
