"""Which parser reads what. Runs in the child process only; each parser is loaded when it is needed."""

from collections.abc import Callable
from pathlib import PurePosixPath

from adapters.documents.assembly import Assembly, Parsed, Reading
from adapters.documents.decoding import clean, decode
from adapters.documents.kinds import lie
from adapters.documents.trouble import Trouble

BINARY = {
    "application/pdf",
    "application/epub+zip",
    "application/zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.text",
    "message/rfc822",
    "application/mbox",
}


def parse(media_type: str, data: bytes, reading: Reading) -> Parsed:
    """The text of `data`, clean. Raises Trouble, and whatever a parser raises."""
    if media_type.startswith("image/"):
        from adapters.documents.images import check_image

        check_image(data, media_type)
        return Parsed("")
    if media_type in BINARY:
        parsed = _binary(media_type)(data, reading)
    else:
        decoded = decode(data, declares=media_type == "text/html")
        if decoded is None:
            raise Trouble("binary")
        parsed = Parsed(_textual(media_type)(clean(decoded), reading.characters))
    whole = Assembly(reading.characters)
    whole.embed(parsed)
    return whole.parsed()


def nested(name: str, data: bytes, reading: Reading) -> Parsed:
    """A document within a document. What cannot be read of it is said, in a line in its place."""
    from adapters.documents.refusals import PROBLEMS
    from services.ports.documents import media_type_of

    media_type = media_type_of(PurePosixPath(name).name)
    if media_type.startswith("image/"):
        return Parsed("(A picture.)")
    problem = "empty" if not data.strip() else lie(data, media_type)
    try:
        if problem is None:
            return parse(media_type, data, reading)
    except MemoryError:
        raise
    except Exception as error:
        problem = problem_of(error)
        if problem in ("long", "inflated"):
            raise
    sentence = PROBLEMS.get(problem, PROBLEMS["malformed"]).partition(":")[0]
    return Parsed(f"(Not read: it {sentence}.)")


def problem_of(error: Exception) -> str:
    if isinstance(error, Trouble):
        return error.problem
    if isinstance(error, MemoryError):
        return "memory"
    return "nested" if isinstance(error, RecursionError) else "malformed"


def _binary(media_type: str) -> Callable[[bytes, Reading], Parsed]:
    match media_type.rpartition(".")[2]:
        case "application/pdf":
            from adapters.documents.pdf_text import text_of_pdf

            return text_of_pdf
        case "document":
            from adapters.documents.docx_text import text_of_docx

            return text_of_docx
        case "presentation":
            from adapters.documents.pptx_text import text_of_pptx

            return text_of_pptx
        case "sheet":
            from adapters.documents.xlsx_text import text_of_xlsx

            return text_of_xlsx
        case "text":
            from adapters.documents.odt_text import text_of_odt

            return text_of_odt
        case "application/epub+zip":
            from adapters.documents.epub_text import text_of_epub

            return text_of_epub
        case "application/zip":
            from adapters.documents.zip_text import text_of_zip

            return lambda data, reading: text_of_zip(data, reading, nested)
    from adapters.documents.mail_text import text_of_mail, text_of_mailbox

    read = text_of_mail if media_type == "message/rfc822" else text_of_mailbox
    return lambda data, reading: read(data, reading, nested)


def _textual(media_type: str) -> Callable[[str, int], str]:
    match media_type:
        case "text/html":
            from adapters.documents.html_text import text_of_html

            return text_of_html
        case "text/csv":
            from adapters.documents.data_text import text_of_csv

            return text_of_csv
        case "application/json":
            from adapters.documents.data_text import text_of_json

            return text_of_json
    return lambda text, characters: text
