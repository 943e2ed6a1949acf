"""The data directory: made private, locked by one process, with the owner's token and the address of its server."""

import fcntl
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs")


class DataDirectoryError(Exception):
    """One sentence: which directory, what is wrong, what to do."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the server that owns the directory answers."""

    host: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class DataDirectory:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "caseworks.db"
        self.content = path / "content"
        self.models = path / "models.yaml"
        self.routing = path / "routing.yaml"
        self.bench = path / "bench.json"
        self.agents = path / "agents"
        self.workflows = path / "workflows"
        self.forms = path / "forms"
        self.replies = path / "replies"
        self._lock = path / "lock"
        self._token = path / "token"
        self._address = path / "server.json"

    def prepare(self) -> None:
        """Raises DataDirectoryError when it cannot be made or written, or lies on a network file system."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.path / f".probe-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise DataDirectoryError(
                f"The data directory {self.path} cannot be written ({error.strerror}); make it writable for this "
                "user, or name another with --data-dir."
            ) from None
        if (kind := _network_file_system(self.path)) is not None:
            raise DataDirectoryError(
                f"The data directory {self.path} lies on a network file system ({kind}), where SQLite loses data; "
                "name a local one with --data-dir."
            )

    @contextmanager
    def owned(self) -> Iterator[None]:
        """The lock, held while the context lasts. Raises DataDirectoryError while another process has it."""
        with self._lock.open("a+") as file:
            if not _locked(file):
                raise DataDirectoryError(
                    f"The data directory {self.path} is in use by another Caseworks process"
                    f"{self._told()}; stop it, or name another with --data-dir."
                )
            try:
                yield
            finally:
                self._address.unlink(missing_ok=True)

    def announce(self, host: str, port: int) -> None:
        draft = self._address.with_suffix(".draft")
        draft.write_text(json.dumps({"host": host, "port": port, "pid": os.getpid()}))
        draft.replace(self._address)

    def server(self) -> Address | None:
        """The server that owns the directory now; None when nobody does, or its owner does not serve."""
        return self._read_address() if self.is_owned() else None

    def is_owned(self) -> bool:
        """Whether a process has the lock."""
        try:
            with self._lock.open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def token(self) -> str:
        """The owner's token; made (256 bits, mode 0600) when there is none."""
        try:
            return self._token.read_text().strip()
        except FileNotFoundError:
            handle = os.open(self._token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
            return self._token.read_text().strip()

    def _read_address(self) -> Address | None:
        try:
            return Address(**json.loads(self._address.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _told(self) -> str:
        address = self._read_address()
        return f" (process {address.pid}, {address.url})" if address is not None else ""


def _locked(file: IO[str]) -> bool:
    """Tried for half a second: others look at the lock for an instant to see whether it is held."""
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def same_token(given: str, known: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(given.encode(), known.encode())


def _network_file_system(path: Path) -> str | None:
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return None
    resolved = path.resolve()
    best, kind = "", ""
    for line in mounts:
        _, point, found, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if len(point) >= len(best) and resolved.is_relative_to(point):
            best, kind = point, found
    return kind if kind in NETWORK else None
