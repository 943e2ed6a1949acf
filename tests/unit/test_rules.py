"""What the checks in code say, and the criteria that name them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from domain.agent import OutputType
from domain.artifact import Citation
from domain.criterion import Check, Criterion, CriterionVerdict, Verdict
from services.work.criteria import criteria_for
from services.work.legend import labels_in, with_legend, without_legend
from services.work.rules import RULES, Subject, verdict_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEEP = "[" * 5_000
PARAMS = st.dictionaries(
    st.sampled_from(["headings", "min_words", "max_words", "min", "min_rows", "schema"]),
    st.none()
    | st.booleans()
    | st.integers(-5, 2_000)
    | st.text(max_size=5)
    | st.lists(st.text(max_size=5), max_size=2),
)
TEXTS = st.lists(
    st.sampled_from(["# A", "## B", "| a |", "[S1]", "[S2, S3]", "[x](#a)", "[y](http://z)", "\n", "{", "word", DEEP])
    | st.text(max_size=12),
    max_size=12,
).map("\n".join)


def judged(
    rule: str, text: str, *, given: Sequence[str] = (), known: Sequence[str] = (), **params: JsonValue
) -> tuple[Verdict, str]:
    return RULES[rule](Subject(text=text, given=frozenset(given), known=frozenset(known)), params)


# sections


def test_sections_are_met_when_each_is_there_and_says_something() -> None:
    text = "# Report\n\n## **Facts** [S1]\n\nOne.\n\n## Doubts ##\n\nTwo."
    assert judged("sections@1", text, headings=["facts", "Doubts"]) == ("met", "all 2 sections are there")


def test_a_missing_section_is_named() -> None:
    verdict = judged("sections@1", "## Facts\n\nOne.", headings=["Facts", "Doubts", "Risks"])
    assert verdict == ("not_met", "missing: Doubts, Risks")


@pytest.mark.parametrize(
    "text", ["## Facts\n\n## Doubts\n\nTwo.", "## Facts\n## Doubts\nTwo.", "## Doubts\nTwo.\n# Facts"]
)
def test_an_empty_section_is_named(text: str) -> None:
    assert judged("sections@1", text, headings=["Facts", "Doubts"]) == ("not_met", "empty: Facts")


def test_a_section_may_consist_of_smaller_ones() -> None:
    text = "## Facts\n\n### Old\n\nOne.\n\n## Doubts\n\nTwo."
    assert judged("sections@1", text, headings=["Facts", "Doubts"])[0] == "met"


def test_a_word_in_the_text_is_no_section() -> None:
    assert judged("sections@1", "Facts\n\nOne. #Facts", headings=["Facts"])[0] == "not_met"


# length


@pytest.mark.parametrize(
    ("words", "verdict"), [(19, "not_met"), (20, "met"), (100, "met"), (110, "met"), (111, "not_met")]
)
def test_a_length_may_be_passed_by_a_tenth_but_not_fallen_short_of(words: int, verdict: Verdict) -> None:
    assert judged("length@1", "word " * words, min_words=20, max_words=100)[0] == verdict


def test_a_length_without_bounds_is_met() -> None:
    assert judged("length@1", "") == ("met", "0 words")


# citations


def test_citations_are_met_by_passages_that_were_given() -> None:
    assert judged("citations@1", "So [S1]. And [S2, S1].", given=["S1", "S2", "S3"]) == (
        "met",
        "cites 2 of 3 passages given",
    )


def test_a_citation_of_what_was_not_given_is_named() -> None:
    assert judged("citations@1", "So [S1], [S7; S9].", given=["S1"]) == (
        "not_met",
        "cites what was not given: S7, S9",
    )


def test_too_few_citations_are_not_enough() -> None:
    assert judged("citations@1", "So.", given=["S1"]) == ("not_met", "cites 0 passages, at least 1 wanted")
    assert judged("citations@1", "So [S1].", given=["S1"], min=2)[0] == "not_met"
    assert judged("citations@1", "So.", min=0)[0] == "met"


# links


def test_links_to_headings_and_known_artifacts_lead_somewhere() -> None:
    text = "# Big Plan\n\n[up](#big-plan) [report](art_1) [write](mailto:a@b.c)"
    assert judged("links@1", text, known=["art_1"]) == ("met", "3 links")
    assert judged("links@1", "None.") == ("met", "no links in it")


def test_a_link_that_leads_nowhere_is_named() -> None:
    assert judged("links@1", "[up](#gone) [report](art_2)", known=["art_1"]) == (
        "not_met",
        "leads nowhere: #gone, art_2",
    )


def test_a_link_outside_is_not_looked_at() -> None:
    verdict, evidence = judged("links@1", "[up](https://example.org/a)")
    assert (verdict, evidence) == ("unverified", "leads outside, which is not looked at: https://example.org/a")


# tables


@pytest.mark.parametrize(("rows", "verdict"), [(0, "not_met"), (2, "not_met"), (3, "met"), (5, "met")])
def test_a_table_has_as_many_rows_as_wanted(rows: int, verdict: Verdict) -> None:
    text = "| a | b |\n| --- | --- |\n" + "| 1 | 2 |\n" * rows
    assert judged("table@1", text, min_rows=3)[0] == verdict


# schemas


def test_json_that_fits_its_schema_is_met_and_what_does_not_is_told_where() -> None:
    schema: JsonValue = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert judged("schema@1", '{"n": 1}', schema=schema) == ("met", "fits the schema")
    assert judged("schema@1", '{"n": "x"}', schema=schema) == ("not_met", "$.n: 'x' is not of type 'integer'")


@pytest.mark.parametrize("text", ["", "no", "{", DEEP])
def test_what_is_not_json_does_not_fit(text: str) -> None:
    verdict, evidence = judged("schema@1", text, schema={})
    assert verdict == "not_met"
    assert evidence.startswith("it is not JSON: ")


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": "nothing"},
        {"pattern": "("},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"$ref": "file:///etc/hostname"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
    ],
)
def test_a_schema_that_is_no_use_verifies_nothing_and_fetches_nothing(schema: JsonValue) -> None:
    verdict, evidence = judged("schema@1", '"x"', schema=schema)
    assert verdict == "unverified"
    assert evidence.startswith("the schema itself is invalid: ")


# all of them


@given(st.sampled_from(sorted(RULES)), TEXTS, PARAMS, st.sets(st.sampled_from(["S1", "S2"])))
def test_every_rule_answers_whatever_the_text_and_the_parameters(
    rule: str, text: str, params: dict[str, JsonValue], given: set[str]
) -> None:
    subject = Subject(text=text, given=frozenset(given), known=frozenset())
    verdict, evidence = RULES[rule](subject, params)
    assert verdict in ("met", "not_met", "unverified")
    assert evidence
    assert RULES[rule](subject, params) == (verdict, evidence)


def test_a_criterion_without_a_check_is_not_for_code_to_decide() -> None:
    assert verdict_of(Subject(text="", given=frozenset(), known=frozenset()), Criterion(text="It is kind")) is None


def test_a_check_that_is_not_installed_verifies_nothing() -> None:
    criterion = Criterion(text="It is kind", check=Check(rule="kindness@1"))
    assert verdict_of(Subject(text="", given=frozenset(), known=frozenset()), criterion) == CriterionVerdict(
        text="It is kind", verdict="unverified", evidence="this check is not installed"
    )


# criteria


def output(kind: str = "summary") -> OutputType:
    return OutputType(kind=kind, label="Summary", section="synthesis", shape="Short.")


@given(
    st.lists(st.text(min_size=1, max_size=10), max_size=4),
    st.integers(20, 9_000),
    st.lists(st.text(min_size=1, max_size=10), max_size=30),
    st.booleans(),
)
def test_what_a_task_must_deliver_makes_criteria_whose_checks_are_installed(
    headings: list[str], max_words: int, asked: list[str], cites: bool
) -> None:
    made = criteria_for(output(), headings, max_words, asked, cites=cites)
    rules = [criterion.check.rule for criterion in made if criterion.check is not None]
    assert set(rules) <= set(RULES)
    assert ("sections@1" in rules, "citations@1" in rules) == (bool(headings), cites)
    assert 1 <= len(made) <= 20
    checked = [criterion.check is not None for criterion in made]
    assert checked == sorted(checked, reverse=True), "what code decides comes first"


def test_the_criteria_of_a_good_text_are_met_by_it() -> None:
    criteria = criteria_for(output(), ["Facts"], 50, [], cites=True)
    text = "# Summary\n\n## Facts\n\n" + "The pump moves water from here to there [S1]. " * 3
    subject = Subject(text=text, given=frozenset({"S1"}), known=frozenset())
    verdicts = [verdict_of(subject, criterion) for criterion in criteria]
    assert [found.verdict for found in verdicts if found is not None] == ["met"] * 4
    assert verdicts[-1] is None


# legends


CITATIONS = [Citation(label=f"S{i}", artifact_id=f"art_{i}", digest="sha256:" + "0" * 64, ordinal=i) for i in (1, 2, 3)]


def test_a_legend_says_what_each_label_in_the_text_stands_for() -> None:
    text = with_legend("It moves [S2]. It stops [S3; S2] [S9].", CITATIONS, {"art_2": "Manual"})
    assert text.endswith(
        "\n\n---\n\n**Sources**\n\n- [S2] Manual, passage 3 (art_2)\n- [S3] art_3, passage 4 (art_3)\n"
    )


@given(st.text(max_size=80).filter(lambda text: "Sources" not in text))
def test_a_text_is_the_same_without_its_legend(text: str) -> None:
    cited = f"{text} [S1]"
    assert without_legend(with_legend(cited, CITATIONS, {})) == cited
    assert labels_in(without_legend(with_legend(cited, CITATIONS, {}))) == labels_in(cited)


def test_a_text_that_cites_nothing_has_no_legend() -> None:
    assert with_legend("Nothing.  \n\n", CITATIONS, {}) == "Nothing.\n"


@pytest.mark.parametrize(
    ("text", "labels"),
    [("[S1][S2] [S1]", ["S1", "S2"]), ("[S1, S3;S2]", ["S1", "S3", "S2"]), ("[s1] [S] S1 [S12345] [x]", [])],
)
def test_labels_are_found_in_order_and_once(text: str, labels: list[str]) -> None:
    assert labels_in(text) == labels


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_any_json_fits_the_schema_that_asks_for_nothing(value: JsonValue) -> None:
    assert judged("schema@1", json.dumps(value), schema=True)[0] == "met"
