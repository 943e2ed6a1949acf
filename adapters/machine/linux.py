"""Memory from /proc and cgroups, GPUs from nvidia-smi, Jetson boards from the files that NVIDIA puts there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from adapters.machine.programs import Programs
from services.ports.machine import Gpu, Machine

LONGEST = 1_000_000
JETPACK = {"32": "4", "34": "5", "35": "5", "36": "6", "38": "7"}
"""JetPack by the main number of L4T, https://developer.nvidia.com/embedded/jetpack-archive."""

ASKED = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits")


def linux(root: Path, programs: Programs) -> Machine:
    memory = dict(re.findall(r"^(\w+):\s+(\d+) kB$", _text(root / "proc/meminfo"), re.MULTILINE))
    release = _text(root / "etc/nv_tegra_release")
    board = _text(root / "proc/device-tree/model").strip("\0 \n")
    jetson = bool(release) or "Jetson" in board
    gpus = () if jetson else _gpus(programs.said(*ASKED))
    total = int(memory.get("MemTotal", 0)) * 1024
    return Machine(
        system="Linux",
        name=board if jetson else "",
        total=total,
        available=int(memory["MemAvailable"]) * 1024 if "MemAvailable" in memory else None,
        limit=min((limit for limit in _limits(root) if limit < total), default=None),
        shared=jetson or bool(gpus and all(gpu.total is None for gpu in gpus)),
        gpus=(Gpu(name="integrated"),) if jetson else gpus,
        jetpack=_jetpack(release),
        cuda=_cuda(root, programs) if jetson or gpus else "",
    )


def _limits(root: Path) -> Iterator[int]:
    """Of the group of this process and of those above it, versions 1 and 2."""
    groups = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines() or ["0::/"]:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            base, name = groups, "memory.max"
        elif "memory" in controllers.split(","):
            base, name = groups / "memory", "memory.limit_in_bytes"
        else:
            continue
        folder = base / path.strip("/")
        for each in (folder, *folder.parents):
            if not each.is_relative_to(base):
                break
            if (written := _text(each / name).strip()).isdigit():
                yield int(written)


def _gpus(listed: str) -> tuple[Gpu, ...]:
    """GPUs that share the machine's memory say [N/A]."""
    rows = [[cell.strip() for cell in line.rsplit(",", 2)] for line in listed.splitlines()]
    return tuple(Gpu(name=row[0], total=_mib(row[1]), free=_mib(row[2])) for row in rows if len(row) == 3)


def _mib(written: str) -> int | None:
    return int(written) * 2**20 if written.isdigit() else None


def _jetpack(release: str) -> str:
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", release)
    if found is None:
        return ""
    known = JETPACK.get(found[1])
    return f"{known} (L4T {found[1]}.{found[2]})" if known else f"L4T {found[1]}.{found[2]}"


def _cuda(root: Path, programs: Programs) -> str:
    """The version that is installed, else the one that the driver is for."""
    try:
        return str(json.loads(_text(root / "usr/local/cuda/version.json"))["cuda"]["version"])[:20]
    except (ValueError, KeyError, TypeError):
        found = re.search(r"CUDA Version:\s*([\d.]+)", programs.said("nvidia-smi"))
        return found[1] if found else ""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST).decode("utf-8", "replace")
    except OSError:
        return ""
