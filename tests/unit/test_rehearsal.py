import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import JsonValue

from adapters.llm.instances import instance
from adapters.llm.rehearsal import NEAREST, NO_SOURCES, NOTHING, NOTICE, RehearsalLLM
from adapters.llm.sentences import Sentence, cut, rank, split
from domain.ports.llm import Delta, Passage, Reply, Request, RequestRefused, Shape

PUMP = """# Operating the pump

The pump moves water from the lower tank to the upper tank. The pump must not run dry for more than 5 minutes.
Operators should check the water level each day. A dry pump loses its seal, and a lost seal floods the lower tank.

## Maintenance

- The seal means the rubber ring between the motor and the housing.
- The interval for oil changes is not yet decided and depends on the supplier.
- The supplier replaces a seal within 30 days for 200 EUR.

| Part | Price |
| --- | --- |
| Seal | 20 EUR for each piece that is bought |

```
pump --start the thing that should never be quoted as a sentence.
```
"""
BOILER = """The boiler heats the water of the upper tank to 60 degrees. The boiler may fail when the water level is low.
It is assumed that the water is soft. The boiler must be inspected by an engineer every 2 years."""
HEADINGS = ("Key facts", "Figures", "Definitions", "Risks", "Open questions", "Next steps")
LABEL = re.compile(r"\[([^\]]*)\]")


def documents(*texts: str) -> tuple[Passage, ...]:
    return tuple(
        Passage(label=f"S{n}", text=text, source=f"artifact-{n}", title=f"Document {n}")
        for n, text in enumerate(texts, 1)
    )


def asking(
    *texts: str, kind: str = "report", headings: tuple[str, ...] = HEADINGS, words: int = 400, cite: bool = True
) -> Request:
    shape = Shape(kind=kind, title="The water works", headings=headings, max_words=words, cite=cite)
    task = "Describe the pump and the boiler. Then stop."
    return Request(
        alias="any", system="You write.", task=task, idempotency_key="k", passages=documents(*texts), shape=shape
    )


async def written(request: Request) -> str:
    return (await RehearsalLLM().complete(request)).text


def body(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0].replace(NOTICE, "").strip()


def sentences_of(*texts: str) -> list[str]:
    return [sentence.text for sentence in split(documents(*texts))]


def made(schema: Mapping[str, JsonValue], task: str = "Look after the pump", *texts: str) -> Any:
    value = instance(schema, task, rank(split(documents(*texts)), task))
    Draft202012Validator(schema).validate(value)
    return value


# What the port promises


async def test_the_same_request_gives_the_same_text() -> None:
    assert await written(asking(PUMP, BOILER)) == await written(asking(PUMP, BOILER))


def test_another_process_with_another_hash_seed_gives_the_same_text() -> None:
    program = (
        "import asyncio; from tests.unit.test_rehearsal import *\n"
        "print(asyncio.run(written(asking(PUMP, BOILER, kind='comparison', headings=('Comparison', *HEADINGS)))))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1 and "Comparison" in texts.pop()


def test_importing_the_module_loads_no_heavy_library() -> None:
    program = "import sys, adapters.llm.rehearsal; print([m for m in ('networkx', 'jsonschema') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_reply_owns_up_to_being_a_rehearsal_and_costs_nothing() -> None:
    reply = await RehearsalLLM().complete(asking(PUMP))
    assert (reply.model, reply.rehearsal, reply.money, reply.seconds, reply.finish) == ("rehearsal", True, 0, 0, "stop")
    assert NOTICE in reply.text
    assert reply.output_tokens == len(reply.text) // 4 and reply.input_tokens >= len(PUMP) // 4


async def test_the_deltas_of_a_stream_add_up_to_its_reply() -> None:
    pieces = [piece async for piece in RehearsalLLM().stream(asking(PUMP))]
    *deltas, reply = pieces
    assert isinstance(reply, Reply) and len(deltas) > 5
    assert "".join(delta.text for delta in deltas if isinstance(delta, Delta)) == reply.text


async def test_any_alias_is_answered_by_the_rehearsal_model() -> None:
    info = RehearsalLLM().describe("large")
    assert (info.alias, info.model, info.rehearsal, info.context_tokens) == ("large", "rehearsal", True, 100_000)
    await RehearsalLLM().check("large")


# Free text


async def test_the_headings_stand_exactly_as_asked_and_in_order() -> None:
    text = await written(asking(PUMP, BOILER))
    assert text.startswith("# The water works\n")
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == HEADINGS
    assert text.rstrip().endswith(NOTICE)


async def test_sections_get_the_sentences_that_their_headings_ask_for() -> None:
    text = await written(asking(PUMP, BOILER))
    assert "The seal means the rubber ring between the motor and the housing. [S1]" in body(text, "Definitions")
    assert "200 EUR. [S1]" in body(text, "Figures")
    assert "The boiler may fail when the water level is low. [S2]" in body(text, "Risks")
    assert "The interval for oil changes is not yet decided" in body(text, "Open questions")
    assert "Operators should check the water level each day. [S1]" in body(text, "Next steps")


async def test_hedged_sentences_become_questions_that_quote_them() -> None:
    text = body(await written(asking(PUMP, BOILER)), "Open questions")
    assert all(re.fullmatch(r'- .*"[^"]+"\? \[S\d\]', line) for line in text.splitlines())


async def test_no_sentence_is_used_twice() -> None:
    lines = re.findall(r"([^.\n]+\.) \[S\d\]", await written(asking(PUMP, BOILER, words=1_000)))
    assert len(lines) == len(set(lines)) > 5


async def test_a_heading_that_the_sources_do_not_speak_to_says_so() -> None:
    text = await written(asking(PUMP, headings=("Key facts", "Astronomy")))
    assert body(text, "Astronomy") == NOTHING


async def test_without_sources_each_section_says_so_and_the_task_is_restated() -> None:
    text = await written(asking(headings=("Key facts", "Risks")))
    assert body(text, "Key facts") == body(text, "Risks") == NO_SOURCES
    assert "Describe the pump and the boiler." in text and "Then stop" not in text


async def test_instructions_are_not_quoted_as_sources() -> None:
    rule = Passage(label="S9", text="The house rule is never to quote this.", source="rule", trust="instruction")
    request = asking(headings=("Key facts",))
    text = await written(Request(**{**vars(request), "passages": (rule,)}))
    assert "house rule" not in text and NO_SOURCES in text


async def test_brackets_in_a_source_cannot_be_mistaken_for_a_citation() -> None:
    text = await written(asking("As shown before [S9] the pump [3] must not run dry for long.", headings=("Risks",)))
    assert "As shown before (S9) the pump (3) must not run dry for long. [S1]" in text


async def test_citations_are_left_out_when_the_shape_wants_none() -> None:
    assert not LABEL.findall(await written(asking(PUMP, BOILER, cite=False)))


async def test_a_risk_register_is_a_table_with_severities() -> None:
    text = await written(asking(PUMP, BOILER, kind="risk_register", headings=("Risks",)))
    assert "| high | The pump must not run dry for more than 5 minutes. [S1] | must not | Document 1 |" in text


async def test_a_comparison_has_a_row_for_each_source() -> None:
    text = body(await written(asking(PUMP, BOILER, kind="comparison", headings=("Comparison",))), "Comparison")
    rows = text.splitlines()
    assert rows[0] == "| Source | About | Key statement | Figures |"
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| Document 1", "| Document 2"]
    assert "30 days [S1]" in rows[2] and "2 years [S2]" in rows[3]


async def test_a_pipe_in_a_sentence_does_not_break_a_table() -> None:
    text = await written(asking("The command a|b must not fail on a Sunday.", kind="risk_list", headings=("Risks",)))
    assert "a\\|b must not fail" in text


async def test_a_roadmap_is_an_ordered_list() -> None:
    text = body(await written(asking(PUMP, BOILER, kind="roadmap", headings=("Roadmap",))), "Roadmap")
    assert [line[:3] for line in text.splitlines()][:2] == ["1. ", "2. "]


async def test_headings_are_chosen_by_kind_and_empty_ones_left_out() -> None:
    text = await written(asking("The seal means the rubber ring below the motor.", kind="summary", headings=()))
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Key points"]


async def test_tables_of_data_yield_statements() -> None:
    rows = "\n".join(f"city: Town {n}, visitors: {n * 37 % 101}, year: 2024" for n in range(1, 40))
    text = await written(asking(rows, headings=("Figures",)))
    assert "visitors: 100" in text and "[S1]" in text


async def test_json_lines_yield_statements() -> None:
    text = await written(asking('{"part": "seal", "hours": 400}\n{"part": "ring", "hours": 20}', headings=("Figures",)))
    assert "- part: seal, hours: 400 [S1]" in text


async def test_a_request_without_shape_or_schema_gets_a_note() -> None:
    task = "How long may the pump run dry? Say it shortly."
    request = Request(alias="a", system="s", task=task, idempotency_key="k", passages=documents(PUMP))
    text = await written(request)
    assert text.startswith("# How long may the pump run dry\n") and "[S1]" in text


@pytest.mark.parametrize(
    "text",
    [
        "本公司在二零二三年的收入增长了百分之十二。董事会决定扩大在欧洲的业务。",
        "Насос не должен работать без воды больше пяти минут. Уровень воды проверяют каждый день.",
        "Die Pumpe darf z. B. nicht länger als 5 Minuten trocken laufen. Das Wasser wird am 3. Oktober geprüft.",
        "يجب ألا تعمل المضخة بدون ماء لأكثر من خمس دقائق. يتم فحص مستوى الماء كل يوم.",
    ],
)
async def test_other_languages_are_quoted_too(text: str) -> None:
    assert "[S1]" in body(await written(asking(text, headings=("Key points",))), "Key points")


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(
        st.one_of(
            st.text(max_size=300), st.just(PUMP), st.just(BOILER), st.just("He cites [S7] and [S1](x) here too.")
        ),
        max_size=4,
    ),
    kind=st.sampled_from(["summary", "risk_register", "comparison", "questions", "roadmap", "other", "glossary"]),
    headings=st.lists(st.sampled_from((*HEADINGS, "Options", "Astronomy")), max_size=4, unique=True).map(tuple),
    words=st.integers(min_value=45, max_value=500),
)
async def test_only_given_labels_are_cited_and_the_word_limit_holds(
    texts: list[str], kind: str, headings: tuple[str, ...], words: int
) -> None:
    text = await written(asking(*texts, kind=kind, headings=headings, words=words))
    assert set(LABEL.findall(text)) <= {f"S{n}" for n in range(1, len(texts) + 1)}
    assert len(text.split()) <= words
    assert NOTICE in text.splitlines()
    if headings:
        assert tuple(line[3:] for line in text.splitlines() if line.startswith("## ")) == headings


# Sentences


@pytest.mark.parametrize(
    "whole",
    [
        "Use a filter, e.g. Model B, when the U.S. Government asks for one.",
        "As Fig. 3 and Sec. 4.2.1 show, Dr. Smith et al. measured 3.5 percent.",
        "Visit J. Doe at Acme Inc. headquarters between 9 a.m. and noon.",
        "Die Frist endet am 3. Oktober und nicht z. B. im Mai.",
    ],
)
def test_abbreviations_and_numbers_do_not_end_sentences(whole: str) -> None:
    assert list(cut(f"{whole} Then comes another one.")) == [whole, "Then comes another one."]


def test_headings_tables_code_and_contents_are_not_sentences() -> None:
    text = (
        PUMP + "\n\n4.2 Of pumps and other things . . . . . . . . 17\n\nThis is the running line of the page [Page 4]\n"
    )
    found = sentences_of(text)
    assert "The pump must not run dry for more than 5 minutes." in found
    assert not [
        line for line in found if re.search(r"piece that|start the thing|Of pumps|running line|Operating", line)
    ]


def test_lines_that_repeat_on_every_page_are_left_out() -> None:
    pages = "\n\n".join(
        f"Annual Report, page {n}\nThe {word} year was good for pumps."
        for n, word in enumerate(("first", "next", "last"))
    )
    assert sentences_of(pages)[0] == "The first year was good for pumps."


def test_a_word_broken_at_the_end_of_a_line_is_joined() -> None:
    found = sentences_of("The maintenance of pumps is dear. Without main-\ntenance the well-\nknown pump fails soon.")
    assert found[1] == "Without maintenance the well-known pump fails soon."


def test_markup_is_taken_off_and_section_numbers_are_not_quoted() -> None:
    found = sentences_of("4.2.1 The **pump** is [described here](https://example.org) and in `pump.md` as well.")
    assert found == ["The pump is described here and in `pump.md` as well."]


def test_fragments_and_doubles_are_dropped() -> None:
    found = sentences_of(
        "Too short. The pump runs on clean water. The pump runs on clean water.\n\nof the second part it is."
    )
    assert found == ["The pump runs on clean water."]


def test_sentences_near_the_task_rank_higher() -> None:
    text = " ".join(
        f"Chapter {word} speaks about {word} matters of the state." for word in ("law", "tax", "road", "school", "army")
    )
    assert "road" in rank(split(documents(text)), "What about the road?")[0].text


def test_six_hundred_sentences_come_best_first() -> None:
    words = [f"word{n}" for n in range(97)]
    pool = [
        Sentence(
            text=f"{n}", label="S1", source="a", title="", section="", position=n,
            words=tuple(dict.fromkeys(words[(n * k * k + k) % 97] for k in range(1, 15))),
        )
        for n in range(600)
    ]  # fmt: skip
    ranked = rank(pool, "word1 word2")
    assert len(ranked) == 600
    assert all(a.score >= b.score for a, b in pairwise(ranked))


# Structured replies


async def test_a_schema_gets_json_that_is_valid_under_it() -> None:
    schema: dict[str, JsonValue] = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    request = Request(
        alias="a", system="s", task="The pump", idempotency_key="k", passages=documents(PUMP), schema=schema
    )
    reply = await RehearsalLLM().complete(request)
    value = json.loads(reply.text)
    assert value["a"] in sentences_of(PUMP) and reply.rehearsal


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 4, "default": 4}, 4),
        ({"type": "integer", "default": 7, "minimum": 1}, 7),
        ({"type": "integer", "default": 0, "minimum": 1}, 1),
        ({"type": "string", "examples": ["x", "y"]}, "x"),
        ({"enum": ["tank", "pump", "boiler"]}, "pump"),
        ({"enum": ["tank", "boiler"]}, "tank"),
        ({"oneOf": [{"const": "a", "description": "the boiler"}, {"const": "b", "description": "the pump"}]}, "b"),
        ({"type": "boolean"}, False),
        ({"type": ["null", "integer"], "exclusiveMinimum": 2}, 3),
        ({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.25}, 0.25),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "uniqueItems": True, "minItems": 2, "items": {"enum": [1, 2]}}, [1, 2]),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": "a"}], "minItems": 2}, [1, "a"]),
        ({"anyOf": [{"type": "integer", "minimum": 3, "maximum": 2}, {"type": "boolean"}]}, False),
        ({"allOf": [{"required": ["a"]}, {"properties": {"a": {"const": 1}}}], "type": "object"}, {"a": 1}),
        ({"type": "object", "properties": {"a": {"default": 1}, "b": {"type": "integer"}}}, {"a": 1}),
        ({"type": "string", "pattern": "^T\\d{3}$"}, "T111"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "integer", "minimum": 9}}}, 9),
    ],
)
def test_values_are_chosen_by_a_fixed_order(schema: dict[str, JsonValue], value: JsonValue) -> None:
    assert made(schema) == value


def test_strings_are_sentences_each_used_once_and_cut_at_a_word() -> None:
    short: JsonValue = {"type": "string", "maxLength": 20}
    schema: dict[str, JsonValue] = {"type": "array", "minItems": 3, "items": short}
    found = made(schema, "Look after the pump", PUMP, BOILER)
    assert len(set(found)) == 3
    assert all(any(text.startswith(one) for text in sentences_of(PUMP, BOILER)) for one in found)


def test_a_short_sentence_is_filled_up_to_the_least_length() -> None:
    assert len(made({"type": "string", "minLength": 500, "maxLength": 510}, "Look", PUMP)) in range(500, 511)


def test_labels_asked_for_are_labels_given() -> None:
    schema: dict[str, JsonValue] = {
        "type": "object",
        "required": ["citations"],
        "properties": {"citations": {"type": "array", "items": {"type": "string"}}},
    }
    assert made(schema, "Look", PUMP) == {"citations": ["S1"]}


def test_a_recursive_schema_ends() -> None:
    node: JsonValue = {
        "type": "object",
        "required": ["name", "parts"],
        "properties": {"name": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
    }
    assert made({"$ref": "#/$defs/node", "$defs": {"node": node}}, "Look", PUMP)["parts"] == []


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {}},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"$ref": "#"},
        {"$ref": "https://example.org/other"},
        {"type": "nonsense"},
        {"type": "string", "pattern": "("},
        {"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#"}}},
    ],
)
async def test_a_schema_that_nothing_fits_is_refused_in_one_sentence(schema: dict[str, JsonValue]) -> None:
    request = Request(alias="a", system="s", task="t", idempotency_key="k", schema=schema)
    with pytest.raises(RequestRefused, match=r"^The .*\.$"):
        await RehearsalLLM().complete(request)


def _bounded(low: int, width: int, whole: bool) -> dict[str, JsonValue]:
    return {"type": "integer" if whole else "number", "minimum": low, "maximum": low + width}


PLAIN: list[dict[str, JsonValue]] = [
    {},
    {"type": "boolean"},
    {"type": "null"},
    {"type": ["string", "null"]},
    {"const": [1, {"a": 2}]},
]
leaves: st.SearchStrategy[dict[str, JsonValue]] = st.one_of(
    st.builds(_bounded, st.integers(-50, 50), st.integers(0, 9), st.booleans()),
    st.integers(1, 9).map(lambda step: {"type": "integer", "multipleOf": step, "exclusiveMinimum": 3}),
    st.tuples(st.integers(0, 90), st.integers(0, 300)).map(
        lambda size: {"type": "string", "minLength": size[0], "maxLength": sum(size)}
    ),
    st.sampled_from(["^[a-z][a-z_]{0,39}$", "^sha256:[0-9a-f]{64}$", "^T\\d+$", "\\S", "^[A-Z]{2,3}-\\d{2}$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    st.lists(st.sampled_from(["pump", "tank", 3, None, True]), min_size=1).map(lambda options: {"enum": [*options]}),
    st.sampled_from(PLAIN),
)


def _nested(inner: st.SearchStrategy[dict[str, JsonValue]]) -> st.SearchStrategy[dict[str, JsonValue]]:
    fields = st.dictionaries(st.sampled_from(["id", "title", "text", "labels", "n"]), inner, max_size=4)
    return st.one_of(
        st.tuples(fields, st.booleans()).map(
            lambda made: {
                "type": "object",
                "properties": {**made[0]},
                "required": [*made[0]][:3],
                "additionalProperties": made[1],
            }
        ),
        st.tuples(inner, st.integers(0, 3)).map(lambda it: {"type": "array", "items": it[0], "minItems": it[1]}),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": [*branches]}),
        inner.map(lambda part: {"allOf": [part, {"title": "named"}]}),
        inner.map(lambda part: {"$ref": "#/$defs/a", "$defs": {"a": part}} if "$ref" not in json.dumps(part) else part),
    )


@settings(max_examples=200, deadline=None)
@given(schema=st.recursive(leaves, _nested, max_leaves=6), texts=st.lists(st.sampled_from([PUMP, BOILER]), max_size=2))
def test_what_is_made_is_valid_under_the_schema(schema: dict[str, JsonValue], texts: list[str]) -> None:
    root: dict[str, JsonValue] = {"$defs": {"a": {"type": "integer"}}, **schema}
    made(root, "Look after the pump", *texts)


async def test_where_nothing_answers_any_heading_the_nearest_is_shown_as_such_and_cited() -> None:
    notes = "Eight of twelve people come by train. Mill Lane costs 2,400 EUR a month and lies near the station."
    text = await written(asking(notes, kind="risk_register", headings=("Risks", "Contradictions and gaps")))
    assert body(text, "Risks").startswith(NEAREST) and "[S1]" in body(text, "Risks")
    assert body(text, "Contradictions and gaps") == NOTHING
    assert body(await written(asking(kind="risk_register", headings=("Risks",))), "Risks") == NO_SOURCES
