"""The document in which a Mermaid diagram is drawn: for a frame without an origin, which loads and reaches nothing.

Its scripts stand in it, each allowed by its digest, since a frame without an origin is a stranger to this very server.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files

NAME = "diagram.html"
SCRIPTS = ("vendor/mermaid.min.js", "diagram-frame.js")
STYLE = "html, body { margin: 0; background: none } #place { overflow-x: auto } svg { display: block; margin: 0 auto }"


@cache
def _scripts() -> tuple[str, ...]:
    folder = files("infrastructure.web").joinpath("static")
    return tuple(folder.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS)


def document() -> bytes:
    scripts = "".join(f"<script>{text}</script>\n" for text in _scripts())
    head = f'<meta charset="utf-8"><title>Diagram</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en">{head}<div id="place"></div>\n{scripts}</html>\n'.encode()


@cache
def policy() -> str:
    """Styles of its own are allowed, because Mermaid writes them into the picture; they can load nothing either."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in _scripts())
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
