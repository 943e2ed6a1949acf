"""How the page calls things: where they are, who people and agents are, states with their sign."""

import re
from collections.abc import Mapping

from adapters.report import words
from domain.agent import Profile
from domain.project import Project
from domain.run import Run

ID = re.compile(r"\b(?:usr|agt)_\w+")
PHASES = {
    "queued": ("about to start", "○"),
    "running": ("running", "▸"),
    "waiting": ("waiting for a person", "…"),
    "paused": ("paused", "‖"),
}
RESULTS = {
    "succeeded": ("succeeded", "✓"),
    "partial": ("finished in part", "!"),
    "failed": ("failed", "×"),
    "cancelled": ("cancelled", "–"),
}
TONES = {
    "queued": "ready", "running": "running", "waiting": "needs_attention", "paused": "waiting",
    "succeeded": "done", "partial": "needs_attention", "failed": "not_met", "cancelled": "cancelled",
}  # fmt: skip
INBOX = {
    "approval": ("Something waits for approval", "?"),
    "work": ("Work for you", "✎"),
    "form": ("A form to fill in", "✎"),
    "attention": ("A task needs attention", "!"),
    "budget": ("A budget is used up", "!"),
}
ANSWERS = {
    "approve": "Approve it",
    "reject": "Reject it",
    "hand_in": "Hand in",
    "fill_in": "Hand in",
    "accept": "Accept the draft as it is",
    "retry": "Try again with this hint",
    "discard": "Discard it and skip the task",
    "raise": "Raise the budget and go on",
    "stop": "Stop what waits for it",
}


RUNS = {"project": "Run of the project", "task": "Attempt", "qa": "Review", "turn": "Answer in the conversation"}


def run_name(run: Run) -> str:
    """What a run is, by its graph; of a graph that is not ours, its name."""
    name = run.graph.partition("@")[0]
    return RUNS.get(name, words.plain(name))


def waiting(kind: str, *, plan: bool = False) -> str:
    """What an inbox item is, with its sign; of a kind that has no words here, its own."""
    if plan:
        return "? A plan waits for approval"
    word, sign = INBOX.get(kind, (words.plain(kind), "!"))
    return f"{sign} {word}"


def run_state(run: Run) -> tuple[str, str, str]:
    """(words, sign, CSS class)."""
    key = run.result or run.phase
    word, sign = RESULTS[run.result] if run.result else PHASES[run.phase]
    return word, sign, TONES[key]


class Names:
    """Names for ids, as one user sees them."""

    def __init__(self, me: str, profiles: Mapping[str, Profile], projects: tuple[Project, ...] = ()) -> None:
        self._known = {profile.id: profile.title for profile in profiles.values()} | {me: "You"}
        manager = next((profile.title for profile in profiles.values() if profile.name == "manager"), "Manager")
        self._known |= {project.manager_id: manager for project in projects}

    def __call__(self, id: str) -> str:
        """`agt_critic` is the Critic's title; the person who looks is You; others keep their id."""
        return self._known.get(id) or self._known.get(f"agt_{id}") or id

    def told(self, sentence: str) -> str:
        """A sentence with names in place of the ids in it."""
        return ID.sub(lambda found: self._known.get(found[0], found[0]), sentence)
