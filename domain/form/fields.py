"""What a form may ask: its fields, which answers fit them, and how an answer is put in order."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

FieldType = Literal["text", "long_text", "number", "rating", "yes_no", "choice", "choices", "date", "list", "table"]
MAX_TEXT, MAX_ITEM, MAX_ROWS, MAX_FIELDS = 20_000, 2_000, 200, 40
RATING, LARGEST = 5, 10**15
BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


def one_line(text: str) -> str:
    return BREAKS.sub(" ", text).strip()


def _said(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) else value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[str, BeforeValidator(_said), Field(min_length=1, max_length=120)]
Help = Annotated[str, BeforeValidator(_said), Field(max_length=500)]
Options = Annotated[tuple[Label, ...], Field(max_length=MAX_ROWS)]


class Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Spec):
    name: Name
    label: Label
    type: Literal["text", "number", "rating", "yes_no", "choice", "date"] = "text"
    options: Options = ()

    @model_validator(mode="after")
    def _whole(self) -> "Column":
        _check_options(self)
        return self


class FormField(Spec):
    """One thing that is asked. `choice` and `choices` have `options`; a `table` has `columns`; `rating` is 1 to 5."""

    name: Name
    label: Label
    type: FieldType = "text"
    help: Help = ""
    required: bool = False
    options: Options = ()
    columns: Annotated[tuple[Column, ...], Field(max_length=12)] = ()

    @model_validator(mode="after")
    def _whole(self) -> "FormField":
        _check_options(self)
        if (self.type == "table") != bool(self.columns):
            raise ValueError(f"{self.name}: a table needs columns, and nothing else has them")
        check_twice([column.name for column in self.columns], "columns")
        return self


def value_of(field: FormField | Column, text: str) -> JsonValue:
    """What `text` says, as the field's type has it; what does not fit stays text and is refused by `checked`."""
    if not text:
        return None
    if field.type == "yes_no":
        return {"yes": True, "no": False}.get(text.lower(), text)
    if field.type == "rating" and re.fullmatch("[0-9]{1,3}", text):
        return int(text)
    if field.type == "number":
        try:
            return float(text) if any(mark in text for mark in ".eE") else int(text)
        except ValueError:
            return text
    return text


def _check_options(field: FormField | Column) -> None:
    if (field.type in ("choice", "choices")) != bool(field.options):
        raise ValueError(f"{field.name}: a choice needs options, and nothing else has them")
    check_twice(field.options, "options")


def check_twice(names: Sequence[str], what: str) -> None:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"two {what} are called {twice!r}")


def pointer(name: str) -> str:
    return "/" + name[:200].replace("~", "~0").replace("/", "~1")


def tidied(field: FormField | Column, value: JsonValue) -> JsonValue:
    """Without space around it and, where one line is asked, without breaks; rows without empty cells. What has another
    shape stays as it is."""
    match field.type, value:
        case "long_text", str():
            return value.replace("\r\n", "\n").replace("\r", "\n").strip()
        case "list", list():
            return [item for each in value if (item := _said(each)) != ""]
        case "table", list() if isinstance(field, FormField):
            rows = [_row(field, row) if isinstance(row, Mapping) else row for row in value]
            return [row for row in rows if row != {}]
        case "choices", list():
            return [option for option in field.options if option in value] + [
                v for v in value if v not in field.options
            ]
        case _, str():
            return one_line(value)
    return value


def _row(field: FormField, row: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    columns = {column.name: column for column in field.columns}
    cells = {name: tidied(columns[name], cell) if name in columns else cell for name, cell in row.items()}
    return {name: cell for name, cell in cells.items() if not empty(cell)}


def empty(value: JsonValue) -> bool:
    return value is None or value == "" or value == []


def schema_of(field: FormField | Column) -> JsonValue:
    options: list[JsonValue] = list(field.options)
    match field.type:
        case "number":
            return {"type": "number", "title": field.label}
        case "rating":
            return {"type": "integer", "minimum": 1, "maximum": RATING, "title": field.label}
        case "yes_no":
            return {"type": "boolean", "title": field.label}
        case "choice":
            return {"type": "string", "enum": options, "title": field.label}
        case "choices":
            return {"type": "array", "items": {"type": "string", "enum": options}, "title": field.label}
        case "date":
            return {"type": "string", "format": "date", "title": field.label}
        case "list":
            item: JsonValue = {"type": "string", "maxLength": MAX_ITEM}
            return {"type": "array", "items": item, "maxItems": MAX_ROWS, "title": field.label}
        case "table":
            assert isinstance(field, FormField)
            columns = {column.name: schema_of(column) for column in field.columns}
            row: JsonValue = {"type": "object", "properties": columns, "additionalProperties": False}
            return {"type": "array", "items": row, "maxItems": MAX_ROWS, "title": field.label}
    return {"type": "string", "maxLength": MAX_TEXT, "title": field.label}


def fault_in(field: FormField | Column, value: JsonValue) -> tuple[str, str] | None:
    """Where in the value, and what is wrong; None when it is right."""
    match field.type:
        case "number":
            right = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
            return None if right else ("", "must be a number of at most fifteen digits")
        case "rating":
            right = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= RATING
            return None if right else ("", f"must be a whole number from 1 to {RATING}")
        case "yes_no":
            return None if isinstance(value, bool) else ("", "must be yes or no")
        case "choice":
            return None if value in field.options else ("", f"must be one of {', '.join(field.options)}")
        case "date":
            return None if _is_date(value) else ("", "must be a date such as 2026-11-30")
        case "choices" | "list" | "table":
            return _list_fault(field, value)
    right = isinstance(value, str) and len(value) <= MAX_TEXT
    return None if right else ("", f"must be a text of at most {MAX_TEXT:,} characters")


def _list_fault(field: FormField | Column, value: JsonValue) -> tuple[str, str] | None:
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        many = f", not of {len(value):,}" if isinstance(value, list) else ""
        return "", f"must be a list of at most {MAX_ROWS}{many}"
    for number, item in enumerate(value):
        if field.type == "choices" and item not in field.options:
            return f"/{number}", f"must be one of {', '.join(field.options)}"
        if field.type == "list" and not (isinstance(item, str) and len(item) <= MAX_ITEM):
            return f"/{number}", f"must be a text of at most {MAX_ITEM:,} characters"
        if isinstance(field, FormField) and field.type == "table" and (found := _row_fault(field, item)) is not None:
            return f"/{number}{found[0]}", found[1]
    return None


def _row_fault(field: FormField, row: JsonValue) -> tuple[str, str] | None:
    if not isinstance(row, Mapping):
        return "", "must be a row"
    columns = {column.name: column for column in field.columns}
    for name, value in row.items():
        if name not in columns:
            return pointer(name), "is no column"
        if not empty(value) and (found := fault_in(columns[name], value)) is not None:
            return f"/{name}", found[1]
    return None


def _is_date(value: JsonValue) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False
