"""HTML as Markdown: headings, lists, tables and code are kept. Runs in the child process only."""

import re
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import Declaration, ProcessingInstruction
from markdownify import ATX, MarkdownConverter

DEEPEST = 150  # elements; what is nested deeper is read as part of the element around it
_DROPPED = (
    "head",
    "title",
    "script",
    "style",
    "nav",
    "noscript",
    "template",
    "svg",
    "iframe",
    "object",
    "button",
    "select",
)
_OPTIONS: dict[str, Any] = {
    "heading_style": ATX,
    "escape_asterisks": False,
    "escape_underscores": False,
    "strip": ("a", "img", "video", "audio"),
}
_LONG_BLANK = re.compile(r"[ \t]{100,}")  # the converter's own pattern takes quadratic time for these
_VOID = re.compile(r"<((?:br|hr|wbr|img|input)\b[^<>]*)>", re.IGNORECASE)  # closed, they cost Beautiful Soup less
_BAR = re.compile(r"\|")
_MANY_BREAKS = re.compile(r"\n(?:[ \t]*\n){2,}")

_SCOPES = {"table", "td", "th", "ul", "ol", "dl", "blockquote", "div", "section", "article", "body", "html"}
_ENDS_P = {"p", "ul", "ol", "dl", "div", "table", "pre", "blockquote", "section", "article", "hr"}
_IMPLIED_ENDS = {
    **dict.fromkeys((*_ENDS_P, "h1", "h2", "h3", "h4", "h5", "h6"), ({"p"}, _SCOPES)),
    "li": ({"li"}, {"ul", "ol"}),
    "dt": ({"dt", "dd"}, {"dl"}),
    "dd": ({"dt", "dd"}, {"dl"}),
    "tr": ({"tr"}, {"table"}),
    "td": ({"td", "th"}, {"table", "tr"}),
    "th": ({"td", "th"}, {"table", "tr"}),
}


def text_of_html(html: str, characters: int, *, tables_begin_with_names: bool = False) -> str:
    """Markdown without images, scripts, styles and navigation; of links the text is kept. The page's title becomes
    the first heading if the page has none of the first level. `tables_begin_with_names`: the first row of a table is
    its header even where it is not marked as one."""
    soup = _Soup(_VOID.sub(r"<\1 />", _LONG_BLANK.sub(" ", html)), "html.parser")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    if soup.h1:
        title = ""
    for element in soup.find_all(_DROPPED):
        if not element.decomposed:
            element.decompose()
    for instruction in soup.find_all(string=lambda found: isinstance(found, ProcessingInstruction | Declaration)):
        instruction.extract()
    for list_ in soup.find_all("ol"):
        for number, item in enumerate(list_.find_all("li", recursive=False), 1):
            item["value"] = str(number)
    for words in soup.find_all(string=_BAR):
        if words.find_parent(("td", "th")):
            words.replace_with(str(words).replace("|", "\\|"))
    text = _Converter(**_OPTIONS, table_infer_header=tables_begin_with_names).convert_soup(soup)
    text = _MANY_BREAKS.sub("\n\n", text).strip()
    return f"# {title}\n\n{text}".rstrip() if title and text else text


class _Soup(BeautifulSoup):
    """Ends paragraphs, list items and table cells that have no end tag as browsers do, and bounds the nesting."""

    def handle_starttag(self, name: str, *args: Any, **kwargs: Any) -> Tag | None:
        self.endData()
        ended, scopes = _IMPLIED_ENDS.get(name, ((), ()))
        for tag in reversed(self.tagStack) if ended else ():
            if tag.name in ended:
                self._popToTag(tag.name)
                break
            if tag.name in scopes:
                break
        if len(self.tagStack) > DEEPEST and name not in _DROPPED:
            return None
        return super().handle_starttag(name, *args, **kwargs)


class _Converter(MarkdownConverter):
    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """As the converter's own, but in time that does not grow with the number of items before it."""
        numbered = el.parent is not None and el.parent.name == "ol"
        bullet = f"{el['value']}. " if numbered else "- "
        return bullet + text.strip().replace("\n", "\n" + " " * len(bullet)) + "\n" if text.strip() else "\n"

    def convert_br(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return " " if "_inline" in parent_tags else "\n"
