"""Memory of a Mac; with Apple Silicon CPU and GPU share it."""

import re

from adapters.machine.programs import Programs
from services.ports.machine import Gpu, Machine

FREE = ("free", "inactive", "speculative", "purgeable")
"""Pages that vm_stat counts and that programs can have."""


def mac(programs: Programs) -> Machine:
    chip = programs.said("sysctl", "-n", "machdep.cpu.brand_string").strip()
    total = programs.said("sysctl", "-n", "hw.memsize").strip()
    silicon = chip.startswith("Apple")
    return Machine(
        system="macOS",
        name=chip,
        total=int(total) if total.isdigit() else 0,
        available=_available(programs.said("vm_stat")),
        shared=silicon,
        gpus=(Gpu(name="integrated"),) if silicon else (),
    )


def _available(counted: str) -> int | None:
    size = re.search(r"page size of (\d+) bytes", counted)
    pages = dict(re.findall(r"^Pages (\w+):\s+(\d+)\.$", counted, re.MULTILINE))
    if size is None or "free" not in pages:
        return None
    return int(size[1]) * sum(int(pages.get(kind, 0)) for kind in FREE)
