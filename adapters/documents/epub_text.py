"""Books as Markdown, chapter by chapter. Runs in the child process only."""

import posixpath
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from adapters.documents.archive import Archive, attribute, children, first, local
from adapters.documents.assembly import Assembly, Parsed, Reading, one_line
from adapters.documents.decoding import clean, decode
from adapters.documents.html_text import text_of_html
from adapters.documents.trouble import Trouble

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = {"application/xhtml+xml", "text/html"}


def text_of_epub(data: bytes, reading: Reading) -> Parsed:
    """The chapters in reading order, without pictures. A chapter's place is its first heading."""
    archive = Archive(data, reading)
    if _CONTAINER not in archive:
        raise Trouble("malformed")
    book, locked = Assembly(reading.characters), _locked(archive)
    for number, name in enumerate(_spine(archive), 1):
        if name in locked:
            raise Trouble("encrypted")
        page = decode(archive.read(name), declares=True)
        text = text_of_html(clean(page), reading.characters) if page is not None else ""
        if not text:
            continue
        heading = next((line for line in text.split("\n", 20) if line.startswith("#")), "")
        place = one_line(heading) or f"# Part {number}"
        book.add(text if text.startswith(place) else f"{place}\n\n{text}" if not heading else text, place)
    return book.parsed()


def _spine(archive: Archive) -> list[str]:
    """The chapters' names in the archive."""
    package = next((part for part in archive.root(_CONTAINER).iter() if local(part) == "rootfile"), None)
    name = attribute(package, "full-path") if package is not None else ""
    root = archive.root(name)
    manifest, spine = first(root, "manifest"), first(root, "spine")
    if manifest is None or spine is None:
        raise Trouble("malformed")
    pages = {
        attribute(item, "id"): posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(_target(item))))
        for item in children(manifest, "item")
        if attribute(item, "media-type") in _PAGES
    }
    listed = (pages.get(attribute(entry, "idref"), "") for entry in children(spine, "itemref"))
    return [page for page in listed if page in archive]


def _target(item: Element) -> str:
    return attribute(item, "href").partition("#")[0]


def _locked(archive: Archive) -> set[str]:
    """What is encrypted; books may do this to fonts and still be open."""
    if _ENCRYPTION not in archive:
        return set()
    return {
        unquote(attribute(part, "URI")) for part in archive.root(_ENCRYPTION).iter() if local(part) == "CipherReference"
    }
