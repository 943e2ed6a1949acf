"""The checks that code decides, registered as `name@version`. Each says met, not met or unverified, with evidence."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import JsonValue
from referencing import Registry
from referencing.exceptions import Unresolvable

from domain.criterion import Criterion, CriterionVerdict, Verdict
from domain.form import Form
from services.work.legend import labels_in

TOLERANCE = 1.1  # a length is no law of nature


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is checked: the text without its legend, the labels that were given, the artifacts that exist; the form
    where it is one."""

    text: str
    given: frozenset[str]
    known: frozenset[str]
    form: Form | None = None


Outcome = tuple[Verdict, str]
Rule = Callable[[Subject, Mapping[str, JsonValue]], Outcome]


def verdict_of(subject: Subject, criterion: Criterion) -> CriterionVerdict | None:
    """None where the criterion has no check; unverified where its check is not known here."""
    if criterion.check is None:
        return None
    rule = RULES.get(criterion.check.rule)
    if rule is None:
        return CriterionVerdict(text=criterion.text, verdict="unverified", evidence="this check is not installed")
    verdict, evidence = rule(subject, criterion.check.params)
    return CriterionVerdict(text=criterion.text, verdict=verdict, evidence=evidence)


def sections(subject: Subject, params: Mapping[str, JsonValue]) -> Outcome:
    found = [_plain(match) for match in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", subject.text, re.MULTILINE)]
    wanted = [str(heading) for heading in _list(params.get("headings"))]
    if missing := [heading for heading in wanted if _plain(heading) not in found]:
        return "not_met", "missing: " + ", ".join(missing)
    empty = [heading for heading in wanted if not _body(subject.text, heading)]
    if empty:
        return "not_met", "empty: " + ", ".join(empty)
    return "met", f"all {len(wanted)} sections are there"


def length(subject: Subject, params: Mapping[str, JsonValue]) -> Outcome:
    words = len(subject.text.split())
    low, high = _number(params.get("min_words"), 0), _number(params.get("max_words"), 10**9)
    if words < low:
        return "not_met", f"{words} words, fewer than {low}"
    if words > high * TOLERANCE:
        return "not_met", f"{words} words, more than {high}"
    return "met", f"{words} words"


def citations(subject: Subject, params: Mapping[str, JsonValue]) -> Outcome:
    used = labels_in(subject.text)
    if foreign := [label for label in used if label not in subject.given]:
        return "not_met", "cites what was not given: " + ", ".join(foreign[:10])
    needed = _number(params.get("min"), 1)
    if len(used) < needed:
        return "not_met", f"cites {len(used)} passages, at least {needed} wanted"
    return "met", f"cites {len(used)} of {len(subject.given)} passages given"


def links(subject: Subject, params: Mapping[str, JsonValue]) -> Outcome:
    targets = re.findall(r"\]\(\s*<?([^)\s>]+)", subject.text)
    anchors = {re.sub(r"[^\w]+", "-", _plain(h)).strip("-") for h in re.findall(r"^#+\s+(.+)$", subject.text, re.M)}
    dead = [t for t in targets if t.startswith("#") and t[1:].lower() not in anchors]
    dead += [t for t in targets if t.startswith("art_") and t not in subject.known]
    outside = [t for t in targets if not t.startswith(("#", "art_", "mailto:"))]
    if dead:
        return "not_met", "leads nowhere: " + ", ".join(dead[:10])
    if outside:
        return "unverified", "leads outside, which is not looked at: " + ", ".join(outside[:5])
    return "met", f"{len(targets)} links" if targets else "no links in it"


def table(subject: Subject, params: Mapping[str, JsonValue]) -> Outcome:
    rows = re.findall(r"^\s*\|.+\|\s*$", subject.text, re.MULTILINE)
    needed = _number(params.get("min_rows"), 1) + 2
    return ("met", f"{len(rows) - 2} rows") if len(rows) >= needed else ("not_met", "no table, or too few rows in it")


def schema(subject: Subject, params: Mapping[str, JsonValue]) -> Outcome:
    wanted = params.get("schema")
    try:
        value = json.loads(subject.text)
        Draft202012Validator.check_schema(wanted)  # type: ignore[arg-type]
    except (ValueError, RecursionError) as error:
        return "not_met", f"it is not JSON: {error}"
    except SchemaError as error:
        return "unverified", f"the schema itself is invalid: {error.message}"
    nowhere: Registry[Any] = Registry()  # fetches nothing
    try:
        fault = next(iter(Draft202012Validator(wanted, registry=nowhere).iter_errors(value)), None)  # type: ignore[arg-type]
    except (Unresolvable, RecursionError):
        return "unverified", "the schema itself is invalid: it refers to itself, or to what it does not hold"
    return ("met", "fits the schema") if fault is None else ("not_met", f"{fault.json_path}: {fault.message[:200]}")


def form(subject: Subject, params: Mapping[str, JsonValue]) -> Outcome:
    if subject.form is None:
        return "not_met", "it is no form"
    template, answers = subject.form.template, subject.form.answers
    if missing := [field.label for field in template.unanswered(answers)]:
        return "not_met", "not filled in: " + ", ".join(missing)
    return "met", f"{len(answers)} of {len(template.fields)} fields are filled in, all that are required"


def person(subject: Subject, params: Mapping[str, JsonValue]) -> Outcome:
    """No code and no model can say; a person's acceptance does."""
    return "unverified", "only a person can say this; it waits for one"


RULES: dict[str, Rule] = {
    "sections@1": sections,
    "length@1": length,
    "citations@1": citations,
    "links@1": links,
    "table@1": table,
    "schema@1": schema,
    "form@1": form,
    "person@1": person,
}


def _plain(heading: str) -> str:
    return re.sub(r"[*_`]|\[S\d+\]", "", heading).strip().lower()


def _body(text: str, heading: str) -> str:
    """What stands under `heading`, up to the next heading of its rank or higher."""
    lines, inside, rank, body = text.splitlines(), False, 0, []
    for line in lines:
        match = re.match(r"(#{1,6})\s+(.+)", line)
        if match and inside and len(match[1]) <= rank:
            break
        if match and not inside and _plain(match[2].rstrip("# ")) == _plain(heading):
            inside, rank = True, len(match[1])
        elif inside:
            body.append(line)
    return "\n".join(body).strip()


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _number(value: JsonValue, default: int) -> int:
    return int(value) if isinstance(value, int | float) else default
