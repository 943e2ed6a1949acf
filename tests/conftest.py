"""The network is blocked outside loopback, for every test, by an audit hook of the interpreter."""

import ipaddress
import sys
from typing import Any

LOCAL = {"localhost", ""}


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _check(str(arguments[1][0]))
    elif event == "socket.getaddrinfo" and isinstance(arguments[0], str):
        _check(arguments[0])


def _check(host: str) -> None:
    if host in LOCAL:
        return
    try:
        local = ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        local = False
    if not local:
        raise RuntimeError(f"A test reached out to {host!r}; only loopback is allowed.")


sys.addaudithook(_loopback_only)
