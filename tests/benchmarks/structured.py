"""The ladder that reads structured replies, beside json.loads and json_repair without and with the schema: shares read
rightly and wrongly on the sample of broken outputs and on generated ones, and time an item.

Right is the value that was meant, or a refusal where nobody could tell; a value that differs is wrong, one that lacks
what stood last in a text without its last brackets is a part, anything else is refused. A reading of the others counts
only if it fits the schema, which is what a careful caller would check.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from json_repair import repair_json
from jsonschema import Draft202012Validator

from services.structured.coercing import same
from services.structured.ladder import read
from tests.benchmarks.measuring import Measurement
from tests.broken_replies import drawn, part_of

SAMPLE = Path(__file__).parents[1] / "data" / "broken_json.jsonl"
GENERATED, ROUNDS = 1_000, 5
COMMAND = ".venv/bench/bin/python -m tests.benchmarks structured"
Reader = Callable[[str, dict[str, Any]], Any]


@dataclass(frozen=True)
class Item:
    """`meant` is None where nobody could tell."""

    raw: str
    schema: dict[str, Any]
    meant: Any


def ladder(raw: str, schema: dict[str, Any]) -> Any:
    return read(raw, schema).value


def plain(raw: str, schema: dict[str, Any]) -> Any:
    return json.loads(raw)


def repair(raw: str, schema: dict[str, Any]) -> Any:
    return repair_json(raw, return_objects=True)


def repair_with_schema(raw: str, schema: dict[str, Any]) -> Any:
    return repair_json(raw, return_objects=True, schema=schema)


READERS: dict[str, Reader] = {
    "json.loads": plain,
    "json_repair": repair,
    "json_repair with schema": repair_with_schema,
}


async def measured() -> Sequence[Measurement]:
    sets = {"sample": sampled(), "generated": generated()}
    return [
        *(compared(what, items, name, reader) for what, items in sets.items() for name, reader in READERS.items()),
        *(timed(what, items) for what, items in sets.items()),
    ]


def sampled() -> list[Item]:
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    meant = [None if row["expected"] == "unrecoverable" else row["expected"] for row in rows]
    return [Item(row["raw"], row["schema_json"], value) for row, value in zip(rows, meant, strict=True)]


def generated() -> list[Item]:
    """From fixed seeds, with one or two things broken."""
    drawings = (drawn(seed, 1 + seed % 2) for seed in range(GENERATED))
    return [Item(raw, schema, meant) for schema, meant, raw, _ in drawings]


def compared(what: str, items: Sequence[Item], name: str, reader: Reader) -> Measurement:
    ours, theirs = tally(items, ladder), tally(items, reader)
    return Measurement(
        what=f"broken replies read rightly, {what}",
        ours=100 * ours[0] / len(items),
        other=100 * theirs[0] / len(items),
        unit="%",
        against=name,
        command=COMMAND,
        note=f"of {len(items)} right/wrong/part/refused: ours {_shown(ours)}, {name} {_shown(theirs)}",
    )


def tally(items: Sequence[Item], reader: Reader) -> tuple[int, int, int, int]:
    """How many were read rightly, wrongly, in part, and refused although they could be read."""
    right = wrong = part = 0
    for item in items:
        value = attempted(item, reader)
        if same(value, item.meant):
            right += 1
        elif value is not None:
            part += part_of(value, item.meant)
            wrong += not part_of(value, item.meant)
    return right, wrong, part, len(items) - right - wrong - part


def attempted(item: Item, reader: Reader) -> Any:
    """What the reader made of it, if it fits; None else."""
    try:
        value = reader(item.raw, item.schema)
    except (ValueError, RecursionError, TypeError):
        return None
    return value if Draft202012Validator(item.schema).is_valid(value) else None


def timed(what: str, items: Sequence[Item]) -> Measurement:
    ours, theirs = (least(items, reader) for reader in (ladder, plain))
    return Measurement(
        what=f"CPU for a broken reply, {what}",
        ours=ours,
        other=theirs,
        unit="ms",
        against="json.loads, failures too",
        command=COMMAND,
        note=f"the least mean of {ROUNDS} rounds over {len(items)}; ours checks the schema, json.loads does not",
    )


def least(items: Sequence[Item], reader: Reader) -> float:
    """Milliseconds an item."""
    means = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for item in items:
            try:
                reader(item.raw, item.schema)
            except ValueError:
                continue
        means.append((time.process_time() - began) / len(items))
    return 1000 * min(means)


def _shown(counts: Sequence[int]) -> str:
    return "/".join(map(str, counts))
