"""A project watches a folder: through REST and the command line, with the program stopped and started in between."""

import io
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.cli.connection import Connection, Refused
from tests.e2e.programs import program, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inputs"
    (made / "sub").mkdir(parents=True)
    return made


def watching(api: Connection, folder: Path) -> str:
    id: str = api.post("/v1/projects", {"goal": "Brief me"})["id"]
    assert api.get(f"/v1/projects/{id}")["watched_folder"] is None
    found = api.patch(f"/v1/projects/{id}", {"watched_folder": str(folder)})
    assert found["watched_folder"] == str(folder.resolve())
    return id


def sources(api: Connection, project: str) -> dict[str, Any]:
    items = api.all(f"/v1/projects/{project}/artifacts", section="sources")
    return {item["title"]: item for item in items}


def titles(api: Connection, project: str, *wanted: str) -> dict[str, Any]:
    found: dict[str, Any] = until(lambda: sources(api, project), lambda found: set(found) == set(wanted))
    return found


def notes(api: Connection, project: str) -> list[str]:
    export = api.content(f"/v1/projects/{project}/export")
    with zipfile.ZipFile(io.BytesIO(export)) as packed:
        name = next(name for name in packed.namelist() if "events" in name)
        lines = packed.read(name).decode().splitlines()
    events = [json.loads(line) for line in lines if "folder.noted" in line]
    return [event["data"]["sentence"] for event in events]


def test_new_files_become_sources_changed_ones_versions_and_deleted_ones_stay(tmp_path: Path, folder: Path) -> None:
    (folder / "a.md").write_text("# First")
    (folder / "sub" / "b.csv").write_text("n,m\n1,2\n")
    (folder / ".hidden.md").write_text("hidden")
    with program(tmp_path / "data") as api:
        project = watching(api, folder)
        first = titles(api, project, "a.md", "sub/b.csv")
        assert (first["a.md"]["kind"], first["a.md"]["version"]) == ("source", 1)
        (folder / "a.md").write_text("# First, changed")
        later = until(lambda: sources(api, project), lambda found: found["a.md"]["version"] == 2)
        assert later["a.md"]["id"] == first["a.md"]["id"] and later["sub/b.csv"] == first["sub/b.csv"]
        (folder / "a.md").unlink()
        told = until(lambda: notes(api, project), bool)
        assert told == ["a.md is no longer in the folder; its artifact stays as it is."]
        assert sources(api, project) == later


def test_after_a_restart_only_what_is_different_is_taken(tmp_path: Path, folder: Path) -> None:
    for name in ("same.md", "changed.md", "gone.md"):
        (folder / name).write_text(name)
    with program(tmp_path / "data") as api:
        project = watching(api, folder)
        first = titles(api, project, "same.md", "changed.md", "gone.md")
    (folder / "changed.md").write_text("# Changed")
    (folder / "new.md").write_text("# New")
    (folder / "gone.md").unlink()
    os.utime(folder / "same.md")
    with program(tmp_path / "data") as api:
        titles(api, project, "same.md", "changed.md", "gone.md", "new.md")
        found = until(lambda: sources(api, project), lambda found: found["changed.md"]["version"] == 2)
        until(lambda: notes(api, project), bool)
        assert found["same.md"] == first["same.md"] and found["gone.md"] == first["gone.md"]
    with program(tmp_path / "data") as api:
        (folder / "last.md").write_text("# Last")
        titles(api, project, "same.md", "changed.md", "gone.md", "new.md", "last.md")
        assert len(notes(api, project)) == 1


def test_what_cannot_be_read_is_said_and_the_rest_is_taken(tmp_path: Path, folder: Path) -> None:
    (folder / "broken.docx").write_bytes(b"PK\x03\x04 broken")
    (folder / "outside.md").symlink_to("/etc/passwd")
    (folder / "good.md").write_text("# Good")
    with program(tmp_path / "data") as api:
        project = watching(api, folder)
        titles(api, project, "good.md")
        link, broken = until(lambda: sorted(notes(api, project), reverse=True), lambda found: len(found) == 2)
        assert link.startswith("outside.md is a link out of the folder")
        assert broken.startswith("broken.docx was not taken from the folder: The document broken.docx is damaged")
        (folder / "broken.docx").unlink()
        (folder / "broken.docx").write_text("")
        (folder / "better.md").write_text("# Better")
        titles(api, project, "good.md", "better.md")


def test_a_file_is_waited_for_while_it_is_written(tmp_path: Path, folder: Path) -> None:
    with program(tmp_path / "data") as api:
        project = watching(api, folder)
        with (folder / "slow.md").open("w") as slow:
            for number in range(40):
                slow.write(f"Line {number} of many.\n\n")
                slow.flush()
                os.utime(folder / "slow.md", ns=(number, number))
                until(lambda: sources(api, project), lambda found: not found)
                time.sleep(0.1)
        found = titles(api, project, "slow.md")
        assert found["slow.md"]["version"] == 1 and found["slow.md"]["size"] == (folder / "slow.md").stat().st_size


def test_off_takes_nothing_any_more_and_keeps_what_was_taken(tmp_path: Path, folder: Path) -> None:
    (folder / "a.md").write_text("# A")
    with program(tmp_path / "data") as api:
        project, other = watching(api, folder), watching(api, folder)
        titles(api, project, "a.md")
        assert api.patch(f"/v1/projects/{project}", {"watched_folder": None})["watched_folder"] is None
        (folder / "b.md").write_text("# B")
        titles(api, other, "a.md", "b.md")
        assert set(sources(api, project)) == {"a.md"}


def test_a_folder_that_does_not_fit_is_refused(tmp_path: Path, folder: Path) -> None:
    (folder / "file.md").write_text("text")
    with program(tmp_path / "data") as api:
        project = api.post("/v1/projects", {"goal": "Brief me"})["id"]
        bad = ("relative", folder / "none", folder / "file.md", tmp_path / "data", tmp_path / "data/content", tmp_path)
        for path in (*map(str, bad), "/", "/\0", ""):
            with pytest.raises(Refused) as caught:
                api.patch(f"/v1/projects/{project}", {"watched_folder": path})
            assert caught.value.status == 422, path


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "Via"])
def test_a_folder_is_not_set_through_a_proxy(tmp_path: Path, folder: Path, header: str) -> None:
    with program(tmp_path / "data") as api:
        project = api.post("/v1/projects", {"goal": "Brief me"})["id"]
        token = (tmp_path / "data" / "token").read_text().strip()
        answer = httpx.patch(
            f"{api.url}/v1/projects/{project}",
            json={"watched_folder": str(folder)},
            headers={"Authorization": f"Bearer {token}", header: "for=192.0.2.1"},
        )
        assert answer.status_code == 403
