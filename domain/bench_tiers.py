"""Which model suits which tier, by what was measured."""

from collections.abc import Sequence

from domain.bench import Benched, Kind
from domain.routing import Tier

GOOD_ENOUGH = 0.75
NEARLY = 0.9
SMALL_WORK: tuple[Kind, ...] = ("classification", "extraction", "tools", "repair")


def proposed(results: Sequence[Benched]) -> dict[Tier, tuple[str, str]]:
    """For each tier an alias and why; empty where no model passed anything. `large` passes most; `medium` is the
    fastest that passes nearly as much; `small` the fastest that does small work well; `code` is best at code."""
    able = [found for found in results if found.rate() > 0]
    if not able:
        return {}
    best = max(able, key=lambda found: (found.rate(), found.speed or 0))
    near = [found for found in able if found.rate() >= NEARLY * best.rate()]
    light = [found for found in able if found.rate(*SMALL_WORK) >= GOOD_ENOUGH] or [best]
    medium, small = max(near, key=_fast), max(light, key=_fast)
    code = max(able, key=lambda found: (found.rate("code"), found.rate(), found.speed or 0))
    return {
        "small": (small.alias, f"passed {small.rate(*SMALL_WORK):.0%} of the small work, {_pace(small)}"),
        "medium": (medium.alias, f"passed {medium.rate():.0%} of all, {_pace(medium)}"),
        "large": (best.alias, f"passed {best.rate():.0%} of all, which is most"),
        "code": (code.alias, f"passed {code.rate('code'):.0%} of the code"),
    }


def _fast(found: Benched) -> float:
    return found.speed or 0


def _pace(found: Benched) -> str:
    return f"{found.speed:.1f} tokens a second" if found.speed else "of unknown speed"
