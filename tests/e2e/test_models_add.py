"""`caseworks models add`: a file of one's own, and nothing else, becomes a model that work is done with."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.test_cli import caseworks, environment
from tests.tiny_models import write_tiny_model

COMMENTED = """# What I use.
default: main  # the quick one
backends:
  # in the cellar
  box: {kind: openai, base_url: "http://127.0.0.1:9/v1"}
aliases:
  # changed in May
  main: {backend: box, model: tiny}
tiers: {small: main}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "Tiny Noise.Q4_K_M.gguf"
    write_tiny_model(path)
    return path


def test_a_file_alone_is_a_model_that_is_listed_checked_and_examined(tmp_path: Path, file: Path) -> None:
    added = caseworks(tmp_path, "models", "add", str(file), "--parallel", "2")
    assert added.code == 0 and "needs 0.3 GB of memory" in added.out
    name = "tiny-noise.q4_k_m"
    listed = caseworks(tmp_path, "models", "--json").json["items"]
    assert [(item["key"], item["model"], item["there"], item["loaded"]) for item in listed] == [
        (name, str(file), True, False)
    ]
    assert (listed[0]["size"], listed[0]["trained_context"]) == (file.stat().st_size, 262_144)
    assert (listed[0]["address"], listed[0]["context_tokens"], listed[0]["parallel"]) == (
        "here, begun by need",
        8192,
        2,
    )
    checked = caseworks(tmp_path, "--log", "INFO", "models", "check", name, "--json")
    trials = {trial["name"]: trial["passed"] for trial in checked.json["items"][0]["trials"]}
    assert trials["text"] and trials["structured"]
    assert f"{name}: loading {file}" in checked.err and f"{name}: ended" in checked.err
    doctor = caseworks(tmp_path, "doctor", "--json").json["items"]
    assert [each["level"] for each in doctor if each["name"] == "model"] == ["ok"]


def test_a_file_with_comments_keeps_them(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(COMMENTED)
    path.chmod(0o600)
    added = caseworks(tmp_path, "models", "add", str(file), "--alias", "mine", "--context", "1024", "--json")
    assert added.json["alias"] == "mine" and added.json["default"] is False and added.json["bytes"] > 300_000_000
    kept = [line for line in path.read_text().splitlines() if "files" not in line]
    assert kept == COMMENTED.splitlines()
    assert path.stat().st_mode & 0o777 == 0o600
    items = caseworks(tmp_path, "models", "--json").json["items"]
    assert {item["key"]: item["backend"] for item in items} == {"main": "box", "mine": "files"}
    again = caseworks(tmp_path, "models", "add", str(file), "--alias", "mine")
    assert again.code == 2 and "say --alias NAME" in again.err


def test_a_file_that_is_not_changed_by_itself_is_left_and_what_to_add_is_shown(tmp_path: Path, file: Path) -> None:
    (tmp_path / "models.yaml").write_text(COMMENTED.replace("main: {backend", "? main\n  : {backend"))
    before = (tmp_path / "models.yaml").read_bytes()
    added = caseworks(tmp_path, "models", "add", str(file), "--alias", "mine")
    assert added.code == 3 and "kind: gguf" in added.err and "put the backend and the alias above into it" in added.err
    assert (tmp_path / "models.yaml").read_bytes() == before


def test_what_cannot_be_run_is_told_and_nothing_is_written(tmp_path: Path, file: Path) -> None:
    (tmp_path / "zip.gguf").write_bytes(b"PK\x03\x04" + bytes(100))
    data = tmp_path / "data"
    for words, code, said in (
        (("nowhere.gguf",), 3, "There is no file"),
        ((str(tmp_path),), 3, "There is no file"),
        ((str(tmp_path / "zip.gguf"),), 3, "does not begin with GGUF"),
        ((str(file), "--context", "9000000", "--parallel", "64"), 3, "lower `context_tokens` or `parallel`"),
        ((str(file), "--context", "100"), 2, "must be at least 512. Nothing was written"),
        ((str(file), "--alias", "../x"), 2, "is no alias"),
    ):
        done = caseworks(data, "models", "add", *words)
        assert (done.code, done.out) == (code, "") and said in done.err, done.err
    assert not (data / "models.yaml").exists()
    (data / "models.yaml").write_text("default: [")
    done = caseworks(data, "models", "add", str(file))
    assert done.code == 3 and "models.yaml, line 1" in done.err
    assert (data / "models.yaml").read_text() == "default: ["


def test_without_llama_cpp_a_sentence_says_what_to_install(tmp_path: Path, file: Path) -> None:
    program = (
        "import sys; sys.modules['xllamacpp'] = None; from infrastructure.cli.main import main; main(sys.argv[1:])"
    )
    words = ["--data-dir", str(tmp_path), "models", "add", str(file)]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=environment() | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("llama.cpp is not installed") and done.stderr.count("\n") == 1
