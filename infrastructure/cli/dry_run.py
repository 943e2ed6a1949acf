"""`caseworks run --dry-run`: what the work would use, before anything is spent."""

from typing import TYPE_CHECKING, Any

from infrastructure.cli import words
from infrastructure.cli.output import document, say, table, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.settings import Settings
    from domain.estimate import Figures, Part, Span
    from infrastructure.cli.handing_over import Input
    from infrastructure.dry_run import DryRun

FIELDS = ("calls", "input_tokens", "output_tokens", "money", "seconds")
ABOUT = (
    "From everything done well at the first try to every task revised as often as it may be and planned again. A reply "
    "that cannot be used or was cut off is asked for again on top; a model may plan other tasks than this rehearsal."
)


def show(settings: "Settings", body: dict[str, Any], files: "Sequence[Input]", *, json: bool) -> None:
    """Raises what `infrastructure.dry_run` does."""
    from domain.budget import Budget
    from infrastructure.dry_run import dry_run
    from services.projects import NewProject

    new = NewProject(**{**body, "budget": Budget(**body["budget"]), "approve_plan": True})
    found = dry_run(settings, new, files)
    if json:
        document(_document(found))
    else:
        _told(found, new.budget)


def _told(found: "DryRun", budget: Any) -> None:
    total, currency = found.estimate.total, found.currency
    say("Nothing was asked of a model, nothing was kept.")
    say(f"{words.line(found.plan.origin)} Estimated for {found.model}.\n")
    rows = [_row(part.title, part.figures, currency, part) for part in found.estimate.parts]
    columns = ("task", "who", "way", "calls", "tokens in", "tokens out", "seconds", "money")
    table(columns, [*rows, _row("All", total, currency)], "")
    say(f"\n{ABOUT}")
    if total.untimed:
        say(f"Times are not known for {', '.join(sorted(total.untimed))}: `caseworks models bench` measures them.")
    for line in found.estimate.unknown:
        tell(line)
    for name, used in _used(total).items():
        cap = getattr(budget, name)
        if cap is not None and used.high > cap:
            tell(f"The budget of {name}, {_shown(name, cap, currency)}, may not be enough.")


def _used(total: "Figures") -> "dict[str, Span]":
    return {
        "calls": total.calls,
        "tokens": total.input_tokens + total.output_tokens,
        "seconds": total.seconds,
        "money": total.money,
    }


def _row(title: str, figures: "Figures", currency: str, part: "Part | None" = None) -> tuple[object, ...]:
    return (
        words.line(title, 60),
        words.agent(part.who) if part is not None and part.who else "",
        words.plain(part.way) if part is not None else "",
        _range(figures.calls, "calls", currency),
        _range(figures.input_tokens, "tokens", currency),
        _range(figures.output_tokens, "tokens", currency),
        "not known" if figures.untimed else _range(figures.seconds, "seconds", currency),
        _range(figures.money, "money", currency) if figures.money.high else "",
    )


def _range(span: "Span", name: str, currency: str) -> str:
    low, high = _shown(name, span.low, currency), _shown(name, span.high, currency)
    return low if low == high else f"{low.removesuffix(currency).strip()} to {high}"


def _shown(name: str, amount: int, currency: str) -> str:
    return words.money(amount, currency) if name == "money" else f"{amount:,}"


def _document(found: "DryRun") -> dict[str, Any]:
    return {
        "dry_run": True,
        "model": found.model,
        "currency": found.currency,
        "origin": found.plan.origin,
        "template": found.plan.template,
        "total": _figures(found.estimate.total),
        "parts": [
            {
                "title": part.title,
                "task_id": part.task_id or None,
                "assignee": part.who or None,
                "way": part.way or None,
            }
            | _figures(part.figures)
            for part in found.estimate.parts
        ],
        "unknown": list(found.estimate.unknown),
    }


def _figures(figures: "Figures") -> dict[str, Any]:
    spans: dict[str, Any] = {}
    for name in FIELDS:
        span = getattr(figures, name)
        spans[name] = {"low": span.low, "high": span.high}
    if figures.untimed:
        spans["seconds"] = None
    return spans | {"aliases": sorted(figures.aliases), "untimed": sorted(figures.untimed)}
