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


def known_labels(text: str, known: set[str]) -> tuple[str, int]:
    """`text` with the labels of passages that exist, and how many others were taken out."""
    unknown = [label for label in labels_in(text) if label not in known]

    def kept(found: re.Match[str]) -> str:
        labels = [name.strip() for name in re.split(r"[,;]", found[2])]
        left = [label for label in dict.fromkeys(labels) if label in known]
        return f"{found[1]}[{', '.join(left)}]" if left else ""

    return re.sub(rf"( ?){LABEL.pattern}", kept, unlabelled(text, "MHR")), len(unknown)


def unlabelled(text: str, kinds: str = "SMHR") -> str:
    """`text` without references to passages of these kinds."""
    return re.sub(rf"\s*\[(?:[{kinds}]\d*(?:\s*[,;]\s*)?)+\]", "", text)
