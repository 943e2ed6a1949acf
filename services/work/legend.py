"""The legend under an artifact's text: what its citation labels stand for. Kept apart from the text that is checked."""

import re
from collections.abc import Mapping, Sequence

from domain.artifact import Citation

MARK = "\n\n---\n\n**Sources**\n"
LABEL = re.compile(r"\[(S\d{1,4}(?:\s*[,;]\s*S\d{1,4})*)\]")


def labels_in(text: str) -> list[str]:
    """The labels that `text` cites, each once, in order. `[S1, S2]` counts for both."""
    found = [label.strip() for group in LABEL.findall(text) for label in re.split(r"[,;]", group)]
    return list(dict.fromkeys(found))


def with_legend(text: str, citations: Sequence[Citation], titles: Mapping[str, str]) -> str:
    known = {citation.label: citation for citation in citations}
    lines = [
        f"- [{label}] {titles.get(known[label].artifact_id, known[label].artifact_id)}, passage "
        f"{known[label].ordinal + 1} ({known[label].artifact_id})"
        for label in labels_in(text)
        if label in known
    ]
    return text.rstrip() + "\n" if not lines else text.rstrip() + MARK + "\n" + "\n".join(lines) + "\n"


def without_legend(text: str) -> str:
    return text.partition(MARK)[0]
