"""Whether a document is what its name says, by how it begins."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ZIPS = ("application/vnd.", "application/epub+zip", "application/zip")


def lie(start: bytes, media_type: str) -> str | None:
    """What is wrong, a key of `refusals.PROBLEMS`; None if nothing is. `start` may be all of the document."""
    if start.startswith(_OLE):
        return "encrypted" if _ENCRYPTED in start else "old office"
    if start.startswith(b"{\\rtf"):
        return "rtf"
    if media_type == "application/pdf":
        return None if b"%PDF" in start[:1024] else "not pdf"
    if start.startswith(b"%PDF-"):
        return "pdf"
    is_zip = start.startswith((b"PK\x03\x04", b"PK\x05\x06"))
    if media_type.startswith(_ZIPS):
        return None if is_zip else "malformed"
    return "zip" if is_zip and not media_type.startswith("image/") else None
