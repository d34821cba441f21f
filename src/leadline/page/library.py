"""The documentation as it is served under ``/docs``: the pages that are written, and those that ``generate.py`` beside them
makes of the program's declarations. An installed package has them in ``leadline/docs``, a checkout in ``docs``."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import leadline
from leadline.errors import NotFound

_INSTALLED = Path(leadline.__file__).parent / "docs"
_CHECKOUT = Path(leadline.__file__).parents[2] / "docs"
_ENTRY = re.compile(r"^( +)- ([^:]+):(?: (\S+\.md))?$", re.MULTILINE)

MOST_FOUND = 40


@dataclass(frozen=True)
class Section:
    """What a page has under one heading: the heading, its level and anchor, and the text below it."""

    title: str
    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Document:
    """A page: ``name`` is its path without the ending, ``title`` what the contents call it."""

    name: str
    title: str
    text: str

    @property
    def address(self) -> str:
        """Where it is served."""
        return "/docs" if self.name == "index" else f"/docs/{self.name}"

    @property
    def sections(self) -> list[Section]:
        """Its sections, the first being what stands under the page's own heading."""
        prose = re.sub(r"^```.*?^```$", lambda block: " " * len(block[0]), self.text, flags=re.MULTILINE | re.DOTALL)
        heads = list(re.finditer(r"^(#{1,6}) (.+)$", prose, re.MULTILINE))
        ends = [head.start() for head in heads[1:]] + [len(self.text)]
        return [
            Section(_plain(head[2]), len(head[1]), anchor(head[2]), self.text[head.end() : end])
            for head, end in zip(heads, ends, strict=True)
        ]


@dataclass(frozen=True)
class Library:
    """All pages by name, and the contents: titles of groups ('' for those in none) with their pages."""

    documents: Mapping[str, Document]
    contents: Sequence[tuple[str, Sequence[Document]]]

    def document(self, name: str) -> Document:
        """A page. Raises ``NotFound``."""
        if (found := self.documents.get(name or "index")) is None:
            raise NotFound(f"The documentation has no page {name[:80]!r}")
        return found

    def search(self, text: str) -> list[tuple[Document, Section]]:
        """The sections that have all words of ``text``, those first that have them in their heading."""
        words = text.lower().split()
        found = [
            (document, section)
            for document in self.documents.values()
            for section in document.sections
            if words and all(word in f"{document.title} {section.title} {section.text}".lower() for word in words)
        ]
        return sorted(found, key=lambda hit: not all(word in hit[1].title.lower() for word in words))[:MOST_FOUND]


def anchor(title: str) -> str:
    """The anchor of a heading, as mkdocs and code hosts make it."""
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower())


@cache
def library() -> Library:
    """The documentation, read once."""
    folder = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    texts = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.md")}
    texts.update(_generated(folder / "generate.py"))
    declared = (folder if folder == _INSTALLED else folder.parent) / "mkdocs.yml"
    documents: dict[str, Document] = {}
    contents: dict[str, list[Document]] = {}
    group = ""
    for indent, title, path in _ENTRY.findall(declared.read_text("utf-8").partition("\nnav:")[2]):
        if not path:
            group = title
            continue
        name = path.removesuffix(".md")
        documents[name] = Document(name, title, texts[path])
        contents.setdefault(group if len(indent) > len("  ") else "", []).append(documents[name])
    return Library(documents, list(contents.items()))


def _generated(program: Path) -> dict[str, str]:
    found = importlib.util.spec_from_file_location("leadline_docs_generate", program)
    assert found is not None  # noqa: S101 -- it is beside the pages
    assert found.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    pages: dict[str, str] = module.pages()
    return pages


def _plain(title: str) -> str:
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
