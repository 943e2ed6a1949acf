"""Forms: thinking tools that a person or an agent fills in. A form is an artifact; its template says what it asks.

A filled-in form can be written and read as Markdown: a heading for each field, its answer below.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from domain.artifact import COGNITIVE
from domain.errors import Invalid

FieldType = Literal["text", "long_text", "number", "rating", "yes_no", "choice", "choices", "date", "list", "table"]
MAX_TEXT, MAX_ITEM, MAX_ROWS, MAX_FIELDS = 20_000, 2_000, 200, 40
RATING, LARGEST = 5, 10**15
TICK = re.compile(r"^\s*[-*]\s*\[( |x|X)\]\s+(.*)$")
ITEM = re.compile(r"^\s*(?:[-*]|\d+[.)])\s+(.*)$")
BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


def _one_line(text: str) -> str:
    return BREAKS.sub(" ", text).strip()


def _said(value: Any) -> Any:
    return _one_line(value) if isinstance(value, str) else value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[str, BeforeValidator(_said), Field(min_length=1, max_length=120)]
Help = Annotated[str, BeforeValidator(_said), Field(max_length=500)]
Options = Annotated[tuple[Label, ...], Field(max_length=MAX_ROWS)]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Spec):
    name: Name
    label: Label
    type: Literal["text", "number", "rating", "yes_no", "choice", "date"] = "text"
    options: Options = ()

    @model_validator(mode="after")
    def _whole(self) -> "Column":
        _check_options(self)
        return self


class FormField(_Spec):
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
        _check_twice([column.name for column in self.columns], "columns")
        return self


class FormTemplate(_Spec):
    """`kind` is the cognitive artifact that it becomes. One with `own_fields` takes questions of whoever makes a form
    of it."""

    name: Name
    kind: str
    title: Label
    description: Help = ""
    own_fields: bool = False
    fields: Annotated[tuple[FormField, ...], Field(min_length=1, max_length=MAX_FIELDS)]

    @model_validator(mode="after")
    def _whole(self) -> "FormTemplate":
        if self.kind not in COGNITIVE:
            raise ValueError(f"there is no thinking tool {self.kind!r}; use one of {', '.join(sorted(COGNITIVE))}")
        _check_twice([field.name for field in self.fields], "fields")
        _check_twice([field.label.casefold() for field in self.fields], "fields")
        return self

    def asking(self, own: Sequence[FormField], title: str = "") -> "FormTemplate":
        """With questions of one's own, each in the place of the one that has its name, else at the end. Raises
        Invalid where the template takes none."""
        if own and not self.own_fields:
            raise Invalid(
                f"The form “{self.title}” takes no questions of your own; a worksheet does.",
                [("/fields", "are not taken")],
            )
        new = {field.name: field for field in own}
        kept = [new.pop(field.name, field) for field in self.fields]
        return FormTemplate.model_validate({
            **self.model_dump(), "title": title or self.title, "fields": [*kept, *new.values()]
        })  # fmt: skip

    def unanswered(self, answers: Mapping[str, JsonValue]) -> list[FormField]:
        """What is required and has no answer."""
        return [field for field in self.fields if field.required and _empty(answers.get(field.name))]

    def answers_schema(self) -> dict[str, JsonValue]:
        """The JSON Schema (2020-12) of the answers."""
        required: list[JsonValue] = [field.name for field in self.fields if field.required]
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
            "type": "object",
            "properties": {field.name: _schema(field) for field in self.fields},
            "required": required,
            "additionalProperties": False,
        }

    def checked(self, answers: Mapping[str, JsonValue], *, whole: bool = True) -> dict[str, JsonValue]:
        """The answers in the order of the fields, without what is empty or around them. Raises Invalid naming each
        field; `whole` also wants what is required."""
        known = {field.name for field in self.fields}
        faults = [(_pointer(name), "is not asked") for name in answers if name not in known]
        found: dict[str, JsonValue] = {}
        for field in self.fields:
            value = _tidied(field, answers.get(field.name))
            if _empty(value):
                faults += [(f"/{field.name}", "is missing")] if whole and field.required else []
            elif (fault := _fault(field, value)) is not None:
                faults.append((f"/{field.name}{fault[0]}", fault[1]))
            else:
                found[field.name] = value
        if faults:
            pointer, what = faults[0]
            raise Invalid(f"The form “{self.title}” cannot be filled in so: {pointer[1:80]} {what}.", faults)
        return found

    def markdown(self, answers: Mapping[str, JsonValue], title: str = "") -> str:
        """The form with its answers, to read or to fill in."""
        parts = [f"# {title or self.title}"] + ([f"*{self.description}*"] if self.description else [])
        for field in self.fields:
            parts += [f"## {field.label}"] + ([f"*{_hint(field)}*"] if _hint(field) else [])
            parts.append(_written(field, answers.get(field.name)))
        return "\n\n".join(part for part in parts if part) + "\n"

    def read(self, text: str) -> dict[str, JsonValue]:
        """The answers in a Markdown file made by `markdown`. Raises Invalid, also where it has a heading that is no
        field: nothing that somebody wrote is left out in silence."""
        labels = {field.label.casefold() for field in self.fields}
        sections: dict[str, list[str]] = {}
        here: list[str] = []
        strange: list[tuple[str, str]] = []
        for line in text.replace("\r\n", "\n").split("\n"):
            if line.startswith("## "):
                label = _one_line(line[3:])
                here = sections.setdefault(label.casefold(), [])
                if label.casefold() not in labels:
                    strange.append(("/markdown", f"has the heading “{label[:80]}”, which this form does not ask"))
            else:
                here.append(line)
        if strange or not sections:
            what = strange[0][1] if strange else "has none of its headings"
            raise Invalid(
                f"That is not the form “{self.title}” filled in: the text {what}. Put a backslash before a # that is "
                "part of an answer.",
                strange or [("/markdown", what)],
            )
        found = {f.name: _read(f, _without_hint(f, sections.get(f.label.casefold(), []))) for f in self.fields}
        return self.checked(found, whole=False)


class Form(_Spec):
    """What a form's artifact holds: what it asks, and the answers so far."""

    template: FormTemplate
    answers: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def markdown(self) -> str:
        return self.template.markdown(self.answers)

    def filled(self, answers: Mapping[str, JsonValue], *, whole: bool = False) -> "Form":
        """With these answers beside those that it has; null takes one away. Raises Invalid."""
        checked = self.template.checked({**self.answers, **answers}, whole=whole)
        return Form(template=self.template, answers=checked)

    def read(self, markdown: str, *, whole: bool = False) -> "Form":
        """With the answers of a Markdown file in place of its own. Raises Invalid."""
        return Form(template=self.template, answers=self.template.checked(self.template.read(markdown), whole=whole))

    def written(self) -> dict[str, JsonValue]:
        """As it is kept, in JSON."""
        fields = [field.model_dump(mode="json", exclude_defaults=True) for field in self.template.fields]
        return {
            "form": self.template.name,
            "title": self.template.title,
            "description": self.template.description,
            "fields": [*fields],
            "answers": self.answers,
        }

    @classmethod
    def of(cls, kind: str, written: Any) -> "Form | None":
        """The form in an artifact of this kind; None where it holds something else."""
        if not isinstance(written, dict) or set(written) != {"form", "title", "description", "fields", "answers"}:
            return None
        asked = {"name": written["form"], "kind": kind, **{k: written[k] for k in ("title", "description", "fields")}}
        try:
            template = FormTemplate.model_validate(asked)
            answers = written["answers"]
            return cls(template=template, answers=template.checked(answers, whole=False))
        except (ValueError, TypeError, AttributeError, Invalid):
            return None


def _check_options(field: FormField | Column) -> None:
    if (field.type in ("choice", "choices")) != bool(field.options):
        raise ValueError(f"{field.name}: a choice needs options, and nothing else has them")
    _check_twice(field.options, "options")


def _check_twice(names: Sequence[str], what: str) -> None:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"two {what} are called {twice!r}")


def _pointer(name: str) -> str:
    return "/" + name[:200].replace("~", "~0").replace("/", "~1")


def _tidied(field: FormField | Column, value: JsonValue) -> JsonValue:
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
            return _one_line(value)
    return value


def _row(field: FormField, row: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    columns = {column.name: column for column in field.columns}
    cells = {name: _tidied(columns[name], cell) if name in columns else cell for name, cell in row.items()}
    return {name: cell for name, cell in cells.items() if not _empty(cell)}


def _empty(value: JsonValue) -> bool:
    return value is None or value == "" or value == []


def _schema(field: FormField | Column) -> JsonValue:
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
            columns = {column.name: _schema(column) for column in field.columns}
            row: JsonValue = {"type": "object", "properties": columns, "additionalProperties": False}
            return {"type": "array", "items": row, "maxItems": MAX_ROWS, "title": field.label}
    return {"type": "string", "maxLength": MAX_TEXT, "title": field.label}


def _fault(field: FormField | Column, value: JsonValue) -> tuple[str, str] | None:
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
            return _pointer(name), "is no column"
        if not _empty(value) and (found := _fault(columns[name], value)) is not None:
            return f"/{name}", found[1]
    return None


def _is_date(value: JsonValue) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _hint(field: FormField) -> str:
    asked = {
        "rating": f"1 to {RATING}",
        "yes_no": "yes or no",
        "choice": "one of: " + ", ".join(field.options),
        "date": "a date such as 2026-11-30",
    }.get(field.type, "")
    return " ".join(part for part in (field.help, f"({asked})" if asked else "") if part)


def _without_hint(field: FormField, lines: Sequence[str]) -> list[str]:
    """Below a heading the hint comes first; whoever fills the form in may have left it out."""
    left = list(lines)
    while left and not left[0].strip():
        left.pop(0)
    if left and _hint(field) and left[0].strip() == f"*{_hint(field)}*":
        left.pop(0)
    return left


def _written(field: FormField, value: JsonValue) -> str:
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


def _read(field: FormField, lines: Sequence[str]) -> JsonValue:
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
