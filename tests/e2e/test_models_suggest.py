"""`caseworks models suggest`, on this machine and for the memory of others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from adapters.llm.configuration import Models
from config.model_list import open_models
from infrastructure.cli.endings import Ended
from infrastructure.cli.model_advice import size_of
from tests.e2e.test_cli import caseworks
from tests.e2e.test_cli_bad_input import only
from tests.model_servers import model_server

SCRIPT = """
import json, sys
from infrastructure.cli.main import main
try:
    main(sys.argv[1:])
finally:
    loaded = {name.partition('.')[0] for name in sys.modules}
    print(json.dumps(sorted(loaded)), file=sys.stderr)
"""


def test_what_is_proposed_is_told_with_its_licence_and_how_to_fetch_it(tmp_path: Path) -> None:
    done = caseworks(tmp_path, "models", "suggest", "--memory", "24GiB")
    assert done.code == 0, done.err
    assert "21.9 GB are planned for: 85 % of 25.8 GB" in done.out
    assert "Apache-2.0" in done.out and "ollama pull qwen3:8b" in done.out
    assert "critic, manager, strategist, synthesizer" in done.out
    assert "large: the strongest for it that fits; qwen3:32b needs 23.0 GB with 8,192 tokens" in done.out
    assert "Ollama loads them in turn" in done.out
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_can_be_used_and_nothing_is_overwritten(tmp_path: Path) -> None:
    first = caseworks(tmp_path, "models", "suggest", "--memory", "8GB", "--write")
    path, beside = tmp_path / "models.yaml", tmp_path / "models.yaml.suggested"
    models = Models.model_validate(yaml.safe_load(path.read_text()))
    assert first.code == 0 and f"Written: {path}" in first.out
    assert models.describe(models.default).model == "qwen3:4b-instruct-2507-q4_K_M"
    assert "#   ollama pull qwen2.5-coder:7b" in path.read_text()
    before = path.read_text()
    again = caseworks(tmp_path, "models", "suggest", "--memory", "24GiB", "--write")
    assert again.code == 0 and "stays as it is" in again.err and f"Written: {beside}" in again.out
    assert path.read_text() == before
    assert "qwen3-coder:30b" in beside.read_text()
    assert caseworks(tmp_path, "config", "model").out.startswith("qwen3:4b-instruct-2507-q4_K_M on ollama")


def test_a_document_holds_all_that_is_told(tmp_path: Path) -> None:
    done = caseworks(tmp_path, "models", "suggest", "--memory", "24GiB", "--json")
    found = done.json
    assert done.code == 0 and found["machine"]["total"] > 0 and found["written"] is None
    assert [item["tier"] for item in found["items"]] == ["small", "medium", "large", "code"]
    assert all(item["bytes"] <= found["budget"]["bytes"] for item in found["items"])
    assert f"ollama pull {found['items'][2]['model']}" in found["commands"]
    assert all(item["reason"] and item["licence"] for item in found["items"])


def test_where_nothing_fits_the_numbers_are_told(tmp_path: Path) -> None:
    done = caseworks(tmp_path, "models", "suggest", "--memory", "1GB", "--write")
    assert done.code == 3
    assert "No model of the list fits" in done.err and "smollm2:360m, needs 1.3 GB" in done.err
    assert not (tmp_path / "models.yaml").exists()
    document = caseworks(tmp_path, "models", "suggest", "--memory", "1GB", "--json")
    assert document.code == 3 and {item["model"] for item in document.json["items"]} == {None}


def test_a_model_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    with model_server(models=("qwen3:8b",)) as server:
        done = caseworks(tmp_path, "models", "suggest", "--memory", "12GB", "--json", OLLAMA_HOST=server.base_url)
        written = caseworks(tmp_path, "models", "suggest", "--memory", "12GB", "--write", OLLAMA_HOST=server.base_url)
    there = {item["model"]: item["there"] for item in done.json["items"]}
    assert there["qwen3:8b"] and not there["qwen3:1.7b"]
    assert "ollama pull qwen3:8b" not in done.json["commands"]
    assert server.base_url in [each["address"] for each in done.json["servers"]]
    assert written.code == 0 and server.base_url in (tmp_path / "models.yaml").read_text()
    assert {request.path for request in server.requests} <= {"/api/version", "/api/tags", "/api/ps", "/api/show"}


def test_an_ollama_on_another_machine_is_not_asked(tmp_path: Path) -> None:
    done = caseworks(tmp_path, "models", "suggest", "--memory", "8GB", "--write", OLLAMA_HOST="192.0.2.1:11434")
    assert done.code == 0 and "which is not asked" in done.err
    assert "http://127.0.0.1:11434" in (tmp_path / "models.yaml").read_text()


def test_this_machine_is_looked_at(tmp_path: Path) -> None:
    done = caseworks(tmp_path, "models", "suggest", "--json")
    found = done.json
    assert done.code == (0 if found["commands"] or any(item["model"] for item in found["items"]) else 3)
    assert found["machine"]["disk_free"] > 0


def test_a_size_that_is_none_is_refused_in_one_sentence(tmp_path: Path) -> None:
    only(caseworks(tmp_path, "models", "suggest", "--memory", "much"), 2, "is no size of memory")


@pytest.mark.parametrize("size", ["", "-4GB", "4", "4XB", "GB", "1e9GB", "4 GB of memory", "٤GB", "4GB\n5"])
def test_what_looks_like_a_size_only_is_refused(size: str) -> None:
    with pytest.raises(Ended, match="no size of memory"):
        size_of(size)


@pytest.mark.parametrize(("size", "count"), [("4GB", 4 * 10**9), ("7.5 GiB", 8_053_063_680), ("512m", 512 * 10**6)])
def test_a_size_is_told_in_decimal_or_binary_units(size: str, count: int) -> None:
    assert size_of(size) == count


def test_it_needs_no_heavy_library(tmp_path: Path) -> None:
    words = ["--data-dir", str(tmp_path), "models", "suggest", "--memory", "8GB"]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, timeout=60)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert done.returncode == 0
    assert not loaded & {"litellm", "openai", "smolagents", "sqlalchemy", "networkx", "fastapi"}


def test_every_model_of_the_list_can_be_an_alias_and_has_a_licence() -> None:
    models = open_models()
    assert len({model.alias for model in models}) == len(models)
    for model in models:
        Models.model_validate(
            {
                "default": model.alias,
                "backends": {"ollama": {"kind": "ollama", "base_url": "http://127.0.0.1:11434"}},
                "aliases": {model.alias: {"backend": "ollama", "model": model.name}},
            }
        )
