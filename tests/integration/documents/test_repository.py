"""A git repository as an input: what its last commit holds, and nothing of it is run."""

import os
import subprocess
from pathlib import Path

import pytest

from adapters.documents.repository import is_repository, tracked
from services.ports.documents import UnreadableDocument

MOST = 1_000_000
ME = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@x", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@x"}


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, **ME, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "tool"
    (folder / "src").mkdir(parents=True)
    (folder / "README.md").write_text("# Tool\n")
    (folder / "src" / "größe.py").write_text("print('hello')\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\0\1")
    (folder / "empty.py").write_text("")
    (folder / "secrets").symlink_to("/etc/passwd")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_the_text_files_of_the_commit_are_read_and_nothing_else(repository: Path) -> None:
    (repository / "untracked.md").write_text("not tracked")
    (repository / "README.md").write_text("# Changed, not committed\n")
    found = tracked(repository, MOST)
    assert found.commit == git(repository, "rev-parse", "HEAD")
    assert found.files == (("README.md", b"# Tool\n"), ("src/größe.py", b"print('hello')\n"))
    assert found.left_out == 2


def test_nothing_that_a_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    """Hooks, filters, pagers, external diffs, monitors, aliases, and a remote from which objects are missing."""
    proof, evil = tmp_path / "proof", tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\necho ran >> {proof}\ncat\n")
    evil.chmod(0o755)
    (repository / ".gitattributes").write_text("* filter=evil diff=evil text eol=crlf\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "attributes")
    for setting in (
        *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "diff.external"),
        *("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv", "diff.evil.command"),
        *("remote.origin.uploadpack", "core.alternateRefsCommand", "credential.helper", "pager.ls-tree"),
    ):
        git(repository, "config", setting, str(evil))
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (repository / ".git" / "hooks" / hook).symlink_to(evil)
    found = tracked(repository, MOST)
    assert ("README.md", b"# Tool\n") in found.files

    for name, value in {"url": str(tmp_path / "elsewhere"), "promisor": "true"}.items():
        git(repository, "config", f"remote.origin.{name}", value)
    for name, value in {"extensions.partialClone": "origin", "protocol.file.allow": "always"}.items():
        git(repository, "config", name, value)
    git(repository, "config", "core.repositoryFormatVersion", "1")
    id = subprocess.run(
        ["git", "hash-object", str(repository / "README.md")], capture_output=True, text=True, check=True
    ).stdout.strip()
    (repository / ".git" / "objects" / id[:2] / id[2:]).unlink()
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(UnreadableDocument, match="git fsck"):
        tracked(repository, MOST)
    assert not proof.exists()


def test_a_repository_without_a_commit_or_that_is_none_is_refused(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "new").mkdir()
    assert not is_repository(tmp_path / "new")
    git(tmp_path / "new", "init", "-q")
    assert is_repository(tmp_path / "new") and is_repository(repository)
    with pytest.raises(UnreadableDocument, match="has no commit yet"):
        tracked(tmp_path / "new", MOST)
    inner = repository / "inner"
    (inner / ".git").mkdir(parents=True)
    with pytest.raises(UnreadableDocument, match="cannot be read by git"):
        tracked(inner, MOST)


def test_files_over_the_limit_are_left_out_and_too_many_are_refused(repository: Path) -> None:
    assert [name for name, _ in tracked(repository, 10).files] == ["README.md"]
    for number in range(501):
        (repository / f"{number}.md").write_text(f"text {number}")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "many")
    with pytest.raises(UnreadableDocument, match="more than 500 text files"):
        tracked(repository, MOST)
