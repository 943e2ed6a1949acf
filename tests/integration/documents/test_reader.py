"""Reading documents: real files, real child processes."""

import asyncio
import json
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from pypdf import PdfWriter

from adapters.documents.folder import files_under
from adapters.documents.reader import LocalDocumentReader
from services.ports.documents import Document, UnreadableDocument
from tests.integration.documents.reading import READER, read, refused


def pdf(*pages: list[str], filler: bytes = b"") -> bytes:
    """A PDF with these lines on its pages; `filler` comes before the text of each."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, lines in enumerate(pages):
        shown = "".join(f"({line})Tj T*" for line in lines)
        stream = zlib.compress(filler + f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET".encode(), 9)
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>"
            f"/Contents {5 + 2 * number} 0 R>>".encode()
        )
        objects.append(f"<</Filter/FlateDecode/Length {len(stream)}>>stream\n".encode() + stream + b"\nendstream")
    return _file_of(objects)


def _file_of(objects: list[bytes]) -> bytes:
    file, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj" % number + body + b"endobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size, start = len(objects) + 1, len(file)
    file += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\n".encode()
    return bytes(file + b"startxref\n%d\n%%%%EOF" % start)


def encrypted(path: Path, password: str) -> None:
    writer = PdfWriter(clone_from=path)
    writer.encrypt(password, owner_password="owner", algorithm="AES-256")
    writer.write(path)


def children() -> list[int]:
    """The live or unreaped child processes of this one."""
    with subprocess.Popen(["ps", "-axo", "pid=,ppid="], stdout=subprocess.PIPE, text=True) as ps:
        rows = [tuple(map(int, line.split())) for line in ps.communicate()[0].splitlines()]
    return [pid for pid, parent in rows if parent == os.getpid() and pid != ps.pid]


# Plain text


async def test_markdown_is_taken_as_it_is_and_cut_into_passages(tmp_path: Path) -> None:
    document = await read(tmp_path / "Notes.MD", "# Title\n\nSome *text*.\n")
    assert document == Document(
        name="Notes.MD",
        media_type="text/markdown",
        text="# Title\n\nSome *text*.\n",
        passages=("# Title\n\nSome *text*.",),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
async def test_text_is_decoded_from_the_encodings_that_can_be_told(tmp_path: Path, encoding: str) -> None:
    text = "Die Straße ist 3 € teurer: “naïve” café.\n"
    assert (await read(tmp_path / "a.txt", text.encode(encoding))).text == text


@pytest.mark.parametrize("name", ["LICENSE", "server.log", "deploy.yaml", "main.py", ".env"])
async def test_a_suffix_that_is_not_known_is_plain_text_if_the_content_is_text(tmp_path: Path, name: str) -> None:
    document = await read(tmp_path / name, "key: value\r\n" * 9 + "\x1b[31mred\x1b[0m\x07\r")
    assert (document.media_type, document.text) == ("text/plain", "key: value\n" * 9 + "red\n")


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.bin", "a", "a.html", "a.csv", "a.json"])
@pytest.mark.parametrize(
    "content",
    [b"text\0text", bytes(range(1, 256)) * 8, "Привет, мир".encode("cp1251"), b"\xff\xfeabc", b"\x01\x02\x03"],
    ids=["nul", "all bytes", "cyrillic", "half a character", "controls"],
)
async def test_binary_content_is_refused_whatever_the_name_says(tmp_path: Path, name: str, content: bytes) -> None:
    assert "is binary" in await refused(tmp_path / name, content)


async def test_an_empty_or_blank_file_is_refused(tmp_path: Path) -> None:
    for name in ("a.md", "a.pdf", "a.html", "a.unknown"):
        assert "is empty" in await refused(tmp_path / name, b"")
    for name in ("a.md", "a.html", "a.csv"):
        assert "has no text in it" in await refused(tmp_path / name, " \n \n")


async def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.pdf"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(UnreadableDocument, match=r"big\.pdf is 200 MB; at most 50 MB"):
        await READER.read(path, path.name)


async def test_more_text_than_the_limit_is_refused(tmp_path: Path) -> None:
    reader = LocalDocumentReader(max_text=1_000)
    for name, content in (("a.md", "word " * 300), ("a.html", "word " * 300), ("a.csv", "a,b\n" + "1,2\n" * 500)):
        assert "more text" in await refused(tmp_path / name, content, reader)
    assert "more text" in await refused(tmp_path / "a.json", json.dumps(["word"] * 300), reader)
    assert "more text" in await refused(tmp_path / "a.pdf", pdf(["word " * 300]), reader)


async def test_what_is_not_a_readable_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "real.md").write_text("text")
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    cases = {"no.md": "does not exist", "pipe.md": "not a regular file", "link.md": "is a link", ".": "is a folder"}
    for name, sentence in cases.items():
        with pytest.raises(UnreadableDocument, match=sentence):
            await READER.read(tmp_path / name, name)
    with pytest.raises(UnreadableDocument, match="cannot be opened"):
        await READER.read(tmp_path / "real.md" / "below", "below")
    with pytest.raises(UnreadableDocument, match="cannot be opened"):
        await READER.read(Path("nul\0.md"), "nul.md")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_without_read_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("text")
    (tmp_path / "secret.md").chmod(0)
    with pytest.raises(UnreadableDocument, match="Permission denied"):
        await READER.read(tmp_path / "secret.md", "secret.md")


async def test_a_refusal_is_one_line_even_if_the_name_is_not(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match=r"^The document a\ufffdb is a folder: give a file\.$"):
        await READER.read(tmp_path, "a\nb")


# PDF


async def test_the_pages_of_a_pdf_become_paragraphs(tmp_path: Path) -> None:
    first = [
        "The first paragraph is wrapped over lines of about the same length, and a",
        "word at the end of this line of the paragraph was cut in two by the type-",
        "setter. It ends here.",
        "The second paragraph begins on a line of its own, as is the custom of most",
        "printed books.",
    ]
    document = await read(tmp_path / "a.pdf", pdf(first, ["Second page."]))
    assert document.media_type == "application/pdf"
    assert document.text == (
        "The first paragraph is wrapped over lines of about the same length, and a word at the end of this line of "
        "the paragraph was cut in two by the typesetter. It ends here.\n\n"
        "The second paragraph begins on a line of its own, as is the custom of most printed books.\n\n"
        "Second page."
    )


async def test_a_pdf_with_a_password_is_refused_and_one_with_the_empty_password_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(["Open to all."]))
    encrypted(path, "")
    assert (await READER.read(path, "a.pdf")).text == "Open to all."
    path.write_bytes(pdf(["Not open."]))
    encrypted(path, "secret")
    with pytest.raises(UnreadableDocument, match=r"a\.pdf is encrypted: save it without a password"):
        await READER.read(path, "a.pdf")


async def test_a_pdf_without_text_is_probably_a_scan(tmp_path: Path) -> None:
    assert "has no text in it, probably a scan: run OCR first" in await refused(tmp_path / "a.pdf", pdf([], []))


async def test_a_name_that_lies_about_being_a_pdf_is_refused(tmp_path: Path) -> None:
    assert "is not a PDF" in await refused(tmp_path / "a.pdf", "<html>hello</html>")
    assert "is a PDF" in await refused(tmp_path / "a.txt", pdf(["text"]))


@pytest.mark.parametrize("content", [b"%PDF-1.4\n", b"%PDF-1.4\ntrailer<</Root 1 0 R>>", pdf(["text"])[:300]])
async def test_a_damaged_pdf_is_refused(tmp_path: Path, content: bytes) -> None:
    sentence = await refused(tmp_path / "a.pdf", content)
    assert "is damaged" in sentence or "has no text" in sentence


async def test_a_pdf_that_inflates_to_gigabytes_is_refused_within_the_limits(tmp_path: Path) -> None:
    bomb = pdf(["text"], filler=b" " * 400_000_000)
    assert len(bomb) < 1_000_000
    start = time.monotonic()
    sentence = await refused(tmp_path / "bomb.pdf", bomb)
    assert any(words in sentence for words in ("inflates", "too much memory", "takes too long"))
    assert time.monotonic() - start < 65


# HTML, CSV, JSON


async def test_html_becomes_markdown_without_scripts_navigation_and_images(tmp_path: Path) -> None:
    html = """<html><head><title>Site</title><style>p{}</style></head><body><nav>Home</nav><h1>Top</h1>
    <p>One <a href="https://example.org">link</a> and <b>bold</b> <img src=x alt=pic>.<p>Two<script>evil()</script>
    <ol><li>first<li>second</ol><table><tr><th>k<th>v<tr><td>a<td>1</table><pre>code\n  here</pre></body></html>"""
    document = await read(tmp_path / "a.htm", html)
    assert document.media_type == "text/html"
    assert document.text.split("\n") == [
        *["# Top", "", "One link and **bold** .", "", "Two", "", "1. first", "2. second", ""],
        *["| k | v |", "| --- | --- |", "| a | 1 |", "", "```", "code", "  here", "```"],
    ]


async def test_the_title_of_html_is_its_heading_if_it_has_none(tmp_path: Path) -> None:
    assert (await read(tmp_path / "a.html", "<title>A &amp; B</title><p>Text")).text == "# A & B\n\nText"


async def test_html_in_its_own_encoding_is_decoded(tmp_path: Path) -> None:
    html = '<meta charset="windows-1251"><p>Привет, мир'
    assert (await read(tmp_path / "a.html", html.encode("cp1251"))).text == "Привет, мир"


@pytest.mark.parametrize("tag", ["div", "b", "p", "ul><li", "table><tr><td", "blockquote", "a"])
async def test_huge_nesting_in_html_is_read_without_it(tmp_path: Path, tag: str) -> None:
    document = await read(tmp_path / "a.html", f"<{tag}>" * 5_000 + "deep")
    assert "deep" in document.text


async def test_many_line_breaks_in_html_take_seconds_at_most(tmp_path: Path) -> None:
    reader = LocalDocumentReader(seconds=30)
    document = await read(tmp_path / "a.html", "one<br>two<BR/>three<hr>four</p>" * 10_000, reader)
    assert document.text.startswith("one\ntwo\nthree\n\n---\n\nfour")


async def test_rows_of_a_table_become_readable_lines(tmp_path: Path) -> None:
    document = await read(tmp_path / "a.csv", 'name;city;\nAda;"London;\nUK";x\n;Paris\n\nBob;;;4\n')
    assert document.text.split("\n") == [
        "name: Ada; city: London; UK; column 3: x",
        "city: Paris",
        "name: Bob; column 4: 4",
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_the_delimiter_of_a_table_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["when", "what"], ["12:30", "Lunch - soup"], ["18:00", "Dinner"]]
    document = await read(tmp_path / "a.csv", "\n".join(delimiter.join(row) for row in rows))
    assert document.text == "when: 12:30; what: Lunch - soup\nwhen: 18:00; what: Dinner"


async def test_a_table_says_how_many_rows_were_left_out(tmp_path: Path) -> None:
    document = await read(tmp_path / "a.csv", "n,m\n" + "".join(f"{n},x\n" for n in range(21_500)))
    assert document.text.split("\n")[19_999:] == ["n: 19999; m: x", "(1,500 more rows were left out.)"]


async def test_a_table_without_rows_or_without_names_is_readable(tmp_path: Path) -> None:
    assert (await read(tmp_path / "a.csv", "name,city")).text == "Columns: name; city"
    assert (await read(tmp_path / "b.csv", "1,2\n3,4")).text == "column 1: 1; column 2: 2\ncolumn 1: 3; column 2: 4"


async def test_json_becomes_indented_lines_and_objects_in_lists_one_line_each(tmp_path: Path) -> None:
    value = (
        '{"title": "A", "size": 1.50, "tags": ["x", [1]], "none": null, "rows": [{"a": 1, "b": {"c": [2]}}], "o": {}}'
    )
    document = await read(tmp_path / "a.json", value)
    assert document.text.split("\n") == [
        *["title: A", "size: 1.50", "tags:", "  - x", "  -", "    - 1", "none: null"],
        *["rows:", "  - a: 1; b: {c: [2]}", "o: {}"],
    ]


async def test_json_lines_are_read_as_a_list(tmp_path: Path) -> None:
    assert (await read(tmp_path / "a.json", '{"a": 1}\n\n{"a": true}\n')).text == "- a: 1\n- a: true"


async def test_json_with_half_a_character_is_made_whole(tmp_path: Path) -> None:
    assert (await read(tmp_path / "a.json", r'["\ud83d\ude00", "\ud83d"]')).text == "- 😀\n- \ufffd"


@pytest.mark.parametrize("content", ["[" * 1_000_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000])
async def test_json_nested_without_measure_is_refused(tmp_path: Path, content: str) -> None:
    assert "is nested too deeply" in await refused(tmp_path / "a.json", content)


async def test_what_is_not_json_is_refused(tmp_path: Path) -> None:
    assert "is damaged" in await refused(tmp_path / "a.json", '{"a": ')


# The child process


async def test_a_parser_that_needs_too_much_memory_is_stopped(tmp_path: Path) -> None:
    reader = LocalDocumentReader(memory=150_000_000)
    sentence = await refused(tmp_path / "a.json", "[" + "[],{}," * 3_000_000 + "1]", reader)
    assert "too much memory" in sentence


async def test_a_parser_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    reader = LocalDocumentReader(seconds=0.5)
    start = time.monotonic()
    assert "takes too long" in await refused(tmp_path / "a.html", "<p><b>x</b>" * 400_000, reader)
    assert time.monotonic() - start < 5
    assert children() == []


async def test_cancelling_kills_and_reaps_the_child(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p><b>x</b>" * 400_000)
    task = asyncio.create_task(READER.read(tmp_path / "a.html", "a.html"))
    while not children():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == []


async def test_cancelling_at_any_moment_leaves_no_child(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2")
    for delay in (0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(delay):
                await READER.read(tmp_path / "a.csv", "a.csv")
                raise TimeoutError
    assert children() == []


async def test_a_child_that_dies_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p><b>x</b>" * 400_000)
    task = asyncio.create_task(READER.read(tmp_path / "a.html", "a.html"))
    while not (found := children()):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    os.kill(found[0], 11)
    with pytest.raises(UnreadableDocument, match="made its parser fail"):
        await task


async def test_many_documents_are_read_at_the_same_time(tmp_path: Path) -> None:
    reads = [read(tmp_path / f"{n}.csv", f"a,b\n{n},2") for n in range(12)]
    assert [document.text for document in await asyncio.gather(*reads)] == [f"a: {n}; b: 2" for n in range(12)]


def test_the_child_cannot_write_files_or_open_many(tmp_path: Path) -> None:
    program = """
import os, sys
from adapters.documents.child import limit
limit(1_000_000_000, 5)
def attempt(what):
    try: what()
    except OSError as error: print(error.errno)
attempt(lambda: os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), b"x"))
attempt(lambda: [open("/dev/null") for _ in range(100)].clear())
"""
    command = [sys.executable, "-c", program, str(tmp_path / "written")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["27", "24"]  # EFBIG, EMFILE


def test_importing_the_reader_loads_no_parser() -> None:
    program = (
        "import sys, adapters.documents.reader, adapters.documents.folder\n"
        "print(*({'pypdf', 'bs4', 'markdownify', 'mammoth', 'openpyxl', 'resource'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# Folders


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text")
    return root


def test_a_folder_gives_its_files_sorted_with_names_relative_to_it(tmp_path: Path) -> None:
    root = tree(tmp_path / "docs", "b.md", "a/z.txt", "a/b/c.pdf", ".hidden.md", ".git/config", "a/.x/y.md")
    os.mkfifo(root / "pipe")
    assert files_under(root) == tuple((root / name, name) for name in ("a/b/c.pdf", "a/z.txt", "b.md"))


def test_a_file_gives_itself_and_a_link_named_by_the_user_what_it_leads_to(tmp_path: Path) -> None:
    tree(tmp_path, "real.md", "folder/a.md")
    (tmp_path / "link.md").symlink_to("real.md")
    (tmp_path / "linked").symlink_to("folder")
    assert files_under(tmp_path / "real.md") == ((tmp_path / "real.md", "real.md"),)
    assert files_under(tmp_path / "link.md") == ((tmp_path / "real.md", "link.md"),)
    assert files_under(tmp_path / "linked") == ((tmp_path / "folder" / "a.md", "a.md"),)


def test_links_to_the_inside_of_a_folder_are_skipped(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/b.md")
    (root / "again.md").symlink_to("a/b.md")
    (root / "a" / "up").symlink_to(root)
    assert files_under(root) == ((root / "a/b.md", "a/b.md"),)


@pytest.mark.parametrize("target", ["/etc", "/etc/passwd", "../outside.md", "nowhere", "sly", "../docs-not"])
def test_a_link_out_of_the_folder_or_to_nowhere_is_refused(tmp_path: Path, target: str) -> None:
    tree(tmp_path, "outside.md", "docs-not/a.md")
    root = tree(tmp_path / "docs", "a.md")
    (root / "sly").symlink_to(target)
    with pytest.raises(UnreadableDocument, match=r"sly is a link out of the folder or to nowhere"):
        files_under(root)


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{n}.md" for n in range(6)))
    assert len(files_under(tmp_path, max_files=6)) == 6
    with pytest.raises(UnreadableDocument, match="more than 5 files"):
        files_under(tmp_path, max_files=5)


def test_a_path_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="does not exist"):
        files_under(tmp_path / "no")


def test_a_file_name_that_is_not_unicode_gets_a_readable_name(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("text")
    assert [name for _, name in files_under(tmp_path)] == ["caf\ufffd.md"]
