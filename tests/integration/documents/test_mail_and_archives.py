"""Messages and zip archives: documents with documents in them."""

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.integration.documents.builders import archive, docx, paragraph, xlsx
from tests.integration.documents.reading import read, refused


def mail(subject: str = "Offer for the pump — ü", text: str = "Dear B,\n\nsee the file.\n") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "Ada <a@example.org>", "b@example.org"
    message["Date"] = "Mon, 02 Nov 2026 10:00:00 +0100"
    message.set_content(text)
    return message


def attach(message: EmailMessage, name: str, content: bytes) -> None:
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)


HEAD = ["# Offer for the pump — ü", "", "From: Ada <a@example.org>", "To: b@example.org"]


async def test_a_message_is_its_headers_its_plain_text_and_its_attachments(tmp_path: Path) -> None:
    message = mail()
    message.add_alternative("<p>Dear <b>B</b>, this is not shown</p>", subtype="html")
    attach(message, "costs.xlsx", xlsx(Costs=[["Item", "Price"], ["Pump", 12]]))
    attach(message, "setup.exe", b"MZ\0\1" * 50)
    attach(message, "photo.png", b"\x89PNG")
    document = await read(tmp_path / "a.eml", message.as_bytes())
    assert document.media_type == "message/rfc822"
    assert [line for line in document.text.split("\n") if line] == [
        *[line for line in HEAD if line],
        *["Date: Mon, 02 Nov 2026 10:00:00 +0100", "Dear B,", "see the file."],
        *["## Attachment costs.xlsx", "## Sheet Costs, rows 1 to 2"],
        *["| Item | Price |", "| --- | --- |", "| Pump | 12 |"],
        *["## Attachment setup.exe", "(Not read: it is binary, or text in an encoding that cannot be told.)"],
        *["## Attachment photo.png", "(A picture.)"],
    ]


async def test_a_message_without_plain_text_is_read_from_its_html(tmp_path: Path) -> None:
    message = mail()
    message.set_content("<h1>Offer</h1><script>evil()</script><p>12 €</p>", subtype="html")
    text = (await read(tmp_path / "a.eml", message.as_bytes())).text
    assert text.endswith("# Offer\n\n12 €")


async def test_messages_within_messages_are_read_but_not_without_end(tmp_path: Path) -> None:
    message = mail("Innermost")
    for number in range(6):
        outer = mail(f"Around {number}")
        outer.add_attachment(message)
        message = outer
    text = (await read(tmp_path / "a.eml", message.as_bytes())).text
    assert [name in text for name in ("# Around 5", "# Around 2", "# Around 1")] == [True, True, False]
    assert text.endswith("(It lies too deep to be read.)")


async def test_the_messages_of_a_mailbox_are_numbered(tmp_path: Path) -> None:
    first, second = mail("One", "From me to you: 1996\n").as_bytes(), mail("Two").as_bytes()
    box = b"From a@b Mon Nov  2 10:00:00 2026\n" + first + b"\nFrom b@c Mon Nov  2 11:00:00 2026\n" + second
    text = (await read(tmp_path / "a.mbox", box)).text
    assert [line for line in text.split("\n") if line.startswith("#")] == ["# Message 1: One", "# Message 2: Two"]
    assert "From me to you: 1996" in text


async def test_a_passage_says_in_which_message_attachment_and_sheet_it_stands(tmp_path: Path) -> None:
    message = mail("One", "See the costs. " * 200)
    attach(message, "costs.xlsx", xlsx(Costs=[["Item", "Price"], *([f"Item {n}", n] for n in range(80))]))
    box = b"From a@b Mon Nov  2 10:00:00 2026\n" + message.as_bytes()
    last = (await read(tmp_path / "a.mbox", box)).passages[-1]
    assert last.startswith("# Message 1: One · Attachment costs.xlsx · Sheet Costs, rows ")


async def test_what_is_no_message_or_an_encrypted_one_is_refused(tmp_path: Path) -> None:
    assert "is damaged" in await refused(tmp_path / "a.eml", "Just a text.\n\nAnd more.")
    assert "is damaged" in await refused(tmp_path / "a.mbox", "Just a text.")
    secret = "Subject: x\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n"
    assert "is encrypted" in await refused(tmp_path / "b.eml", secret)


async def test_the_documents_of_an_archive_stand_under_their_paths(tmp_path: Path) -> None:
    packed = archive(
        {
            "docs/report.docx": docx(paragraph("The boiler is old.")),
            "a.csv": "name,city\nAda,London\n",
            "__MACOSX/a.csv": "junk",
            ".git/config": "junk",
            "docs/broken.docx": b"PK\x03\x04 broken",
            "empty.txt": "",
            "more.zip": archive({"a.txt": "text"}),
        }
    )
    document = await read(tmp_path / "a.zip", packed)
    assert document.media_type == "application/zip"
    assert [line for line in document.text.split("\n") if line] == [
        *["# a.csv", "name: Ada; city: London"],
        *["# docs/broken.docx", "(Not read: it is damaged or not of the format its name says.)"],
        *["# docs/report.docx", "The boiler is old."],
        *["# empty.txt", "(Not read: it is empty.)"],
        *["# more.zip", "(Not read: it is an archive within an archive.)"],
    ]


@pytest.mark.parametrize("name", ["../evil.md", "a/../../evil.md", "/etc/evil.md", "C:\\evil.md", "a\\..\\..\\evil.md"])
async def test_a_path_out_of_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    assert "a path that leads out of it" in await refused(tmp_path / "a.zip", archive({name: "text"}))


async def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    file, entry = io.BytesIO(), zipfile.ZipInfo("passwords.md")
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(entry, "/etc/passwd")
    assert "holds a link" in await refused(tmp_path / "a.zip", file.getvalue())
