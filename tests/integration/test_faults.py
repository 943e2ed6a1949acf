import inspect
from typing import Any

import pytest

from adapters.llm import loading
from adapters.llm.faults import CLASSES, STATUSES, Target, Trace, fault, made
from domain.ports.llm import (
    ContextTooLong,
    LLMError,
    ModelBusy,
    ModelDenied,
    ModelMissing,
    ModelRepeats,
    ModelTimedOut,
    ModelUnavailable,
    ReplyTooLong,
    RequestRefused,
)

STOPS = (ModelDenied, RequestRefused, ReplyTooLong, ModelRepeats)
"""What is the same everywhere and each time."""
TARGET = Target(alias="main", model="tiny", address="http://127.0.0.1:1", kind="ollama")


async def exceptions() -> dict[str, type[BaseException]]:
    await loading.litellm()
    import litellm.exceptions as theirs

    found: dict[str, Any] = dict(inspect.getmembers(theirs, inspect.isclass))
    return {name: each for name, each in found.items() if issubclass(each, Exception)}


async def test_every_exception_of_the_library_has_an_error_of_ours() -> None:
    named = await exceptions()
    assert sorted(set(named) - set(CLASSES)) == [], "LiteLLM has exceptions that adapters/llm/faults.py does not map"
    assert sorted(set(CLASSES) - set(named)) == [], "faults.py maps exceptions that LiteLLM no longer has"


def test_every_error_of_ours_has_a_sentence_that_names_alias_model_and_address() -> None:
    for kind in {*STATUSES.values(), *CLASSES.values(), ReplyTooLong, ModelRepeats}:
        said = str(made(kind, TARGET, Trace(status=418)))
        assert all(part in said for part in ("'main'", "'tiny'", "http://127.0.0.1:1")), kind
        assert said.endswith(".") and "\n" not in said


def test_every_error_of_ours_says_what_may_help() -> None:
    mapped: set[type[LLMError]] = {*STATUSES.values(), *CLASSES.values(), ReplyTooLong, ModelRepeats}
    remedies = {kind: kind.remedy for kind in mapped if "remedy" in vars(kind) or kind in STOPS}
    assert set(remedies) == mapped == set(LLMError.__subclasses__())
    assert set(remedies.values()) == {"retry", "elsewhere", "shrink", "stop"}


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        (Trace(status=429, retry_after=3.0), ModelBusy),
        (Trace(status=400), RequestRefused),
        (Trace(status=400, refusal=b'{"error": "Prompt too long; exceeded max context length"}'), ContextTooLong),
        (Trace(status=500, refusal=b"exceeds the available context size"), ContextTooLong),
        (Trace(status=401, refusal=b"token too long"), ModelDenied),
        (Trace(status=200, overflow=True), ReplyTooLong),
        (Trace(status=200), ModelUnavailable),
        (Trace(), ModelUnavailable),
        (Trace(sent=False), RequestRefused),
        (Trace(status=507), ModelUnavailable),
        (Trace(status=529), ModelBusy),
        (Trace(status=400, refusal=b"Request for unknown model: 'tiny' is not found"), ModelMissing),
        (Trace(insecure=True), ModelUnavailable),
        (Trace(status=451), RequestRefused),
    ],
)
def test_what_came_over_the_wire_decides(trace: Trace, expected: type[LLMError]) -> None:
    found = fault(RuntimeError("internal"), TARGET, trace)
    assert type(found) is expected
    assert "internal" not in str(found)


def test_a_timeout_of_the_connection_is_a_timeout_of_ours() -> None:
    assert type(fault(TimeoutError(), TARGET, Trace())) is ModelTimedOut


def test_an_error_of_ours_comes_through_unchanged() -> None:
    error = ModelMissing("as it was")
    assert fault(error, TARGET, Trace(status=500)) is error


def test_a_busy_backends_wait_is_kept() -> None:
    found = fault(RuntimeError(), TARGET, Trace(status=503, retry_after=3.0))
    assert isinstance(found, ModelBusy) and found.retry_after == 3.0
