"""Messages as Markdown: the headers that matter, the text, and what is attached. Runs in the child process only."""

import email
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import default as modern
from typing import cast

from adapters.documents.assembly import DEEPEST, Assembly, Parsed, Reading, one_line
from adapters.documents.decoding import clean
from adapters.documents.html_text import text_of_html
from adapters.documents.trouble import Trouble

Nested = Callable[[str, bytes, Reading], Parsed]
MOST_MESSAGES = 2_000

_SHOWN = ("From", "To", "Cc", "Date")
_KNOWN = (*_SHOWN, "Subject", "Received", "Message-ID", "Return-Path")
_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
_BEGINNING = re.compile(rb"^From \S[^\n]*\d\d:\d\d[^\n]*\d{4}[^\n]*\n", re.MULTILINE)


def text_of_mail(data: bytes, reading: Reading, nested: Nested) -> Parsed:
    """Subject, sender, recipients and date, the text (plain rather than HTML), then each attachment that can be read,
    under its name; of the others the name and why not."""
    mail = _mail(data)
    if not any(name in mail for name in _KNOWN):
        raise Trouble("malformed")
    return _of(mail, reading, nested)


def text_of_mailbox(data: bytes, reading: Reading, nested: Nested) -> Parsed:
    """The messages in order, each as `text_of_mail`. After 2,000 of them one line says how many were left out."""
    messages = list(_messages(data))
    if not messages:
        raise Trouble("malformed")
    box = Assembly(reading.characters)
    for number, message in enumerate(messages[:MOST_MESSAGES], 1):
        mail = _mail(message)
        place = f"# Message {number}: {_subject(mail)}"
        box.embed(_of(mail, reading, nested, place), place)
    if len(messages) > MOST_MESSAGES:
        box.add(f"({len(messages) - MOST_MESSAGES:,} more messages were left out.)")
    return box.parsed()


def _mail(data: bytes) -> EmailMessage:
    mail = email.message_from_bytes(data, policy=modern)
    if mail.get_content_type() in _ENCRYPTED and mail.get_param("smime-type") != "signed-data":
        raise Trouble("encrypted")
    return mail


def _messages(data: bytes) -> Iterator[bytes]:
    """A line `From …` begins a message at the start or behind an empty line."""
    starts = [
        match
        for match in _BEGINNING.finditer(data)
        if match.start() == 0 or data.endswith((b"\n\n", b"\r\n\r\n"), 0, match.start())
    ]
    for number, match in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(data)
        yield data[match.end() : end]


def _of(mail: EmailMessage, reading: Reading, nested: Nested, heading: str = "") -> Parsed:
    text = Assembly(reading.characters)
    headers = "\n".join(f"{name}: {one_line(str(mail[name]), 500)}" for name in _SHOWN if mail[name])
    for part in (heading or f"# {_subject(mail)}", headers, _body(mail, reading)):
        text.add(part)
    for attached in mail.iter_attachments() if mail.is_multipart() else ():
        name = one_line(attached.get_filename() or _name_of(attached))
        place = f"## Attachment {name}"
        text.embed(_attached(name, place, attached, reading, nested), place)
    return text.parsed()


def _subject(mail: EmailMessage) -> str:
    return one_line(str(mail["Subject"] or "")) or "(no subject)"


def _body(mail: EmailMessage, reading: Reading) -> str:
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        content = body.get_content()
    except (LookupError, ValueError):  # an encoding that is not known, or not what it claims to be
        content = cast(bytes, body.get_payload(decode=True) or b"").decode("utf-8", "replace")
    text = clean(content) if isinstance(content, str) else ""
    return text_of_html(text, reading.characters) if body.get_content_subtype() == "html" else text


def _name_of(part: EmailMessage) -> str:
    return "message.eml" if part.get_content_type() == "message/rfc822" else "without a name"


def _attached(name: str, place: str, part: EmailMessage, reading: Reading, nested: Nested) -> Parsed:
    """Its name, then its text, or in a line why it is not read."""
    below = Assembly(reading.characters)
    below.add(place)
    if len(reading.within) >= DEEPEST:
        below.add("(It lies too deep to be read.)")
        return below.parsed()
    reading.within.append("message")
    try:
        below.embed(nested(name, _bytes_of(part), reading))
    finally:
        reading.within.pop()
    return below.parsed()


def _bytes_of(part: EmailMessage) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_content()
        return inner.as_bytes() if isinstance(inner, EmailMessage) else b""
    return cast(bytes, part.get_payload(decode=True) or b"")
