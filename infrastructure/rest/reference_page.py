"""The look of the REST reference in a browser: one file, no script, nothing loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from infrastructure.rest.reference_schema import slug

if TYPE_CHECKING:
    from markdown_it.token import Token

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_METHOD = re.compile(r"<code>(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)</code>")


Entry = tuple[str, str, str]


def html(title: str, markdown: str, groups: Sequence[tuple[str, Sequence[Entry]]]) -> str:
    """The page for `markdown`, with `groups` (heading, its entries) at its side; an entry is (method, label,
    anchor), with an empty method for what is no operation."""
    style = files("infrastructure.rest").joinpath("reference.css").read_text(encoding="utf-8")
    navigation = "".join(_group(heading, entries) for heading, entries in groups)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} REST reference</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<nav aria-label="Contents"><p class="name">{escape(title)}</p>{navigation}</nav>\n'
        f"<main>\n{_body(markdown)}</main>\n</body>\n</html>\n"
    )


def _group(heading: str, entries: Sequence[Entry]) -> str:
    items = "".join(
        f'<li><a href="#{escape(anchor)}">{_badge(method)}{escape(label)}</a></li>' for method, label, anchor in entries
    )
    return f"<details open><summary>{escape(heading)}</summary><ul>{items}</ul></details>"


def _badge(method: str) -> str:
    return f'<span class="method {escape(method)}">{escape(method.upper())}</span>' if method else ""


def _body(markdown: str) -> str:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    _anchored(tokens)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    rendered: Any = parser.renderer.render(tokens, parser.options, {})
    return _METHOD.sub(lambda found: _badge(found[1].lower()), str(rendered))


def _anchored(tokens: Sequence[Token]) -> None:
    """Gives every heading the id that GitHub would; a second one of a name gets a number."""
    seen: dict[str, int] = {}
    for opened, inline in pairwise(tokens):
        if opened.type == "heading_open":
            anchor = slug(inline.content)
            number = seen[anchor] = seen.get(anchor, -1) + 1
            opened.attrs["id"] = f"{anchor}-{number}" if number else anchor
