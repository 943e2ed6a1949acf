"""What machine this is: Linux (Jetson boards too) and macOS."""

import platform
import shutil
from dataclasses import replace
from pathlib import Path

from adapters.machine.linux import linux
from adapters.machine.mac import mac
from adapters.machine.programs import Programs
from services.ports.machine import Audit, Machine


class SystemAudit(Audit):
    """`root` is where the system's files are looked for."""

    def __init__(self, root: Path = Path("/"), programs: Programs | None = None, system: str | None = None) -> None:
        self._root, self._programs = root, programs or Programs()
        self._system = system or platform.system()

    def machine(self, directory: Path) -> Machine:
        match self._system:
            case "Linux":
                found = linux(self._root, self._programs)
            case "Darwin":
                found = mac(self._programs)
            case other:
                found = Machine(system=other, total=0)
        return replace(found, disk_free=_free(directory))


def _free(directory: Path) -> int | None:
    for folder in (directory, *directory.parents):
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None
