"""Markdown that nobody here wrote, as HTML that cannot do anything.

Raw HTML is shown as text, images are their alt text, links lead only to http(s) and mailto, and a citation label
becomes a link to the passage it cites. Headings move down so that they stay below the page's own. An item of a list
that begins with `[ ]` or `[x]` has a checkbox that says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererProtocol
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import OptionsDict

_ALLOWED = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_BRACKET = re.compile(r"\[([^\[\]\n]{1,200})\](?!\()")
_TASK = re.compile(r"\[([ xX])\]\s+")
_SEPARATOR = re.compile(r"\s*[,;]\s*")
_LONGEST = 8_000


def render(
    text: str, citations: Mapping[str, str] | None = None, *, without_title: str = "", highest: int = 4
) -> Markup:
    """`text` as HTML. `citations` maps a label to the anchor of its passage. A first heading that only repeats
    `without_title` is left out. The first level of headings becomes `highest`."""
    env: dict[str, Any] = {"anchors": dict(citations or {}), "title": without_title, "deeper": highest - 1}
    return Markup(_parser().render(text, env))  # noqa: S704 (the renderer escapes; raw HTML is off)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.inline.ruler.before("link", "citation", _citation)
    parser.core.ruler.at("inline", _inline)
    parser.core.ruler.push("headings", _headings)
    parser.core.ruler.push("links", _links)
    parser.core.ruler.push("tasks", _tasks)
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # `_links` decides, and keeps the text
    parser.add_render_rule("checkbox", _checkbox)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


def _inline(state: StateCore) -> None:
    """Links, emphasis and so on within each paragraph. Their search takes quadratic time in hostile text, so a
    paragraph that is longer than any that is meant to be read is plain text."""
    from markdown_it.token import Token

    for token in state.tokens:
        if token.type == "inline" and len(token.content) > _LONGEST:
            token.children = [Token(type="text", tag="", nesting=0, content=token.content)]
        elif token.type == "inline":
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)


def _citation(state: StateInline, silent: bool) -> bool:
    """[S1], or [S1, S2], when every label is known; never inside another link."""
    anchors: dict[str, str] = state.env["anchors"]
    found = _BRACKET.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "[" else None
    labels = _SEPARATOR.split(found[1].strip()) if found else []
    if not found or any(label not in anchors for label in labels):
        return False
    if not silent:
        _push_citations(state, labels, anchors)
    state.pos = found.end()
    return True


def _push_citations(state: StateInline, labels: Sequence[str], anchors: Mapping[str, str]) -> None:
    for label in labels:
        if not state.linkLevel:
            opened = state.push("link_open", "a", 1)
            opened.attrs = {"class": "cite", "href": f"#{anchors[label]}"}
        state.push("text", "", 0).content = f"[{label}]"
        if not state.linkLevel:
            state.push("link_close", "a", -1)


def _headings(state: StateCore) -> None:
    """They move down, to h6 at most; a heading that only repeats the title goes."""
    tokens = state.tokens
    if len(tokens) > 2 and tokens[0].type == "heading_open" and _same(tokens[1].content, state.env["title"]):
        del tokens[:3]
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + state.env['deeper'])}"


def _same(heading: str, title: str) -> bool:
    return bool(title) and heading.strip(" #*_").casefold() == title.strip().casefold()


def _links(state: StateCore) -> None:
    for token in state.tokens:
        if token.children:
            token.children = _checked(token.children)


def _checked(children: list[Token]) -> list[Token]:
    """`children` without the links that lead elsewhere than allowed; their text stays."""
    kept: list[Token] = []
    open_links: list[bool] = []
    for token in children:
        if token.type == "link_open":
            open_links.append(_allow(token))
        if token.type not in ("link_open", "link_close") or open_links[-1]:
            kept.append(token)
        if token.type == "link_close":
            open_links.pop()
    return kept


def _allow(token: Token) -> bool:
    if token.attrs.get("class") == "cite":
        return True
    token.attrs["rel"] = "noopener noreferrer nofollow"
    return _ALLOWED.match(str(token.attrs.get("href", ""))) is not None


def _tasks(state: StateCore) -> None:
    """A box in place of the brackets with which an item of a list begins."""
    from markdown_it.token import Token

    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        text = inline.children[0] if inline.children else None
        if item.type != "list_item_open" or paragraph.type != "paragraph_open" or text is None or text.type != "text":
            continue
        if (found := _TASK.match(text.content)) is not None:
            text.content = text.content[found.end() :]
            item.attrs["class"] = "task"
            box = Token(type="checkbox", tag="input", nesting=0, meta={"done": found[1] != " "})
            inline.children = [box, *(inline.children or [])]


def _checkbox(
    self: RendererProtocol, tokens: Sequence[Token], index: int, options: OptionsDict, env: dict[str, Any]
) -> str:
    done = tokens[index].meta["done"]
    return f'<input type="checkbox" disabled{" checked" if done else ""} aria-label="{"done" if done else "to do"}"> '


def _image(
    self: RendererProtocol, tokens: Sequence[Token], index: int, options: OptionsDict, env: dict[str, Any]
) -> str:
    """The alt text, marked as a picture that was not loaded."""
    alt = " ".join(tokens[index].content.split()) or "without description"
    return f'<span class="picture">[picture: {escape(alt)}]</span>'


def _table_open(*_: Any) -> str:
    return '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>\n'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"
