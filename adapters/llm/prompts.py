"""A conversation as one text, for servers that take no messages: as the model saw conversations in its training.

What the text of a message could pretend, that a turn ends and another begins, is broken up: `<|` becomes `< |`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Template = Literal["chatml", "llama3", "plain"]


@dataclass(frozen=True, kw_only=True)
class Style:
    """`turn` is a message, `answer` the beginning of the reply, `stop` what ends it."""

    turn: str
    answer: str
    stop: str


STYLES: dict[Template, Style] = {
    "chatml": Style(
        turn="<|im_start|>{role}\n{text}<|im_end|>\n",
        answer="<|im_start|>assistant\n",
        stop="<|im_end|>",
    ),
    "llama3": Style(
        turn="<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>",
        answer="<|start_header_id|>assistant<|end_header_id|>\n\n",
        stop="<|eot_id|>",
    ),
    "plain": Style(turn="{role}: {text}\n\n", answer="assistant:", stop="\nuser:"),
}


def prompt(messages: Sequence[dict[str, Any]], template: Template) -> str:
    """The text that the model goes on with. The mark at the very beginning is the tokenizer's to add."""
    style = STYLES[template]
    turns = (style.turn.format(role=each["role"], text=each["content"].replace("<|", "< |")) for each in messages)
    return "".join(turns) + style.answer


class Until:
    """Lets a text through that comes in pieces, up to `stop`."""

    def __init__(self, stop: str) -> None:
        self._stop = stop
        self._held = ""
        self.ended = False

    def feed(self, piece: str) -> str:
        """What is certain now to stand before `stop`."""
        if self.ended:
            return ""
        before, found, _ = (self._held + piece).partition(self._stop)
        self.ended = bool(found)
        held = 0 if found else next((n for n in range(len(self._stop), 0, -1) if before.endswith(self._stop[:n])), 0)
        cut = len(before) - held
        self._held = before[cut:]
        return before[:cut]

    def flush(self) -> str:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        return held
