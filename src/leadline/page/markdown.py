"""Markdown to HTML, for pages of the documentation: headings get their anchors, links lead to where pages are served, wide
tables and code scroll by themselves. Markup in the text stays text."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

from leadline.page.library import anchor


def html(text: str, name: str) -> Markup:
    """The page called ``name`` as HTML."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("table_open", _table_open)
    reader.add_render_rule("table_close", _table_close)
    reader.add_render_rule("fence", _fence)
    tokens = reader.parse(text)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor(_text_of(tokens[at + 1])))
        if token.type in ("th_open", "td_open") and "right" in str(token.attrs.pop("style", "")):
            token.attrSet("class", "num")
        if token.type == "th_open" and not tokens[at + 1].content:  # the head of nothing is none
            token.tag = tokens[at + 2].tag = "td"
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("href", address_of(str(inner.attrGet("href")), name))
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # noqa: S704 -- its text was escaped


def address_of(link: str, name: str) -> str:
    """Where a ``link`` of the page called ``name`` leads."""
    path, mark, fragment = link.partition("#")
    if "://" in path or path.startswith(("mailto:", "/")):
        return link
    if not path:
        return link
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
    if target == "openapi.json":
        return "/openapi.json"
    plain = target.removesuffix(".md")
    return ("/docs" if plain == "index" else f"/docs/{plain}") + mark + fragment


def _text_of(inline: Token) -> str:
    return "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))


def _table_open(
    _self: RendererHTML, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: dict[str, Any]
) -> str:
    number = sum(token.type == "table_open" for token in tokens[: at + 1])
    return f'<div class="table" role="region" tabindex="0" aria-label="Table {number}"><table>\n'


def _table_close(
    _self: RendererHTML, _tokens: Sequence[Token], _at: int, _options: OptionsDict, _env: dict[str, Any]
) -> str:
    return "</table></div>\n"


def _fence(_self: RendererHTML, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: dict[str, Any]) -> str:
    return f'<pre tabindex="0"><code>{escape(tokens[at].content)}</code></pre>\n'
