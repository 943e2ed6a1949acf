"""The engine in a process of its own: python -m tests.engine_process MODEL CONTEXT PARALLEL

Says its address, serves until its standard input ends, and goes without waiting for what it does."""

import os
import sys
from typing import Any

import xllamacpp

llama: Any = xllamacpp  # compiled, without types


def main(model: str, context: int, parallel: int) -> None:
    asked = llama.CommonParams()
    asked.model.path, asked.model_alias = model, {"tiny"}
    asked.n_ctx, asked.n_parallel = context * parallel, parallel  # the engine divides its context among the calls
    asked.port = 0
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = 1
    asked.endpoint_slots = asked.endpoint_metrics = asked.offline = True
    asked.warmup = asked.ui = False
    asked.verbosity = 0
    server = llama.Server(asked)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
