"""What a text is about, by rule: its headings, what it defines, and what it speaks of most.

Deterministic, and linear in the text. Words are compared by their stems; a topic that many artifacts of the project
have already says less about one more of them.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from domain.stop_words import STOPWORDS
from domain.topic import Topic, topic_id
from services.work.fitting import stem
from services.work.legend import without_legend

MOST, CANDIDATES = 8, 30
LOOKED_AT = 100_000  # characters of a text
LONGEST, WORDS = 60, 5  # characters and words of a label
HEADING, DEFINITION, PAIR, OFTEN = 3.0, 3.0, 1.5, 2
FRAMING = """
about abstract action actions agenda analysis annex answer answers appendix approach assessment assumption assumptions
background blocker blockers brief briefing change changes chapter check checked code comes comparison conclusion
conclusions consequences consideration considerations contents context contradictions criteria date dates days decide
decided decision decisions definition definitions description details discussion document documents draft drifts edges
evidence example examples executive fact facts failed failures false figure figures file files final finding findings
first fixed follow following further future gaps general glossary goal goals high information introduction issue issues
item items key keywords know knowing last limit limits link links list lists log main matrix medium message method
methods mild minutes missing months needed next none note notes nothing null number numbers objective objectives open
option options order outlook overview page pages paper part parts patch plan planned plans point points preface problem
problems proposal proposed purpose question questions ranking reason reasons recommendation recommendations reference
references relation remark remarks report requirement requirements result results review risk risks run said scope
section sections severity short shown shows side slide source sources speaks stand stands state statement status step
steps summary table tables tags task tasks tell terms test tested tests text thing threshold time times title topic
topics true unusual verdict version warning warnings way ways week weeks what word words worth year years
"""
UNTELLING = STOPWORDS | frozenset(FRAMING.split())
"""The headings that reports have whatever they are about, beside words that tell nothing anywhere."""

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
MARKS = re.compile(r"\[S\d[^\]]{0,40}\]|\]\([^)\s]{0,300}\)|https?://\S{1,300}|<[^>]{0,300}>|[*`_#\[\]|]+")
ATX = re.compile(r" {0,3}#{1,6}\s+(.+?)\s*#*\s*")
UNDERLINE = re.compile(r" {0,3}(?:={3,}|-{3,}|~{3,})\s*")
FENCE = re.compile(r" {0,3}(?:```|~~~)")
NOTICE = re.compile(r"\s*\*[^*].*\*\s*")
DEFINED = re.compile(
    r"""(?:^|(?<=[.;:!?]\s))["“'(]?(?:(?:The|A|An|Der|Die|Das|Le|La|El|Un|Une)\s)?"""
    r"""(?P<term>[^\W\d_][\w’'-]{2,40}(?:\s[\w’'-]{2,40}){0,3}?)["”')]?\s"""
    r"(?:means|denotes|refers\sto|stands\sfor|shall\smean|is\sdefined\sas|are\sdefined\sas|(?:is|are)\s(?:an?|the)"
    r"|bezeichnet|bedeutet|désigne|significa)\s"
)


@dataclass(kw_only=True)
class Candidate:
    """`forms` are the ways it is written, with how often; `named` how a heading or a definition writes it."""

    source: int
    weight: float = 0.0
    count: int = 0
    words: int = 1
    named: str = ""
    forms: Counter[str] = field(default_factory=Counter)

    @property
    def label(self) -> str:
        return self.named or min(self.forms, key=lambda form: (-self.forms[form], form.lower() != form, form))


def candidates(passages: Sequence[str]) -> dict[str, Candidate]:
    """By topic id, the weightiest first: at most 30."""
    found: dict[tuple[str, ...], Candidate] = {}
    left = LOOKED_AT
    for ordinal, passage in enumerate(passages):
        if left <= 0:
            break
        for kind, line in _lines(without_legend(passage[:left])):
            if kind == "heading":
                _name(found, line, HEADING, ordinal)
                continue
            for match in DEFINED.finditer(line):
                _name(found, match["term"], DEFINITION, ordinal)
            _count(found, line, ordinal)
        left -= len(passage)
    _weigh(found)
    best = sorted(found.values(), key=lambda one: (-one.weight, one.source, one.label))
    by_id: dict[str, Candidate] = {}
    for one in best:
        if one.weight > 0:
            by_id.setdefault(topic_id(one.label), one)
    return dict(list(by_id.items())[:CANDIDATES])


def chosen(found: Mapping[str, Candidate], artifacts: int, holders: Mapping[str, int]) -> tuple[Topic, ...]:
    """The best eight. `holders` of the project's `artifacts` have a topic already."""
    score = {
        id: one.weight * math.log(1 + artifacts / (1 + holders.get(id, 0))) / math.log(2 + artifacts)
        for id, one in found.items()
    }
    best = sorted(found, key=lambda id: (-score[id], found[id].source, id))[:MOST]
    return tuple(Topic(id=id, label=found[id].label, method="rule", source=found[id].source) for id in best)


def _lines(passage: str) -> Iterator[tuple[str, str]]:
    """(`heading` or `text`, the line without markup); without code and notices."""
    lines = passage.splitlines()
    code = False
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        if FENCE.match(line):
            code = not code
        elif not code and line.strip() and not NOTICE.fullmatch(line) and not UNDERLINE.fullmatch(line):
            marked = ATX.fullmatch(line)
            heading = marked is not None or (bool(UNDERLINE.fullmatch(following)) and "|" not in line)
            yield "heading" if heading else "text", MARKS.sub(" ", marked[1] if marked else line).strip()


def _name(found: dict[tuple[str, ...], Candidate], text: str, weight: float, source: int) -> None:
    """What a heading or a definition speaks of: the words between those that tell nothing at its ends."""
    words = list(WORD.finditer(text))
    while words and not _telling(words[0][0]):
        words.pop(0)
    while words and not _telling(words[-1][0]) and not words[-1][0].isdigit():
        words.pop()
    if not words or len(words) > WORDS:
        return
    label = text[words[0].start() : words[-1].end()]
    if len(label) > LONGEST:
        return
    key = tuple(stem(word[0].lower()) for word in words if word[0].lower() not in STOPWORDS)
    one = found.setdefault(key, Candidate(source=source, words=len(key)))
    one.named = one.named or label
    one.weight = max(one.weight, weight)


def _count(found: dict[tuple[str, ...], Candidate], line: str, source: int) -> None:
    before: re.Match[str] | None = None
    for word in WORD.finditer(line):
        if not _telling(word[0]):
            before = None
            continue
        keys: list[tuple[tuple[str, ...], str]] = [((stem(word[0].lower()),), word[0])]
        if before is not None and line[before.end() : word.start()].isspace():
            keys.append(((stem(before[0].lower()), *keys[0][0]), f"{before[0]} {word[0]}"))
        for key, form in keys:
            one = found.setdefault(key, Candidate(source=source, words=len(key)))
            one.count += 1
            one.forms[form] += 1
        before = word


def _weigh(found: Mapping[tuple[str, ...], Candidate]) -> None:
    """By how often, pairs of words more than each; a word counts only where it stands outside a pair that is kept."""
    inside: Counter[str] = Counter()
    for key, one in found.items():
        if len(key) > 1 and (one.count >= OFTEN or one.named):
            inside.update(dict.fromkeys(key, one.count))
    for key, one in found.items():
        count = one.count if len(key) > 1 else one.count - inside[key[0]]
        if count >= OFTEN:
            one.weight += math.log2(1 + count) * (PAIR if len(key) > 1 else 1.0)


def _telling(word: str) -> bool:
    lower = word.lower()
    return len(word) > 3 and lower not in UNTELLING and any(map(str.isalpha, word))
