"""A form as a page shows it: a field for each thing that is asked, with what is answered or was typed before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from domain.errors import Invalid
from domain.form import Column, FormField, FormTemplate, value_of
from domain.form import Form as Filled
from infrastructure.web.access import Form

Typed = Mapping[str, Sequence[str]]
"""What stands in the inputs of each name, from top to bottom."""
NAME = "f."
LEAST_ROWS = 2


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A field with what stands in it: `values` of a plain one (several for choices), `rows` of a list or a table."""

    field: FormField
    id: str
    name: str
    values: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    fault: str

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """`version` is that of the form's artifact, to see whether somebody else filled it in meanwhile."""

    template: FormTemplate
    entries: tuple[Entry, ...]
    version: int
    refused: str = ""


def sheet(form: Filled, prefix: str, version: int = 0, typed: Typed | None = None, add: str = "") -> Sheet:
    """`add` names a field that gets one more row. `prefix` keeps ids apart on a page with several forms."""
    stands = typed if typed is not None else _typed(form)
    entries = [_entry(field, prefix, stands, 1 if field.name == add else 0) for field in form.template.fields]
    return Sheet(template=form.template, entries=tuple(entries), version=version)


def refused(shown: Sheet, error: Exception, message: str = "") -> Sheet:
    """With what is wrong beside the fields that it is about."""
    faults: dict[str, str] = {}
    for pointer, said in error.errors if isinstance(error, Invalid) else ():
        name = pointer.removeprefix("/answers").strip("/").partition("/")[0]
        faults.setdefault(name, said)
    entries = tuple(Entry(**{**vars(one), "fault": faults.get(one.field.name, "")}) for one in shown.entries)
    told = "Some answers are missing or do not fit; they are marked below." if any(e.fault for e in entries) else ""
    return Sheet(**{**vars(shown), "entries": entries, "refused": message or told or str(error)})


def typed_in(form: Form) -> Typed:
    names = dict.fromkeys(name for name, _ in form.pairs if name.startswith(NAME))
    return {name: form.all(name) for name in names}


def answers_in(template: FormTemplate, typed: Typed) -> dict[str, JsonValue]:
    """Answers by field; null takes one away."""
    return {field.name: _answer(field, typed) for field in template.fields}


def _answer(field: FormField, typed: Typed) -> JsonValue:
    values = [value.replace("\r\n", "\n").strip() for value in typed.get(NAME + field.name, ())]
    match field.type:
        case "choices" | "list":
            return [value for value in values if value]
        case "table":
            rows = [dict(zip((c.name for c in field.columns), row, strict=True)) for row in _rows_in(field, typed)]
            found: list[JsonValue] = [_row(field, row) for row in rows if any(row.values())]
            return found
    return value_of(field, values[0]) if values else None


def _row(field: FormField, row: Mapping[str, str]) -> JsonValue:
    return {column.name: value_of(column, row[column.name].strip()) for column in field.columns}


def _rows_in(field: FormField, typed: Typed) -> list[tuple[str, ...]]:
    """Each row has an input for each column, so that they come in step; where not, what is missing is empty."""
    columns = [list(typed.get(f"{NAME}{field.name}.{column.name}", ())) for column in field.columns]
    most = max(map(len, columns), default=0)
    return [tuple(column[n] if n < len(column) else "" for column in columns) for n in range(most)]


def _entry(field: FormField, prefix: str, typed: Typed, more: int) -> Entry:
    name = NAME + field.name
    values = tuple(typed.get(name, ()))
    rows = _rows_in(field, typed) if field.type == "table" else [(value,) for value in values]
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    width = len(field.columns) or 1
    shown = max(len(filled) + 1, LEAST_ROWS, len(rows)) + more if field.type in ("list", "table") else 0
    spare = [("",) * width] * (shown - len(filled))
    return Entry(
        field=field,
        id=f"{prefix}-{field.name}",
        name=name,
        values=values,
        rows=(*filled, *spare) if shown else (),
        fault="",
    )


def _typed(form: Filled) -> Typed:
    found: dict[str, list[str]] = {}
    for field in form.template.fields:
        value: Any = form.answers.get(field.name)
        if field.type == "table":
            for column in field.columns:
                cells = [_text(column, row.get(column.name)) for row in value or ()]
                found[f"{NAME}{field.name}.{column.name}"] = cells
        elif isinstance(value, list):
            found[NAME + field.name] = [str(item) for item in value]
        elif value is not None:
            found[NAME + field.name] = [_text(field, value)]
    return found


def _text(field: FormField | Column, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
