"""How the report says things: states, sums, durations, and the result in a plain sentence."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from domain.artifact import Stage
from domain.qa import QARecord
from domain.run import Run, Usage
from domain.task import Task, TaskState

STATES: dict[TaskState, tuple[str, str]] = {
    "done": ("done", "✓"),
    "needs_attention": ("needs attention", "!"),
    "running": ("running", "▸"),
    "in_review": ("in review", "◎"),
    "ready": ("ready", "○"),
    "waiting": ("waiting", "…"),
    "skipped": ("skipped", "–"),
    "cancelled": ("cancelled", "×"),
}
VERDICTS = {"met": ("met", "✓"), "not_met": ("not met", "×"), "unverified": ("unverified", "?")}
STAGES = {
    "cognitive": "cognitive",
    "intellectual": "intellectual",
    "information_product": "information product",
}
METHODS = {"rules": "by rules", "model": "by a language model", "person": "by a person"}
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` without characters that a page may not hold, or that turn the reading direction around."""
    return _SURROGATES.sub("\ufffd", _UNSEEN.sub("", text.replace("\r\n", "\n")))


def plain(name: str) -> str:
    """A kind or section as words: `executive_brief` is Executive brief."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def short(text: str, length: int = 120) -> str:
    """The start of `text` on one line, cut at a word where there is one."""
    line = " ".join(text[: length * 4].split())
    if len(line) <= length:
        return line
    head = line[: length - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[length // 2 :] else head) + "…"


def count(number: int, singular: str, plural: str = "") -> str:
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def money(millionths: int, currency: str) -> str:
    """An amount with its currency: two places, or for small sums as many as it has."""
    amount = Decimal(millionths) / 1_000_000
    text = f"{amount:,.2f}" if amount >= 1 else f"{amount:.6f}".rstrip("0")
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')} {currency}".strip()


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(at: datetime) -> str:
    """Day and minute in UTC; a time without a zone is taken as UTC."""
    at = at.astimezone(UTC) if at.tzinfo else at
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def passages(cited: int, given: int) -> str:
    """Over the passages that an author was given, of which some are cited."""
    if not cited:
        return f"Passages it was given ({given})"
    return f"Cited passages ({cited})" if cited == given else f"Passages it was given ({given}), {cited} of them cited"


def took(run: Run | None, usage: Usage) -> str:
    """From start to end of the run, or what was spent in calls."""
    if run and run.started_at and run.ended_at:
        return duration((run.ended_at - run.started_at).total_seconds())
    return duration(usage.seconds)


def taken(run: Run | None, usage: Usage) -> str:
    """What `took` is the time of."""
    if run and run.started_at and run.ended_at:
        return f"from start to end, waits included; {duration(usage.seconds)} in calls"
    return "in calls so far"


def result(run: Run | None, tasks: Sequence[Task]) -> str:
    """What came of it, in a sentence, and how much of that is out of date."""
    stale = stale_of(tasks)
    late = f" {stale} of them {'is' if stale == 1 else 'are'} out of date." if stale else ""
    return _ended(run, tasks) + late


def stale_of(tasks: Sequence[Task]) -> int:
    """How many are done and may no longer do."""
    return sum(task.state == "done" and bool(task.stale) for task in tasks)


def _ended(run: Run | None, tasks: Sequence[Task]) -> str:
    if run is None:
        return "No run has been started yet."
    if run.result is None:
        return f"{_under_way(run)} So far {_done(tasks)}."
    if run.result == "succeeded":
        return f"The work is finished: {_done(tasks)}." if tasks else "The work is finished."
    if run.result == "partial":
        return f"Part of the work is finished: {_done(tasks)}."
    if run.result == "failed":
        return f"The work failed: {_done(tasks)}."
    return f"The work was cancelled: {_done(tasks)}."


def tone(run: Run | None, tasks: Sequence[Task] = ()) -> str:
    """The CSS class for the result."""
    if run is None or run.result is None:
        return "open"
    if run.result == "succeeded" and stale_of(tasks):
        return "warn"
    return {"succeeded": "good", "partial": "warn", "failed": "bad", "cancelled": "bad"}[run.result]


def _under_way(run: Run) -> str:
    return {
        "waiting": "The work waits for an answer from a person.",
        "paused": "The work is paused.",
        "queued": "The work is about to start.",
    }.get(run.phase, "The work is under way.")


def _done(tasks: Sequence[Task]) -> str:
    """`5 of 7 tasks are done, 1 needs attention and 1 waits`. What was cancelled is not counted among them."""
    states = Counter(task.state for task in tasks)
    done, total = states["done"], len(tasks) - states["cancelled"]
    if not tasks:
        return "there are no tasks yet"
    if not total:
        return "every task was cancelled"
    if done == total:
        parts = ["the one task is done" if total == 1 else f"all {total} tasks are done"]
    else:
        parts = [f"{done} of {count(total, 'task')} {'is' if done == 1 else 'are'} done"]
    parts += [phrase for state in STATES if (phrase := _phrase(state, states[state]))]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _phrase(state: TaskState, number: int) -> str:
    one = number == 1
    verbs: dict[TaskState, str] = {
        "needs_attention": "needs attention" if one else "need attention",
        "running": "is running" if one else "are running",
        "in_review": "is in review" if one else "are in review",
        "ready": "is ready to start" if one else "are ready to start",
        "waiting": "waits" if one else "wait",
        "skipped": "was skipped" if one else "were skipped",
        "cancelled": "was cancelled" if one else "were cancelled",
    }
    return f"{number} {verbs[state]}" if number and state in verbs else ""


def judged(qa: QARecord | None) -> str:
    """The outcome of the QA in a few words."""
    if qa is None:
        return "Not checked yet"
    met = sum(item.verdict == "met" for item in qa.criteria)
    unverified = sum(item.verdict == "unverified" for item in qa.criteria)
    words = f"QA {qa.verdict} {METHODS[qa.method]}: {met} of {count(len(qa.criteria), 'criterion', 'criteria')} met"
    return f"{words}, {unverified} unverified" if unverified else words


def doubt(stage: Stage, qa: QARecord | None) -> str:
    """Why an artifact is no information product yet; empty for one that is, or that cannot become one."""
    if stage != "intellectual":
        return ""
    if qa is None:
        return "Nobody has checked this yet"
    if qa.method == "rules":
        return "No language model judged this"
    return "Not every criterion was found met"


def cut(text: str, limit: int) -> str:
    """What is said where a text is too long to be shown whole; else empty."""
    if len(text) <= limit:
        return ""
    return f"Shown: the first {limit:,} of {len(text):,} characters. The whole text is in the case file."
