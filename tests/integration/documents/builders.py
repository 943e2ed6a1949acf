"""Small documents of the formats that are archives, part by part as their standards have them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl

REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SLIDES = (
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{REL}"'
)
OFFICE = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
)


def archive(parts: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return file.getvalue()


def relations(**targets: tuple[str, str]) -> str:
    entries = "".join(
        f'<Relationship Id="{id}" Type="{REL}/{kind}" Target="{to}"/>' for id, (kind, to) in targets.items()
    )
    return f'<Relationships xmlns="{PACKAGE}">{entries}</Relationships>'


def docx(body: str, *, before: str = "", more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A Word document; `before` stands before its root."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{id}"><w:name w:val="{name}"/></w:style>'
        for id, name in (("Title", "Title"), ("H1", "heading 1"), ("H2", "heading 2"))
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": relations(r1=("officeDocument", "word/document.xml")),
        "word/_rels/document.xml.rels": relations(r1=("styles", "styles.xml")),
        "word/styles.xml": f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>',
        "word/document.xml": f'{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
    }
    return archive(parts | dict(more or {}))


def paragraph(text: str, style: str = "") -> str:
    chosen = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{chosen}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word_table(*rows: Sequence[str]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def odt(body: str, **more: str) -> bytes:
    content = f"<office:document-content {OFFICE}><office:body><office:text>{body}</office:text></office:body>"
    parts = {"mimetype": "application/vnd.oasis.opendocument.text"}
    return archive(parts | {"content.xml": f"{content}</office:document-content>"} | more)


def slide(title: str, *shapes: str, hidden: bool = False) -> str:
    first = shape(title, kind="title")
    shown = ' show="0"' if hidden else ""
    return f"<p:sld {SLIDES}{shown}><p:cSld><p:spTree>{first}{''.join(shapes)}</p:spTree></p:cSld></p:sld>"


def shape(*lines: str, kind: str = "") -> str:
    """A placeholder of `kind`, or a free text box. A line may begin with `> ` for each level."""
    holder = f'<p:ph type="{kind}"/>' if kind else ""
    texts = ""
    for line in lines:
        level = line.count("> ")
        texts += f'<a:p><a:pPr lvl="{level}"/><a:r><a:t>{line[2 * level :]}</a:t></a:r></a:p>'
    return f"<p:sp><p:nvSpPr><p:nvPr>{holder}</p:nvPr></p:nvSpPr><p:txBody>{texts}</p:txBody></p:sp>"


def slide_table(*rows: Sequence[str]) -> str:
    cell = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"
    shown = ("".join(map(cell.format, row)) for row in rows)
    table = "".join(f"<a:tr>{row}</a:tr>" for row in shown)
    return (
        f"<p:graphicFrame><a:graphic><a:graphicData><a:tbl>{table}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )


def pptx(*slides: str, notes: str = "") -> bytes:
    """Stored last to first, so that only the deck knows their order. `notes` are those of the first."""
    count = len(slides)
    names = [f"slide{count - number}.xml" for number in range(count)]
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="r{n}"/>' for n in range(count))
    parts: dict[str, str | bytes] = {
        "ppt/presentation.xml": f"<p:presentation {SLIDES}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            **{f"r{n}": ("slide", f"slides/{name}") for n, name in enumerate(names)}
        ),
    }
    parts |= {f"ppt/slides/{name}": content for name, content in zip(names, slides, strict=True)}
    if notes:
        parts[f"ppt/slides/_rels/{names[0]}.rels"] = relations(r1=("notesSlide", "../notesSlides/notes1.xml"))
        parts["ppt/notesSlides/notes1.xml"] = slide("", shape(notes, kind="body"), shape("1", kind="sldNum"))
    return archive(parts)


def workbook() -> Any:
    library: Any = openpyxl  # it has no types
    return library.Workbook()


def xlsx(**sheets: Sequence[Sequence[Any]]) -> bytes:
    book = workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def epub(*chapters: str, **more: str) -> bytes:
    """Chapters are XHTML; they lie in a folder, and their names have a space."""
    opf = 'xmlns="http://www.idpf.org/2007/opf"'
    items = "".join(
        f'<item id="c{n}" href="text/part%20{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    parts: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": f"<package {opf}><manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    parts |= {f"OEBPS/text/part {n}.xhtml": chapter for n, chapter in enumerate(chapters)}
    return archive(parts | more)
