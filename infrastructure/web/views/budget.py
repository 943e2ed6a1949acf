"""Budgets as forms have them: an empty field is no cap; money as people write it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from domain.budget import MEASURES, Budget, Measure
from domain.errors import Invalid
from infrastructure.container import Container
from infrastructure.web.access import Form
from services.budgets import Standing

LABELS: Mapping[Measure, str] = {
    "calls": "Calls to models",
    "money": "Money",
    "tokens": "Tokens",
    "seconds": "Seconds that models work",
}
MILLION = 1_000_000
LARGEST = 2**53 - 1


@dataclass(frozen=True, kw_only=True)
class Row:
    """A cap with what was used of it, in words."""

    name: str
    measure: str
    used: str
    cap: str
    nearly: bool


def fields(budget: Budget) -> list[tuple[Measure, str, str]]:
    """Name, label and value of each field."""
    caps = ((name, budget.cap(name)) for name in MEASURES)
    return [(name, LABELS[name], "" if cap is None else written(name, cap)) for name, cap in caps]


def read(form: Form) -> Budget:
    """Raises Invalid."""
    typed = {name: form.text(name, 40) for name in MEASURES}
    caps: dict[Measure, int | None] = {name: amount(name, text) if text else None for name, text in typed.items()}
    return Budget(**caps)


def amount(measure: Measure, text: str) -> int:
    """As budgets count it. Raises Invalid."""
    try:
        value = Decimal(text.replace(",", ".") if measure == "money" else text.replace(",", ""))
        found = value * MILLION if measure == "money" else value
        if not 0 <= found <= LARGEST or (measure != "money" and found != found.to_integral_value()):
            raise ValueError(text)
    except (InvalidOperation, ValueError):
        wanted = "an amount such as 0.50" if measure == "money" else "a whole number such as 40"
        raise Invalid(f"{LABELS[measure]}: write {wanted}, 0 for nothing; not “{text}”.") from None
    return int(found)


def written(measure: Measure, value: int) -> str:
    """As a field takes it."""
    if measure != "money":
        return str(value)
    whole, _, places = f"{Decimal(value) / MILLION:f}".partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


def minutes(form: Form) -> int | None:
    """What somebody said they worked. Raises Invalid."""
    text = form.text("minutes", 10)
    if text and not text.isdecimal():
        raise Invalid(f"The minutes that you worked are a whole number, not “{text}”.")
    return int(text) if text else None


def rows(parts: Container, standings: tuple[Standing, ...], names: Mapping[str, str]) -> list[Row]:
    currency = parts.models().currency()

    def shown(measure: Measure, value: int) -> str:
        return f"{written(measure, value)} {currency}".strip() if measure == "money" else f"{value:,}"

    return [
        Row(
            name=names.get(one.cap.id, f"The {one.cap.level}"),
            measure=LABELS[one.cap.measure].lower(),
            used=shown(one.cap.measure, one.used),
            cap=shown(one.cap.measure, one.cap.amount),
            nearly=one.cap.is_nearly_used(one.used),
        )
        for one in standings
    ]
