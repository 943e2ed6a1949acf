"""Filling a form in: from a file, from JSON, or field by field at the terminal."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import ask, asked, tell
from infrastructure.cli.session import text_of

File = Annotated[Path | None, typer.Option(help="The form as Markdown, filled in.", metavar="PATH")]
Answers = Annotated[
    str, typer.Option(help="The answers as JSON, by field; @PATH reads them from a file.", metavar="JSON")
]
HOW = "Give --file PATH (`caseworks artifacts form` prints what to fill in) or --answers JSON."


def filled(file: Path | None, answers: str, form: Callable[[], Any], send: Callable[[dict[str, Any]], Any]) -> Any:
    """What `send` gives for the answers. Those that a person typed and that cannot be sent are kept in a file."""
    if (body := given(file, answers)) is not None:
        return send(body)
    if not asked():
        raise Ended(Code.USAGE, f"Nobody can be asked here. {HOW}")
    typed: dict[str, Any] = {}
    try:
        at_the_terminal(form(), typed)
        return send({"answers": typed})
    except BaseException:
        if typed:
            tell(f"\nWhat you typed is kept in {_kept(typed)}; give it with --answers @PATH.")
        raise


def given(file: Path | None, answers: str) -> dict[str, Any] | None:
    """What is sent: `markdown` or `answers`; None without either."""
    if file is not None and answers:
        raise Ended(Code.USAGE, "Give --file or --answers, one of them.")
    if file is not None:
        return {"markdown": text_of(f"@{file}", "form")}
    if answers:
        return {"answers": _parsed(text_of(answers, "answers"))}
    return None


def _kept(typed: dict[str, Any]) -> str:
    handle, path = tempfile.mkstemp(prefix="caseworks-answers-", suffix=".json")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(typed, file, ensure_ascii=False, indent=2)
    return path


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Ended(Code.USAGE, f"The answers are no JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Ended(Code.USAGE, 'The answers are an object with the names of fields, such as {"text": "…"}.')
    return value


def at_the_terminal(form: Any, typed: dict[str, Any]) -> None:
    """Field by field into `typed`; an empty answer leaves a field as it is."""
    tell(words.line(form["title"]))
    tell("An empty line leaves a field as it is, or ends what has several lines.")
    for field in form["fields"]:
        before = form["answers"].get(field["name"])
        tell("")
        tell(f"{words.line(field['label'])}{' (required)' if field['required'] else ''}")
        if field["help"]:
            tell(f"  {words.line(field['help'], 500)}")
        if before is not None:
            tell(f"  so far: {words.line(_shown(before), 300)}")
        value = _answer(field)
        if value not in (None, "", []):
            typed[field["name"]] = value


def _answer(field: Any) -> Any:
    match field["type"]:
        case "long_text":
            return _again(lambda: _fitting(field, "\n".join(_lines(">"))))
        case "list":
            return _again(lambda: _fitting(field, list(_lines("-"))))
        case "table":
            return _table(field["columns"])
        case "choices":
            _offer(field["options"])
            return _again(lambda: _numbered(field["options"], ask("Numbers, with commas between them:")))
    return _single(field)


def _single(field: Any) -> Any:
    """One value on one line."""
    if field["type"] == "choice":
        _offer(field["options"])
    return _again(
        lambda: _value(
            field, ask({"yes_no": "[y/n]", "rating": "1 to 5:", "choice": "Number:"}.get(field["type"], ">"))
        )
    )


def _table(columns: list[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        tell(f"  Row {len(rows) + 1}")
        row = {}
        for column in columns:
            tell(f"  {words.line(column['label'])}")
            if (value := _single(column)) not in (None, ""):
                row[column["name"]] = value
            elif not row and column is columns[0]:
                break
        if not row:
            return rows
        rows.append(row)


def _lines(mark: str) -> Iterator[str]:
    while line := ask(mark):
        yield line


def _offer(options: list[str]) -> None:
    for number, option in enumerate(options, 1):
        tell(f"  {number}. {words.line(option)}")


def _again(answer: Callable[[], Any]) -> Any:
    """What `answer` gives; asked again until it fits, or is empty."""
    while True:
        try:
            return answer()
        except ValueError as error:
            tell(f"  {error}")


def _fitting(field: Any, value: Any) -> Any:
    """`value`, as the field takes it. Raises ValueError."""
    from domain.form import Column, FormField
    from domain.form.fields import fault_in, tidied

    if value in (None, "", []):
        return None
    asked_for = (FormField if "required" in field else Column).model_validate(field)
    kept = tidied(asked_for, value)
    if (fault := fault_in(asked_for, kept)) is not None:
        raise ValueError(f"“{words.line(str(value), 60)}” does not fit: it {fault[1]}.")
    return kept


def _value(field: Any, text: str) -> Any:
    return _fitting(field, _meant(field, text))


def _meant(field: Any, text: str) -> Any:
    if not text:
        return None
    match field["type"]:
        case "yes_no":
            if text.lower() not in ("y", "yes", "n", "no"):
                raise ValueError("Answer y or n.")
            return text.lower().startswith("y")
        case "choice":
            return _numbered(field["options"], text)[0]
        case "rating":
            return _number(text, int, "Answer with a whole number from 1 to 5.")
        case "number":
            return _number(text.replace(",", "."), float, "Answer with a number such as 12.5.")
    return text


def _number(text: str, kind: Callable[[str], Any], otherwise: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(otherwise) from None


def _numbered(options: list[str], text: str) -> list[str]:
    picked = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part in options or (part.isdecimal() and 1 <= int(part) <= len(options)) for part in picked):
        raise ValueError(f"Answer with a number from 1 to {len(options)}.")
    return [part if part in options else options[int(part) - 1] for part in picked]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
