"""Reads what a GGUF file says of its model: the keys and values at its beginning, never a tensor.

The format is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian. Such
files come from strangers: nothing in one is believed before it is compared with the size of the file, at most MOST
bytes are read, and long arrays are counted and passed over.
"""

import struct
from pathlib import Path
from typing import Any, BinaryIO

from adapters.llm.shapes import VOCABULARY, shape_of
from domain.memory import Shape

MOST = 4_000_000
"""Bytes read of a file at most."""
LONGEST = 65_535
"""Bytes of a key or a text that is kept; a longer text is passed over."""
KEPT = 1_000
"""Numbers of an array that is kept; of a longer one, and of one of texts, the length is."""
PAIRS = 10_000

TEXT, ARRAY = 8, 9
FORMATS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
"""How the numbers of each type are written."""


class UnreadableModel(ValueError):
    """One sentence: which file, what is wrong with it, what to do."""


def shape_in(path: Path) -> Shape:
    """The shape of the model in the file `path`. Raises UnreadableModel."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            header = _Header(file, size)
            return shape_of(header.values(), size)
    except OSError as error:
        raise UnreadableModel(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UnreadableModel(f"{path} is no GGUF file that can be run: {error}; fetch it again.") from None


class _Header:
    """Raises ValueError, the second half of a sentence."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._read = self._at = 0

    def values(self) -> dict[str, Any]:
        """Up to the point from which on nothing is needed: the tokens follow what describes the model."""
        if self._take(4) != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        version = self._number("<I")
        if version not in (2, 3):
            raise ValueError(f"its version is {version}, and 2 and 3 are known")
        self._number("<Q")  # how many tensors there are
        pairs = self._number("<Q")
        if pairs > PAIRS:
            raise ValueError(f"it claims {pairs:,} values in its header")
        found: dict[str, Any] = {}
        for _ in range(pairs):
            key = self._text()
            if key is None or key in found:
                raise ValueError("a key in its header is too long or stands there twice")
            found[key] = self._value(self._number("<I"))
            if key == VOCABULARY and _described(found):
                break
        if found.get("split.count", 1) not in (0, 1):
            raise ValueError(f"it is one part of {found['split.count']}, which have to be merged first")
        return found

    def _value(self, kind: int) -> Any:
        if kind == TEXT:
            return self._text()
        if kind == ARRAY:
            return self._array()
        return self._number(self._format(kind))

    def _array(self) -> Any:
        """What it holds where that is a few numbers, else how many."""
        kind, count = self._number("<I"), self._number("<Q")
        if kind == TEXT:
            self._within(count * 8)
            for _ in range(count):
                self._pass(self._number("<Q"))
            return count
        width = struct.calcsize(self._format(kind))
        self._within(count * width)
        if count > KEPT:
            self._pass(count * width)
            return count
        return [self._number(self._format(kind)) for _ in range(count)]

    def _text(self) -> str | None:
        length = self._number("<Q")
        if length > LONGEST:
            self._pass(length)
            return None
        return self._take(length).decode("utf-8", "replace")

    def _number(self, written: str) -> Any:
        return struct.unpack(written, self._take(struct.calcsize(written)))[0]

    def _format(self, kind: int) -> str:
        if kind not in FORMATS:
            raise ValueError(f"a value in its header is of the unknown type {kind}")
        return FORMATS[kind]

    def _take(self, count: int) -> bytes:
        self._within(count)
        self._read += count
        self._at += count
        if self._read > MOST:
            raise ValueError(f"nothing describes the model in its first {MOST:,} bytes")
        data = self._file.read(count)
        if len(data) != count:
            raise ValueError("it ends in the middle of its header")
        return data

    def _pass(self, count: int) -> None:
        self._within(count)
        self._at += count
        self._file.seek(count, 1)

    def _within(self, count: int) -> None:
        if count > self._size - self._at:
            raise ValueError("it ends in the middle of its header")


def _described(found: dict[str, Any]) -> bool:
    try:
        shape_of(found, 1)
    except ValueError:
        return False
    return True
