"""Texts of LibreOffice and other OpenDocument programs as Markdown. Runs in the child process only."""

from html import escape
from xml.etree.ElementTree import Element

from adapters.documents.archive import Archive, attribute, children, first, local
from adapters.documents.assembly import Parsed, Reading
from adapters.documents.html_text import text_of_html
from adapters.documents.trouble import Trouble

MEDIA_TYPE = b"application/vnd.oasis.opendocument.text"
MOST_REPEATED = 100  # of columns and spaces that stand for many

_LEFT_OUT = {"tracked-changes", "annotation", "sequence-decls", "forms", "table-of-content", "alphabetical-index"}
_WHITE = {"tab": " ", "line-break": "<br/>"}


def text_of_odt(data: bytes, reading: Reading) -> Parsed:
    """Headings, lists, tables, notes and text boxes; no pictures, comments, page headers, indexes or deleted text."""
    archive = Archive(data, reading)
    if "mimetype" in archive and not archive.read("mimetype").startswith(MEDIA_TYPE):
        raise Trouble("malformed")
    if _is_encrypted(archive):
        raise Trouble("encrypted")
    body = first(archive.root("content.xml"), "body", "text")
    if body is None:
        raise Trouble("malformed")
    return Parsed(text_of_html(_blocks(body), reading.characters, tables_begin_with_names=True))


def _is_encrypted(archive: Archive) -> bool:
    manifest = "META-INF/manifest.xml"
    return manifest in archive and any(local(part) == "encryption-data" for part in archive.root(manifest).iter())


def _blocks(parent: Element) -> str:
    return "".join(map(_block, parent))


def _block(element: Element) -> str:
    match local(element):
        case "h":
            level = attribute(element, "outline-level")
            rank = min(6, int(level)) if level.isdigit() and level != "0" else 1
            return f"<h{rank}>{_inline(element)}</h{rank}>"
        case "p":
            return f"<p>{_inline(element)}</p>"
        case "list":
            items = children(element, "list-item", "list-header")
            return f"<ul>{''.join(f'<li>{_blocks(item)}</li>' for item in items)}</ul>"
        case "table":
            return f"<table>{''.join(_rows(element))}</table>"
        case name if name in _LEFT_OUT:
            return ""
        case _:
            return _blocks(element)


def _rows(table: Element) -> list[str]:
    rows: list[str] = []
    for child in table:
        if local(child) == "table-row":
            rows.append(f"<tr>{''.join(map(_cell, children(child, 'table-cell', 'covered-table-cell')))}</tr>")
        elif local(child) in ("table-header-rows", "table-rows", "table-row-group"):
            rows += _rows(child)
    return rows


def _cell(cell: Element) -> str:
    repeated = attribute(cell, "number-columns-repeated")
    times = min(int(repeated), MOST_REPEATED) if repeated.isdigit() else 1
    return f"<td>{_blocks(cell)}</td>" * times


def _inline(element: Element) -> str:
    parts = [escape(element.text or "")]
    for child in element:
        parts += [_run(child), escape(child.tail or "")]
    return "".join(parts)


def _run(element: Element) -> str:
    name = local(element)
    if name == "s":
        return " "
    if name == "note":
        body = first(element, "note-body")
        return f" ({' '.join(_words(body).split())})" if body is not None else ""
    if name in ("frame", "text-box", "custom-shape"):
        return f" {escape(_words(element))} "
    return _WHITE.get(name) or ("" if name in _LEFT_OUT else _inline(element))


def _words(element: Element) -> str:
    return " ".join(element.itertext())
