"""Whether a run failed for something that no other way of doing the work would mend."""

import pytest
from pydantic import JsonValue

from domain.agent_graph.ticks import OUTSIDE
from domain.changes import EndRun
from domain.errors import DomainError, Invalid, LimitReached
from domain.ports import llm
from domain.run import Limits
from tests.told import Told, graph

MODEL = {"type": "model", "prompt": "Say it", "retries": 0}
CHILD = {"type": "workflow", "graph": "other@1"}


def told(run: Told) -> bool:
    [end] = [change for change in run.changes if isinstance(change, EndRun)]
    return end.outside


@pytest.mark.parametrize("outside", [True, False])
def test_what_ended_it_is_told(outside: bool) -> None:
    assert told(Told(graph("a", a=MODEL)).failed(outside=outside)) is outside


@pytest.mark.parametrize("outside", [True, False])
def test_it_is_told_from_child_to_parent_and_stands_in_no_output(outside: bool) -> None:
    run = Told(graph("a", a=CHILD))
    payload: dict[str, JsonValue] = {"run_id": run.ref, "result": "failed", "reason": "Down.", OUTSIDE: outside}
    run.signal("child_ended", **payload)
    assert told(run) is outside
    assert OUTSIDE not in str(run.state.outputs)


def test_what_somebody_called_off_is_outside() -> None:
    run = Told(graph("a", a=CHILD))
    run.signal("child_ended", run_id=run.ref, result="cancelled", reason="Somebody cancelled it.")
    assert told(run)


@pytest.mark.parametrize("outside", [True, False])
def test_of_a_fan_out_the_part_that_decided_it_counts(outside: bool) -> None:
    run = Told(graph("f", f={"type": "fan_out", "copies": 2, "least": 1, "do": MODEL}))
    first, second = run.refs
    run.failed(first, outside=not outside).failed(second, outside=outside)
    assert told(run) is outside


def test_a_failure_that_the_graph_leads_to_an_exit_stays_what_it_was() -> None:
    no = {"type": "exit", "result": "failed"}
    assert told(Told(graph("a", a={**MODEL, "on_failure": "no"}, no=no)).failed(outside=True))


def test_what_went_on_after_it_failed_for_a_reason_of_its_own() -> None:
    no = {"type": "exit", "result": "failed"}
    run = Told(graph("a", a={**MODEL, "on_failure": "b"}, b={**MODEL, "next": "no"}, no=no))
    assert not told(run.failed(outside=True).done())


def test_a_limit_of_the_run_is_its_own() -> None:
    two = graph("a", a={**MODEL, "on_failure": "b"}, b=MODEL)
    assert not told(Told(two, Limits(calls=0)))


def test_success_is_never_outside() -> None:
    assert not told(Told(graph("a", a={**MODEL, "on_failure": "end"})).failed(outside=True))


OUT = (llm.ModelUnavailable, llm.ModelBusy, llm.ModelTimedOut, llm.ModelMissing, llm.ModelDenied)
OWN = (llm.RequestRefused, llm.ContextTooLong, llm.ReplyTooLong, llm.ModelRepeats)


@pytest.mark.parametrize("error", llm.LLMError.__subclasses__())
def test_of_every_failure_of_a_model_it_is_known(error: type[llm.LLMError]) -> None:
    assert (error in OUT) != (error in OWN)
    assert error("It failed.").outside is (error in OUT)


def test_of_limits_only_the_projects_are_outside() -> None:
    assert LimitReached("calls", "The project has used them up.", outside=True).outside
    refusals: tuple[DomainError, ...] = (LimitReached("calls", "The run has."), Invalid("It gave no text."))
    assert not any(refusal.outside for refusal in refusals)
