"""The sentences for what is wrong with a document, and what to do about it."""

from services.ports.documents import UnreadableDocument

PROBLEMS = {
    "archive within": "is an archive within an archive: unpack it, and put its files beside the others",
    "binary": "is binary, or text in an encoding that cannot be told: save it as PDF, HTML or UTF-8 text",
    "blank": "has no text in it: give a document with text",
    "bomb": "inflates to far more than its size: save it anew, or give its text",
    "crashed": "made its parser fail: open it and save it anew, or save it as plain text",
    "empty": "is empty: give a document with text",
    "encrypted": "is encrypted: save it without a password",
    "entities": "declares XML entities, which can serve to attack: save it anew without them",
    "entries": "holds more than 2,000 files: split it into smaller archives",
    "folder": "is a folder: give a file",
    "inflated": "holds more than 200 MB: split it into smaller archives",
    "link": "is a link: give the file it leads to",
    "linked": "holds a link: put the file that it leads to in its place",
    "long": "has more text in it than can be taken at once: split it into smaller documents",
    "malformed": "is damaged or not of the format its name says: open it and save it anew",
    "memory": "needs too much memory to read: split it into smaller documents, or save it as plain text",
    "missing": "does not exist: check the path",
    "nested": "is nested too deeply: save it in a flatter form, or as plain text",
    "not pdf": "is not a PDF, whatever its name says: open it and save it anew",
    "old office": "is of an old Office format: save it as DOCX, XLSX, PPTX or PDF",
    "outside": "holds a path that leads out of it: pack it anew, from within its folder",
    "pdf": "is a PDF, whatever its name says: let its name end in .pdf",
    "rtf": "is of the RTF format: save it as DOCX, ODT or PDF",
    "scanned": "has no text in it, probably a scan: run OCR first",
    "slow": "takes too long to read: split it into smaller documents, or save it as plain text",
    "special": "is not a regular file: copy its content into one",
    "zip": "is an archive or an office document, whatever its name says: let its name end as its format wants",
    "unstarted": "could not be read, for its parser could not be started: try again",
}


def refusal(name: str, problem: str) -> UnreadableDocument:
    """The refusal for `problem`, a key of PROBLEMS; an unknown one, which only a subverted child sends, is a crash."""
    return unreadable(name, PROBLEMS.get(problem, PROBLEMS["crashed"]))


def unreadable(name: str, sentence: str) -> UnreadableDocument:
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name[:300])
    return UnreadableDocument(f"The document {shown} {sentence}.")
