"""Whatever is wrong, a command says so in one sentence, with the right exit code and never with a traceback."""

import fcntl
import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfWriter

from tests.e2e.test_cli import Done, caseworks

GOAL = "Say what stands in it"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def refused(done: Done, code: int, *words: str) -> None:
    sentence = done.err.strip().splitlines()[-1]
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert "broke inside" not in done.err
    assert all(word in sentence for word in words), sentence
    assert sentence.endswith((".", "`", ")"))


def only(done: Done, code: int, *words: str) -> None:
    """Nothing but the one sentence."""
    refused(done, code, *words)
    assert len(done.err.strip().splitlines()) == 1


# goals


@pytest.mark.parametrize("goal", ["", " \n"])
def test_an_empty_goal_is_refused(tmp_path: Path, goal: str) -> None:
    only(caseworks(tmp_path / "data", "run", goal), 2, "needs a goal")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("pages", [200, 400])
def test_a_goal_of_many_pages_is_refused(data: Path, tmp_path: Path, pages: int) -> None:
    goal = tmp_path / "goal.md"
    goal.write_text("A line of a goal that somebody pasted in from a long document.\n" * 50 * pages)
    refused(caseworks(data, "run", f"@{goal}"), 2, "goal")


def test_a_goal_in_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    only(caseworks(tmp_path, "run", "@/nowhere/goal.md"), 2, "/nowhere/goal.md", "goal")


# inputs


def made(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.pdf"
    match kind:
        case "empty":
            path.touch()
        case "huge":
            with path.open("wb") as file:
                file.truncate(200_000_000)
        case "folder":
            path.mkdir()
        case "link":
            path.mkdir()
            (path / "inside.md").symlink_to("/etc/passwd")
        case "pipe":
            os.mkfifo(path)
        case "encrypted":
            writer = PdfWriter()
            writer.add_blank_page(200, 200)
            writer.encrypt("secret")
            writer.write(path)
        case "binary":
            path = path.with_suffix(".dat")
            path.write_bytes(bytes(range(256)) * 40)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "does not exist"),
        ("empty", "is empty"),
        ("huge", "200 MB"),
        ("folder", "holds no files"),
        ("link", "link out of the folder"),
        ("pipe", "no regular file"),
    ],
)
def test_an_input_that_cannot_be_one_is_refused_before_anything_is_made(tmp_path: Path, kind: str, words: str) -> None:
    only(caseworks(tmp_path / "data", "run", GOAL, "--input", str(made(tmp_path, kind))), 2, words)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("kind", "words"), [("binary", "binary"), ("encrypted", "encrypted")])
def test_a_project_whose_input_cannot_be_read_is_archived_again(
    data: Path, tmp_path: Path, kind: str, words: str
) -> None:
    refused(caseworks(data, "run", GOAL, "--input", str(made(tmp_path, kind)), "--json"), 2, words)
    assert caseworks(data, "projects", "--json").json == {"items": []}


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    only(caseworks(tmp_path / "data", "run", GOAL, "--report", str(tmp_path)), 2, "is a folder")
    assert not (tmp_path / "data").exists()


# words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("projects", "show", "prj_none"), "There is no project prj_none"),
        (("projects", "show", "../../health"), "is not an id"),
        (("tasks", "retry", "tsk_none"), "There is no task tsk_none"),
        (("inbox", "answer", "inb_none", "approve"), "inb_none"),
        (("artifacts", "content", "art_none"), "There is no artifact art_none"),
        (("run", "--continue", "prj_none"), "There is no project prj_none"),
        (("graph", "agent", "agt_none"), "There is no agent agt_none"),
        (
            ("graph", "why", "art_none", "--workspace"),
            "There is no artifact, task, plan, run, project or topic art_none",
        ),
        (("graph", "unchecked", "--workspace", "--agent", "agt_critic"), "Ask one graph"),
        (("graph", "since", "yesterday", "--workspace"), "'yesterday' is no time"),
        (("graph", "tag", "art_none", "x"), "There is no artifact art_none"),
    ],
)
def test_an_unknown_id_is_named(data: Path, words: tuple[str, ...], said: str) -> None:
    refused(caseworks(data, *words), 2, said)


@pytest.mark.parametrize(
    "words",
    [
        ("nothing",),
        ("run", "x", "--nothing"),
        ("run", "x", "--continue", "prj_x"),
        ("up", "--port", "99999"),
        ("tasks", "list", "--state", "lazy"),
        ("config", "model", "gpt"),
    ],
)
def test_wrong_usage_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    only(caseworks(tmp_path / "data", *words), 2)
    assert not (tmp_path / "data").exists()


def test_a_command_that_needs_another_word_shows_what_there_is(tmp_path: Path) -> None:
    done = caseworks(tmp_path, "graph")
    assert done.code == 2
    assert done.err.startswith("Usage: caseworks graph")
    assert "show how" not in done.err


# environment


@pytest.mark.parametrize("place", ["/proc/caseworks", "file/data"])
def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    where = tmp_path / place
    for words in (("projects",), ("run", GOAL)):
        only(caseworks(where, *words), 3, str(where), "--data-dir")


@pytest.fixture
def old(data: Path, tmp_path: Path) -> Path:
    """A data directory that a newer version has been at."""
    assert caseworks(tmp_path, "projects").code == 0
    with sqlite3.connect(tmp_path / "caseworks.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    return tmp_path


def test_a_database_of_a_newer_version_is_refused(old: Path) -> None:
    only(caseworks(old, "projects"), 3, "9999", "newer")
    doctor = caseworks(old, "doctor", "--json")
    assert (doctor.code, doctor.json["items"][0]["level"]) == (3, "failed")
    assert "9999" in doctor.json["items"][0]["detail"]


@pytest.fixture
def owned(tmp_path: Path) -> Iterator[Path]:
    """A data directory that this very process holds, without serving."""
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield tmp_path


def test_a_data_directory_in_use_is_refused(owned: Path) -> None:
    only(caseworks(owned, "projects"), 3, str(owned))
    only(caseworks(owned, "up", "--port", "0"), 3, "in use by another Caseworks process")


def test_a_server_that_does_not_answer_is_named(owned: Path) -> None:
    (owned / "server.json").write_text(json.dumps({"host": "127.0.0.1", "port": 9, "pid": os.getpid()}))
    only(caseworks(owned, "projects"), 3, "http://127.0.0.1:9", "does not answer")


def test_a_port_that_is_taken_is_named(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        only(caseworks(data, "up", "--port", port), 3, port, "--port")
    only(caseworks(data, "up", "--host", "0.0.0.0"), 3, "loopback")


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("caseworks.yaml", "port: [1\n", "line 2"),
        ("caseworks.yaml", "host: 127.0.0.1\nport: many\n", "line 2, port"),
        ("caseworks.yaml", "prot: 80\n", "line 1, prot"),
        ("caseworks.yaml", "redis_url: 'http://:pw@127.0.0.1'\n", "redis_url: it must look like redis://HOST:PORT/0"),
        ("models.yaml", "default: a\nbackends: {a: {kind: openai, base_url: 'http://h/v1'}}\n", "aliases: is missing"),
        ("models.yaml", "\x00", "models.yaml"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, file: str, text: str, words: str) -> None:
    (tmp_path / file).write_text(text)
    only(caseworks(tmp_path, "run", GOAL), 3, str(tmp_path / file), words)


def test_a_broken_variable_is_named(tmp_path: Path) -> None:
    only(caseworks(tmp_path, "projects", CASEWORKS_PORT="many"), 3, "CASEWORKS_PORT")
    only(caseworks(tmp_path, "--log", "loud", "projects"), 2, "--log")
