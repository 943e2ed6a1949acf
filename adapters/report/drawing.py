"""Pictures of the plan and of the lineage: inline SVG, computed here, styled by the page's CSS."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from adapters.report.layering import Layered, is_waypoint, layered

Point = tuple[float, float]

WIDTH, HEIGHT, GAP_X, GAP_Y, LANE, MARGIN = 200, 88, 44, 18, 16, 10
LINE, CHARACTERS, LINES = 16, 24, 2
SMALLEST = 0.8


@dataclass(frozen=True, kw_only=True)
class Box:
    """One box: `note` stands under its title, `word` and `icon` say its state, `tone` gives the colour's CSS class,
    `href` leads to the row or article about it. On a page that is kept up to date, `region` is the id of its element,
    which is replaced when something happens to `id`."""

    id: str
    title: str
    note: str
    word: str
    icon: str
    tone: str
    href: str = ""
    region: str = ""


def draw(
    boxes: Sequence[Box],
    edges: Sequence[tuple[str, str]],
    label: str,
    *,
    shrinks: bool = True,
    only: Collection[str] | None = None,
) -> Markup:
    """The graph as one `<svg>`, left to right; an edge is (from, to). Empty for no boxes. Where it `shrinks`, it may
    to `SMALLEST` of its size before it has to be scrolled; that takes a style in the element. Of some boxes `only`, in
    their places, where they are asked for."""
    if not boxes:
        return Markup()
    graph = layered([box.id for box in boxes], edges)
    places = _places(graph)
    width = len(graph.columns) * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN
    height = max(y + _height(id) for id, (_, y) in places.items()) + MARGIN
    arrows = "".join(_arrow(route, places) for route in graph.routes) if only is None else ""
    drawn = "".join(_box(box, places[box.id]) for box in boxes if only is None or box.id in only)
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    least = f' style="min-width:{SMALLEST * width:.0f}px"' if shrinks else ""
    start = f'<svg class="graph" {size}{least} role="group" aria-label="{escape(label)}">'
    return Markup(f'{start}<g class="arrows">{arrows}</g>{drawn}</svg>')  # noqa: S704 (all text in it is escaped)


def _height(id: str) -> int:
    return LANE if is_waypoint(id) else HEIGHT


def _places(graph: Layered) -> dict[str, Point]:
    """The upper left corner of each id; columns are centred on one another."""
    heights = [sum(_height(id) for id in column) + GAP_Y * (len(column) - 1) for column in graph.columns]
    places: dict[str, Point] = {}
    for n, (column, height) in enumerate(zip(graph.columns, heights, strict=True)):
        y = MARGIN + (max(heights) - height) / 2
        for id in column:
            places[id] = (MARGIN + n * (WIDTH + GAP_X), y)
            y += _height(id) + GAP_Y
    return places


def _arrow(route: Sequence[str], places: Mapping[str, Point]) -> str:
    """From the right side of the first box, through the lanes, to the left side of the last."""
    x, y = _middle_left(route[0], places)
    x += WIDTH
    path = [f"M{x:g} {y:g}"]
    for id in route[1:]:
        to_x, to_y = _middle_left(id, places)
        half = (to_x - x) / 2
        path.append(f"C{x + half:g} {y:g} {to_x - half:g} {to_y:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
        if is_waypoint(id):
            x += WIDTH
            path.append(f"H{x:g}")
    return f'<path d="{" ".join(path)}"/><path class="tip" d="M{x:g} {y:g}l-8 -4.5v9z"/>'


def _middle_left(id: str, places: Mapping[str, Point]) -> Point:
    x, y = places[id]
    return x, y + _height(id) / 2


def _box(box: Box, place: Point) -> str:
    """An `<svg>` of its own, which clips what is too wide."""
    x, y = place
    title = "".join(
        f'<text class="title" x="16" y="{22 + n * LINE}">{escape(line)}</text>'
        for n, line in enumerate(wrapped(box.title, CHARACTERS, LINES))
    )
    note = escape(wrapped(box.note, CHARACTERS + 3, 1)[0])
    word = escape(wrapped(f"{box.icon} {box.word}", CHARACTERS + 1, 1)[0])
    body = (
        f"<title>{escape(box.title)} ({escape(box.note)}): {escape(box.word)}</title>"
        f'<rect class="box" x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="8"/>'
        f'<rect class="edge" x="1" y="10" width="4" height="{HEIGHT - 20}" rx="2"/>{title}'
        f'<text class="note" x="16" y="58">{note}</text>'
        f'<text class="word" x="16" y="76">{word}</text>'
    )
    linked = f'<a href="{escape(box.href)}">{body}</a>' if box.href else body
    at = f'x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}"'
    live = f' id="{escape(box.region)}" data-live="{escape(box.id)}"' if box.region else ""
    return f'<svg class="node {escape(box.tone)}" {at}{live}>{linked}</svg>'


def wrapped(text: str, width: int, lines: int) -> tuple[str, ...]:
    """`text` in at most `lines` lines of `width` columns (a wide character takes two), cut with an ellipsis.
    Always at least one line, be it empty."""
    rows = [""]
    for word in text.split():
        joined = f"{rows[-1]} {word}".strip()
        if columns(joined) <= width:
            rows[-1] = joined
            continue
        pieces = _pieces(word, width)
        rows = [*rows, *pieces] if rows[-1] else pieces
        if len(rows) > lines:
            break
    if len(rows) > lines:
        rows = [*rows[: lines - 1], _pieces(rows[lines - 1], width - 1)[0] + "…"]
    return tuple(rows)


def columns(text: str) -> int:
    """How wide `text` is, in columns of a fixed-width font."""
    return sum(_wide(character) for character in text)


def _wide(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _pieces(word: str, width: int) -> list[str]:
    pieces, room = [""], width
    for character in word:
        if _wide(character) > room:
            pieces.append("")
            room = width
        pieces[-1] += character
        room -= _wide(character)
    return pieces
