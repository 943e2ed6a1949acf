"""models.yaml changes while the program runs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.llm.switching import SwitchingLLM
from config.reading import ConfigurationError
from config.settings import load
from domain.ports.llm import Request
from infrastructure.data_directory import DataDirectory
from infrastructure.models import ConfiguredModels
from tests.e2e.programs import models_yaml
from tests.model_servers import Fails, Says, model_server

REQUEST = Request(alias="main", system="s", task="t", idempotency_key="k", deadline=20.0)


def configured(folder: Path) -> ConfiguredModels:
    return ConfiguredModels(load(folder, {}), DataDirectory(folder))


def write(folder: Path, text: str) -> None:
    """As editors do: beside it, then in its place."""
    draft = folder / "models.yaml.new"
    draft.write_text(text)
    draft.replace(folder / "models.yaml")


async def test_the_next_call_goes_to_what_the_file_says_now(tmp_path: Path) -> None:
    with model_server(lambda _: "from one") as one, model_server(lambda _: "from two") as two:
        write(tmp_path, models_yaml(one))
        found = configured(tmp_path)
        llm = SwitchingLLM(found.llm)
        assert (await llm.complete(REQUEST)).text == "from one"
        write(tmp_path, models_yaml(two))
        assert (await llm.complete(REQUEST)).text == "from two"


async def test_a_call_in_flight_ends_on_the_model_it_began_with(tmp_path: Path) -> None:
    with (
        model_server(lambda _: Says(text="from one", pause=0.05, piece=2)) as one,
        model_server(lambda _: "from two") as two,
    ):
        write(tmp_path, models_yaml(one))
        llm = SwitchingLLM(configured(tmp_path).llm)
        pieces = llm.stream(REQUEST)
        first = await anext(aiter(pieces))
        write(tmp_path, models_yaml(two))
        assert (await llm.complete(REQUEST)).text == "from two"
        rest = [piece async for piece in pieces]
        assert first.text + "".join(piece.text for piece in rest[:-1]) == rest[-1].text == "from one"


async def test_a_bad_file_leaves_the_last_good_one_in_force_and_is_told(tmp_path: Path) -> None:
    with model_server(lambda _: "still here") as server:
        good = models_yaml(server)
        write(tmp_path, good)
        found = configured(tmp_path)
        llm = SwitchingLLM(found.llm)
        for bad, told in (
            ("default: [", "models.yaml, line 1"),
            ("default: main\nbackends: {}\naliases: {}\n", "backends"),
            (good.replace("default: main", "default: nobody"), "nobody"),
        ):
            write(tmp_path, bad)
            assert (await llm.complete(REQUEST)).text == "still here"
            assert told in found.faults[0] and "still in force" in found.faults[0]
        (tmp_path / "models.yaml").unlink()
        assert (await llm.complete(REQUEST)).text == "still here"
        assert "is gone" in found.faults[0]
        write(tmp_path, good + "currency: CHF\n")
        assert found.currency() == "CHF" and found.faults == ()


def test_a_program_does_not_start_on_a_bad_file(tmp_path: Path) -> None:
    write(tmp_path, "default: [")
    with pytest.raises(ConfigurationError, match="line 1"):
        configured(tmp_path)


def test_own_rules_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    found = configured(tmp_path)
    assert found.routing().rules
    (tmp_path / "routing.yaml").write_text("rules: []\n")
    assert found.routing().rules == ()
    (tmp_path / "routing.yaml").write_text("rules: [{because: nothing}]\n")
    assert "line 1" in found.faults[0]
    assert found.routing().rules == ()


def test_a_rehearsal_stays_one_until_a_model_is_configured(tmp_path: Path) -> None:
    found = configured(tmp_path)
    assert found.choose("large", "critic", "prj_1").alias == "rehearsal"
    with model_server() as server:
        write(tmp_path, models_yaml(server))
    assert found.choose("large", "critic", "prj_1").alias == "main"


async def test_what_is_known_of_a_deployment_that_did_not_change_is_kept(tmp_path: Path) -> None:
    with model_server(lambda _: Fails(status=500)) as down, model_server(lambda _: "well") as up:
        two = {
            "broken": {"kind": "openai", "base_url": down.openai_url},
            "good": {"kind": "openai", "base_url": up.openai_url},
        }
        deployments: list[dict[str, Any]] = [{"backend": name, "model": "tiny"} for name in two]
        whole: dict[str, Any] = {"default": "main", "backends": two, "aliases": {"main": {"deployments": deployments}}}
        write(tmp_path, yaml.safe_dump(whole))
        llm = SwitchingLLM(configured(tmp_path).llm)
        for _ in range(4):
            assert (await llm.complete(REQUEST)).text == "well"
        assert len(down.requests) == 3, "then it is left alone"
        write(tmp_path, yaml.safe_dump(whole | {"currency": "CHF"}))
        assert (await llm.complete(REQUEST)).text == "well"
        assert len(down.requests) == 3, "still"
        deployments[0]["context_tokens"] = 4_096
        write(tmp_path, yaml.safe_dump(whole))
        assert (await llm.complete(REQUEST)).text == "well"
        assert len(down.requests) == 4, "it is another now"


async def test_a_change_of_the_file_lets_no_more_calls_through_at_once(tmp_path: Path) -> None:
    with model_server(lambda _: Says(text="slow and steady", pause=0.05, piece=1)) as server:
        good = models_yaml(server).replace("parallel: 4", "parallel: 1")
        write(tmp_path, good)
        llm = SwitchingLLM(configured(tmp_path).llm)
        first = llm.stream(REQUEST)
        await anext(aiter(first))
        write(tmp_path, good + "currency: CHF\n")
        second = asyncio.ensure_future(llm.complete(REQUEST))
        await anext(aiter(first))
        assert len(server.requests) == 1
        async for _ in first:
            pass
        assert (await second).text == "slow and steady"
