"""Acceptance criteria that can be checked, made from what a task must deliver."""

from collections.abc import Sequence

from domain.agent import OutputType
from domain.criterion import Check, Criterion

SIGNED_OFF = Criterion(text="A person signs it off", check=Check(rule="person@1"))

FILLED_IN = Criterion(text="What the form requires is filled in", check=Check(rule="form@1"))


def criteria_for(
    output: OutputType, headings: Sequence[str], max_words: int, judged: Sequence[str], *, cites: bool
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
    if output.needs_person:
        made.append(SIGNED_OFF)
    made.append(Criterion(text="Links in it lead somewhere", check=Check(rule="links@1")))
    usual = (f"It is what the task asks for: a {output.label.lower()}, true to its sources",)
    made += [Criterion(text=text) for text in dict.fromkeys((*judged, *usual))]
    return tuple(made[:20])
