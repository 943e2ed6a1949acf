"""`caseworks models bench`, over local servers that answer rightly or wrongly, and over a real engine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from config.bench_tasks import bench_tasks
from domain.bench import KINDS, BenchTask
from tests.e2e.programs import models_yaml, prompt
from tests.e2e.test_cli import caseworks
from tests.engines import engine
from tests.model_servers import Behaviour, Fails, Says, model_server
from tests.unit.test_bench import RIGHT


def asked(body: Mapping[str, Any]) -> BenchTask:
    return next(task for task in bench_tasks() if task.asked.strip() in prompt(body))


def knowing(body: Mapping[str, Any]) -> Behaviour:
    """A model that answers all of them, its JSON in a fence."""
    task = asked(body)
    if task.equal is not None:
        return f"```json\n{json.dumps(task.equal)}\n```" if task.name == "invoice" else json.dumps(task.equal)
    if task.call is not None:
        arguments: Any = task.call["arguments"]
        return Says(tools=((str(task.call["name"]), arguments),))
    if task.code is not None:
        names = ", ".join(task.code.parameters)
        return RIGHT.replace("rent", task.code.function).replace("months, euros_a_month", names)
    return f"It is {task.says[0]}."


def clumsy(body: Mapping[str, Any]) -> Behaviour:
    return "Sure!" if asked(body).kind in ("code", "planning") else knowing(body)


def test_what_passes_is_told_filed_and_compared_and_feeds_the_estimate(tmp_path: Path) -> None:
    with model_server(knowing) as server:
        (tmp_path / "models.yaml").write_text(models_yaml(server))
        first = caseworks(tmp_path, "models", "bench", "--json")
        shown = caseworks(tmp_path, "models", "bench", "main", "--write-tiers")
        estimate = caseworks(tmp_path, "run", "--dry-run", "Brief me on pumps", "--json").json
        calls = len(server.chats)
    [item] = first.json["items"]
    assert first.code == 0 and calls == 2 * len(bench_tasks())
    assert item["pass_rate"] == 1 and item["kinds"] == dict.fromkeys(KINDS, 1), item["tasks"]
    assert item["before"] is None and item["rungs"]["strict"] >= 7
    assert item["output_tokens"] == 5 * len(bench_tasks()) and item["tokens_per_second"] > 0
    assert "extraction: invoice" in first.err, "progress is told"
    assert "100%" in shown.out and "Code that a model wrote was read, not run." in shown.out
    filed = json.loads((tmp_path / "bench.json").read_text())
    assert [result["model"] for result in filed["main"]] == ["tiny", "tiny"]
    suggested = yaml.safe_load((tmp_path / "models.yaml.suggested").read_text())
    assert set(suggested["tiers"].values()) == {"main"}
    assert "tiers" not in yaml.safe_load((tmp_path / "models.yaml").read_text())
    assert estimate["total"]["untimed"] == [] and estimate["total"]["seconds"]["high"] > 0


def test_models_are_told_apart_and_one_that_is_down_ends_with_an_error(tmp_path: Path) -> None:
    with model_server(knowing) as good, model_server(clumsy) as poor, model_server(lambda _: Fails(status=401)) as shut:
        backends = {
            name: {"kind": "openai", "base_url": server.openai_url}
            for name, server in (("good", good), ("poor", poor), ("shut", shut))
        }
        aliases = {name: {"backend": name, "model": "tiny"} for name in backends}
        (tmp_path / "models.yaml").write_text(
            yaml.safe_dump({"default": "good", "backends": backends, "aliases": aliases})
        )
        done = caseworks(tmp_path, "models", "bench", "--json")
        unknown = caseworks(tmp_path, "models", "bench", "other")
    rates = {item["alias"]: item["kinds"] for item in done.json["items"]}
    assert rates["good"]["code"] == 1 and rates["poor"]["code"] == 0 and rates["poor"]["extraction"] == 1
    assert done.json["tiers"]["large"]["alias"] == "good" == done.json["tiers"]["code"]["alias"]
    assert done.code == 3 and "No task was answered by shut" in done.err
    assert set(json.loads((tmp_path / "bench.json").read_text())) == {"good", "poor"}
    assert unknown.code == 2 and "“other”; there are good, poor, shut" in unknown.err


def test_noise_of_a_real_engine_fails_honestly(tmp_path: Path) -> None:
    with engine(tmp_path, context=16_384) as server:
        models = {
            "default": "main",
            "backends": {"box": {"kind": "openai", "base_url": server.openai_url}},
            "aliases": {"main": {"backend": "box", "model": "tiny", "context_tokens": 16_384}},
        }
        (tmp_path / "models.yaml").write_text(yaml.safe_dump(models))
        done = caseworks(tmp_path, "models", "bench", "--json")
    [item] = done.json["items"]
    passed = {task["name"] for task in item["tasks"] if task["passed"]}
    assert done.code == 0 and passed <= {"request", "refusal"}, "a label out of four may be hit by chance"
    assert item["output_tokens"] > 0 and item["tokens_per_second"] > 0
    assert sum(item["rungs"].values()) == sum(task.schema_ is not None for task in bench_tasks())


def test_without_a_model_there_is_nothing_to_measure(tmp_path: Path) -> None:
    done = caseworks(tmp_path, "models", "bench")
    assert done.code == 3 and "No model is configured" in done.err
