"""Structured replies of a model over its real protocol: read as they were meant, or asked for again."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.cli.connection import Connection
from tests.e2e.programs import asked_for, begun, ended, good, models_yaml, outline, program, prompt
from tests.model_servers import Fails, ModelServer, Says, Script, model_server

TASKS: tuple[tuple[str, str, list[int]], ...] = (
    ("Facts", "synthesizer:summary", []),
    ("Brief", "synthesizer:executive_brief", [1]),
)
WHOLE = outline(*TASKS)
HALF = Says(text=WHOLE[: WHOLE.index(', {"title": "Brief"')], finish="length")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Any]:
    """A function that starts a program on a model that answers the question for a plan by `replies`, the last again
    and again, and all others well."""
    with ExitStack() as stack:

        def start(*replies: Any) -> tuple[Connection, ModelServer]:
            left = list(replies)

            def script(body: Mapping[str, Any]) -> Any:
                if asked_for(body) != "outline":
                    return good(body)
                return left.pop(0) if len(left) > 1 else left[0]

            answering: Script = script
            server = stack.enter_context(model_server(answering, models=("tiny",)))
            return stack.enter_context(program(tmp_path / "data", models_yaml(server))), server

        yield start


def outlines(server: ModelServer) -> list[dict[str, Any]]:
    return [chat.body for chat in server.chats if asked_for(chat.body) == "outline"]


def planned(connection: Connection) -> dict[str, Any]:
    project, run = begun(connection)
    assert ended(connection, run)["result"] == "succeeded"
    plan: dict[str, Any] = connection.get(f"/v1/projects/{project}/plan")
    return plan


def test_a_plan_in_broken_json_is_read_without_asking_again(served: Any) -> None:
    broken = (
        "<think>Two tasks.</think>Here it is:\n```json\n"
        + WHOLE.replace('"title"', "title")[:-2]
        + ",]}\n```<|im_end|>"
    )
    connection, server = served(broken)
    assert [task["title"] for task in planned(connection)["tasks"]] == ["Facts", "Brief"]
    assert len(outlines(server)) == 1


def test_a_reply_cut_by_its_length_is_asked_for_with_twice_the_room_and_no_reproach(served: Any) -> None:
    connection, server = served(HALF, WHOLE)
    assert [task["title"] for task in planned(connection)["tasks"]] == ["Facts", "Brief"]
    first, second = outlines(server)
    assert second["max_tokens"] == 2 * first["max_tokens"]
    assert second["messages"] == first["messages"]


def test_what_is_cut_again_and_again_gets_four_times_the_room_then_a_template_is_used_and_said(served: Any) -> None:
    connection, server = served(HALF)
    plan = planned(connection)
    rooms = [body["max_tokens"] for body in outlines(server)]
    assert rooms == [rooms[0], 2 * rooms[0], 4 * rooms[0]]
    assert plan["template"] and f"cut off after {4 * rooms[0]:,} tokens" in plan["origin"]


def test_a_backend_without_that_much_room_ends_the_asking_with_the_fault(served: Any) -> None:
    too_long = Fails(status=400, message="This model's maximum context length is 2048 tokens")
    connection, _ = served(HALF, too_long)
    plan = planned(connection)
    assert plan["template"] and "cut off after" in plan["origin"]


def test_a_prose_tail_that_was_cut_does_not_make_a_whole_plan_be_asked_for_again(served: Any) -> None:
    connection, server = served(Says(text=WHOLE + "\n\nThis plan begins with", finish="length"))
    assert len(planned(connection)["tasks"]) == 2
    assert len(outlines(server)) == 1


def test_a_re_ask_tells_path_and_message_and_not_the_schema_or_a_long_value(served: Any) -> None:
    bad = outline(("T" * 5_000, "synthesizer:summary", []))
    connection, server = served(bad, WHOLE)
    planned(connection)
    told = str(outlines(server)[1]["messages"][-1]["content"])
    assert "At $.tasks[0].title: it has 5000 characters, at most 100 are allowed." in told
    assert len(told) < 300 and told in prompt(outlines(server)[1])


def test_what_a_small_model_cannot_do_is_asked_of_the_next_tier(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rule = "rules: [{because: plans are made by the small one here, purposes: [plan], tier: small}]\n"
    (tmp_path / "data" / "routing.yaml").write_text(rule)

    def script(body: Mapping[str, Any]) -> Any:
        if asked_for(body) != "outline":
            return good(body)
        return "I would begin with the facts." if body["model"] == "tiny" else WHOLE

    with model_server(script, models=("tiny", "big")) as server:
        models = yaml.safe_load(models_yaml(server))
        models["aliases"]["big"] = {**models["aliases"]["main"], "model": "big"}
        models["tiers"] = {"small": "main", "medium": "big"}
        with program(tmp_path / "data", yaml.safe_dump(models)) as connection:
            plan = planned(connection)
            calls = [
                call
                for run in connection.all(f"/v1/projects/{plan['project_id']}/runs")
                for call in connection.get(f"/v1/runs/{run['id']}/calls")["items"]
                if call["purpose"] == "plan: outline"
            ]
    assert [body["model"] for body in outlines(server)] == ["tiny", "tiny", "tiny", "big"]
    assert plan["template"] is None and len(plan["tasks"]) == 2
    assert "the small one here: small" in calls[0]["reason"] and "the next tier" in calls[-1]["reason"]
    assert calls[-1]["alias"] == "big"
