"""Forms: what they ask, which answers they take, and that Markdown carries all of it there and back."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from config.catalogue import forms
from config.reading import ConfigurationError
from domain.errors import Invalid
from domain.form import MAX_ITEM, MAX_ROWS, MAX_TEXT, RATING, Column, Form, FormField, FormTemplate
from services.work.criteria import FILLED_IN
from services.work.rules import Subject, verdict_of

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="#|\\*-[]x1. \n\r\t`<>&_\x0b\x0c\x1c\x85\u2028\u2029\u202e", max_size=40),
    st.sampled_from(
        ["## Notes", "# Title", "| a | b |", "- [x] A", "\\## x", "*hint*", "<script>x()</script>", "\\|", "yes"]
    ),
)
LABEL = st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and FormField(name="a", label=text).label)
NUMBER = st.one_of(
    st.integers(min_value=-(10**15), max_value=10**15),
    st.floats(min_value=-1e15, max_value=1e15, allow_nan=False),
)
DATE = st.dates().map(str)
OPTIONS = st.lists(LABEL, min_size=1, max_size=4, unique_by=lambda text: FormField(name="a", label=text).label)
CELL: dict[str, st.SearchStrategy[Any]] = {
    "text": HOSTILE,
    "number": NUMBER,
    "rating": st.integers(1, RATING),
    "yes_no": st.booleans(),
    "date": DATE,
}


@st.composite
def filled(draw: st.DrawFn) -> Form:
    """A form with a field of every type, and answers to some of them."""
    fields: list[FormField] = []
    answers: dict[str, Any] = {}
    types = ["text", "long_text", "number", "rating", "yes_no", "choice", "choices", "date", "list", "table"]
    for number, kind in enumerate(draw(st.permutations(types))):
        name, label = f"f{number}", f"{number}{draw(LABEL)}"
        options = tuple(draw(OPTIONS)) if kind in ("choice", "choices") else ()
        columns = tuple(draw(table_columns())) if kind == "table" else ()
        field = FormField(
            name=name,
            label=label,
            type=kind,
            help=draw(HOSTILE),
            options=options,
            columns=columns,
        )
        fields.append(field)
        if draw(st.booleans()):
            answers[name] = draw(answer_to(field))
    template = FormTemplate(
        name="any", kind="worksheet", title=draw(LABEL), description=draw(HOSTILE), fields=tuple(fields)
    )
    return Form(template=template, answers=template.checked(answers))


@st.composite
def table_columns(draw: st.DrawFn) -> list[Column]:
    made = [
        Column(name=f"c{n}", label=draw(LABEL), type=kind) for n, kind in enumerate(draw(st.permutations(list(CELL))))
    ]
    return [*made, Column(name="chosen", label="Chosen", type="choice", options=tuple(draw(OPTIONS)))]


def answer_to(field: FormField | Column) -> st.SearchStrategy[Any]:
    match field.type:
        case "long_text":
            return HOSTILE
        case "choice":
            return st.sampled_from(field.options)
        case "choices":
            return st.lists(st.sampled_from(field.options), unique=True)
        case "list":
            return st.lists(HOSTILE, max_size=5)
        case "table":
            assert isinstance(field, FormField)
            cells = {column.name: answer_to(column) for column in field.columns}
            return st.lists(st.fixed_dictionaries({}, optional=cells), max_size=4)
    return CELL[field.type]


@settings(max_examples=400, deadline=None)
@given(filled())
def test_what_is_written_as_markdown_is_read_again_as_it_was(form: Form) -> None:
    assert form.template.read(form.markdown) == form.answers


@settings(max_examples=100, deadline=None)
@given(filled())
def test_what_is_kept_as_json_is_the_same_form_again(form: Form) -> None:
    kept = json.loads(json.dumps(form.written()))
    assert Form.of("worksheet", kept) == form


@settings(max_examples=200, deadline=None)
@given(filled(), st.text(max_size=300))
def test_any_text_is_read_or_refused_in_a_sentence(form: Form, text: str) -> None:
    for tried in (text, form.markdown[:100] + text, form.markdown + text):
        try:
            form.template.checked(form.template.read(tried), whole=False)
        except Invalid as error:
            assert error.errors and str(error)


SHEET = FormTemplate(
    name="sheet",
    kind="worksheet",
    title="Sheet",
    own_fields=True,
    fields=(
        FormField(name="what", label="What", required=True),
        FormField(name="cost", label="Cost", type="number"),
        FormField(name="sure", label="Sure", type="yes_no", help="Be honest."),
        FormField(name="points", label="Points", type="list"),
        FormField(
            name="rows",
            label="Rows",
            type="table",
            columns=(Column(name="who", label="Who"), Column(name="rank", label="Rank", type="rating")),
        ),
        FormField(name="way", label="Way", type="choice", options=("Left", "Right")),
    ),
)


@pytest.mark.parametrize(
    ("answers", "pointer"),
    [
        ({"what": 5}, "/what"),
        ({"what": ["a"]}, "/what"),
        ({"what": "x" * (MAX_TEXT + 1)}, "/what"),
        ({"cost": "much"}, "/cost"),
        ({"cost": True}, "/cost"),
        ({"cost": float("nan")}, "/cost"),
        ({"cost": 10**400}, "/cost"),
        ({"sure": "maybe"}, "/sure"),
        ({"points": "one"}, "/points"),
        ({"points": ["a", 5]}, "/points/1"),
        ({"points": ["x" * (MAX_ITEM + 1)]}, "/points/0"),
        ({"rows": [{"who": "A"}] * 10_000}, "/rows"),
        ({"rows": [{"who": "A"}, {"rank": 9}]}, "/rows/1/rank"),
        ({"rows": [{"where": "here"}]}, "/rows/0/where"),
        ({"rows": ["A"]}, "/rows/0"),
        ({"way": "Up"}, "/way"),
        ({"way": {"a": 1}}, "/way"),
        ({"nobody/asked": 1}, "/nobody~1asked"),
    ],
)
def test_an_answer_of_the_wrong_type_is_refused_at_its_place(answers: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        SHEET.checked(answers, whole=False)
    assert [where for where, _ in refused.value.errors] == [pointer]
    assert "Sheet" in str(refused.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        SHEET.checked({"cost": "x", "sure": 1, "other": 2})
    assert {where for where, _ in refused.value.errors} == {"/what", "/cost", "/sure", "/other"}


def test_what_is_required_is_asked_for_only_when_the_whole_form_is_handed_in() -> None:
    assert SHEET.checked({"cost": 3}, whole=False) == {"cost": 3}
    with pytest.raises(Invalid):
        SHEET.checked({"cost": 3, "what": "  "})


def test_markdown_of_another_form_is_refused() -> None:
    other = SHEET.model_copy(update={"fields": (FormField(name="z", label="Elsewhere"),)})
    for text in (other.markdown({"z": "x"}), "Just a text.", "", "## What\n\nThe hall\n\n## Own heading\n\nText"):
        with pytest.raises(Invalid, match="not the form"):
            SHEET.read(text)


def test_a_file_filled_in_by_hand_is_read_with_its_liberties() -> None:
    text = """# Something else

## what
*An old hint*

## COST

12.5
## Points
1. first
   goes on
* second

## Rows
| Who | Rank |
|---|---|
| Ann \\| Bob | 4
|  |  |
"""
    assert SHEET.read(text) == {
        "what": "*An old hint*",
        "cost": 12.5,
        "points": ["first goes on", "second"],
        "rows": [{"who": "Ann | Bob", "rank": 4}],
    }


def test_own_questions_come_at_the_end_or_in_the_place_of_one_of_that_name() -> None:
    own = [FormField(name="cost", label="Costs in euros"), FormField(name="more", label="More")]
    asked = SHEET.asking(own, "Mine")
    assert asked.title == "Mine"
    assert [field.label for field in asked.fields][:2] == ["What", "Costs in euros"]
    assert asked.fields[-1].name == "more"
    with pytest.raises(Invalid, match="no questions of your own"):
        SHEET.model_copy(update={"own_fields": False}).asking(own)
    with pytest.raises(ValidationError, match="two fields"):
        SHEET.asking([FormField(name="again", label="what")])


@pytest.mark.parametrize(
    "field",
    [
        {"name": "a", "label": "A", "type": "choice"},
        {"name": "a", "label": "A", "type": "text", "options": ["x"]},
        {"name": "a", "label": "A", "type": "choice", "options": ["x", " x"]},
        {"name": "a", "label": "A", "type": "table"},
        {"name": "a", "label": "A", "columns": [{"name": "b", "label": "B"}]},
        {"name": "a", "label": "A", "type": "table", "columns": [{"name": "b", "label": "B"}] * 2},
        {"name": "a", "label": "A", "type": "table", "columns": [{"name": "b", "label": "B", "type": "choice"}]},
        {"name": "A", "label": "A"},
        {"name": "a", "label": " \n "},
        {"name": "a", "label": "x" * 121},
        {"name": "a", "label": "A", "type": "picture"},
        {"name": "a", "label": "A", "type": "choice", "options": [str(n) for n in range(MAX_ROWS + 1)]},
    ],
)
def test_a_field_that_cannot_be_asked_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FormField.model_validate(field)


@pytest.mark.parametrize(
    "kept",
    [
        None,
        [],
        {"form": "x"},
        {"form": "x", "title": "X", "description": "", "fields": [], "answers": {}},
        {"form": "x", "title": "X", "description": "", "fields": [{"name": "a", "label": "A"}], "answers": []},
        {"form": "x", "title": "X", "description": "", "fields": [{"name": "a", "label": "A"}], "answers": 5},
        {"form": "x", "title": "X", "description": "", "fields": [{"name": "a", "label": "A"}], "answers": {"b": 1}},
        {"form": "x", "title": "X", "description": "", "fields": 7, "answers": {}},
    ],
)
def test_what_is_no_form_is_not_taken_for_one(kept: Any) -> None:
    assert Form.of("worksheet", kept) is None


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        (
            "name: mine\nkind: note\ntitle: Mine\nfields:\n  - {name: a, label: A, type: song}\n",
            "line 5, fields.0.type",
        ),
        ("name: mine\nkind: poem\ntitle: Mine\nfields:\n  - {name: a, label: A}\n", "no thinking tool 'poem'"),
        ("name: mine\nkind: note\ntitle: Mine\n", "fields"),
        ("name: mine\nkind: note\ntitle: Mine\ncolor: red\nfields:\n  - {name: a, label: A}\n", "line 4, color"),
        ("name: mine\nname: mine\n", "twice"),
        ("[1, 2]\n", "name: value"),
    ],
)
def test_a_template_that_cannot_be_used_is_told_by_file_line_and_field(tmp_path: Path, yaml: str, said: str) -> None:
    (tmp_path / "mine.yaml").write_text(yaml)
    with pytest.raises(ConfigurationError) as refused:
        forms(tmp_path)
    assert str(refused.value).startswith(str(tmp_path / "mine.yaml")) and said in str(refused.value)


def test_all_that_is_wrong_with_a_template_is_told_a_line_each(tmp_path: Path) -> None:
    fields = "".join(f"  - {{name: f{n}, label: L{n}, tpe: song}}\n" for n in range(7))
    (tmp_path / "mine.yaml").write_text(f"name: mine\nkind: note\ntitle: Mine\nfields:\n{fields}")
    with pytest.raises(ConfigurationError) as refused:
        forms(tmp_path)
    lines = str(refused.value).splitlines()
    place = f"{tmp_path / 'mine.yaml'}, line 5, fields.0.tpe"
    assert lines[0] == f"{place}: is not known here (did you mean 'type'?)."
    assert len(lines) == 6 and lines[-1] == "And 2 more."


def test_a_template_of_ones_own_is_offered_and_may_take_the_place_of_one_that_ships(tmp_path: Path) -> None:
    (tmp_path / "note.yaml").write_text("name: note\nkind: note\ntitle: Mine\nfields:\n  - {name: a, label: A}\n")
    (tmp_path / "visit.yaml").write_text("name: visit\nkind: form\ntitle: Visit\nfields:\n  - {name: a, label: A}\n")
    found = forms(tmp_path)
    assert len(found) == len(forms()) + 1 and found["note"].title == "Mine" and found["visit"].kind == "form"


@pytest.mark.parametrize(("answers", "verdict"), [({"cost": 1}, "not_met"), ({"what": "It"}, "met"), (None, "not_met")])
def test_a_form_that_is_handed_in_is_checked_for_what_it_requires(answers: dict[str, Any] | None, verdict: str) -> None:
    form = None if answers is None else Form(template=SHEET, answers=answers)
    subject = Subject(text="", given=frozenset(), known=frozenset(), form=form)
    found = verdict_of(subject, FILLED_IN)
    assert found is not None and found.verdict == verdict and found.evidence
