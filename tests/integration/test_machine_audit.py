"""What is found out of a machine: from files as they lie on real ones, from programs, and from servers on loopback."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from adapters.llm.servers import LoopbackServers, is_loopback
from adapters.machine.audit import SystemAudit
from adapters.machine.programs import Programs
from config.model_list import open_models
from services.model_advice import GIB, ModelAdvice
from services.ports.machine import Gpu, Machine
from tests.model_servers import model_server

MEMINFO = "MemTotal:       16384000 kB\nMemFree:         1000000 kB\nMemAvailable:    9216000 kB\n"
RELEASE = "# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64\n"
ORIN = "NVIDIA Jetson AGX Orin Developer Kit\0"
QUERY = "NVIDIA GeForce RTX 3050, 4096, 3500\nNVIDIA A2, with a comma, 16384, 16000\n"
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            400000.
Pages inactive:                          300000.
Pages speculative:                         5000.
Pages purgeable:                           1000.
"""


def rooted(folder: Path, files: Mapping[str, str]) -> Path:
    for name, content in {"proc/meminfo": MEMINFO, **files}.items():
        path = folder / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder / "root"


def programs(folder: Path, wait: float = 10.0, /, **scripts: str) -> Programs:
    """Programs of those names, and no others."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    for name, script in scripts.items():
        path = place / name.replace("nvidia_", "nvidia-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return Programs(str(place), wait)


def found(folder: Path, files: Mapping[str, str] | None = None, *, system: str = "Linux", **scripts: str) -> Machine:
    audit = SystemAudit(rooted(folder, files or {}), programs(folder, 10.0, **scripts), system)
    return audit.machine(folder / "data" / "not" / "there")


def test_a_plain_linux_machine_has_its_memory_and_nothing_else(tmp_path: Path) -> None:
    machine = found(tmp_path)
    assert (machine.total, machine.available) == (16_384_000 * 1024, 9_216_000 * 1024)
    assert not machine.shared and machine.gpus == () and machine.limit is None and machine.cuda == ""
    assert machine.disk_free is not None and machine.disk_free > 0


def test_cards_are_what_nvidia_smi_says(tmp_path: Path) -> None:
    smi = f"case $1 in --query*) printf '{QUERY}';; *) echo '| CUDA Version: 12.4 |';; esac"
    machine = found(tmp_path, nvidia_smi=smi)
    assert machine.gpus == (
        Gpu(name="NVIDIA GeForce RTX 3050", total=4096 * 2**20, free=3500 * 2**20),
        Gpu(name="NVIDIA A2, with a comma", total=16384 * 2**20, free=16000 * 2**20),
    )
    assert machine.cuda == "12.4" and not machine.shared


def test_a_gpu_without_memory_of_its_own_shares_the_machines(tmp_path: Path) -> None:
    machine = found(tmp_path, nvidia_smi="echo 'NVIDIA GB10, [N/A], [N/A]'")
    assert machine.shared and machine.gpus == (Gpu(name="NVIDIA GB10"),)


@pytest.mark.parametrize("script", ["exit 9", "echo NVIDIA-SMI has failed; exit 1", "sleep 30", "printf '\\377\\376'"])
def test_an_nvidia_smi_that_fails_or_hangs_is_no_gpu(tmp_path: Path, script: str) -> None:
    asked = programs(tmp_path, 0.5, nvidia_smi=f"PATH=/usr/bin:/bin; {script}")
    assert SystemAudit(rooted(tmp_path, {}), asked, "Linux").machine(tmp_path).gpus == ()


def test_a_jetson_shares_its_memory_and_tells_its_jetpack(tmp_path: Path) -> None:
    files = {
        "proc/device-tree/model": ORIN,
        "etc/nv_tegra_release": RELEASE,
        "usr/local/cuda/version.json": json.dumps({"cuda": {"name": "CUDA SDK", "version": "12.6.68"}}),
    }
    machine = found(tmp_path, files, nvidia_smi="echo 'Orin (nvgpu), [N/A], [N/A]'")
    assert machine.name == "NVIDIA Jetson AGX Orin Developer Kit"
    assert (machine.shared, machine.jetpack, machine.cuda) == (True, "6 (L4T 36.4.0)", "12.6.68")


def test_a_jetson_in_a_container_is_known_by_its_board(tmp_path: Path) -> None:
    machine = found(tmp_path, {"proc/device-tree/model": ORIN, "usr/local/cuda/version.json": "[]"})
    assert machine.shared and machine.jetpack == "" and machine.cuda == ""


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"sys/fs/cgroup/memory.max": "4294967296\n"}, 4 * GIB),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "2147483648\n"}, 2 * GIB),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/memory.max": "2147483648\n",
                "sys/fs/cgroup/a/b/memory.max": "max\n",
            },
            2 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu:/c\n4:memory:/c\n",
                "sys/fs/cgroup/memory/c/memory.limit_in_bytes": "1073741824\n",
            },
            GIB,
        ),
        (
            {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "proc/self/cgroup": "4:memory:/\n"},
            None,
        ),
        ({"sys/fs/cgroup/memory.max": "max\n"}, None),
    ],
)
def test_the_limit_is_the_lowest_of_the_groups_above(tmp_path: Path, files: dict[str, str], limit: int | None) -> None:
    assert found(tmp_path, files).limit == limit


def test_a_mac_with_its_own_chip_shares_its_memory(tmp_path: Path) -> None:
    sysctl = "case $2 in hw.memsize) echo 17179869184;; *) echo Apple M2;; esac"
    machine = found(tmp_path, system="Darwin", sysctl=sysctl, vm_stat=f"printf '%s' '{VM_STAT}'")
    assert (machine.system, machine.name, machine.total, machine.shared) == ("macOS", "Apple M2", 16 * GIB, True)
    assert machine.available == 316_000 * 16_384
    intel = found(tmp_path, system="Darwin", sysctl="case $2 in hw.memsize) echo 8589934592;; *) echo Intel;; esac")
    assert not intel.shared and intel.gpus == ()


def test_nothing_that_is_missing_raises(tmp_path: Path) -> None:
    empty = programs(tmp_path)
    for system in ("Linux", "Darwin", "Plan9"):
        machine = SystemAudit(tmp_path / "nowhere", empty, system).machine(tmp_path)
        assert machine.total == 0 and machine.gpus == ()


# servers


@contextmanager
def answering(answers: Mapping[str, Any]) -> Iterator[str]:
    """A server that answers these paths, and its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            found = self.path in answers
            body = json.dumps(answers[self.path]).encode() if found else b"no"
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = False
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


async def test_an_ollama_tells_its_models_and_what_they_take() -> None:
    tiny = {
        "name": "qwen3:1.7b",
        "size": 1_400_000_000,
        "running": {"size": 2_000_000_000},
        "model_info": {
            "general.architecture": "qwen3",
            "qwen3.block_count": 28,
            "qwen3.context_length": 40_960,
            "qwen3.embedding_length": 2_048,
            "qwen3.attention.head_count": 16,
            "qwen3.attention.head_count_kv": 8,
            "qwen3.attention.key_length": 128,
            "qwen3.attention.value_length": 128,
        },
    }
    with model_server(models=(tiny, "strange")) as server:
        (ollama,) = await LoopbackServers({"ollama": server.base_url}).answering()
    assert (ollama.kind, ollama.version, ollama.evicts, ollama.loaded) == ("ollama", "0.33.0", True, 2_000_000_000)
    assert [model.name for model in ollama.models] == ["qwen3:1.7b", "strange"]
    shape = ollama.models[0].shape
    assert shape is not None and shape.file_bytes == 1_400_000_000 and shape.layers[0].count == 28
    assert ollama.models[1].shape is None


async def test_each_kind_is_known_by_what_only_it_answers() -> None:
    listing = {"object": "list", "data": [{"id": "big"}, {"id": 7}, "odd"]}
    triton = {"/v2/health/ready": "", "/v2": {"name": "triton", "version": "2.50.0"}}
    with (
        answering(triton) as one,
        answering({"/v1/models": listing}) as two,
        answering({"/health/liveliness": "I'm alive!"}) as three,
    ):
        addresses = {"triton": one, "vllm": two, "lm_studio": two, "litellm": three, "llama.cpp": one}
        servers = {server.kind: server for server in await LoopbackServers(addresses).answering()}
    assert set(servers) == {"triton", "vllm", "lm_studio", "litellm"}
    assert servers["triton"].version == "2.50.0" and servers["vllm"].address == f"{two}/v1"
    assert [model.name for model in servers["vllm"].models] == ["big"]


@pytest.mark.parametrize("answer", [[], "x", None, 7, {"data": "x"}, {"version": 3}, {"name": "triton"}, {"data": {}}])
async def test_a_server_of_another_kind_is_not_taken_for_one(answer: Any) -> None:
    paths = ("/api/version", "/api/tags", "/v2", "/v1/models", "/health/liveliness")
    with answering(dict.fromkeys(paths, answer)) as url:
        kinds = ("ollama", "triton", "vllm", "litellm", "llama.cpp", "lm_studio")
        assert await LoopbackServers(dict.fromkeys(kinds, url)).answering() == ()


async def test_nothing_beyond_loopback_is_asked() -> None:
    outside = ["http://192.0.2.1:11434", "http://models.example:80", "http://[2001:db8::1]:1", "nonsense"]
    assert not any(map(is_loopback, outside))
    assert all(map(is_loopback, ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]))
    for url in outside:  # the suite's guard raises where one is asked
        assert await LoopbackServers({"ollama": url}).answering() == ()


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({}) as proxy, model_server() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        assert await LoopbackServers({"ollama": server.base_url}).answering()


# advice


async def test_advice_reckons_with_what_the_server_says_of_a_model_that_is_there(tmp_path: Path) -> None:
    name = "qwen3:1.7b"
    heavy = {
        "name": name,
        "size": 3_000_000_000,
        "model_info": {
            "general.architecture": "qwen3",
            "qwen3.block_count": 28,
            "qwen3.context_length": 40_960,
            "qwen3.embedding_length": 2_048,
            "qwen3.attention.head_count": 16,
        },
    }
    audit = SystemAudit(rooted(tmp_path, {}), programs(tmp_path), "Linux")
    with model_server(models=(heavy,)) as server:
        advice = await ModelAdvice(audit, LoopbackServers({"ollama": server.base_url}), open_models()).given(tmp_path)
    small = advice.suggestion.of("small")
    assert small is not None and small.model.name == name and small.model.shape.file_bytes == 3_000_000_000
    assert name in advice.there and name not in [model.name for model in advice.to_pull]


async def test_memory_that_is_said_goes_before_what_is_found(tmp_path: Path) -> None:
    audit = SystemAudit(rooted(tmp_path, {}), programs(tmp_path), "Linux")
    advice = await ModelAdvice(audit, LoopbackServers({}), open_models()).given(tmp_path, 24 * GIB)
    assert advice.budget.planned == 24 * GIB * 85 // 100
    assert advice.asked and advice.servers == ()
