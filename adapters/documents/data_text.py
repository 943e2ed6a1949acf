"""CSV and JSON as lines that can be read without knowing the format. Runs in the child process only."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from adapters.documents.trouble import Trouble

MAX_ROWS = 20_000
_DELIMITERS = ",;\t|"


def text_of_csv(text: str, characters: int) -> str:
    """A line `column: value; column: value` for every row, without empty values. After 20,000 rows one line says how
    many were left out. Columns without a name are called `column 3`, and all are if the first row is numbers only."""
    csv.field_size_limit(characters)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter_of(text))
    filled = (row for row in rows if any(cell.strip() for cell in row))
    first = next(filled, [])
    columns = [] if all_numbers(first) else [_flat(cell) for cell in first]
    lines = [] if columns else [_row(columns, first)]
    left_out = 0
    for row in filled:
        if len(lines) < MAX_ROWS:
            lines.append(_row(columns, row))
        else:
            left_out += 1
    if left_out:
        lines.append(f"({left_out:,} more rows were left out.)")
    return _joined(lines, characters) if lines else f"Columns: {'; '.join(columns)}"


def text_of_json(text: str, characters: int) -> str:
    """`key: value` lines, nested ones indented; a line for every object in a list of objects. Numbers stay as they
    were written. Several values in a row (JSON lines) are read as a list.

    Raises Trouble: not JSON, more than `characters`.
    """
    return _joined(_indented(_loaded(text), 0), characters)


def _delimiter_of(text: str) -> str:
    """The delimiter with which most of the first rows have as many cells as the first one has."""
    sample = [line for line in text[:50_000].split("\n")[:40] if line.strip()]

    def score(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter)]
        alike = sum(width == widths[0] for width in widths) / len(widths) if widths else 0.0
        return (alike, widths[0]) if widths and widths[0] > 1 else (0.0, 0)

    return max(_DELIMITERS, key=score)


def _row(columns: list[str], row: list[str]) -> str:
    names = [*columns, *[""] * (len(row) - len(columns))]
    return "; ".join(
        f"{name or f'column {number}'}: {_flat(cell)}"
        for number, (name, cell) in enumerate(zip(names, row, strict=False), 1)
        if cell.strip()
    )


def all_numbers(row: list[str]) -> bool:
    def is_number(cell: str) -> bool:
        return cell.strip().lstrip("+-").replace(".", "", 1).replace(",", "").isdigit()

    return any(row) and all(is_number(cell) for cell in row if cell.strip())


def _flat(cell: str) -> str:
    return " ".join(cell.split())


def _loaded(text: str) -> Any:
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    try:
        return decoder.decode(text)
    except ValueError:
        lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2:
        raise Trouble("malformed")
    try:
        return [decoder.decode(line) for line in lines]
    except ValueError:
        raise Trouble("malformed") from None


def _indented(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * min(depth, 20)
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _entry(f"{pad}{key}:", child, depth)
    elif isinstance(value, list):
        for child in value:
            if isinstance(child, dict):
                yield f"{pad}- " + "; ".join(f"{key}: {_inline(item)}" for key, item in child.items())
            else:
                yield from _entry(f"{pad}-", child, depth)
    else:
        yield f"{pad}{_scalar(value)}"


def _entry(label: str, child: Any, depth: int) -> Iterator[str]:
    if isinstance(child, dict | list) and child:
        yield label
        yield from _indented(child, depth + 1)
    else:
        yield f"{label} {_inline(child)}"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + "; ".join(f"{key}: {_inline(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _flat(_scalar(value))


def _scalar(value: Any) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _joined(lines: Iterable[str], characters: int) -> str:
    kept: list[str] = []
    size = 0
    for line in lines:
        kept.append(line)
        size += len(line) + 1
        if size > characters:
            raise Trouble("long")
    return "\n".join(kept)
