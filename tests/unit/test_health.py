"""What the Watcher raises: each rule where it fires, and where it must not."""

from typing import Any

import pytest

from domain.budget import Budget
from domain.health import AT_ONCE, RULES, Notice, Vitals, health, notices
from domain.run import Usage
from tests.unit.test_recommending import project, task

DONE = tuple(task(f"tsk_{n}", title=f"Task {n}", state="done") for n in range(6))
IDS = frozenset(one.id for one in DONE)
USUAL = {one.id: Usage(calls=2, input_tokens=900, output_tokens=100, seconds=20) for one in DONE}
HEALTHY: dict[str, Any] = {"tasks": DONE, "planned": IDS, "used": USUAL}


def vitals(*, calls: int | None = None, money: int | None = None, **more: Any) -> Vitals:
    """Healthy work, but for what is given."""
    return Vitals(project=project(budget=more.pop("budget", Budget(calls=calls, money=money))), **{**HEALTHY, **more})


def used(**more: Any) -> dict[str, Usage]:
    return {**USUAL, "tsk_3": Usage(calls=9, **more)}


def stale(*numbers: int) -> tuple[Any, ...]:
    return tuple(
        task(one.id, title=one.spec.title, state="done", stale="It rests on less." if n in numbers else "")
        for n, one in enumerate(DONE)
    )


FAULT = "The price is not stated: nothing was found"
FIRES = {
    "failed": vitals(tasks=(*DONE, task("tsk_x", state="needs_attention", attempts=2, findings=(FAULT,)))),
    "budget": vitals(calls=100, spent=Usage(calls=80)),
    "costly": vitals(used=used(input_tokens=5_900)),
    "returned": vitals(reviews={"tsk_1": [[FAULT], ["Another: x", FAULT], [FAULT]]}),
    "drift": vitals(tasks=stale(1, 2, 4)),
}
QUIET = {
    "failed": [vitals(), vitals(tasks=(*DONE, task("tsk_x", state="running", findings=(FAULT,))))],
    "budget": [vitals(spent=Usage(calls=10**6)), vitals(calls=100, spent=Usage(calls=79)), vitals(calls=0)],
    "costly": [
        vitals(used=used(input_tokens=5_000)),
        vitals(used={id: usage for id, usage in used(input_tokens=90_000).items() if id in {"tsk_2", "tsk_3"}}),
        vitals(used={id: Usage(calls=1, input_tokens=1_999 if id == "tsk_3" else 10, seconds=1) for id in IDS}),
        vitals(used={id: Usage(calls=1, seconds=59 if id == "tsk_3" else 0.1) for id in IDS}),
    ],
    "returned": [
        vitals(reviews={"tsk_1": [[FAULT], ["Another: x"], [FAULT]]}),
        vitals(reviews={"tsk_1": [[FAULT, FAULT, FAULT]], "tsk_2": [[FAULT], [FAULT]]}),
    ],
    "drift": [
        vitals(tasks=stale(1, 2)),
        vitals(planned=frozenset()),
        vitals(tasks=(*DONE, *(task(f"tsk_c{n}", state="cancelled") for n in range(9)))),
    ],
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_fires_where_it_should_once_and_alone(rule: str) -> None:
    [found] = notices(FIRES[rule])
    assert found.rule == rule
    assert found.text.count("\n## ") == 3 and len(found.title) <= 300 and all(found.figures)


@pytest.mark.parametrize(("rule", "quiet"), [(rule, quiet) for rule in RULES for quiet in QUIET[rule]])
def test_a_rule_is_silent_where_it_must_not_fire(rule: str, quiet: Vitals) -> None:
    assert list(RULES[rule](quiet)) == []


def test_healthy_work_raises_nothing() -> None:
    assert notices(vitals()) == ()


def test_each_states_the_measure_and_the_threshold() -> None:
    assert notices(FIRES["costly"])[0].figures == ("Measure: 5,900 tokens. Threshold: 5 times the median of 1,000.",)
    assert "80% of the project's budget of 100 calls" in notices(FIRES["budget"])[0].figures[0]
    assert notices(FIRES["drift"])[0].figures[0].startswith("Measure: 3 out of date, 0 added later.")
    assert notices(FIRES["returned"])[0].figures == (f"In 3 reviews: {FAULT}",)


def test_time_is_watched_like_tokens_and_both_make_one_notice() -> None:
    [slow] = notices(vitals(used=used(input_tokens=1_000, seconds=101.0)))
    assert slow.figures == ("Measure: 101 seconds. Threshold: 5 times the median of 20.",)
    assert len(notices(vitals(used=used(input_tokens=90_000, seconds=999.0)))) == 1


def test_tasks_that_were_added_after_the_start_count_as_drift() -> None:
    [found] = notices(vitals(planned=IDS - {"tsk_0", "tsk_1", "tsk_2"}))
    assert "0 out of date, 3 added later" in found.figures[0]


def marks(found: Vitals) -> set[tuple[str, str, str]]:
    return {(notice.rule, notice.subject, notice.mark) for notice in notices(found)}


def test_what_goes_on_is_the_same_notice_and_what_happens_anew_is_another() -> None:
    def failing(attempts: int) -> Vitals:
        return vitals(tasks=(*DONE, task("tsk_x", state="needs_attention", attempts=attempts)))

    assert marks(failing(1)) != marks(failing(2))
    assert marks(vitals(calls=100, spent=Usage(calls=80))) == marks(vitals(calls=100, spent=Usage(calls=99)))
    assert marks(vitals(calls=100, spent=Usage(calls=90))) != marks(vitals(calls=110, spent=Usage(calls=90)))


def test_only_what_does_not_hang_on_the_order_of_the_work_is_looked_at_at_once() -> None:
    assert set(AT_ONCE) == {"failed", "budget"}


def test_the_report_names_what_was_found_and_what_to_do_once_each() -> None:
    found: list[Notice] = [*notices(FIRES["failed"]), *notices(FIRES["drift"]), *notices(FIRES["failed"])]
    text = health(found)
    assert "3 things should be looked at, of these 2 failed." in text
    assert text.count("Accept what there is") == 1 and "3 of 6 tasks are out of date" in text


def test_a_text_of_somebody_else_stays_on_its_line() -> None:
    hostile = "It\n\n# Heading\n\n- [x](javascript:1) " + "long " * 200
    failing = task("tsk_x", title="T", state="needs_attention", findings=(hostile,))
    [found] = notices(vitals(tasks=(failing,), planned=frozenset()))
    assert "\n# Heading" not in found.text and len(found.figures[-1]) < 400


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (Budget(tokens=1_000), "the project's budget of 1,000 tokens"),
        (Budget(seconds=60), "the project's budget of 60 seconds of model time"),
        (Budget(money=500_000), "the project's budget of 0.50 in money"),
    ],
)
def test_a_budget_of_any_measure_is_an_anomaly_once_it_is_nearly_used(budget: Budget, told: str) -> None:
    spent = Usage(calls=1, input_tokens=500, output_tokens=300, seconds=47.2, money=400_000)
    [notice] = [one for one in notices(vitals(budget=budget, spent=spent)) if one.rule == "budget"]
    assert told in notice.what and notice.mark in ("1000", "60", "500000")
    less = Usage(calls=1, input_tokens=799, seconds=46.9, money=399_999)
    assert notices(vitals(budget=budget, spent=less)) == ()
