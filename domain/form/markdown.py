"""A form in Markdown, to read or to fill in: a heading for each field, its answer below."""

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from domain.form.fields import RATING, FormField, value_of

TICK = re.compile(r"^\s*[-*]\s*\[( |x|X)\]\s+(.*)$")
ITEM = re.compile(r"^\s*(?:[-*]|\d+[.)])\s+(.*)$")


def hint(field: FormField) -> str:
    asked = {
        "rating": f"1 to {RATING}",
        "yes_no": "yes or no",
        "choice": "one of: " + ", ".join(field.options),
        "date": "a date such as 2026-11-30",
    }.get(field.type, "")
    return " ".join(part for part in (field.help, f"({asked})" if asked else "") if part)


def without_hint(field: FormField, lines: Sequence[str]) -> list[str]:
    """Below a heading the hint comes first; whoever fills the form in may have left it out."""
    left = list(lines)
    while left and not left[0].strip():
        left.pop(0)
    if left and hint(field) and left[0].strip() == f"*{hint(field)}*":
        left.pop(0)
    return left


def written(field: FormField, value: JsonValue) -> str:
    match field.type:
        case "choices":
            chosen = value if isinstance(value, list) else []
            return "\n".join(f"- [{'x' if option in chosen else ' '}] {option}" for option in field.options)
        case "list":
            return "\n".join(f"- {item}" for item in value) if isinstance(value, list) else ""
        case "table":
            rows = value if isinstance(value, list) else []
            return _table(field, [row for row in rows if isinstance(row, Mapping)])
    return "\n".join("\\" + line if line[:1] in ("#", "\\") else line for line in _cell(value).split("\n"))


def _table(field: FormField, rows: Sequence[Mapping[str, JsonValue]]) -> str:
    head = (_escaped(column.label) for column in field.columns)
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(field.columns)]
    for row in rows or [{}]:
        lines.append("| " + " | ".join(_escaped(_cell(row.get(column.name))) for column in field.columns) + " |")
    return "\n".join(lines)


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|")


def _cell(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def read(field: FormField, lines: Sequence[str]) -> JsonValue:
    match field.type:
        case "choices":
            ticked = [found[2].strip() for line in lines if (found := TICK.match(line)) and found[1] != " "]
            return [*ticked]
        case "list":
            return _items(lines)
        case "table":
            return _rows(field, lines)
    text = "\n".join(line[1:] if line[:1] == "\\" and line[1:2] in ("#", "\\") else line for line in lines)
    return value_of(field, text.strip())


def _items(lines: Sequence[str]) -> JsonValue:
    """A line without a mark goes on with the item above it."""
    items: list[str] = []
    for line in filter(str.strip, lines):
        found = ITEM.match(line)
        if found or not items:
            items.append(found[1].strip() if found else line.strip())
        else:
            items[-1] = f"{items[-1]} {line.strip()}"
    return [*items]


def _rows(field: FormField, lines: Sequence[str]) -> JsonValue:
    rows: list[JsonValue] = []
    for line in [line for line in lines if line.lstrip().startswith("|")][2:]:
        read = {c.name: value_of(c, cell) for c, cell in zip(field.columns, _cells(line), strict=False)}
        rows.append({name: value for name, value in read.items() if value is not None})
    return rows


def _cells(line: str) -> list[str]:
    """Between the bars of a row; a backslash takes a bar, or another backslash, into the cell."""
    cells, cell, rest = [], "", iter(line.strip()[1:])
    for mark in rest:
        if mark == "|":
            cells.append(cell.strip())
            cell = ""
        elif mark == "\\":
            after = next(rest, "")
            cell += after if after in ("|", "\\") else mark + after
        else:
            cell += mark
    return [*cells, cell.strip()] if cell.strip() else cells
