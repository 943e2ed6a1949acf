"""Acceptance criteria that can be checked, made from what a task must deliver."""

from collections.abc import Sequence

from domain.agent import OutputType
from domain.criterion import Check, Criterion

SIGNED_OFF = Criterion(text="A person signs it off", check=Check(rule="person@1"))
FILLED_IN = Criterion(text="What the form requires is filled in", check=Check(rule="form@1"))
CODE = "code"  # the section of the case file


def criteria_for(
    output: OutputType,
    headings: Sequence[str],
    max_words: int,
    judged: Sequence[str],
    *,
    cites: bool,
    sign_off_code: bool = True,
) -> tuple[Criterion, ...]:
    """What code decides first: sections, length, citations; then what needs a reader, or a person."""
    made = []
    if headings:
        text = "It has the sections " + ", ".join(headings)
        made.append(Criterion(text=text, check=Check(rule="sections@1", params={"headings": list(headings)})))
    made.append(
        Criterion(
            text=f"It has at most {max_words} words",
            check=Check(rule="length@1", params={"min_words": 20, "max_words": max_words}),
        )
    )
    if cites:
        text = "It cites only passages that exist and were given, at least one"
        made.append(Criterion(text=text, check=Check(rule="citations@1", params={"min": 1})))
    if needs_sign_off(output, sign_off_code=sign_off_code):
        made.append(SIGNED_OFF)
    made.append(Criterion(text="Links in it lead somewhere", check=Check(rule="links@1")))
    usual = (f"It is what the task asks for ({output.label.lower()}), true to its sources",)
    made += [Criterion(text=text) for text in dict.fromkeys((*judged, *usual))]
    return tuple(made[:20])


def needs_sign_off(output: OutputType, *, sign_off_code: bool) -> bool:
    """A project may do without a person's word on code, not on what else a profile wants it for."""
    return output.needs_person and (sign_off_code or output.section != CODE)


def as_they_hold(criteria: tuple[Criterion, ...], output: OutputType, *, sign_off_code: bool) -> tuple[Criterion, ...]:
    """`criteria` when the work is checked: what the project says of code may be another thing than when they were
    written, and who writes criteria anew does not do away with a sign-off by leaving it out."""
    if needs_sign_off(output, sign_off_code=sign_off_code):
        return criteria if SIGNED_OFF in criteria else (*criteria, SIGNED_OFF)
    if not output.needs_person:
        return criteria
    return tuple(criterion for criterion in criteria if criterion != SIGNED_OFF) or criteria
