"""Topics: what artifacts are about. A topic's id is made of its label, so that the same words are the same topic
everywhere in a workspace."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from domain.errors import Invalid

PREFIX = "topic/"
LONGEST = 60
Method = Literal["rule", "model", "person"]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """`source` is the ordinal of the passage that shows it."""

    id: str
    label: Annotated[str, Field(min_length=1, max_length=80)]
    method: Method
    source: Annotated[int, Field(ge=0)] = 0


def topic_id(label: str) -> str:
    """`Emergency brake` is topic/emergency-brake. Raises Invalid where no letter or digit is in it."""
    plain = unicodedata.normalize("NFKC", label).casefold()
    slug = re.sub(r"[\W_]+", "-", plain).strip("-")[:LONGEST].strip("-")
    if not slug:
        raise Invalid(f"{label[:80]!r} cannot be a topic: it has no letter and no digit.")
    return PREFIX + slug
