"""Zip archives within limits: of their own, and as what office documents and books are. Runs in the child only."""

import io
import re
import stat
from collections.abc import Iterator
from xml.etree.ElementTree import Element, XMLParser
from xml.parsers import expat
from zipfile import BadZipFile, LargeZipFile, ZipFile, ZipInfo

from adapters.documents.assembly import Reading
from adapters.documents.trouble import Trouble

MOST_ENTRIES = 2_000
MOST_RATIO = 100
SMALL = 1_000_000  # what inflates to less is no bomb, whatever its ratio

_ENCRYPTED = 0x1
_SYSTEM_PATH = re.compile(r"^[A-Za-z]:|^[/\\]")


class Archive:
    """A zip of at most 2,000 entries, of 200 MB and a hundred times its own size when inflated, without links, without
    paths that lead out of it, not encrypted. Raises Trouble.

    What an entry says of its size holds: `zipfile` reads no more than that.
    """

    def __init__(self, data: bytes, reading: Reading) -> None:
        try:
            self._zip = ZipFile(io.BytesIO(data))
        except (BadZipFile, LargeZipFile, ValueError, NotImplementedError):
            raise Trouble("malformed") from None
        self._entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        self._check(len(data), reading)

    def names(self) -> list[str]:
        return [entry.filename for entry in self._entries]

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def read(self, name: str) -> bytes:
        """Raises Trouble when it is not there or damaged."""
        try:
            return self._zip.read(name)
        except (BadZipFile, KeyError, EOFError, OSError, NotImplementedError, ValueError):
            raise Trouble("malformed") from None
        except Exception as error:  # zlib, bz2 and lzma each have an error of their own
            if isinstance(error, MemoryError | RuntimeError):
                raise
            raise Trouble("malformed") from None

    def root(self, name: str) -> Element:
        """The part `name`, which is XML."""
        return root_of(self.read(name))

    def refuse_entities(self) -> None:
        """For parsers that open the archive by themselves: no part of it may declare XML entities."""
        for name in self.names():
            refuse_entities(self.read(name))

    def _check(self, size: int, reading: Reading) -> None:
        if len(self._entries) > MOST_ENTRIES:
            raise Trouble("entries")
        for entry in self._entries:
            _check_entry(entry)
        inflated = sum(entry.file_size for entry in self._entries)
        if inflated > max(SMALL, MOST_RATIO * size):
            raise Trouble("bomb")
        reading.spend(inflated)


def _check_entry(entry: ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise Trouble("encrypted")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Trouble("linked")
    if _SYSTEM_PATH.match(entry.orig_filename) or ".." in re.split(r"[/\\]", entry.orig_filename):
        raise Trouble("outside")


def root_of(data: bytes) -> Element:
    """The root of an XML document. Raises Trouble when it declares entities or is damaged."""
    refuse_entities(data)
    parser = XMLParser()  # noqa: S314 - what it can be attacked with was refused
    try:
        parser.feed(data)
        root = parser.close()
    except (SyntaxError, ValueError, LookupError):
        raise Trouble("malformed") from None
    assert isinstance(root, Element)
    return root


def refuse_entities(data: bytes) -> None:
    """Raises Trouble when `data` is XML that declares entities. Looked at is all before the first element, where
    alone they can be declared; what is no XML passes."""
    parser = expat.ParserCreate()
    parser.EntityDeclHandler = _declared
    parser.StartElementHandler = _begun
    try:
        parser.Parse(data, True)
    except (_Begun, expat.ExpatError, ValueError, LookupError):
        return


class _Begun(Exception):
    pass


def _declared(*_: object) -> None:
    raise Trouble("entities")


def _begun(*_: object) -> None:
    raise _Begun


def local(element: Element) -> str:
    """The name of `element` without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """The attribute `name` of any namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def children(element: Element, *names: str) -> Iterator[Element]:
    return (child for child in element if local(child) in names)


def first(element: Element, *path: str) -> Element | None:
    """The first descendant along `path`, by local names."""
    found: Element | None = element
    for name in path:
        found = next(children(found, name), None) if found is not None else None
    return found
