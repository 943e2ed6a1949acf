"""Word documents as Markdown. Runs in the child process only."""

import io
from typing import Any

import mammoth

from adapters.documents.archive import Archive
from adapters.documents.assembly import Parsed, Reading
from adapters.documents.html_text import text_of_html
from adapters.documents.trouble import Trouble

_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"


def text_of_docx(data: bytes, reading: Reading) -> Parsed:
    """Headings, lists, tables, footnotes and text boxes; no pictures, comments, page headers or deleted text."""
    archive = Archive(data, reading)
    if "word/document.xml" not in archive and "_rels/.rels" not in archive:
        raise Trouble("malformed")
    archive.refuse_entities()
    word: Any = mammoth  # it has no types
    done = word.convert_to_html(
        io.BytesIO(data),
        style_map=_STYLES,
        include_embedded_style_map=False,
        convert_image=word.images.img_element(_no_picture),
    )
    return Parsed(text_of_html(done.value, reading.characters, tables_begin_with_names=True))


def _no_picture(_: Any) -> dict[str, str]:
    return {}
