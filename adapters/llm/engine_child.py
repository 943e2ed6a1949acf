"""llama.cpp in a process of its own, run by its path: `python -I engine_child.py`

Reads one line of JSON from standard input: `path`, `context_tokens` (for each call), `parallel`, `key`, `threads`.
Writes lines of its log, and one of JSON: `{"address": …}` as soon as it serves, or `{"fault": …}`. It goes as soon as
its standard input ends, so with its parent, however that ends; it does not wait for what it does.
"""

import ctypes
import json
import os
import signal
import sys
from typing import Any

PARENT_DIED = 1
"""`PR_SET_PDEATHSIG` of Linux's prctl."""


def main() -> None:
    _go_with_the_parent()
    if not (line := sys.stdin.readline()):
        return
    asked = json.loads(line)
    try:
        import xllamacpp

        serving = _serving(xllamacpp, asked)
    except (ImportError, RuntimeError) as error:
        _say({"fault": str(error)})
        os._exit(1)
    _say({"address": serving.listening_address})
    sys.stdin.read()
    os._exit(0)


def _go_with_the_parent() -> None:
    """While a model is loaded, nothing here can look at standard input; Linux ends this process all the same."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DIED, signal.SIGKILL)


def _serving(llama: Any, asked: dict[str, Any]) -> Any:
    """On loopback, for whoever knows the key."""
    wanted = llama.CommonParams()
    wanted.model.path, wanted.model_alias = asked["path"], {"model"}
    wanted.api_keys = [asked["key"]]
    wanted.hostnames, wanted.port = ["127.0.0.1"], 0
    wanted.n_parallel = asked["parallel"]
    wanted.n_ctx = asked["context_tokens"] * asked["parallel"]  # llama.cpp divides its context among the calls
    wanted.cache_ram_mib = 0  # a cache of prompts beside the model, of 8 GB
    wanted.offline = True
    wanted.warmup = wanted.ui = False
    wanted.verbosity = 1
    if asked["threads"]:
        wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = asked["threads"]
    return llama.Server(wanted)


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
