"""Images are kept as they are."""

import struct
import zlib
from pathlib import Path

import pytest

from tests.integration.documents.reading import read, refused


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    _chunk(kind, data)
    for kind, data in (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    )
)
GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9"
WEBP = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8L" + struct.pack("<I", 10) + b"/\0\0\0\0\0\0\0\0\0"
SVG = b"<?xml version='1.0'?><!DOCTYPE svg><svg xmlns='http://www.w3.org/2000/svg'><text>words</text></svg>"
IMAGES = {
    "a.png": ("image/png", PNG),
    "a.gif": ("image/gif", GIF),
    "a.JPG": ("image/jpeg", JPEG),
    "a.jpeg": ("image/jpeg", JPEG),
    "a.webp": ("image/webp", WEBP),
    "a.svg": ("image/svg+xml", SVG),
}


@pytest.mark.parametrize("name", IMAGES)
async def test_an_image_has_a_type_and_no_text(tmp_path: Path, name: str) -> None:
    media_type, content = IMAGES[name]
    document = await read(tmp_path / name, content)
    assert (document.media_type, document.text, document.passages) == (media_type, "", ())


@pytest.mark.parametrize("name", IMAGES)
async def test_a_cut_or_misnamed_image_is_refused(tmp_path: Path, name: str) -> None:
    media_type, content = IMAGES[name]
    assert "is empty" in await refused(tmp_path / name, b"")
    assert "is damaged" in await refused(tmp_path / name, content[: len(content) // 2])
    for kind, other in IMAGES.values():
        if kind != media_type:
            assert "is damaged or not of the format its name says" in await refused(tmp_path / name, other)
