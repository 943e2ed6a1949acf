"""When a fan-out goes on, and with what."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from domain.agent_graph.nodes import FanOutNode
from domain.agent_graph.state import Gather, value_at


@dataclass(frozen=True)
class Open:
    """It waits for more parts."""


@dataclass(frozen=True)
class Full:
    output: dict[str, JsonValue]


@dataclass(frozen=True)
class Short:
    """It cannot succeed any more, for a reason."""

    reason: str


def lacking(node: FanOutNode, items: Sequence[JsonValue]) -> str:
    """Why nothing can come of these items, whatever their parts give; empty where something can."""
    if not items and node.join != "all":
        return f"The fan-out {node.id} has nothing to choose from: the list at {node.over} is empty."
    if node.join == "all" and node.least is not None and len(items) < node.least:
        found = f"the list at {node.over} has {len(items)}" if node.over else f"it makes {len(items)} copies"
        return f"The fan-out {node.id} needs at least {node.least} items; {found}."
    return ""


def gathered(node: FanOutNode, gather: Gather) -> Open | Full | Short:
    ended = [result for result in gather.results if result is not None]
    good = [(i, result) for i, result in enumerate(gather.results) if isinstance(result, dict)]
    whole = len(ended) == len(gather.items)
    least = node.least if node.least is not None else len(gather.items)
    items: list[JsonValue] = [result if isinstance(result, dict) else None for result in gather.results]
    output: dict[str, JsonValue] = {"items": items, "count": len(good), "failed": len(ended) - len(good)}
    match node.join:
        case "first" if good:
            return Full({**output, "index": good[0][0], "best": good[0][1]})
        case "majority" if good:
            return _majority(node, gather, good, output, whole=whole)
        case "best" if whole and good:
            return _best(node, good, output)
        case "all" if len(ended) - len(good) > len(gather.items) - least:
            return _short(gather, least)
        case "all" if whole:
            return Full(output)
    return _short(gather, 1) if whole else Open()


def _majority(
    node: FanOutNode,
    gather: Gather,
    good: list[tuple[int, dict[str, JsonValue]]],
    output: dict[str, JsonValue],
    *,
    whole: bool,
) -> Open | Full | Short:
    votes = [value_at(result, node.vote.split(".")) for _, result in good]
    for (index, result), vote in zip(good, votes, strict=True):
        if vote is not None and 2 * votes.count(vote) > len(gather.items):
            return Full({**output, "winner": vote, "votes": votes.count(vote), "index": index, "best": result})
    told = ", ".join(str(vote) for vote in votes) or "none"
    return Short(f"The parts of {node.id} agreed on nothing; their votes: {told}."[:500]) if whole else Open()


def _best(node: FanOutNode, good: list[tuple[int, dict[str, JsonValue]]], output: dict[str, JsonValue]) -> Full | Short:
    scored = [(value_at(result, node.score.split(".")), i, result) for i, result in good]
    numbers = [(score, -i, result) for score, i, result in scored if type(score) in (int, float)]
    ranked = sorted(numbers, key=lambda s: s[:2])
    if not ranked:
        return Short(f"No part of {node.id} gave a number at {node.score}.")
    score, place, result = ranked[-1]
    return Full({**output, "score": score, "index": -place, "best": result})


def _short(gather: Gather, least: int) -> Short:
    reasons = [result for result in gather.results if isinstance(result, str)]
    needed = f"of {len(gather.items)}" if least == len(gather.items) else f"of {len(gather.items)} ({least} needed)"
    return Short(f"{len(reasons)} {needed} parts failed: {reasons[0] if reasons else 'no reason was given'}"[:500])
