"""Slides as Markdown, each under its number and title. Runs in the child process only."""

import posixpath
from collections.abc import Iterator
from html import escape
from xml.etree.ElementTree import Element

from adapters.documents.archive import Archive, attribute, children, first, local
from adapters.documents.assembly import Assembly, Parsed, Reading, one_line
from adapters.documents.html_text import text_of_html
from adapters.documents.trouble import Trouble

_DECK = "ppt/presentation.xml"
_TITLES = {"title", "ctrTitle"}
_LISTS = {"body", "obj"}
_FURNITURE = {"dt", "ftr", "hdr", "sldNum", "sldImg"}


def text_of_pptx(data: bytes, reading: Reading) -> Parsed:
    """Titles, texts, tables and notes, slide by slide; no pictures, charts or drawings."""
    archive = Archive(data, reading)
    if _DECK not in archive:
        raise Trouble("malformed")
    deck = Assembly(reading.characters)
    for number, part in enumerate(_slides(archive), 1):
        slide = archive.root(part)
        title, body = _shown(slide)
        hidden = " (hidden)" if slide.get("show") in ("0", "false") else ""
        place = f"## Slide {number}{hidden}" + (f": {title}" if title else "")
        notes = _notes(archive, part)
        text = text_of_html(body + notes, reading.characters, tables_begin_with_names=True)
        deck.add(f"{place}\n\n{text}".rstrip(), place)
    return deck.parsed()


def _slides(archive: Archive) -> Iterator[str]:
    """The parts that are slides, in the order in which they are shown."""
    targets = _related(archive, _DECK)
    listed = first(archive.root(_DECK), "sldIdLst")
    for entry in children(listed, "sldId") if listed is not None else ():
        ids = [value for key, value in entry.attrib.items() if key.startswith("{") and key.endswith("}id")]
        part = targets.get(ids[0]) if ids else None
        if part is not None and part in archive:
            yield part


def _related(archive: Archive, part: str, kind: str = "") -> dict[str, str]:
    """Where the relations of `part` lead, by their ids; only those to parts of the same document."""
    folder, name = posixpath.split(part)
    relations = f"{folder}/_rels/{name}.rels"
    if relations not in archive:
        return {}
    return {
        attribute(entry, "Id"): posixpath.normpath(posixpath.join("/", folder, attribute(entry, "Target"))).lstrip("/")
        for entry in archive.root(relations)
        if attribute(entry, "TargetMode") != "External" and attribute(entry, "Type").endswith(kind)
    }


def _notes(archive: Archive, slide: str) -> str:
    for part in _related(archive, slide, "/notesSlide").values():
        if part in archive:
            shapes = (found for found in archive.root(part).iter() if local(found) == "sp")
            texts = [text for shape in shapes if _placeholder(shape) == "body" for text in _paragraphs(shape)]
            return _text([("Notes:", 0), *texts], listed=False) if texts else ""
    return ""


def _shown(slide: Element) -> tuple[str, str]:
    """The title, and the rest as HTML."""
    title, parts = "", []
    tree = first(slide, "cSld", "spTree")
    for shape in _shapes(tree) if tree is not None else ():
        kind = _placeholder(shape)
        if local(shape) == "graphicFrame":
            parts += [_table(table) for table in shape.iter() if local(table) == "tbl"]
        elif kind in _TITLES and not title:
            title = one_line(" ".join(text for text, _ in _paragraphs(shape)))
        elif kind not in _FURNITURE:
            parts.append(_text(list(_paragraphs(shape)), listed=kind in _LISTS))
    return title, "".join(parts)


def _shapes(tree: Element) -> Iterator[Element]:
    for shape in tree:
        if local(shape) == "grpSp":
            yield from _shapes(shape)
        elif local(shape) in ("sp", "graphicFrame"):
            yield shape


def _placeholder(shape: Element) -> str:
    """What a shape holds the place of; `body` by default, nothing for a free text box."""
    found = first(shape, "nvSpPr", "nvPr", "ph")
    return "" if found is None else found.get("type", "body")


def _paragraphs(shape: Element) -> Iterator[tuple[str, int]]:
    body = first(shape, "txBody")
    for paragraph in children(body, "p") if body is not None else ():
        text = "".join(_run(part) for part in paragraph.iter()).strip()
        properties = first(paragraph, "pPr")
        level = properties.get("lvl", "0") if properties is not None else "0"
        if text:
            yield text, min(int(level), 8) if level.isdigit() else 0


def _run(part: Element) -> str:
    if local(part) == "t":
        return part.text or ""
    return "\n" if local(part) == "br" else ""


def _text(paragraphs: list[tuple[str, int]], *, listed: bool) -> str:
    """Paragraphs, or a list with lists in it."""
    shown = [(escape(text).replace("\n", "<br/>"), level) for text, level in paragraphs]
    if not listed:
        return "".join(f"<p>{text}</p>" for text, _ in shown)
    parts, depth = [], 0
    for text, level in shown:
        wanted = min(level, depth) + 1
        parts += ["</li></ul>" * (depth - wanted), "<ul><li>" if wanted > depth else "</li><li>", text]
        depth = wanted
    return "".join([*parts, "</li></ul>" * depth])


def _table(table: Element) -> str:
    rows = ("".join(f"<td>{_of_cell(cell)}</td>" for cell in children(row, "tc")) for row in children(table, "tr"))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _of_cell(cell: Element) -> str:
    return escape(" ".join(text for text, _ in _paragraphs(cell)))
