"""Where a command writes: one JSON document, or tables for people; what is under way goes to standard error."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from infrastructure.cli.words import clean

if TYPE_CHECKING:
    from rich.console import Console

NARROW = 110
PIPED_WIDTH = 160
"""Columns where nobody is looking: wide enough that titles stay on one line for other programs."""


def document(value: Any) -> None:
    """`value` as the one JSON document on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=not _is_unicode()), flush=True)


def as_yaml(value: Any) -> str:
    """Texts of several lines as they are, so that they can be read and compared."""
    from services import workflow_formats

    return workflow_formats.as_yaml(value)


def say(text: str = "") -> None:
    """For people, on standard output."""
    print(_encodable(clean(text)), flush=True)


def tell(text: str) -> None:
    """What is under way, or what went wrong: on standard error."""
    print(_encodable(clean(text), error=True), file=sys.stderr, flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str, *, error: bool = False) -> None:
    """Rows below their headings; ids are never cut. `empty` is said when there are none."""
    from rich.table import Table
    from rich.text import Text

    found = [[clean(str(cell)) for cell in row] for row in rows]
    if not found:
        (tell if error else say)(empty)
        return
    screen = console(error=error)
    narrow = screen.width < NARROW and "id" in columns
    if narrow:
        columns, found = _narrowed(list(columns), found)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for n, name in enumerate(columns):
        shown.add_column(
            name, no_wrap=name in ("id", "state"), overflow="fold", min_width=30 if n == 0 and narrow else None
        )
    for row in found:
        shown.add_row(*(Text(_encodable(cell, error=error)) for cell in row))
    if screen.is_terminal:
        screen.print(shown)
        return
    with screen.capture() as captured:
        screen.print(shown)
    for line in captured.get().splitlines():
        (tell if error else say)(line.rstrip())


def _narrowed(columns: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The id below the first cell instead of beside it, and no id of the project."""
    kept = [n for n, name in enumerate(columns) if name not in ("id", "project")]
    if "id" in columns and kept:
        id = columns.index("id")
        rows = [[f"{cell}\n{row[id]}" if n == kept[0] else cell for n, cell in enumerate(row)] for row in rows]
    return [columns[n] for n in kept], [[row[n] for n in kept] for row in rows]


def facts(pairs: Sequence[tuple[str, object]]) -> None:
    """`name  value` lines; a value of several lines is put below its name. Empty values are left out."""
    wide = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        text = str(value) if value not in (None, "") else ""
        if "\n" in text.strip():
            say(f"{name}\n" + "\n".join(f"  {part}" for part in text.strip().splitlines()))
        elif text:
            say(f"{name.ljust(wide)}  {text}")


def console(*, error: bool = False) -> "Console":
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def asked() -> bool:
    """Whether a person sits there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """The answer of the person at the terminal, on one line; empty at the end of the input."""
    print(_encodable(clean(question), error=True), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _is_unicode() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()


def _encodable(text: str, *, error: bool = False) -> str:
    """`text` as far as the terminal's encoding goes."""
    encoding = (sys.stderr if error else sys.stdout).encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
