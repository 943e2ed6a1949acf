"""What a right answer to a task of the bench is, and which tiers are proposed by what was measured."""

import pytest
from pydantic import ValidationError

from config.bench_tasks import bench_tasks
from domain.bench import KINDS, Benched, BenchTask, CodeWanted, Haystack, Kind, Tried, called, equal, says, written
from domain.bench_tiers import proposed
from domain.ports.llm import ToolCall

WANTED = CodeWanted(function="rent", parameters=("months", "euros_a_month"), asserts=2)
RIGHT = """def rent(months, euros_a_month):
    if months < 0:
        raise ValueError("less than none")
    return months * euros_a_month


def test_rent():
    assert rent(2, 10) == 20
    assert rent(0, 10) == 0
"""


def test_the_tasks_that_ship_are_of_all_kinds_and_two_of_each() -> None:
    kinds = [task.kind for task in bench_tasks()]
    assert {kind: kinds.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 2)
    assert len({task.name for task in bench_tasks()}) == len(kinds)


def test_a_needle_stands_where_it_was_put() -> None:
    hay = Haystack(line="Line {n}", times=10, needle="Needle", at=0.5)
    assert hay.text.splitlines()[5] == "Needle" and hay.text.splitlines()[6] == "Line 6"


def test_a_task_wants_one_thing() -> None:
    for wanted in ({}, {"says": ["x"], "code": WANTED}, {"equal": {"a": 1}}, {"call": {"name": "x"}}):
        with pytest.raises(ValidationError):
            BenchTask.model_validate({"name": "a", "kind": "recall", "prompt": "Do it.", **wanted})


def test_fields_are_compared_without_capitals_and_spaces() -> None:
    assert equal({"a": "Steady Movers", "b": [1, "x"]}, {"a": " steady  movers.", "b": [1, "X"]})[0]
    assert equal({"a": 1}, {"a": 2}) == (False, "a is 2, not 1")
    assert equal({"a": 1}, [1]) == (False, "no object came")
    assert equal({"a": 1}, {}) == (False, "a is None, not 1")


def test_a_call_must_be_the_one_and_with_its_arguments() -> None:
    wanted = {"name": "time_in", "arguments": {"city": "Oslo"}}
    right, other = (ToolCall(id="1", name=name, arguments={"city": "oslo"}) for name in ("time_in", "search"))
    assert called(wanted, [right])[0]  # type: ignore[arg-type]
    assert [called(wanted, calls)[0] for calls in ([], [other], [right, right])] == [False] * 3  # type: ignore[arg-type]


def test_what_is_said_is_looked_for() -> None:
    assert says(("K7",), "It is k7.") == (True, "right")
    assert says(("K7",), "I do not know.") == (False, "does not say 'K7'")


@pytest.mark.parametrize("text", [RIGHT, f"Here it is:\n```python\n{RIGHT}```\nEnjoy."])
def test_code_is_read_and_not_run(text: str) -> None:
    assert written(WANTED, text) == (True, "parses and has what was asked for; it was not run")


def test_code_that_would_end_the_program_does_nothing() -> None:
    assert written(WANTED, "raise SystemExit\n" + RIGHT)[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def rent(:", "it is no Python"),
        ("\x00", "it is no Python"),
        ("(" * 5_000, "it is no Python"),
        ("", "there is no function rent"),
        (RIGHT.replace("euros_a_month", "euros"), "rent takes other parameters"),
        (RIGHT.replace("return months * euros_a_month", "pass"), "rent gives nothing back"),
        (RIGHT.replace("    assert rent(0, 10) == 0\n", "    assert True\n"), "1 asserts call rent, not 2"),
    ],
)
def test_code_that_lacks_something_says_what(text: str, why: str) -> None:
    assert written(WANTED, text) == (False, why)


def benched(alias: str, passed: set[Kind], seconds: float) -> Benched:
    tried = [
        Tried(name=kind, kind=kind, passed=kind in passed, detail="", output_tokens=10, seconds=seconds)
        for kind in KINDS
    ]
    return Benched(alias=alias, model=alias, at="2026-12-01T00:00:00+00:00", tried=tuple(tried))


def test_tiers_are_proposed_by_what_passed_and_how_fast() -> None:
    little = benched("little", {"classification", "extraction", "tools", "repair"}, 0.1)
    middle = benched("middle", set(KINDS) - {"code"}, 1)
    strong = benched("strong", set(KINDS), 5)
    found = proposed([little, middle, strong])
    assert {tier: alias for tier, (alias, _) in found.items()} == {
        "small": "little",
        "medium": "strong",
        "large": "strong",
        "code": "strong",
    }
    assert "100.0 tokens a second" in found["small"][1]


def test_what_passes_nothing_is_proposed_for_nothing() -> None:
    assert proposed([benched("noise", set(), 0.1)]) == {} == proposed([])
    assert {alias for alias, _ in proposed([benched("noise", set(), 0.1), benched("one", {"code"}, 9)]).values()} == {
        "one"
    }
