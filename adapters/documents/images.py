"""Whether an image is one, and whole. What it shows is not looked at."""

from adapters.documents.trouble import Trouble

_BEGIN = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_END = {"image/png": b"IEND\xaeB`\x82", "image/jpeg": b"\xff\xd9", "image/gif": b"\x3b"}
_PADDING = 64_000  # what cameras and editors put behind the end


def check_image(data: bytes, media_type: str) -> None:
    """Raises Trouble when it begins or ends as no such image does; for SVG, when it is no such XML or declares
    entities."""
    if media_type == "image/svg+xml":
        _check_svg(data)
    elif not data.startswith(_BEGIN[media_type]) or not _is_whole(data, media_type):
        raise Trouble("malformed")


def _is_whole(data: bytes, media_type: str) -> bool:
    if media_type == "image/webp":
        return data[8:12] == b"WEBP" and int.from_bytes(data[4:8], "little") + 8 <= len(data)
    return _END[media_type] in data[-_PADDING:]


def _check_svg(data: bytes) -> None:
    from adapters.documents.archive import local, root_of

    root = root_of(data)
    if local(root) != "svg":
        raise Trouble("malformed")
