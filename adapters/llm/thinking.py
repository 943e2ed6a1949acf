"""Tells what a model thinks aloud from what it answers."""

OPEN = "<think>"
CLOSE = "</think>"

VEILS = {OPEN: "\ue0f0", CLOSE: "\ue0f1"}
"""What stands for a tag on its way through LiteLLM, whose reader of Ollama's streams drops the tags and then takes
all thoughts but the first piece for the answer."""


def veil(line: bytes) -> bytes:
    """A line of JSON with the tags inside its strings veiled, written plainly or escaped as Go writes them."""
    for tag, veiled in VEILS.items():
        escaped = f"\\u{ord(veiled):04x}".encode()
        line = line.replace(tag.encode(), escaped)
        line = line.replace(tag.replace("<", "\\u003c").replace(">", "\\u003e").encode(), escaped)
    return line


def unveil(text: str) -> str:
    for tag, veiled in VEILS.items():
        text = text.replace(veiled, tag)
    return text


class Thoughts:
    """Splits a reply that comes in pieces. Only blocks `<think>…</think>` ahead of the answer are thoughts; the
    same words inside an answer stay where they are."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._answering = False

    def feed(self, piece: str) -> tuple[str, str]:
        """Answer and thoughts that are certain now."""
        self._held += piece
        answer = thought = ""
        while True:
            if self._answering:
                answer, self._held = answer + self._held, ""
                return answer, thought
            if self._inside:
                more, ended = self._think()
                thought += more
                if not ended:
                    return answer, thought
            elif not self._open():
                return answer, thought

    def flush(self) -> tuple[str, str]:
        """What was held back, at the end of the reply."""
        held, self._held = self._held, ""
        return ("", held) if self._inside else (held, "")

    def _open(self) -> bool:
        """Whether the pieces so far decide if thoughts or the answer begin; decides it then."""
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._held, self._inside = start.removeprefix(OPEN), True
            return True
        if OPEN.startswith(start):
            return False
        self._held, self._answering = self._held.lstrip("\r\n"), True
        return True

    def _think(self) -> tuple[str, bool]:
        before, close, after = self._held.partition(CLOSE)
        if close:
            self._held, self._inside = after, False
            return before, True
        kept = next((n for n in range(len(CLOSE) - 1, 0, -1) if self._held.endswith(CLOSE[:n])), 0)
        cut = len(self._held) - kept
        thought, self._held = self._held[:cut], self._held[cut:]
        return thought, False
