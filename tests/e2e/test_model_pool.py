"""Several models on a machine that has room for one or some of them: work is ordered so that few are swapped."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from infrastructure.cli.connection import Connection
from tests.e2e.processes import Process
from tests.e2e.programs import begun, ended, good, program, until
from tests.integration.test_residency import SHAPE
from tests.model_servers import ModelServer, model_server

MODELS = ({"name": "small", "size": 3_000_000_000}, {"name": "large", "size": 3_500_000_000})


def answers(body: Mapping[str, Any]) -> Any:
    """As a good model, over Ollama's protocol."""
    asked = dict(body)
    if "format" in body:
        asked["response_format"] = {"json_schema": {"schema": body["format"]}}
    return good(asked)


def configured(server: ModelServer, limit: str = "4GB", **more: Any) -> str:
    alias = {"backend": "ollama", "parallel": 2, "load_seconds": 0.2}
    return yaml.safe_dump(
        {
            "default": "small",
            "hosts": {"box": {"memory_limit": limit}},
            "backends": {"ollama": {"kind": "ollama", "base_url": server.base_url, "host": "box"}},
            "aliases": {
                "small": {**alias, "model": "small", "memory": "3GB"},
                "large": {**alias, "model": "large", "memory": "3.5GB"},
            },
            "tiers": {"small": "small", "medium": "small", "large": "large", "code": "large"},
            **more,
        }
    )


@contextmanager
def served(folder: Path, limit: str = "4GB", **more: Any) -> Iterator[tuple[Connection, ModelServer]]:
    with (
        model_server(answers, models=tuple(dict(each) for each in MODELS)) as server,
        program(folder, configured(server, limit, **more), parallel=8) as connection,
    ):
        yield connection, server


def models_asked(server: ModelServer) -> list[str]:
    """Those of real calls, in order."""
    return [str(each.body["model"]) for each in server.chats if each.body["messages"]]


def switches(names: list[str]) -> int:
    return sum(one != other for one, other in pairwise(names))


def test_models_that_do_not_fit_together_take_turns_and_all_projects_share_them(tmp_path: Path) -> None:
    with served(tmp_path) as (connection, server):
        runs = [begun(connection, f"Brief me on the lift number {n}")[1] for n in range(3)]
        assert [ended(connection, run, 60)["result"] for run in runs] == ["succeeded"] * 3
        asked = models_asked(server)
        assert set(asked) == {"small", "large"}
        assert server.peak <= 3_500_000_000, "they were never loaded together"
        assert server.loads_by_chat == [], "each was loaded before it was asked"
        assert len(server.loads) == switches(asked) + 1
        assert switches(asked) <= 14, "three projects swap hardly more often than one"


def test_models_that_fit_together_stay_loaded(tmp_path: Path) -> None:
    with served(tmp_path, "7GB") as (connection, server):
        assert ended(connection, begun(connection)[1], 60)["result"] == "succeeded"
        assert sorted(server.loads) == ["large", "small"] and server.unloads == []


def test_a_model_that_turns_out_to_need_more_than_there_is_tells_the_numbers(tmp_path: Path) -> None:
    huge = {"name": "huge", "size": 40_000_000_000, "model_info": SHAPE}
    with model_server(answers, models=(huge,)) as server:
        host = {"hosts": {"box": {"memory_limit": "8GB"}}}
        backends = {"ollama": {"kind": "ollama", "base_url": server.base_url, "host": "box"}}
        aliases = {"main": {"backend": "ollama", "model": "huge"}}
        models = yaml.safe_dump({"default": "main", "backends": backends, "aliases": aliases, **host})
        with program(tmp_path, models) as connection:
            run = ended(connection, begun(connection)[1])
            assert run["result"] != "succeeded"
            told = str(connection.get(f"/v1/runs/{run['id']}")) + str(connection.get("/v1/inbox"))
            assert "needs 41." in told and "8.00 GB for models" in told
            assert server.loads == []
            [shown] = connection.all("/v1/models")
            assert shown["host"] == "box" and shown["host_limit"] == 8_000_000_000 and shown["needs"] > 41_000_000_000


def test_a_model_that_cannot_be_loaded_tells_why_and_the_other_goes_on_working(tmp_path: Path) -> None:
    with (
        model_server(answers, models=(dict(MODELS[1]),)) as server,
        program(tmp_path, configured(server)) as connection,
    ):
        run = ended(connection, begun(connection)[1], 60)
        assert run["result"] != "succeeded" and set(server.loads) == {"large"}
        assert "ollama pull small" in str(run) + str(connection.get("/v1/inbox"))


def test_killed_while_work_waits_for_a_model_it_goes_on(tmp_path: Path) -> None:
    with model_server(answers, models=tuple(dict(each) for each in MODELS)) as server:
        tmp_path.mkdir(exist_ok=True)
        (tmp_path / "models.yaml").write_text(configured(server))
        process = Process(tmp_path)
        connection = process.connect()
        run = begun(connection)[1]
        until(lambda: len(server.loads), lambda count: count > 1)
        connection.close()
        process.kill()
        process = Process(tmp_path)
        try:
            connection = process.connect()
            assert ended(connection, run, 60)["result"] == "succeeded"
            connection.close()
        finally:
            process.stop()
