"""Inputs that are handed over: over REST, and from a git repository by the command line."""

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from infrastructure.cli.handing_over import hand_over, inputs
from tests.e2e.programs import program
from tests.integration.documents.builders import docx, paragraph
from tests.integration.documents.test_images import PNG, SVG

MOST = 1_000_000


def git(folder: Path, *arguments: str) -> str:
    me = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *me, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_office_documents_and_images_are_given_back_as_they_came(tmp_path: Path) -> None:
    files = {
        "report.docx": (docx(paragraph("The boiler is old.")), ".docx", "wordprocessingml.document"),
        "photo.png": (PNG, ".png", "image/png"),
        "plan.svg": (SVG, ".svg", "image/svg+xml"),
    }
    with program(tmp_path / "data") as api:
        token = (tmp_path / "data" / "token").read_text().strip()
        project = api.post("/v1/projects", {"goal": "Brief me"})["id"]
        for name, (content, suffix, kind) in files.items():
            item = api.post(f"/v1/projects/{project}/artifacts", files={"file": (name, content)}, data={})
            answer = httpx.get(
                f"{api.url}/v1/artifacts/{item['id']}/content", headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.content == content and answer.headers["Content-Type"].endswith(kind)
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{item["id"]}{suffix}"'
            assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_the_sources_of_a_repository_name_its_commit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "tool"
    folder.mkdir()
    for name, text in {"README.md": "# Tool", "main.py": "print(1)", "broken.json": "{"}.items():
        (folder / name).write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    commit = git(folder, "rev-parse", "HEAD")[:12]
    (folder / "README.md").write_text("# Not committed")
    with program(tmp_path / "data") as api:
        project = api.post("/v1/projects", {"goal": "Brief me"})["id"]
        filed = hand_over(api, project, inputs([folder], MOST))
        assert [item["title"] for item in filed] == [f"tool@{commit}/README.md", f"tool@{commit}/main.py"]
        assert api.content(f"/v1/artifacts/{filed[0]['id']}/content") == b"# Tool"
    told = capsys.readouterr().err
    assert f"{folder} as of commit {commit}: 3 text files" in told
    assert f"left out 2/3  tool@{commit}/broken.json: The document broken.json is damaged" in told
