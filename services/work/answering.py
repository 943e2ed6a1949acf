"""How the manager answers in a conversation: what a model is told, what is said without one, what asks for what."""

import re

TALK = """You are the manager of a project and talk with the person whose project it is. Answer what was asked, plainly
and briefly, in the person's language. Rest on the records and on the passages that you are given, and on nothing else;
after each statement taken from a passage whose id begins with S name it in square brackets, like [S1]. Where they do
not tell, say that the case file does not tell; never guess. You cannot change anything by talking: what the person
wants changed is proposed beside your answer, and happens when the person accepts it. Never say that it is done."""
TALK_OF_ALL = """You are the manager of a workspace and talk with the person whose projects are in it. Answer what was
asked, plainly and briefly, in the person's language, from the records that you are given and from nothing else. Where
they do not tell, say so, and that the project's own conversation may tell more. You cannot change anything by talking:
a project that is to be started is proposed beside your answer, and begins when the person accepts it."""
STATUS = re.compile(
    r"\b(status|state|going|wait|waits|waiting|plan|task|tasks|cost|costs|spent|budget|progress|inbox|changed|next|done"
    r"|unchecked|unverified|judged|project|projects|open|lately|new|finished|running)\b",
    re.I,
)
WAITS = re.compile(r"^\W*(?:what|who|is|does|which|anything|tell|show)\b.{0,40}\bwait(?:s|ing)?\b", re.I)
POINTING = re.compile(r"\b(it|its|that|this|these|those|they|them|he|she|there|more|other|second|one)\b", re.I)
NOT_TOLD = "The case file does not tell."
ORDERS = (
    "If something is to be done: without a language model only short orders are understood, such as “add a task to …”, "
    "“assign … to …”, “change the goal to …”, “note that …” or “make a checklist for …”."
)
REHEARSED = "*Rehearsal: put together by rules; no language model was used.*"
