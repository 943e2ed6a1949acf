"""The command line as people and scripts use it: real processes, real data directories, nothing mocked."""

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.model_servers import model_server

CASEWORKS = str(Path(sys.executable).with_name("caseworks"))
NOTES = """# Notes on the move

The office must move before the lease ends in April. The rent falls from 9,000 to 7,500 euros a month. The landlord
shall repair the roof before the tenants arrive. We assume that the printing press fits into the lift.

## Risks

There is a risk that the lift is too small for the printing press; in that case a crane is needed for 2,000 euros.
If the fire brigade refuses the plan, the move must be postponed. A delay of one week may cost 2,250 euros of rent.
The internet connection might not be ready, and without it nobody can work.

## Open questions

Who asks the fire brigade? It is not known whether the landlord pays for the crane. It is assumed that the staff agree
to move on a weekend, but nobody has asked them. The budget of 12,000 euros is not yet approved.

## Decisions

The management decides between three companies. The cheapest offer excludes insurance. The contract may be terminated
by either party within ten days. The company shall not be liable for damage unless it acted with intent.
"""
OFFERS = "company,price,days\nSwift,4200,2\nSteady,3900,4\nStrong,5100,1\n"
RULES = """# Rules

The tenant must leave the rooms clean. The tenant shall return all keys, or pay 300 euros for each one.
There is a risk that the deposit is kept if the walls are not painted. It is assumed that the carpet belongs to the
landlord. The deposit of 18,000 euros is returned within three months, unless damage is found. The notes say that the
lease ends in April; however, the contract says the end of March. Who is right must be decided before the move.
"""
GOAL = "Brief the management on the move of the office"
TROUBLE = re.compile(r"Traceback|Error\b.*\bline \d+|\"level\": \"ERROR\"")


@dataclass(frozen=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """No settings of the machine and no Ollama; warnings are errors."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CASEWORKS_", "COLUMNS"))}
    return kept | {"OLLAMA_HOST": "127.0.0.1:9", "PYTHONWARNINGS": "error", "TZ": "UTC"} | more


def caseworks(data: Path, *words: str, **more: str) -> Done:
    done = subprocess.run(
        [CASEWORKS, "--data-dir", str(data), *words],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env=environment(**more),
    )
    assert not TROUBLE.search(done.stderr), done.stderr
    return Done(code=done.returncode, out=done.stdout, err=done.stderr)


@contextmanager
def started(data: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on; killed at the end if it still does."""
    with subprocess.Popen(
        [CASEWORKS, "--data-dir", str(data), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def line_with(process: subprocess.Popen[str], word: str) -> str:
    """The next line on standard error that holds `word`."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return line
    raise AssertionError(f"{word!r} never came")


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "notes.md").write_text(NOTES)
    (folder / "offers.csv").write_text(OFFERS)
    (folder / "sub").mkdir()
    (folder / "sub" / "rules.txt").write_text(RULES)
    return folder


@dataclass(frozen=True, kw_only=True)
class Finished:
    data: Path
    done: Done

    @property
    def project(self) -> str:
        return str(self.done.json["project_id"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, documents: Path) -> Finished:
    data = tmp_path_factory.mktemp("finished")
    return Finished(data=data, done=caseworks(data, "run", GOAL, "--input", str(documents), "--json"))


@pytest.fixture(scope="module")
def served(finished: Finished) -> Iterator[Finished]:
    """The same with a server on the data directory, which ends well on SIGTERM."""
    with started(finished.data, "up", "--port", "0") as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert re.fullmatch(
            r"Caseworks is ready at http://127\.0\.0\.1:\d+  \(token: .*/token, model: none, a rehearsal\)\n", line
        )
        yield finished
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=15)
        assert (server.returncode, out) == (0, "")
        assert not TROUBLE.search(err)


# run


def test_a_run_ends_with_one_document(finished: Finished) -> None:
    document = finished.done.json
    assert finished.done.code == 0
    assert document["result"] == "succeeded"
    assert document["run_id"].startswith("run_")
    assert set(document["tasks"]) == {"done"}
    assert document["cost"]["calls"] > 0
    assert document["cost"].keys() == {"money", "currency", "input_tokens", "output_tokens", "calls"}
    assert document["artifacts"][0]["qa"]["method"] == "rules"


def test_a_run_tells_its_progress_on_standard_error(finished: Finished) -> None:
    assert "rehearsal" in finished.done.err
    assert "offers.csv" in finished.done.err
    assert "Plan 1" in finished.done.err
    assert "  done  " in finished.done.err
    assert "\x1b" not in finished.done.err


def test_the_report_is_one_private_file_that_needs_nothing_else(finished: Finished) -> None:
    report = Path(finished.done.json["report"])
    html = report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert report == finished.data / "reports" / f"{finished.project}.html"
    assert "<html" in html
    assert not re.search(r"<(script|link|iframe)\b|(src|href)=[\"']?(https?:)?//", html)


def test_a_run_ends_with_a_table_and_what_no_model_judged(tmp_path: Path, documents: Path) -> None:
    report = tmp_path / "mine.html"
    done = caseworks(
        tmp_path / "data", "run", f"@{documents / 'notes.md'}", "-i", str(documents), "--report", str(report)
    )
    assert done.code == 0
    assert re.search(
        r"The plan on one page +executive brief +intellectual .*passed, by rules only +art_\w+\n", done.out
    )
    assert "No model or person vouches for 6 of 6 results (this was a rehearsal)." in done.out
    assert "caseworks artifacts accept art_" in done.out
    assert f"Report: {report}\n" in done.out
    assert "\x1b" not in done.out
    assert "│" not in done.out
    assert report.is_file()


# reads


READS: dict[str, Callable[[Any], list[str]]] = {
    "projects list": lambda d: ["projects", "list"],
    "projects show": lambda d: ["projects", "show", d["project_id"]],
    "show": lambda d: ["show"],
    "tasks list": lambda d: ["tasks", "list", "--state", "done"],
    "tasks show": lambda d: ["tasks", "show", d["artifacts"][0]["task_id"]],
    "inbox": lambda d: ["inbox"],
    "artifacts show": lambda d: ["artifacts", "show", d["artifacts"][0]["id"]],
    "artifacts versions": lambda d: ["artifacts", "versions", d["artifacts"][0]["id"]],
    "artifacts lineage": lambda d: ["artifacts", "lineage", d["artifacts"][0]["id"]],
    "graph project": lambda d: ["graph", "project"],
    "graph agent": lambda d: ["graph", "agent", "agt_critic"],
    "graph neighbors": lambda d: ["graph", "neighbors", d["artifacts"][0]["id"]],
    "graph paths": lambda d: ["graph", "paths", d["artifacts"][0]["id"], d["artifacts"][-1]["id"]],
    "graph why": lambda d: ["graph", "why", d["artifacts"][0]["id"]],
    "graph impact": lambda d: ["graph", "impact", d["artifacts"][0]["id"], "--project", d["project_id"]],
    "graph since": lambda d: ["graph", "since", d["run_id"], "--limit", "5"],
    "graph unchecked": lambda d: ["graph", "unchecked", "--agent", "agt_synthesizer"],
    "graph about": lambda d: ["graph", "about", "lease", "--workspace"],
    "doctor": lambda d: ["doctor"],
    "config show": lambda d: ["config", "show"],
    "config model": lambda d: ["config", "model"],
}


@pytest.mark.parametrize("name", READS)
def test_every_read_gives_one_document(served: Finished, name: str) -> None:
    done = caseworks(served.data, *READS[name](served.done.json), "--json")
    assert (done.code, done.err) == (0, "")
    assert isinstance(done.json, dict)


def test_a_table_holds_whole_ids_and_no_escape_codes(served: Finished) -> None:
    done = caseworks(served.data, "show", served.project)
    assert all(item["id"] in done.out for item in served.done.json["artifacts"])
    assert "succeeded: All 5 tasks are done." in done.out
    assert "\x1b" not in done.out


def test_a_graph_can_be_drawn_with_mermaid(served: Finished) -> None:
    assert caseworks(served.data, "graph", "project", "--format", "mermaid").out.startswith("flowchart")


def test_named_questions_are_answered_in_sentences_and_whole_ids(served: Finished) -> None:
    artifact = served.done.json["artifacts"][0]["id"]
    told = caseworks(served.data, "graph", "why", artifact).out
    assert "by rules, in a rehearsal" in told and served.project in told and "\x1b" not in told
    tagged = caseworks(served.data, "graph", "tag", artifact, "Office move")
    assert (tagged.code, tagged.out) == (0, f"{artifact} is about office-move.\n")
    found = caseworks(served.data, "graph", "about", "office")
    assert artifact in found.out and "about “Office move”" in found.out
    assert "judged by rules alone" in caseworks(served.data, "graph", "unchecked").out
    assert "Nothing changed here" in caseworks(served.data, "graph", "since", "9999999").out


def test_an_artifact_is_shared_with_another_project(served: Finished) -> None:
    artifact = served.done.json["artifacts"][0]["id"]
    same = caseworks(served.data, "artifacts", "share", artifact, served.project)
    assert same.code == 2 and "already" in same.err


def test_content_comes_as_it_is(served: Finished, documents: Path, tmp_path: Path) -> None:
    items = caseworks(served.data, "artifacts", "list", "--section", "sources", "--json").json["items"]
    notes = next(item["id"] for item in items if item["title"] == "notes.md")
    target = tmp_path / "copy.md"
    assert caseworks(served.data, "artifacts", "content", notes).out == NOTES
    assert caseworks(served.data, "artifacts", "content", notes, "-o", str(target)).out == ""
    assert target.read_text() == NOTES


def test_a_run_goes_through_the_server_that_is_there(served: Finished, documents: Path) -> None:
    done = caseworks(served.data, "run", "A second goal", "-i", str(documents / "notes.md"), "--json")
    assert (done.code, done.json["result"]) == (0, "succeeded")
    assert "The server http://127.0.0.1:" in done.err


def test_accepting_makes_an_information_product(served: Finished) -> None:
    id = served.done.json["artifacts"][0]["id"]
    done = caseworks(served.data, "artifacts", "accept", id, "--note", "Read.")
    assert "is now: information product, passed, by a person." in done.out
    assert caseworks(served.data, "artifacts", "lock", id).code == 0
    assert caseworks(served.data, "artifacts", "show", id, "--json").json["locked"] is True


def test_a_document_that_changed_is_a_new_version_of_its_artifact(served: Finished, tmp_path: Path) -> None:
    listed = caseworks(served.data, "artifacts", "list", "--project", served.project, "--section", "sources", "--json")
    source = next(item for item in listed.json["items"] if item["title"] == "notes.md")
    changed = tmp_path / "notes-2.md"
    changed.write_text("# Notes\n\nThe lease ends a month later.\n")
    told = caseworks(served.data, "artifacts", "revise", source["id"], "--file", str(changed))
    assert (told.code, told.out) == (0, "“notes.md” has a new version: 2.\n"), told.err
    assert caseworks(served.data, "artifacts", "content", source["id"]).out == changed.read_text()
    late = caseworks(served.data, "tasks", "list", "--project", served.project, "--out-of-date", "--json").json["items"]
    assert late and all("an earlier version of “notes.md”" in task["stale"] for task in late)
    same = caseworks(served.data, "artifacts", "revise", source["id"], "--file", str(changed))
    assert same.code == 2 and len(same.err.strip().splitlines()) == 1
    changed.write_text("# Notes\n\nThe lease ends in May.\n")
    again = caseworks(served.data, "artifacts", "revise", source["id"], "--file", str(changed), "--json").json
    assert (again["id"], again["version"]) == (source["id"], 3)


@pytest.mark.parametrize(
    ("artifact", "file", "words"),
    [
        ("art_x", "notes.md", ("no artifact art_x",)),
        ("art_x", "nothing.md", ("nothing.md", "does not exist")),
        ("art_x", ".", ("is a folder", "one file")),
        ("art_x", "empty.md", ("empty.md is empty",)),
    ],
)
def test_what_no_version_can_be_made_of_is_told(
    served: Finished, tmp_path: Path, artifact: str, file: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n")
    (tmp_path / "empty.md").touch()
    told = caseworks(served.data, "artifacts", "revise", artifact, "--file", str(tmp_path / file))
    assert told.code == 2 and told.out == "" and len(told.err.strip().splitlines()) == 1
    assert all(word in told.err for word in words), told.err


def test_the_doctor_verifies_everything(served: Finished) -> None:
    done = caseworks(served.data, "doctor", "--verify", "--json")
    assert done.code == 0
    assert {item["name"]: item["level"] for item in done.json["items"]}["verify"] == "ok"


# people


def test_work_that_needs_attention_ends_with_one_and_is_settled_by_a_person(tmp_path: Path, documents: Path) -> None:
    (documents / "bare.md").write_text("Lift\n")  # nothing to cite
    done = caseworks(tmp_path, "run", "List the offers", "-i", str(documents / "bare.md"), "--json")
    assert (done.code, done.json["result"]) == (1, "partial")
    assert done.err.splitlines()[-1].startswith("The work is done in part: ")
    first, *_ = done.json["waiting"]
    assert caseworks(tmp_path, "inbox", "show", first["id"], "--json").json["findings"]
    answered = caseworks(tmp_path, "inbox", "answer", first["id"], "retry", "--hint", "Use the prices.")
    assert (answered.code, answered.err) == (0, "")
    assert caseworks(tmp_path, "inbox", "answer", first["id"], "retry").code == 2


def test_a_plan_is_approved_and_a_task_done_by_a_person(tmp_path: Path, documents: Path) -> None:
    notes = str(documents / "notes.md")
    waits = caseworks(tmp_path, "run", GOAL, "-i", notes, "--approve-plan", "--json")
    assert (waits.code, waits.json["result"]) == (1, None)
    item, project = waits.json["waiting"][0], waits.json["project_id"]
    assert "The work waits for you: Approve the plan." in waits.err
    tasks = caseworks(tmp_path, "tasks", "--json").json["items"]
    task = next(task["id"] for task in tasks if not task["depends_on"])
    assert caseworks(tmp_path, "tasks", "assign", task, "me").code == 0
    approved = caseworks(tmp_path, "inbox", "answer", item["id"], "approve")
    assert f"caseworks run --continue {project}" in approved.out
    again = caseworks(tmp_path, "run", "--continue", project, "--json")
    assert (again.code, [item["kind"] for item in again.json["waiting"]]) == (1, ["work"])
    handed = caseworks(tmp_path, "tasks", "complete", task, "--file", notes)
    assert (handed.code, handed.err) == (0, "")
    after = caseworks(tmp_path, "run", "--continue", project, "--json")
    assert after.json["waiting"] != again.json["waiting"]


def test_an_interrupted_run_goes_on(tmp_path: Path, documents: Path) -> None:
    with started(tmp_path, "run", GOAL, "-i", str(documents), "--approve-plan", "--wait") as process:
        item = re.search(r"inb_\w+", line_with(process, "caseworks inbox answer"))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=40)
    assert process.returncode == 130
    assert "Stopped; nothing is lost, and `caseworks run --continue prj_" in err
    assert not TROUBLE.search(err)
    project = caseworks(tmp_path, "projects", "--json").json["items"][0]["id"]
    with started(tmp_path, "run", "--continue", project, "--wait") as process:
        line_with(process, "goes on")
        process.kill()
    with started(tmp_path, "run", "--continue", project, "--wait", "--json") as process:
        line_with(process, "caseworks inbox answer")
        assert item is not None
        assert caseworks(tmp_path, "inbox", "answer", item[0], "approve").out.endswith("The server carries it on.\n")
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, json.loads(out)["result"]) == (0, "succeeded")


def test_a_person_at_a_terminal_is_asked(tmp_path: Path, documents: Path) -> None:
    here, there = pty.openpty()
    command = [CASEWORKS, "--data-dir", str(tmp_path), "run", GOAL, "-i", str(documents), "--approve-plan"]
    with subprocess.Popen(command, stdin=there, stdout=there, stderr=there, env=environment(TERM="xterm")) as process:
        os.close(there)
        shown = _read_until(here, "Carry out this plan? [y/N]")
        os.write(here, b"y\n")
        shown += _read_until(here, "Report: ")
        assert process.wait(timeout=15) == 0
    os.close(here)
    assert "needs attention" not in shown


def _read_until(handle: int, word: str) -> str:
    shown, until = "", time.monotonic() + 30
    while word not in shown and time.monotonic() < until:
        if select.select([handle], [], [], 0.2)[0]:
            shown += os.read(handle, 65_536).decode(errors="replace")
    assert word in shown
    return shown


# configuration


def test_settings_are_shown_with_their_origin_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "caseworks.yaml").write_text(
        "parallel: 3\ntoken: hush-hush\nredis_url: 'redis://:hush@127.0.0.1:1/0'\ntelemetry: {otlp_endpoint: 'http://me:pass@127.0.0.1:4318'}\n"
    )
    done = caseworks(tmp_path, "config", "show", "--json", CASEWORKS_PORT="8471", CASEWORKS_LOG__LEVEL="ERROR")
    found = {item["name"]: (item["value"], item["from"]) for item in done.json["items"]}
    assert "hush" not in done.out
    assert "pass@" not in done.out
    assert found["token"] == found["redis_url"] == ("********", "file")
    assert found["parallel"] == (3, "file")
    assert found["port"] == (8471, "environment")
    assert found["log.level"] == ("ERROR", "environment")
    assert found["data_dir"] == (str(tmp_path), "flag")
    assert found["host"] == ("127.0.0.1", "default")


def test_a_model_is_pinned_after_it_was_found_and_missed_when_it_is_gone(tmp_path: Path, documents: Path) -> None:
    with model_server() as ollama:
        address = ollama.base_url
        offered = caseworks(tmp_path, "run", GOAL, "-i", str(documents), "--json", OLLAMA_HOST=address)
        name = re.search(r"caseworks config model ollama:(\S+?)`", offered.err)
        assert offered.code == 0
        assert name is not None
        assert not (tmp_path / "models.yaml").exists()
        chosen = caseworks(tmp_path, "config", "model", f"ollama:{name[1]}", "--json", OLLAMA_HOST=address)
        assert chosen.json["model"] == name[1]
    gone = caseworks(tmp_path, "run", "A second goal", "-i", str(documents))
    assert (gone.code, gone.out) == (3, "")
    assert len(gone.err.strip().splitlines()) == 1
    assert len(caseworks(tmp_path, "projects", "--json").json["items"]) == 1
    assert caseworks(tmp_path, "config", "model", "rehearsal", "--json").json["model"] == "rehearsal"
    assert (tmp_path / "models.yaml.old").exists()


def test_the_demo_rehearses_and_says_how_to_do_it_oneself(tmp_path: Path, documents: Path) -> None:
    script = f"from pathlib import Path; from infrastructure.cli.demo import demo; demo(Path({str(documents)!r}))"
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / ".caseworks-demo").touch()
    (tmp_path / ".demo" / "lock").write_text("from an earlier demo")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert '.venv/bin/caseworks run "What you want to have at the end" --input your-folder/' in done.stdout
    assert "No model or person vouches for" in done.stdout
    assert len(caseworks(tmp_path / ".demo", "projects", "--json").json["items"]) == 1
