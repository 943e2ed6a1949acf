"""Bytes to text, and text to clean text."""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1_000_000
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"
_HIGH = bytes(range(0x80, 0x100))
_DECLARATION = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9._:-]+)""", re.IGNORECASE)
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_DROPPED = dict.fromkeys({*range(0x20), 0x7F, 0xFEFF} - {0x09, 0x0A}) | {0x0C: "\n"}


def decode(data: bytes, *, declares: bool = False) -> str | None:
    """The text in `data`; None if it is binary or of an encoding that cannot be told.

    A byte order mark decides; else UTF-8; else, if the format `declares` its encoding (HTML), what is declared in the
    first 2 KB; else Windows-1252 (or Latin-1 where that has holes), but only if most of
    it is ASCII: text in another 8-bit encoding (Cyrillic, Greek, Shift-JIS) would become nonsense, so it is refused.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    if not _looks_like_text(data):
        return None
    text = _strictly(data, "utf-8")
    if text is None and declares:
        text = _as_declared(data)
    if text is None and _share(data[:_SAMPLE], _HIGH) <= 0.3:
        text = _strictly(data, "cp1252") or data.decode("latin-1")
    return text


def clean(text: str) -> str:
    """`text` with Unix line ends and without control characters, terminal codes and lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text:
        text = _TERMINAL_CODES.sub("", text)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.translate(_DROPPED)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _as_declared(data: bytes) -> str | None:
    declared = _DECLARATION.search(data, 0, 2048)
    try:
        return data.decode(declared[1].decode(), "replace") if declared else None
    except (LookupError, ValueError):
        return None


def _looks_like_text(data: bytes) -> bool:
    return b"\x00" not in data and _share(data[:_SAMPLE], _CONTROLS) <= 0.01


def _share(data: bytes, of: bytes) -> float:
    return 1 - len(data.translate(None, of)) / max(1, len(data))
