"""The text of a PDF, its wrapped lines joined to paragraphs. Runs in the child process only."""

import io
import re

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

from adapters.documents.assembly import Assembly, Parsed, Reading
from adapters.documents.trouble import Trouble

_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad]$")
_ITEM = re.compile(r"(?:[•·▪◦‣*–—-]|\(?\d{1,3}(?:\.\d{1,3})*[.)]|\d{1,2}(?:\.\d{1,2})+|\(?[a-z]\))\s")
_ENDS = tuple(".!?:…")


def text_of_pdf(data: bytes, reading: Reading) -> Parsed:
    """The pages' text, a blank line between pages; of several pages each is a place. A page that cannot be read leaves
    a line that says so.

    Raises Trouble: encrypted, scanned (no text on any page), damaged, more than `reading.characters`.
    """
    pages: list[str] = []
    failures: list[Exception] = []
    size = 0
    for number, page in enumerate(_open(data).pages, 1):
        text = _text_of_page(page, failures)
        pages.append(f"(Page {number} could not be read.)" if text is None else text)
        size += len(pages[-1])
        if size > reading.characters:
            raise Trouble("long")
    if failures and len(failures) == sum(bool(page) for page in pages):
        raise Trouble("bomb" if isinstance(failures[0], LimitReachedError) else "malformed")
    if not any(pages):
        raise Trouble("scanned")
    whole = Assembly(reading.characters)
    for number, shown in enumerate(pages, 1):
        whole.add(shown, f"[Page {number}]" if len(pages) > 1 else "")
    return whole.parsed()


def _open(data: bytes) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            raise Trouble("encrypted")
    except (DependencyError, FileNotDecryptedError, NotImplementedError):  # an encryption that is not known
        raise Trouble("encrypted") from None
    return reader


def _text_of_page(page: PageObject, failures: list[Exception]) -> str | None:
    try:
        return reflow(page.extract_text())
    except MemoryError:
        raise
    except Exception as error:  # pypdf lets KeyError, TypeError and others out of damaged pages
        failures.append(error)
        return None


def reflow(page: str) -> str:
    """`page` with lines that were wrapped joined again, and words that were hyphenated at a line end.

    A line ends a paragraph if it is clearly shorter than most and ends a sentence; a short line that ends none
    (a heading, a row of a table, an entry of a list) stays a line.
    """
    lines = [" ".join(line.split()) for line in page.split("\n")]
    lengths = sorted(len(line) for line in lines if line)
    full = lengths[len(lengths) * 3 // 4] * 0.75 if lengths else 0
    parts: list[str] = []
    glue = ""
    for line in lines:
        if parts and line and _ITEM.match(line) and glue != "\n\n":
            glue = "\n"
        if line:
            _append(parts, glue, line)
        glue = _glue_after(line, full)
    return "".join(parts).strip()


def _append(parts: list[str], glue: str, line: str) -> None:
    if glue == " " and line[0].islower() and parts and _HYPHEN.search(parts[-1]):
        parts[-1] = parts[-1][:-1]
        glue = ""
    parts += [glue if parts else "", line]


def _glue_after(line: str, full: float) -> str:
    if not line:
        return "\n\n"
    if len(line) >= full:
        return " "
    return "\n\n" if line.endswith(_ENDS) else "\n"
