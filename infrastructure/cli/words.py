"""How the command line says things: text without control characters, sums, sizes, times."""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
"""What could move a terminal's cursor, or turn the reading direction around."""

MANAGER = re.compile("agt_0[0-9a-z]{25}")
METHODS = {"rules": "rules only", "model": "a model", "person": "a person"}
MILLION = 1_000_000


def clean(text: str) -> str:
    """`text` that can do nothing to a terminal."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n"))


def line(text: str, length: int = 200) -> str:
    """`text` on one line, cut with `…` where it is longer than `length`."""
    flat = " ".join(clean(text[: length * 4]).split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"


def plain(name: str) -> str:
    """`needs_attention` is needs attention."""
    return name.replace("_", " ")


def agent(id: str) -> str:
    """`agt_code_copilot` is code copilot, a manager the manager, a person you: there is one user."""
    if MANAGER.fullmatch(id) or id == "agt_manager":
        return "the manager"
    if id.startswith("usr_"):
        return "you"
    name = plain(id.removeprefix("agt_"))
    return name if name.replace(" ", "").isalpha() else id


def who(assignee: dict[str, Any]) -> str:
    """Who does a task."""
    return "you" if assignee["kind"] == "person" else agent(assignee["id"])


def standing(task: dict[str, Any]) -> str:
    """Its state, and whether what was done may no longer do."""
    return f"{plain(task['state'])}, out of date" if task["stale"] else plain(task["state"])


def money(millionths: int, currency: str) -> str:
    """`12500` is 0.0125 EUR."""
    amount = f"{Decimal(millionths) / MILLION:,.6f}".rstrip("0")
    whole, _, places = amount.partition(".")
    return f"{whole}.{places.ljust(2, '0')} {currency}".strip()


def millionths(text: str) -> int:
    """An amount such as `0.50`, in millionths. Raises ValueError."""
    try:
        amount = Decimal(text.replace(",", "."))
        value = int(amount * MILLION)
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError(f"{text} is not an amount such as 0.50") from None
    if value < 0:
        raise ValueError(f"{text} is less than nothing")
    return value


def count(number: int, singular: str) -> str:
    return f"{number:,} {singular}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    return f"{number:,} B" if number < 10_000 else f"{number / 1000:,.0f} kB" if number < MILLION * 10 else _mb(number)


def _mb(number: int) -> str:
    return f"{number / MILLION:,.0f} MB"


def when(text: str | None) -> str:
    """A time of the API, to the minute, in the local zone."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M") if text else ""


def verdict(artifact: dict[str, Any]) -> str:
    """What was found of an artifact: `passed, by rules only`, or `not checked`."""
    qa = artifact.get("qa")
    if not qa:
        return "not checked"
    return f"{qa['verdict']}, by {METHODS.get(qa['method'], qa['method'])}"


def _least(shortage: dict[str, Any]) -> str:
    """As `--cap` takes it."""
    return money(shortage["least"], "") if shortage["measure"] == "money" else str(shortage["least"])


def how_to_answer(item: dict[str, Any]) -> str:
    """The command that answers an inbox item."""
    if item["kind"] == "budget":
        return f"caseworks inbox answer {item['id']} raise --cap {_least(item['shortage'])}; or: stop"
    more = " --file PATH" if item["kind"] in ("work", "form") else ""
    return f"caseworks inbox answer {item['id']} {'|'.join(item['answers'])}{more}"
