"""What an agent hears of the others: the newest broadcasts of its project, as data."""

from datetime import datetime

from domain.ids import make_id
from domain.message import SentMessage
from domain.ports.llm import Passage
from domain.tokens import estimated_tokens
from services import post
from services.running.effects import EffectContext

MOST = 5
TOKENS = 400


async def broadcasts(context: EffectContext) -> tuple[Passage, ...]:
    """Those from before the run began, so that a run started again hears the same; oldest first. Without labels: they
    are no source to cite."""
    run = context.run
    passages: list[Passage] = []
    left = TOKENS
    for message in await context.store.find(
        SentMessage,
        run.workspace_id,
        where={"project_id": run.project_id, "recipient": None},
        after=_before(run.created_at),
        limit=MOST,
        newest_first=True,
    ):
        text = shortened(await post.words(context.content, message), left)
        left -= estimated_tokens(text)
        if text:
            title = f"a message to all agents by {message.sender.removeprefix('agt_')}"
            passages.append(Passage(label="", text=text, source=message.id, title=title))
    return tuple(reversed(passages))


def tokens_of(passages: tuple[Passage, ...]) -> int:
    return sum(estimated_tokens(passage.text) for passage in passages)


def shortened(text: str, tokens: int) -> str:
    """The beginning of `text`, as much as fits."""
    if estimated_tokens(text) <= tokens:
        return text
    while text and estimated_tokens(text) >= tokens:
        text = text[: len(text) * 9 // 10]
    return f"{text.rstrip()}…" if text else ""


def _before(at: datetime) -> str:
    """An id that sorts behind all messages sent before `at`, and before all others."""
    return make_id("message", at, bytes(10))
