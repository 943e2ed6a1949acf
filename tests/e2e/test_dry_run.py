"""`caseworks run --dry-run`: an estimate that costs nothing and keeps nothing, and that real runs lie in."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import asked_for, begun, ended, good, models_yaml, outline, program, verdicts
from tests.e2e.test_cli import NOTES, RULES, caseworks
from tests.model_servers import Script, model_server

GOAL = "Brief the management on the move of the office"
PRICE = {"price": {"input": 2, "output": 8}}
PLAN = outline(
    ("Summary", "synthesizer:summary", []),
    ("Risks", "critic:risk_register", []),
    ("Open questions", "critic:assumption_audit", []),
    ("Side by side", "synthesizer:framework", []),
    ("The brief", "synthesizer:executive_brief", [1, 2, 3, 4]),
)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "notes.md").write_text(NOTES)
    (folder / "rules.txt").write_text(RULES)
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """Where the command puts what is temporary."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    yield folder


def kept(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_nothing_is_asked_of_a_model_and_nothing_is_kept(tmp_path: Path, documents: Path, temporary: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with model_server(good) as server:
        (data / "models.yaml").write_text(models_yaml(server, **PRICE))
        words = ("run", "--dry-run", GOAL, "--input", str(documents))
        done = caseworks(data, *words, "--budget-calls", "5", TMPDIR=str(temporary))
        found = caseworks(data, *words, "--json", TMPDIR=str(temporary)).json
        asked = server.requests
    assert (done.code, asked) == (0, [])
    assert kept(data) == ["models.yaml"] and kept(temporary) == []
    assert "Nothing was asked of a model" in done.out and "Executive brief" in done.out
    assert "Times are not known for main: `caseworks models bench` measures them." in done.out
    assert "The budget of calls, 5, may not be enough." in done.err
    assert [part["title"] for part in found["parts"]][:2] == ["Planning", "Summary of the sources"]
    assert found["total"]["seconds"] is None and found["total"]["untimed"] == ["main"]
    for name in ("calls", "input_tokens", "output_tokens", "money"):
        spans = [part[name] for part in found["parts"]]
        assert found["total"][name] == {end: sum(span[end] for span in spans) for end in ("low", "high")}
        assert 0 < found["total"][name]["low"] < found["total"][name]["high"]


def test_a_rehearsed_run_lies_in_the_range(tmp_path: Path, documents: Path) -> None:
    words = (GOAL, "--input", str(documents), "--json")
    found = caseworks(tmp_path / "dry", "run", "--dry-run", *words).json["total"]
    cost = caseworks(tmp_path / "real", "run", *words).json["cost"]
    assert found["calls"]["low"] <= cost["calls"] <= found["calls"]["high"]
    assert found["money"] == {"low": 0, "high": 0} and found["aliases"] == ["rehearsal"]
    for name in ("input_tokens", "output_tokens"):
        assert found[name]["low"] <= cost[name] <= found[name]["high"], name


def planned(body: Mapping[str, Any]) -> str:
    """The plan of the template, in a model's words."""
    return PLAN if asked_for(body) == "outline" else good(body)


def refused(body: Mapping[str, Any]) -> str:
    return verdicts(body, "not_met", "It says nothing of it.") if asked_for(body) == "verdicts" else planned(body)


def aimless(body: Mapping[str, Any]) -> str:
    return "I would begin by reading." if asked_for(body) == "outline" else good(body)


@pytest.mark.parametrize("script", [planned, refused, aimless], ids=["all goes well", "all is refused", "no plan"])
def test_a_run_on_a_model_lies_in_the_range_while_its_server_has_the_directory(tmp_path: Path, script: Script) -> None:
    manual = tmp_path / "manual.md"
    with model_server(script) as server, program(tmp_path / "data", models_yaml(server)) as connection:
        project, run = begun(connection, GOAL)
        ended(connection, run)
        calls = connection.get(f"/v1/projects/{project}/usage")["calls"]
        [source] = [a for a in connection.all(f"/v1/projects/{project}/artifacts") if a["title"] == "Lift manual"]
        manual.write_bytes(connection.content(f"/v1/artifacts/{source['id']}/content"))
        before = len(server.requests)
        found = caseworks(tmp_path / "data", "run", "--dry-run", GOAL, "--input", str(manual), "--json").json
        assert len(server.requests) == before
    assert found["total"]["calls"]["low"] <= calls <= found["total"]["calls"]["high"]


def test_what_is_wrong_is_told_of_the_users_own_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "models.yaml").write_text("default: main\naliases: {}\n")
    done = caseworks(data, "run", "--dry-run", GOAL)
    assert done.code == 3 and f"{data}/models.yaml" in done.err
    assert caseworks(data, "run", "--dry-run", "--continue", "prj_1").code == 2
    assert caseworks(data, "run", "--dry-run", "").code == 2
