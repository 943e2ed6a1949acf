"""Which thinking tool is recommended when: each rule where it fires, and where it must not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalogue import forms
from domain.abbreviations import abbreviations
from domain.artifact import Artifact
from domain.criterion import Criterion, CriterionVerdict, Verdict
from domain.project import Project
from domain.qa import QARecord
from domain.recommendation import MAX_OPEN, Recommendation
from domain.recommending import RULES, SILENT, WEIGHTS, Advice, Situation, moot, recommend
from domain.task import Assignee, Expected, Task, TaskSpec

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CORE, PERSON = Assignee(kind="core", id="agt_synthesizer"), Assignee(kind="person", id="usr_1")
DIGEST = "sha256:" + "0" * 64
FORMS = forms()
QUIET = "Summarise what the manual of the lift says about inspections and failures"


def project(goal: str = QUIET, **more: Any) -> Project:
    return Project(
        id="prj_1",
        workspace_id="wsp_1",
        name="P",
        goal=goal,
        owner_id="usr_1",
        manager_id="agt_m",
        created_at=NOW,
        **more,
    )


def task(id: str = "tsk_1", title: str = "Summary", *, criteria: int = 1, state: Any = "waiting", **more: Any) -> Task:
    spec: dict[str, Any] = {"brief": "Say it.", "assignee": CORE, "due": None, "form": ""}
    spec |= {name: more.pop(name) for name in list(more) if name in spec}
    return Task(
        spec=TaskSpec(
            id=id,
            title=title,
            expected=(Expected(kind="summary", section="synthesis"),),
            criteria=tuple(Criterion(text=f"It is good in way {n}") for n in range(criteria)),
            **spec,
        ),
        project_id="prj_1",
        workspace_id="wsp_1",
        created_at=NOW,
        state=state,
        **more,
    )


def artifact(id: str = "art_1", kind: str = "source", section: str = "sources", **more: Any) -> Artifact:
    return Artifact(
        id=id, workspace_id="wsp_1", project_id="prj_1", kind=kind, section=section, title=f"Title of {id}",
        owner_id="usr_1", created_at=NOW, head=1, digest=DIGEST, **more,
    )  # fmt: skip


def judged(id: str, verdict: Verdict = "unverified", evidence: str = "nobody looked", **more: Any) -> Artifact:
    qa = QARecord(
        id=f"qar_{id}", workspace_id="wsp_1", project_id="prj_1", artifact_id=id, digest=DIGEST,
        author="agt_synthesizer", checked_by="agt_critic", method="rules", at=NOW,
        criteria=(CriterionVerdict(text="It is right", verdict=verdict, evidence=evidence),),
    )  # fmt: skip
    return artifact(id, "summary", "synthesis", qa=qa, **more)


def situation(*, goal: str = QUIET, instructions: str = "", **more: Any) -> Situation:
    """One where nothing is recommended, but for what is given."""
    more.setdefault("artifacts", (artifact(),))
    more.setdefault("tasks", (task(),))
    return Situation(project=project(goal, instructions=instructions), **more)


def advised(found: Situation) -> dict[str, Advice]:
    return {advice.rule: advice for advice in recommend(found)}


def test_where_nothing_fires_nothing_is_recommended() -> None:
    assert recommend(situation()) == ()


def due(count: int) -> tuple[Task, ...]:
    return tuple(task(f"tsk_{n}", due=NOW + timedelta(days=n)) for n in range(count))


FIRES: dict[str, Situation] = {
    "vague_goal": situation(goal="Help me with the lift"),
    "missing_inputs": situation(artifacts=(artifact(kind="goal", section="plans"),)),
    "missing_fact": situation(tasks=(task(findings=("The price is not stated in any source",)),)),
    "options": situation(goal="Should we repair the old boiler or install another heating system in the hall?"),
    "pre_mortem": situation(tasks=(task(title="Order the heat pump"),)),
    "worksheet": situation(tasks=(task(assignee=PERSON),)),
    "risks": situation(artifacts=(artifact(), artifact("art_2", "risk_register", "critique"))),
    "many_conditions": situation(tasks=(task(criteria=4),)),
    "several_due": situation(tasks=due(3)),
    "unverified": situation(
        tasks=(task(state="done"),), artifacts=(artifact(), *(judged(f"art_{n}") for n in range(2, 5)))
    ),
    "terms": situation(terms=tuple(f"AB{n}" for n in range(8))),
    "lessons": situation(tasks=(task(replanned=True),)),
}
QUIETLY: dict[str, list[Situation]] = {
    "vague_goal": [
        situation(),
        situation(
            goal="Help me with the lift", instructions="It is for the board, who decide on Friday about repairs."
        ),
        situation(goal="Three pages on 2 lifts"),
        situation(goal="Help me with the lift", tasks=(task(state="done"),)),
    ],
    "missing_inputs": [situation(), situation(artifacts=(), tasks=(task(state="done"),))],
    "missing_fact": [
        situation(tasks=(task(findings=("missing: Risks", "12 words, fewer than 20")),)),
        situation(
            artifacts=(
                artifact(),
                judged("art_2", evidence="no language model judged this (rehearsal)", task_id="tsk_1"),
            )
        ),
    ],
    "options": [
        situation(),
        situation(
            goal=FIRES["options"].project.goal, artifacts=(artifact(), artifact("art_2", "decision_matrix", "notes"))
        ),
        situation(goal=FIRES["options"].project.goal, tasks=(task(state="done"),)),
    ],
    "pre_mortem": [
        situation(tasks=(task(), task("tsk_2", "Order the heat pump", state="done"))),
        situation(
            tasks=(task(title="Order the pump"),), artifacts=(artifact(), artifact("art_2", "pre_mortem", "notes"))
        ),
    ],
    "worksheet": [
        situation(),
        situation(tasks=(task(assignee=PERSON, form="art_9"),)),
        situation(tasks=(task(), task("tsk_2", assignee=PERSON, state="done"))),
    ],
    "risks": [
        situation(),
        situation(
            artifacts=(artifact(), artifact("a", "risk_register", "critique"), artifact("b", "risk_matrix", "notes"))
        ),
    ],
    "many_conditions": [situation(tasks=(task(criteria=3),)), situation(tasks=(task(criteria=9, state="done"),))],
    "several_due": [situation(tasks=due(2)), situation(tasks=tuple(replace(t, state="done") for t in due(5)))],
    "unverified": [
        situation(tasks=(task(state="done"),), artifacts=(artifact(), judged("art_2"), judged("art_3"))),
        situation(artifacts=(artifact(), *(judged(f"art_{n}") for n in range(2, 9)))),
        situation(tasks=(task(state="done"),), artifacts=(artifact(), *(judged(f"a{n}", "met") for n in range(5)))),
    ],
    "terms": [
        situation(terms=("AB1",)),
        situation(terms=("A1",) * 9, artifacts=(artifact(), artifact("g", "glossary", "notes"))),
    ],
    "lessons": [situation(tasks=(task(findings=("Too short",)),)), situation(tasks=(task(state="done"),))],
}


def test_every_rule_is_tried_where_it_fires_and_where_it_must_not() -> None:
    assert set(FIRES) == set(QUIETLY) == set(RULES) == set(WEIGHTS) and len(RULES) >= 10


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_fires_with_a_reason_and_a_form_that_can_be_made(rule: str) -> None:
    advice = advised(FIRES[rule])[rule]
    assert advice.reason.endswith((".", "?", "”.")) and len(advice.reason) > 20
    form = forms()[advice.form].asking(advice.fields, advice.title)
    assert form.checked(advice.answers, whole=False) == dict(advice.answers) or advice.form == "list"


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_quiet_where_it_has_nothing_to_say(rule: str) -> None:
    for quiet in QUIETLY[rule]:
        assert rule not in advised(quiet), quiet


def test_the_forms_hold_what_the_plan_says() -> None:
    assert advised(FIRES["many_conditions"])["many_conditions"].fields[0].options == tuple(
        f"It is good in way {n}" for n in range(4)
    )
    assert advised(FIRES["options"])["options"].answers["options"] == [
        "repair the old boiler", "install another heating system in the hall"
    ]  # fmt: skip
    assert advised(FIRES["several_due"])["several_due"].answers["entries"] == [
        {"date": f"2026-11-2{n}", "what": "Summary"} for n in (1, 2, 3)
    ]
    [question] = advised(FIRES["missing_fact"])["missing_fact"].fields
    assert "The price is not stated" in question.label and question.required


def recommended(advice: Advice, state: Any = "open", project_id: str = "prj_1") -> Recommendation:
    return Recommendation(
        id=f"rec_{advice.key}{project_id}{state}", workspace_id="wsp_1", project_id=project_id, rule=advice.rule,
        cause=advice.cause, makes=advice.form, form=advice.form, title=advice.title, reason=advice.reason,
        created_at=NOW, state=state,
    )  # fmt: skip


@pytest.mark.parametrize("state", ["open", "accepted", "dismissed"])
@pytest.mark.parametrize("rule", RULES)
def test_what_was_recommended_once_is_not_recommended_again_for_the_same_reason(rule: str, state: str) -> None:
    before = FIRES[rule]
    again = replace(before, earlier=(recommended(advised(before)[rule], state),))
    assert rule not in advised(again)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_open_is_moot_once_its_reason_is_gone_and_what_a_person_settled_never_is(rule: str) -> None:
    advice, elsewhere = advised(FIRES[rule])[rule], QUIETLY[rule][0]
    open_ = recommended(advice)
    assert moot(replace(FIRES[rule], earlier=(open_,))) == ()
    assert moot(replace(elsewhere, earlier=(open_,))) == (open_,)
    for state in ("accepted", "dismissed", "withdrawn"):
        assert moot(replace(elsewhere, earlier=(recommended(advice, state),))) == ()
    assert moot(replace(elsewhere, earlier=(recommended(advice, project_id="prj_9"),))) == ()


@pytest.mark.parametrize("rule", RULES)
def test_what_was_withdrawn_returns_with_its_reason(rule: str) -> None:
    withdrawn = recommended(advised(FIRES[rule])[rule], "withdrawn")
    assert rule in advised(replace(FIRES[rule], earlier=(withdrawn,)))


def test_advice_on_the_goal_outlives_the_work_and_advice_on_a_task_does_not() -> None:
    goal, done = "Order the heat pump for the hall before the summer", (task(assignee=PERSON, state="done"),)
    open_ = situation(goal=goal, tasks=(task(assignee=PERSON),))
    found = tuple(recommended(advice) for advice in recommend(open_))
    assert [one.rule for one in moot(replace(open_, tasks=done, earlier=found))] == ["worksheet"]


def test_abbreviations_that_nobody_looked_for_withdraw_nothing() -> None:
    open_ = (recommended(advised(FIRES["terms"])["terms"]),)
    assert moot(situation(terms=None, earlier=open_)) == ()
    assert moot(situation(terms=(), earlier=open_)) == open_


def test_what_is_moot_makes_room() -> None:
    full = tuple(recommended(advised(FIRES[rule])[rule]) for rule in ("vague_goal", "missing_inputs", "options"))
    assert "worksheet" in advised(replace(FIRES["worksheet"], earlier=full))


@pytest.mark.parametrize("title", ["What to learn in which order", "Put them in order", "The order of the speakers"])
def test_an_order_of_things_is_no_order_for_something(title: str) -> None:
    assert "pre_mortem" not in advised(situation(tasks=(task(title=title),)))


def test_one_word_is_one_word() -> None:
    assert advised(situation(goal="Lift"))["vague_goal"].reason.startswith("The goal has 1 word, no figure")


def test_another_cause_is_another_reason() -> None:
    first = task("tsk_1", assignee=PERSON)
    before = advised(situation(tasks=(first,)))["worksheet"]
    both = situation(tasks=(first, task("tsk_2", assignee=PERSON)), earlier=(recommended(before, "dismissed"),))
    assert advised(both)["worksheet"].cause == "tsk_2"


def test_no_more_than_three_are_open_and_the_most_useful_come_first() -> None:
    everything = situation(
        goal="Buy it or not",
        tasks=(task(criteria=6, assignee=PERSON, replanned=True), *(task(f"t{n}", due=NOW) for n in range(3))),
        artifacts=(artifact("r", "risk_register", "critique"),),
        terms=tuple("ABCDEFGHIJ"),
    )
    found = recommend(everything)
    assert len(found) == MAX_OPEN
    assert [advice.rule for advice in found] == ["vague_goal", "missing_inputs", "pre_mortem"]
    open_ = tuple(recommended(advice) for advice in found)
    assert recommend(replace(everything, earlier=open_)) == ()
    one_settled = (replace(open_[0], state="accepted"), *open_[1:])
    assert [advice.rule for advice in recommend(replace(everything, earlier=one_settled))] == ["worksheet"]


def told(rule: str, state: str, times: int) -> tuple[Recommendation, ...]:
    advice = Advice(rule=rule, cause="c", form="note", title="T", reason="R.")
    return tuple(replace(recommended(advice, state, f"prj_{n + 5}"), id=f"rec_{rule}{state}{n}") for n in range(times))


def test_a_rule_that_is_only_ever_dismissed_falls_silent_in_the_workspace() -> None:
    for rule, fires in FIRES.items():
        assert rule in advised(replace(fires, earlier=told(rule, "dismissed", SILENT - 1)))
        assert rule not in advised(replace(fires, earlier=told(rule, "dismissed", SILENT)))
        liked = told(rule, "dismissed", SILENT) + told(rule, "accepted", 1)
        assert rule in advised(replace(fires, earlier=liked))


def test_a_rule_that_is_mostly_dismissed_comes_after_one_that_is_taken() -> None:
    both = replace(FIRES["worksheet"], terms=FIRES["terms"].terms)
    assert [advice.rule for advice in recommend(both)] == ["worksheet", "terms"]
    tuned = replace(both, earlier=told("worksheet", "dismissed", 9) + told("worksheet", "accepted", 1))
    assert [advice.rule for advice in recommend(tuned)] == ["terms", "worksheet"]


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=200), st.lists(st.text(min_size=1), max_size=6))
def test_hostile_words_make_forms_all_the_same(goal: str, title: str, texts: list[str]) -> None:
    if not goal.strip():
        return
    spec = replace(
        task(assignee=PERSON).spec,
        title=title,
        criteria=tuple(Criterion(text=text[:500]) for text in [*texts, "Good"] * 2),
    )
    hostile = situation(
        goal=f"{goal} whether {title[:90]} or {goal[:90]}",
        tasks=(replace(task(), spec=spec, findings=tuple(f"{text} unknown" for text in texts), replanned=True),),
        artifacts=(),
    )
    for rule in RULES.values():
        for advice in rule(hostile):
            form = FORMS[advice.form].asking(advice.fields, advice.title)
            answers = form.checked(advice.answers, whole=False)
            assert form.read(form.markdown(answers)) == answers


def test_abbreviations_are_found_and_plain_words_are_not() -> None:
    found = abbreviations(
        ["The VDI 2078 and the DIN say so. DIN, the PDF and THE rest: COP 3.6.", "Not a term: kW, Lift."]
    )
    assert found == ("DIN", "COP", "VDI")


def test_words_that_are_only_written_in_capitals_are_no_abbreviations() -> None:
    licence = (
        "THIS PACKAGE IS PROVIDED AS IS AND WITHOUT ANY EXPRESS WARRANTIES. The warranty of the GNU project, "
        "the FSF and the MMC: NO copy IN the hall. A copy in one package is free. WHO ONE MAY ASK: nobody. "
        "See https://gnu.org and a@fsf.org, and DIN, ISO, VDI, EN."
    )
    assert abbreviations([licence]) == ("DIN", "EN", "FSF", "GNU", "ISO", "MMC", "VDI")
