"""Ids: opaque, sortable by time, with a prefix that names the kind. Never an authority by themselves."""

import hashlib
import hmac
from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
PREFIXES = {
    "workspace": "wsp",
    "user": "usr",
    "project": "prj",
    "task": "tsk",
    "artifact": "art",
    "agent": "agt",
    "run": "run",
    "member": "mbr",
    "inbox": "inb",
    "signal": "sig",
    "qa": "qar",
    "message": "msg",
    "turn": "trn",
    "proposal": "ppl",
    "recommendation": "rec",
}


def make_id(kind: str, at: datetime, entropy: bytes) -> str:
    """An id of `kind`: 48 bits of `at` in milliseconds, then 80 bits of `entropy` (10 bytes or more)."""
    number = int(at.timestamp() * 1000) << 80 | int.from_bytes(entropy[:10], "big")
    digits = "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
    return f"{PREFIXES[kind]}_{digits}"


def derived_id(kind: str, at: datetime, key: bytes, *parts: object) -> str:
    """The id that a run makes: the tick's time and a keyed hash of `parts`, so that replay makes it again."""
    return make_id(kind, at, hmac.digest(key, "/".join(map(str, parts)).encode(), hashlib.sha256))


def kind_of(id: str) -> str:
    """The kind that an id's prefix names, or `thing`."""
    prefix = id.partition("_")[0]
    return next((kind for kind, known in PREFIXES.items() if known == prefix), "thing")


def digest_of(content: bytes) -> str:
    """`sha256:<hex>`: how content is addressed everywhere."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
