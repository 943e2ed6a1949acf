"""A git repository on this disk: the text files of its last commit.

`git` reads objects and runs nothing that the repository names: only `ls-tree` and `cat-file` are called, which know no
hooks, filters, pagers or external diffs; the settings of the system and of the user are left out; no transport is
allowed, so that objects which are missing are not fetched; and git itself refuses the repositories of other users.
"""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from adapters.documents.decoding import decode
from services.ports.documents import UnreadableDocument

MOST_FILES = 500
MOST_LISTED = 20_000
MOST_BYTES = 200_000_000
SECONDS = 60
_REGULAR = {"100644", "100755"}
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
}


class Tracked(NamedTuple):
    """`commit` is its whole id, `files` (path, content) of the text files in it, `left_out` the number of others."""

    commit: str
    files: tuple[tuple[str, bytes], ...]
    left_out: int


class _Listed(NamedTuple):
    object: str
    size: int
    path: str


def is_repository(path: Path) -> bool:
    """Whether `path` is the top folder of a repository."""
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def tracked(path: Path, most_bytes: int) -> Tracked:
    """Files of at most `most_bytes`, neither empty nor binary; links and submodules are left out. Raises
    UnreadableDocument."""
    commit = _git(path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
    listed = list(_listed(path, commit))
    if len(listed) > MOST_LISTED:
        raise UnreadableDocument(f"The repository {path} has more than {MOST_LISTED:,} files: choose a folder in it.")
    fit = [entry for entry in listed if 0 < entry.size <= most_bytes]
    if sum(entry.size for entry in fit) > MOST_BYTES:
        raise UnreadableDocument(f"The repository {path} holds more than 200 MB: choose a folder in it.")
    contents = _contents(path, fit)
    files = tuple(
        (entry.path, content) for entry, content in zip(fit, contents, strict=True) if (decode(content) or "").strip()
    )
    if len(files) > MOST_FILES:
        raise UnreadableDocument(f"The repository {path} has more than {MOST_FILES} text files: choose a folder in it.")
    return Tracked(commit, files, len(listed) - len(files))


def _listed(path: Path, commit: str) -> list[_Listed]:
    lines = _git(path, "ls-tree", "-r", "-l", "-z", "--full-tree", commit).split(b"\0")
    found = []
    for line in filter(None, lines):
        about, _, name = line.partition(b"\t")
        mode, _, id, size = about.decode().split()
        if mode in _REGULAR:
            if not size.isdigit():
                raise _incomplete(path)
            found.append(_Listed(id, int(size), name.decode(errors="replace")))
    return found


def _contents(path: Path, entries: list[_Listed]) -> list[bytes]:
    asked = "".join(f"{entry.object}\n" for entry in entries).encode()
    answer = _git(path, "cat-file", "--batch", asked=asked)
    contents, start = [], 0
    for entry in entries:
        begin = answer.find(b"\n", start) + 1
        if answer[start:begin].split() != [entry.object.encode(), b"blob", str(entry.size).encode()]:
            raise _incomplete(path)
        contents.append(answer[begin : begin + entry.size])
        start = begin + entry.size + 1
    return contents


def _git(path: Path, *arguments: str, asked: bytes = b"") -> bytes:
    environment = _ENVIRONMENT | {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CEILING_DIRECTORIES": str(path.resolve().parent),
    }
    command = ["git", "--no-pager", "--no-optional-locks", "-C", str(path), *arguments]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=SECONDS, env=environment)  # noqa: S603
    except FileNotFoundError:
        raise UnreadableDocument(
            f"{path} is a git repository, and there is no git to read it with: install git, or hand over single files."
        ) from None
    except (OSError, subprocess.TimeoutExpired):
        raise UnreadableDocument(f"The repository {path} could not be read in time: hand over single files.") from None
    if done.returncode != 0:
        raise UnreadableDocument(_why(path, done.stderr))
    return done.stdout


def _incomplete(path: Path) -> UnreadableDocument:
    return UnreadableDocument(f"The repository {path} is incomplete or damaged: check it with `git fsck`.")


def _why(path: Path, told: bytes) -> str:
    if b"dubious ownership" in told:
        return f"The repository {path} belongs to another user: make a copy of it that is yours."
    if not told.strip():
        return f"The repository {path} has no commit yet: commit first, or hand over single files."
    return f"The repository {path} cannot be read by git: check it with `git fsck`, or hand over single files."
