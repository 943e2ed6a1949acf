"""Who does a task that somebody adds without saying who: the agent whose work it names, or the person."""

import re
from collections import Counter
from collections.abc import Sequence

from domain.agent import OutputType, Profile
from domain.errors import Invalid
from domain.stop_words import STOPWORDS
from services.staff import Staff
from services.work.fitting import stem

Offer = tuple[Profile, OutputType]
NAMED, ENOUGH = 3.0, 3.0
"""A word of what an output is called counts as three of its description, shared among the outputs called so. An agent
gets what scores enough: the name of its work, or three words of what it is."""
VERBS = """
ask attend book borrow buy call convince drive fetch greet hand hire interview invite mail meet negotiate pay persuade
phone pick post remind rent ring send sign speak talk telephone thank travel visit vote wait
"""
ONLY_PEOPLE = frozenset(VERBS.split())
"""What only a person can do, at the beginning of a title and before whom or what it is done to."""
BEFORE_OBJECTS = """
a all an another at back both by each every for from her him his in it its my off on our out some somebody someone that
the their them these this those to two up us with your
"""
OBJECT = frozenset(BEFORE_OBJECTS.split())
BY_HAND = "It is yours because only a person can do this."
NOBODYS = "It is yours because it names no work of any agent here; give it to one if it should be tried."


def by_hand(title: str) -> bool:
    """Whether a title asks for what only a person can do: “Call the supplier”, “Ask Anna”, not “Call script”."""
    words = re.findall(r"\w[\w’'-]*", re.sub(r"^(?:please|to)\b[ ,]*", "", title.strip(), flags=re.IGNORECASE))
    if not words or words[0].lower() not in ONLY_PEOPLE:
        return False
    return len(words) == 1 or words[1].lower() in OBJECT or words[1][0].isupper() or words[1].isdigit()


def fitting_output(staff: Staff, words: str, makes: str | None = None, among: Sequence[Profile] | None = None) -> Offer:
    """The specialist and output type that fit `words` best; of `makes` where it is given. Raises Invalid."""
    profiles = staff.specialists if among is None else among
    offers = [(p, output) for p in profiles for output in p.outputs if makes in (None, output.kind)]
    if not offers:
        said = "Nobody here makes a" if among is None else f"The {profiles[0].title} makes no"
        what = "is made by nobody here" if among is None else f"is not made by the {profiles[0].title}"
        raise Invalid(f"{said} {makes!r}.", [("/expected/0/kind", what)])
    return max(_scored(offers, words), key=lambda scored: scored[0])[1]


def fitting_agent(staff: Staff, words: str) -> Offer | None:
    """As `fitting_output`, where the words really name some agent's work."""
    offers = [(profile, output) for profile in staff.specialists for output in profile.outputs]
    score, offer = max(_scored(offers, words), key=lambda scored: scored[0])
    return offer if score >= ENOUGH else None


def _scored(offers: Sequence[Offer], words: str) -> list[tuple[float, Offer]]:
    wanted = _stems(words)
    holders = Counter(word for _, output in offers for word in _name(output))
    return [
        (
            sum(NAMED / holders[word] for word in wanted & _name(output))
            + len(wanted & _stems(f"{output.label} {output.shape} {profile.role}")),
            (profile, output),
        )
        for profile, output in offers
    ]


def _name(output: OutputType) -> set[str]:
    """What it is called, without what comes along: of “Patch with its message” the patch."""
    return _stems(re.split(r" (?:with|of) ", output.label)[0])


def _stems(text: str) -> set[str]:
    return {stem(word)[:6] for word in re.findall(r"\w{3,}", text.lower()) if word not in STOPWORDS}
