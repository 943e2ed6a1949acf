"""The server: the program behind uvicorn, on loopback, in this thread (`up`) or beside the caller (other commands)."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn

from config.settings import LOOPBACK, Settings
from infrastructure.program import Program, running
from infrastructure.rest.app import create_app

GRACE_SECONDS = 2


class CannotListen(Exception):
    """One sentence: which address, why not, what to do."""


@dataclass(frozen=True, kw_only=True)
class Served:
    url: str
    token: str
    program: Program


class _Server(uvicorn.Server):
    """Leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(settings: Settings, *, dispatch: bool = True) -> AsyncIterator[tuple[Served, asyncio.Task[None]]]:
    """The server, ready; the task ends when it stops. One without `dispatch` is for the caller alone.

    Raises CannotListen, DataDirectoryError, StoreError, ConfigurationError.
    """
    async with running(settings, dispatch=dispatch) as program:
        listener = _listener(settings)
        port = listener.getsockname()[1]
        app = create_app(settings, program)
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                proxy_headers=bool(settings.proxies),
                forwarded_allow_ips=list(settings.proxies),
                timeout_graceful_shutdown=GRACE_SECONDS,
                timeout_keep_alive=30,
            )
        )
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not task.done():
            await asyncio.sleep(0.01)
        if dispatch:
            program.container.directory().announce(settings.reached_at.strip("[]"), port)
        try:
            yield Served(url=f"http://{settings.reached_at}:{port}", token=program.token, program=program), task
        finally:
            program.container.live().close()
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)


def serve(settings: Settings, ready: Callable[[Served], None]) -> None:
    """Serves until SIGINT or SIGTERM; then lets calls come to a tick and returns, within 10 seconds."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with serving(settings) as (served, task):
            ready(served)
            waiting = asyncio.create_task(stop.wait())
            await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    asyncio.run(main())


@contextmanager
def beside(settings: Settings, *, dispatch: bool, port: int = 0) -> Iterator[Served]:
    """The server in a thread of this process, on loopback and `port` or else any free one, while the context lasts."""
    host = settings.host if settings.is_local else LOOPBACK[0]
    settings = settings.model_copy(update={"host": host, "port": port})
    started: threading.Event = threading.Event()
    stopping = _Stop()
    outcome: dict[str, Served | BaseException] = {}

    async def main() -> None:
        async with serving(settings, dispatch=dispatch) as (served, _):
            stopping.bind(asyncio.get_running_loop())
            outcome["served"] = served
            started.set()
            await stopping.wait()

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            outcome["error"] = error
        finally:
            started.set()

    thread = threading.Thread(target=work, name="server")
    thread.start()
    try:
        started.wait()
        served = outcome.get("served")
        if isinstance(served, Served):
            yield served
    finally:
        stopping.set()
        thread.join()
    error = outcome.get("error")
    if isinstance(error, BaseException):
        raise error


class _Stop:
    """An event that another thread sets, perhaps before there is a loop to wait in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._early = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._loop = loop
            if self._early:
                self._event.set()

    def set(self) -> None:
        with self._lock:
            self._early = True
            if self._loop is not None:
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        await self._event.wait()


def _check_reach(settings: Settings) -> None:
    """Beyond loopback only what a person declared, and only where the commands of this machine are answered too."""
    if settings.is_local:
        return
    if not settings.behind_proxy:
        raise CannotListen(
            f"Caseworks listens on loopback only, not on {settings.host}; put a proxy with TLS before it to reach it "
            "from elsewhere. If a proxy is all that reaches that address, say so with behind_proxy: true."
        )
    if settings.reached_at not in settings.allowed_hosts:
        raise CannotListen(
            f"On {settings.host}, allowed_hosts must hold {settings.reached_at} beside the names that the proxy "
            "answers for: the commands of this machine use it."
        )


def _listener(settings: Settings) -> socket.socket:
    _check_reach(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio sets no TCP_NODELAY
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise CannotListen(
            f"The address {settings.host}:{settings.port} cannot be used ({error.strerror}); "
            "stop what runs there, or choose another with --port."
        ) from None
    return listener
