"""What `caseworks models bench` found, filed in the data directory: the newest results of each alias last."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from domain.bench import Benched
from infrastructure.data_directory import DataDirectory

RESULTS = TypeAdapter(dict[str, tuple[Benched, ...]])
KEPT = 10


class BenchResults:
    def __init__(self, directory: DataDirectory) -> None:
        self._path = directory.bench

    @property
    def path(self) -> Path:
        return self._path

    def last(self, alias: str, model: str) -> Benched | None:
        """The newest of that alias with that model."""
        found = [result for result in self._all().get(alias, ()) if result.model == model]
        return found[-1] if found else None

    def file(self, result: Benched) -> None:
        all = self._all()
        kept = (*all.get(result.alias, ()), result)[-KEPT:]
        written = RESULTS.dump_python({**all, result.alias: kept}, mode="json")
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(written, indent=1, ensure_ascii=False), encoding="utf-8")
        draft.replace(self._path)

    def _all(self) -> dict[str, tuple[Benched, ...]]:
        """Empty where there is no file, and where it is none of ours: it can be measured again."""
        try:
            return RESULTS.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return {}
