"""A real inference engine, llama.cpp's server, with a model of random weights: real tokens, grammar, slots and limits.

    with engine(tmp_path) as server:
        server.openai_url        # its OpenAI-like address; the model's name there is `tiny`
        server.busy()            # how many calls it works on

It goes when the test process goes, however that ends."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.tiny_models import write_tiny_model


@dataclass(frozen=True)
class Engine:
    base_url: str

    @property
    def openai_url(self) -> str:
        return self.base_url + "/v1"

    def busy(self) -> int:
        return sum(bool(slot["is_processing"]) for slot in json.loads(self._told("/slots")))

    def comes_to(self, busy: int, seconds: float = 20.0) -> bool:
        """True as soon as it works on `busy` calls, False when it does not in that time."""
        until = time.monotonic() + seconds
        while self.busy() != busy and time.monotonic() < until:
            time.sleep(0.01)
        return self.busy() == busy

    def written(self) -> int:
        """Tokens of all replies so far, those that were broken off included."""
        counted = re.search(r"^llamacpp:tokens_predicted_total (\d+)$", self._told("/metrics"), re.MULTILINE)
        assert counted is not None
        return int(counted[1])

    def _told(self, path: str) -> str:
        with urlopen(self.base_url + path, timeout=10) as response:
            return str(response.read(), "utf-8")


@contextmanager
def engine(folder: Path, context: int = 8_192, parallel: int = 2) -> Iterator[Engine]:
    """`context` tokens, which are bytes here, for each of `parallel` calls. The model is written into `folder` once."""
    model = folder / "tiny.gguf"
    if not model.exists():
        write_tiny_model(model)
    asked = [sys.executable, "-m", "tests.engine_process", str(model), str(context), str(parallel)]
    with (folder / "engine.log").open("ab") as log:
        process = subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http"), (folder / "engine.log").read_text()[-2_000:]
        yield Engine(address)
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        process.stdout.close()
