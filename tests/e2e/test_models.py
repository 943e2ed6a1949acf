"""`caseworks models` and /v1/models, over servers that speak Ollama's and OpenAI's protocols."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.cli.connection import Refused
from tests.e2e.programs import program
from tests.e2e.test_cli import caseworks
from tests.model_servers import Behaviour, Fails, ModelServer, Says, model_server

SMALL: dict[str, Any] = {
    "name": "small:1b",
    "size": 1_300_000_000,
    "capabilities": ["completion", "tools"],
    "model_info": {"llama.context_length": 4_096},
    "running": {"size": 2_000_000_000, "size_vram": 1_000_000_000, "context_length": 8_192},
}


def able(body: dict[str, Any]) -> Behaviour | str:
    if body.get("tools"):
        return Says(tools=(("time_in", {"city": "Oslo"}),))
    if body.get("format") or body.get("response_format"):
        return json.dumps({"colour": "red", "number": 3})
    return Says(text="one, two, three, four", pause=0.01, piece=4)


def clumsy(body: dict[str, Any]) -> Behaviour | str:
    if body.get("tools"):
        return "I have no clock."
    return "Sure! It is red." if body.get("format") or body.get("response_format") else "one, two, three"


def configuration(ollama: ModelServer, other: ModelServer, **more: Any) -> str:
    return yaml.safe_dump(
        {
            "default": "main",
            "backends": {
                "here": {"kind": "ollama", "base_url": ollama.base_url},
                "box": {"kind": "openai", "base_url": other.openai_url, "api_key_env": "CASEWORKS_TEST_UNSET_KEY"},
                "plain": {"kind": "vllm", "base_url": other.openai_url},
                "gone": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"},
            },
            "aliases": {
                "main": {"backend": "here", "model": "small:1b"},
                "keyed": {"backend": "box", "model": "big"},
                "down": {"backend": "gone", "model": "big"},
                "many": {
                    "deployments": [{"backend": "plain", "model": "big"}, {"backend": "here", "model": "missing"}]
                },
            },
            "tiers": {"small": "main", "large": "many"},
            "fallbacks": {"many": ["main"]},
            **more,
        }
    )


def test_what_is_configured_is_listed_with_what_is_really_there(tmp_path: Path) -> None:
    big = {"name": "big", "max_model_len": 32_768}
    with (
        model_server(able, (SMALL,)) as ollama,
        model_server(able, (big,)) as other,
        program(tmp_path, configuration(ollama, other)) as connection,
    ):
        items = {item["key"]: item for item in connection.all("/v1/models")}
        shown = caseworks(tmp_path, "models")
    main, many = items["main"], items["many/1"]
    assert (main["there"], main["loaded"], main["size"], main["on_gpu"]) == (True, True, 1_300_000_000, 1_000_000_000)
    assert main["trained_context"] == 4_096 and main["tiers"] == ["small"] and main["default"]
    assert (many["there"], many["running_context"], many["stand_ins"]) == (True, 32_768, ["main"])
    assert not items["many/2"]["there"] and "does not have" in items["many/2"]["fault"]
    assert not items["down"]["there"] and "start the backend" in items["down"]["fault"]
    assert not items["keyed"]["there"] and "CASEWORKS_TEST_UNSET_KEY is not set" in items["keyed"]["fault"]
    assert "trained for 4,096 only" in shown.out and "50% of it on the GPU" in shown.out
    assert "not there" in shown.out and "start the backend" in shown.err


def test_a_check_tries_what_work_asks_for(tmp_path: Path) -> None:
    with (
        model_server(able, (SMALL,)) as ollama,
        model_server(clumsy, ("big",)) as other,
        program(tmp_path, configuration(ollama, other)) as connection,
    ):
        good = connection.post("/v1/models/main/check")
        poor = connection.post("/v1/models/many/check")
        one, all_ = caseworks(tmp_path, "models", "check", "main"), caseworks(tmp_path, "models", "check", "--json")
        with pytest.raises(Refused, match="no model nobody"):
            connection.post("/v1/models/nobody/check")
    assert {trial["name"]: trial["passed"] for trial in good["trials"]} == dict.fromkeys(
        ("text", "streaming", "structured", "tools"), True
    )
    assert good["usable"] and good["first_token_seconds"] > 0 and good["output_tokens"] > 0
    assert [t["passed"] for t in poor["trials"]] == [True, True, False, False] and not poor["usable"]
    assert one.code == 0 and "yes structured: fits the schema" in one.out
    assert all_.code == 3 and {item["alias"]: item["usable"] for item in json.loads(all_.out)["items"]} == {
        "main": True,
        "down": False,
        "keyed": False,
        "many": False,
    }
    assert "down, keyed, many" in all_.err


def test_a_model_that_fails_is_a_finding_not_an_error(tmp_path: Path) -> None:
    with (
        model_server(lambda _: Fails(status=400), (SMALL,)) as ollama,
        program(tmp_path, configuration(ollama, ollama)) as connection,
    ):
        found = connection.post("/v1/models/main/check")
    assert [(t["name"], t["passed"]) for t in found["trials"]] == [("text", False)]
    assert "called invalid" in found["trials"][0]["detail"] and not found["usable"]


def test_a_rehearsal_has_no_models(tmp_path: Path) -> None:
    listed, checked = caseworks(tmp_path, "models"), caseworks(tmp_path, "models", "check")
    assert listed.code == 0 and "the work is rehearsed" in listed.out
    assert checked.code == 3 and "No model is configured" in checked.err
    assert caseworks(tmp_path, "models", "check", "../x").code == 2


def test_a_call_says_which_model_it_went_to_and_why(tmp_path: Path) -> None:
    with (
        model_server(models=(SMALL,)) as ollama,
        model_server(models=("big",)) as other,
        program(tmp_path, configuration(ollama, other)) as connection,
    ):
        project = connection.post("/v1/projects", {"goal": "Brief me on pumps"})
        run = connection.post(f"/v1/projects/{project['id']}/runs", {})
        list(connection.follow(f"/v1/runs/{run['id']}/events"))
        calls = connection.get(f"/v1/runs/{run['id']}/calls")["items"]
    plans = [call for call in calls if call["purpose"].startswith("plan")]
    assert plans and all(call["alias"] == "many" and "the alias for large" in call["reason"] for call in plans)


def test_a_bad_file_is_told_wherever_models_are_asked_about_while_the_last_good_one_works(tmp_path: Path) -> None:
    with model_server(able, (SMALL,)) as ollama, program(tmp_path, configuration(ollama, ollama)) as connection:
        assert connection.get("/v1/models")["faults"] == []
        (tmp_path / "models.yaml").write_text("default: main\nbackends: {here: {kind: cloudy}}\n")
        (tmp_path / "routing.yaml").write_text("rules:\n  - because: nothing\n")
        faults = connection.get("/v1/models", limit=1)["faults"]
        listed, document = caseworks(tmp_path, "models"), caseworks(tmp_path, "models", "--json").json
        doctor = caseworks(tmp_path, "doctor")
    assert "models.yaml, line 2, backends.here: kind 'cloudy' is unknown" in faults[0]
    assert "routing.yaml, line 2" in faults[1] and all("still in force" in each for each in faults)
    assert listed.code == 0 and "small:1b" in listed.out and "line 2, backends.here" in listed.err
    assert document["faults"] == faults and len(document["items"]) == 5
    assert doctor.code == 3 and doctor.out.count("configuration") == 2 and "answered in" in doctor.out
