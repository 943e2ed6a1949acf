"""Documents that are made to do harm, and documents that are simply broken: each ends in one sentence."""

import random
import zipfile
from pathlib import Path

import pytest

from tests.integration.documents.builders import archive, docx, epub, odt, paragraph, pptx, shape, slide, xlsx
from tests.integration.documents.reading import read, refused

LAUGHS = (
    "<!DOCTYPE lolz [<!ENTITY a 'lol'>"
    + "".join(f"<!ENTITY {new} '{f'&{old};' * 10}'>" for old, new in zip("abcdefghi", "bcdefghij", strict=True))
    + "]>"
)
OUTSIDE = "<!DOCTYPE x [<!ENTITY j SYSTEM 'file:///etc/passwd'>]>"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
SAMPLES = {
    "a.docx": docx(paragraph("text")),
    "a.pptx": pptx(slide("text", shape("more"))),
    "a.xlsx": xlsx(Sheet=[["text", "more"], [1, 2]]),
    "a.odt": odt("<text:p xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0'>text</text:p>"),
    "a.epub": epub("<html><body><p>text</p></body></html>"),
    "a.zip": archive({"a.md": "text"}),
}


@pytest.mark.parametrize("doctype", [LAUGHS, OUTSIDE], ids=["billion laughs", "external entity"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_xml_with_entities_is_refused_in_every_format(tmp_path: Path, doctype: str, encoding: str) -> None:
    def marked(root: str) -> bytes:
        return f"<?xml version='1.0' encoding='{encoding}'?><!-- x -->{doctype}{root}".encode(encoding)

    word = docx("", more={"word/styles.xml": marked("<x>&j;</x>")})
    assert "declares XML entities" in await refused(tmp_path / "styles.docx", word)
    documents = {
        "a.docx": docx("", more={"word/document.xml": marked("<x>&j;</x>")}),
        "a.xlsx": archive({"xl/workbook.xml": marked("<x>&j;</x>")}),
        "a.pptx": archive({"ppt/presentation.xml": marked("<x>&j;</x>")}),
        "a.odt": archive({"content.xml": marked("<x>&j;</x>")}),
        "a.epub": archive({"META-INF/container.xml": marked("<x>&j;</x>")}),
        "a.svg": marked("<svg xmlns='http://www.w3.org/2000/svg'>&j;</svg>"),
    }
    for name, content in documents.items():
        assert "declares XML entities" in await refused(tmp_path / name, content)


async def test_entities_in_the_pages_of_a_book_stand_for_nothing(tmp_path: Path) -> None:
    page = f"{OUTSIDE}<html><body><p>one &j; two</p></body></html>"
    assert "root:" not in (await read(tmp_path / "a.epub", epub(page))).text


@pytest.mark.parametrize("name", SAMPLES)
async def test_every_sample_is_readable_as_it_is(tmp_path: Path, name: str) -> None:
    assert "text" in (await read(tmp_path / name, SAMPLES[name])).text


@pytest.mark.parametrize("name", SAMPLES)
async def test_damaged_empty_and_misnamed_documents_are_refused(tmp_path: Path, name: str) -> None:
    path, content = tmp_path / name, SAMPLES[name]
    assert "is empty" in await refused(path, b"")
    for broken in (content[: len(content) // 2], b"PK\x03\x04" + b"\1" * 500, b"a text", content[:-30]):
        assert "is damaged or not of the format its name says" in await refused(path, broken)
    for other, different in SAMPLES.items():
        if "a.zip" not in (name, other) and other != name:
            assert "is damaged or not of the format its name says" in await refused(path, different)
    assert "is a PDF" in await refused(path, b"%PDF-1.7\n") or name == "a.zip"
    assert "an archive or an office document" in await refused(tmp_path / "a.md", content)


@pytest.mark.parametrize("name", SAMPLES)
async def test_archives_of_all_kinds_keep_their_limits(tmp_path: Path, name: str) -> None:
    def with_more(parts: dict[str, str | bytes]) -> bytes:
        path.write_bytes(SAMPLES[name])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed:
            for part, content in parts.items():
                packed.writestr(part, content)
        return path.read_bytes()

    path = tmp_path / name
    assert "inflates to far more" in await refused(path, with_more({"x.xml": b" " * 20_000_000}))
    assert "more than 2,000 files" in await refused(path, with_more({f"{n}.xml": "x" for n in range(2_001)}))
    assert "a path that leads out of it" in await refused(path, with_more({"../x.xml": "x"}))


async def test_an_archive_of_more_than_200_mb_is_refused(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(1_000_000)
    parts: dict[str, str | bytes] = {f"{n}.txt": noise + b" " * 60_000_000 for n in range(4)}
    assert "more than 200 MB" in await refused(tmp_path / "a.zip", archive(parts))


async def test_encrypted_and_old_office_documents_are_refused_by_name(tmp_path: Path) -> None:
    locked = OLE + "EncryptedPackage".encode("utf-16-le")
    for name in ("a.docx", "a.xlsx", "a.pptx"):
        assert "is encrypted: save it without a password" in await refused(tmp_path / name, locked)
    for name in ("a.doc", "a.xls", "a.ppt", "a.docx"):
        assert "an old Office format: save it as DOCX" in await refused(tmp_path / name, OLE)
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    assert "is encrypted" in await refused(tmp_path / "a.odt", odt("", **{"META-INF/manifest.xml": manifest}))
    rights = "<encryption><CipherReference URI='OEBPS/text/part%200.xhtml'/></encryption>"
    book = epub("<html/>", **{"META-INF/encryption.xml": rights})
    assert "is encrypted" in await refused(tmp_path / "a.epub", book)
    packed = bytearray(SAMPLES["a.zip"])
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in await refused(tmp_path / "a.zip", bytes(packed))


async def test_rich_text_is_refused_instead_of_being_read_with_its_control_words(tmp_path: Path) -> None:
    for name in ("a.rtf", "a.doc", "a.txt"):
        assert "is of the RTF format: save it as DOCX" in await refused(tmp_path / name, r"{\rtf1\ansi {\b Lift}\par}")


async def test_documents_without_text_say_so(tmp_path: Path) -> None:
    for name, content in {"a.docx": docx(""), "a.odt": odt(""), "a.xlsx": xlsx(S=[]), "a.zip": archive({})}.items():
        assert "has no text in it" in await refused(tmp_path / name, content)


async def test_a_document_nested_without_measure_ends_in_a_sentence(tmp_path: Path) -> None:
    deep = "<w:tbl><w:tr><w:tc>" * 3_000 + "</w:tc></w:tr></w:tbl>" * 3_000
    assert "nested too deeply" in await refused(tmp_path / "a.docx", docx(deep))
    section = "<text:section>" * 3_000 + "</text:section>" * 3_000
    assert "nested too deeply" in await refused(tmp_path / "a.odt", odt(section))
