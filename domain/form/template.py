"""The template of a form, and the form that an artifact holds."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, JsonValue, model_validator

from domain.artifact import COGNITIVE
from domain.errors import Invalid
from domain.form import markdown
from domain.form.fields import (
    MAX_FIELDS,
    FormField,
    Help,
    Label,
    Name,
    Spec,
    check_twice,
    empty,
    fault_in,
    one_line,
    pointer,
    schema_of,
    tidied,
)

TOLD = 5
"""How many faults are told at once."""


class FormTemplate(Spec):
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
        check_twice([field.name for field in self.fields], "fields")
        check_twice([field.label.casefold() for field in self.fields], "fields")
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
        return [field for field in self.fields if field.required and empty(answers.get(field.name))]

    def answers_schema(self) -> dict[str, JsonValue]:
        """The JSON Schema (2020-12) of the answers."""
        required: list[JsonValue] = [field.name for field in self.fields if field.required]
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
            "type": "object",
            "properties": {field.name: schema_of(field) for field in self.fields},
            "required": required,
            "additionalProperties": False,
        }

    def checked(self, answers: Mapping[str, JsonValue], *, whole: bool = True) -> dict[str, JsonValue]:
        """The answers in the order of the fields, without what is empty or around them. Raises Invalid naming each
        field; `whole` also wants what is required."""
        known = {field.name for field in self.fields}
        faults = [(pointer(name), "is not asked") for name in answers if name not in known]
        found: dict[str, JsonValue] = {}
        for field in self.fields:
            value = tidied(field, answers.get(field.name))
            if empty(value):
                faults += [(f"/{field.name}", "is missing")] if whole and field.required else []
            elif (fault := fault_in(field, value)) is not None:
                faults.append((f"/{field.name}{fault[0]}", fault[1]))
            else:
                found[field.name] = value
        if faults:
            told = [f"{place[1:80]} {what}" for place, what in faults[:TOLD]]
            more = [f"and {len(faults) - TOLD} more"] if len(faults) > TOLD else []
            raise Invalid(f"The form “{self.title}” cannot be filled in so: {'; '.join((*told, *more))}.", faults)
        return found

    def markdown(self, answers: Mapping[str, JsonValue], title: str = "") -> str:
        """The form with its answers, to read or to fill in."""
        parts = [f"# {title or self.title}"] + ([f"*{self.description}*"] if self.description else [])
        for field in self.fields:
            parts += [f"## {field.label}"] + ([f"*{markdown.hint(field)}*"] if markdown.hint(field) else [])
            parts.append(markdown.written(field, answers.get(field.name)))
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
                label = one_line(line[3:])
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
        found = {
            f.name: markdown.read(f, markdown.without_hint(f, sections.get(f.label.casefold(), [])))
            for f in self.fields
        }
        return self.checked(found, whole=False)


class Form(Spec):
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
