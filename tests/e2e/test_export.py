"""A project as a zip file: all of it, in files that are safe to unpack, and that can be checked."""

import asyncio
import hashlib
import io
import json
import random
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import pytest

from domain.artifact import SECTIONS
from infrastructure.cli.export import Progress
from services.desk import Command
from services.ports.store import StoreFull
from tests.e2e.rest_client import CSV, HTML, MARKDOWN, NOWHERE, Rest, Running, pdf, refused
from tests.e2e.test_cli import Finished, caseworks, started
from tests.tiny_disks import tiny_disk

FILES = {"manual.md": MARKDOWN, "parts.csv": CSV, "notice.html": HTML, "contract.pdf": pdf("It ends in May.")}
FIXED = ["README.txt", "project.json", "plan.json", "tasks.json", "runs.json", "conversation.json", "case-file.json"]
LAST = ["SHA256SUMS", "graph.json", "prov.json", "events.jsonl", "report.html"]


def exported(rest: Rest, project: str) -> ZipFile:
    answer = rest.get(f"/v1/projects/{project}/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{project}.zip"'
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    archive = ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def items(archive: ZipFile, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(archive.read(name))["items"]
    return found


@pytest.fixture(scope="module")
def project(rest: Rest) -> str:
    """Worked on, with a document of each kind and one that has three versions."""
    project = rest.project("Brief me on the lift", name="Lift", instructions="Be brief.")
    for name, content in FILES.items():
        assert rest.upload(project, name, content).status_code == 201
    notes = rest.source(project, "First.", "Notes")
    for text in ("Second.", "Third."):
        assert rest.post(f"/v1/artifacts/{notes}/versions", json={"text": text}).status_code == 201
    rest.ended(rest.run_of(project))
    return project


@pytest.fixture(scope="module")
def archive(rest: Rest, project: str) -> ZipFile:
    return exported(rest, project)


def test_the_archive_holds_all_in_one_order(archive: ZipFile) -> None:
    names = archive.namelist()
    assert [name for name in names if not name.startswith("artifacts/")] == FIXED + LAST
    sections = [name.split("/")[1] for name in names if name.startswith("artifacts/")]
    assert sections == sorted(sections, key=SECTIONS.index) and len(set(sections)) > 3


def test_the_readme_names_every_file(archive: ZipFile) -> None:
    readme = archive.read("README.txt").decode()
    assert readme.startswith("Lift\n")
    for name in {name.split("/")[0] for name in archive.namelist()} - {"README.txt"}:
        assert f"\n{name}" in readme, name


def test_what_is_in_it_reads_like_the_answers_of_rest(rest: Rest, project: str, archive: ZipFile) -> None:
    address = f"/v1/projects/{project}"
    about = json.loads(archive.read("project.json"))
    assert about["members"] == rest.items(f"{address}/members")
    assert {name: about[name] for name in rest.get(address).json()} == rest.get(address).json()
    assert about["usage"] == rest.get(f"{address}/usage").json()
    assert items(archive, "tasks.json") == rest.get(f"{address}/plan").json()["tasks"]
    runs = {run["id"]: run for run in items(archive, "runs.json")}
    assert set(runs) == {run["id"] for run in rest.items(f"{address}/runs")} | {
        task["run_id"] for task in items(archive, "tasks.json")
    } | {run["id"] for run in runs.values() if run["parent_id"] in runs}
    child = next(run for run in runs.values() if run["calls"])
    assert child["calls"] == rest.items(f"/v1/runs/{child['id']}/calls")
    graph = rest.get(f"/v1/graphs/project/{project}").json()
    mine = json.loads(archive.read("graph.json"))
    assert mine["nodes"] == graph["nodes"] and sorted(map(str, mine["edges"])) == sorted(map(str, graph["edges"]))
    assert archive.read("report.html").startswith(b"<!doctype html>")


def test_the_case_file_has_every_version_with_its_lineage_and_who_checked_it(
    rest: Rest, project: str, archive: ZipFile
) -> None:
    found = {item["id"]: item for item in items(archive, "case-file.json")}
    for artifact in rest.items(f"/v1/projects/{project}/artifacts"):
        mine = found.pop(artifact["id"])
        versions = mine.pop("versions")
        assert mine == artifact
        assert [version["number"] for version in versions] == list(range(1, artifact["version"] + 1))
        assert versions[-1]["derived_from"] == artifact["derived_from"]
        assert (artifact["qa"] in versions[-1]["qa"]) if artifact["qa"] else versions[-1]["qa"] == []
        assert all({"label", "artifact_id", "digest"} <= set(c) for c in versions[-1]["citations"])
    assert not found


def test_every_content_is_there_and_its_digest_can_be_checked(archive: ZipFile, tmp_path: Path) -> None:
    archive.extractall(tmp_path)
    versions = [version for item in items(archive, "case-file.json") for version in item["versions"]]
    files = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "artifacts").rglob("*") if path.is_file()}
    assert {version["file"] for version in versions} == files
    for version in versions:
        content = (tmp_path / version["file"]).read_bytes()
        assert version["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    sums = [line.split("  ", 1) for line in (tmp_path / "SHA256SUMS").read_text().splitlines()]
    assert {name: f"sha256:{digest}" for digest, name in sums} == {v["file"]: v["digest"] for v in versions}
    handed = {item["title"]: item["versions"][-1]["file"] for item in items(archive, "case-file.json")}
    assert {name: (tmp_path / handed[name]).read_bytes() for name in FILES} == FILES
    assert [Path(handed[name]).suffix for name in FILES] == [".md", ".csv", ".html", ".pdf"]


def test_older_versions_are_told_by_their_numbers(archive: ZipFile) -> None:
    notes = next(item for item in items(archive, "case-file.json") if item["title"] == "Notes")
    stem = f"artifacts/sources/notes-{notes['id']}"
    files = [version["file"] for version in notes["versions"]]
    assert files == [f"{stem}.v1.md", f"{stem}.v2.md", f"{stem}.md"]
    assert [archive.read(file) for file in files] == [b"First.", b"Second.", b"Third."]


def test_everything_that_happened_is_there_from_the_first_event(archive: ZipFile) -> None:
    events = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "project.created" and events[-1]["type"] == "run.ended"


def test_no_prompt_or_reply_of_a_model_is_in_the_runs(archive: ZipFile) -> None:
    runs = archive.read("runs.json").decode()
    assert "400 kg" not in runs and "Be brief" not in runs
    names = {name for run in items(archive, "runs.json") for value in (run, *run["calls"]) for name in value}
    assert not names & {"inputs", "request", "reply", "prompt", "workspace_id"}


def test_prov_is_that_of_the_graph(rest: Rest, project: str, archive: ZipFile) -> None:
    answer = rest.get(f"/v1/graphs/project/{project}", params={"format": "prov"})
    mine = json.loads(archive.read("prov.json"))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["entity"].keys() == mine["entity"].keys() and answer.json()["agent"] == mine["agent"]
    assert len(answer.json()["wasDerivedFrom"]) == len(mine["wasDerivedFrom"]) > 0


def test_the_same_project_gives_the_same_archive_again(rest: Rest, project: str, archive: ZipFile) -> None:
    again = exported(rest, project)
    assert again.namelist() == archive.namelist()
    for name in set(archive.namelist()) - {"README.txt", "report.html"}:
        assert again.read(name) == archive.read(name), name


def test_titles_lead_to_no_other_place_and_to_no_other_file(rest: Rest, tmp_path: Path) -> None:
    project = rest.project()
    titles = ["../../etc/passwd", "/root", "C:\\CON", "same", "SAME", "Same", "…", "x" * 300, "電" * 300, "a\u202eb"]
    for title in titles:
        rest.source(project, f"About {title}.", title)
    archive = exported(rest, project)
    names = [name for name in archive.namelist() if name.startswith("artifacts/sources/")]
    assert len({name.casefold() for name in names}) == len(titles)
    archive.extractall(tmp_path)
    here = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert here == set(archive.namelist())


def test_every_version_of_the_plan_is_kept_as_it_was(rest: Rest, running: Running) -> None:
    project = rest.project("Brief me on the lift", approve_plan=True)
    rest.source(project)
    rest.run_of(project)
    rest.until("/v1/inbox", lambda inbox: any(item["project_id"] == project for item in inbox["items"]))
    task = rest.get(f"/v1/projects/{project}/plan").json()["tasks"][0]
    me = {"kind": "person", "id": running.program.principal.id}
    assert rest.patch(f"/v1/tasks/{task['id']}", json={"assignee": me}).status_code == 200
    plans = items(exported(rest, project), "plan.json")
    assert [plan["number"] for plan in plans] == [1, 2]
    assert [plan["tasks"][0]["assignee"] for plan in plans] == [task["assignee"], me]
    assert "state" not in plans[0]["tasks"][0]


def test_a_project_on_which_nothing_was_done_and_an_archived_one_are_exported_too(rest: Rest) -> None:
    project = rest.project()
    assert rest.delete(f"/v1/projects/{project}").status_code == 200
    archive = exported(rest, project)
    assert json.loads(archive.read("project.json"))["state"] == "archived"
    assert items(archive, "plan.json") == items(archive, "tasks.json") == items(archive, "runs.json") == []


def test_an_unknown_project_is_not_exported(rest: Rest) -> None:
    refused(rest.get(f"/v1/projects/{NOWHERE}/export"), 404)


def test_an_export_leaves_nothing_in_the_data_directory(rest: Rest, running: Running, project: str) -> None:
    folder = running.program.settings.data_dir
    before = {path.name for path in folder.iterdir()}
    exported(rest, project)
    with rest.stream("GET", f"/v1/projects/{project}/export"):
        pass  # gone before it was read
    assert {path.name for path in folder.iterdir()} == before


def test_lost_content_is_a_problem_and_no_archive_that_looks_whole(rest: Rest, running: Running) -> None:
    project = rest.project()
    artifact = rest.source(project, "This text is going to be lost.")
    digest = rest.get(f"/v1/artifacts/{artifact}").json()["digest"].removeprefix("sha256:")
    (stored,) = [path for path in running.program.settings.data_dir.rglob("*") if digest[4:] in path.name]
    stored.unlink()
    assert refused(rest.get(f"/v1/projects/{project}/export"), 500)["title"] == "Content missing"


def test_a_full_disk_is_said_in_a_sentence(rest: Rest, running: Running, tmp_path: Path) -> None:
    project = rest.project()
    rest.source(project, random.Random(1).randbytes(100_000).hex())
    command = Command(principal=running.program.principal)
    with tiny_disk(tmp_path / "disk", "32k") as disk, disk.joinpath("export").open("w+b", buffering=0) as file:
        into: IO[bytes] = file
        with pytest.raises(StoreFull, match="The disk is full"):
            asyncio.run(running.program.container.exports().write(command, project, into))


# the command line


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "manual.md").write_bytes(MARKDOWN)
    done = caseworks(folder / "data", "run", "Brief me on the lift", "-i", str(folder / "manual.md"), "--json")
    assert done.code == 0
    return Finished(data=folder / "data", done=done)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    yield


@contextmanager
def served(data: Path) -> Iterator[None]:
    with started(data, "up", "--port", "0") as server:
        assert server.stdout is not None and server.stdout.readline().startswith("Caseworks is ready")
        yield


@pytest.mark.parametrize("way", [alone, served])
def test_the_command_writes_the_archive_alone_and_through_a_server(
    finished: Finished, tmp_path: Path, way: Any
) -> None:
    target = tmp_path / "lift.zip"
    with way(finished.data):
        done = caseworks(finished.data, "export", finished.project, "--output", str(target))
    assert done.code == 0
    assert f"The project {finished.project} is in {target}" in done.out
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert ZipFile(target).testzip() is None and set(FIXED + LAST) < set(ZipFile(target).namelist())
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_is_replaced_only_when_that_is_asked_for(finished: Finished, tmp_path: Path) -> None:
    target = tmp_path / "lift.zip"
    target.write_text("dear")
    export = ["export", finished.project, "-o", str(target)]
    refusal = caseworks(finished.data, *export)
    assert (refusal.code, refusal.out) == (2, "")
    assert refusal.err == f"{target} is there already; name another file, or replace it with --force.\n"
    assert target.read_text() == "dear"
    done = caseworks(finished.data, *export, "--force", "--json")
    assert done.json == {"project_id": finished.project, "path": str(target), "size": target.stat().st_size}


@pytest.mark.parametrize(
    ("project", "target", "said"),
    [
        ("prj_none", "x.zip", "There is no project prj_none"),
        ("../health", "x.zip", "is not an id"),
        ("prj_none", "nowhere/x.zip", "lies in a folder that does not exist"),
        ("prj_none", ".", "is a folder"),
    ],
)
def test_what_cannot_be_exported_is_said_and_leaves_no_file(
    finished: Finished, tmp_path: Path, project: str, target: str, said: str
) -> None:
    done = caseworks(finished.data, "export", project, "-o", str(tmp_path / target))
    assert done.code == 2 and said in done.err and len(done.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_must_be_named(finished: Finished) -> None:
    assert caseworks(finished.data, "export", finished.project).code == 2


def test_what_takes_long_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Progress()
    with quiet.shown():
        quiet.at(1, 2)
    assert capsys.readouterr().err == ""
    eager = Progress(seconds=0)
    eager.at(5_000_000, 40_000_000)
    assert capsys.readouterr().err == "  5,000 kB of 40 MB\n"


def test_a_graph_is_written_for_other_programs(finished: Finished) -> None:
    import networkx as nx

    written = caseworks(finished.data, "graph", "project", "--format", "graphml").out
    assert written.startswith("<?xml") and len(nx.read_graphml(io.BytesIO(written.encode()))) > 5
    assert "wasDerivedFrom" in caseworks(finished.data, "graph", "project", "--format", "prov").json
    assert caseworks(finished.data, "graph", "agent", "agt_critic", "--format", "prov").json["agent"]["cw:agt_critic"]
