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
abstract accepted according across action actions actually added adding additional adds again against agenda ago
agreed ainsi algunos alle allen alles allow allowed allows almost alone along already although always among analysis
andere anderen annex another answer answers ante antes anyone anything appendix applied applies apply approach après
around asked asks assessment assumption assumptions aucun aunque aussi autre autres avant avoir away background based
became become becomes begin begins behind beim believe below bereits beside besides best better between beyond bisher
blocker blockers brief briefing bring brings built cada came cannot carried caused cela celle celui certain ceux
change changes chapter chaque check checked chez clear clearly code come comes comme comparison concerned conclusion
conclusions consequences consider consideration considerations considered contain contained contains contents context
continue contradictions contre correct counted covered created criteria cual cuando dabei dadurch dafür dagegen daher
damit danach dann daran darauf darin darum date dates davon days dazu decide decided decision decisions definition
definitions depends depuis deren description desde despite después dessen details deux diese diesem diesen dieser
dieses different discussion doch document documents donc donde done dont dort dos down draft drifts durante during
early eben edges eher either else encore enough especially estos etc etwa etwas even ever everybody everyone
everything evidence exactly example examples except exclude excluded excludes excluding executive expected explained
fact facts failed failures faire fait falls false far few figure figures file files final finally find finding
findings finds first fixed follow followed following follows former found full fully further future gaps gave gegen
gegenüber general generally get gets give given gives giving glossary goal goals goes going gone good great haben
había hacia happen happens hasta hatte having held help helps hence here hier hierzu high hinter hold holds however
ihre ihrem ihren ihrer immer include included includes including indeed information innerhalb inside instead
introduction issue issues item items itself jede jedem jeden jeder jedes jedoch jetzt just keep keeps keine keinem
keinen keiner kept key keywords kind knew know knowing known konnte können largely last later latest least leave less
let lets leurs likely limit limits link links list lists little log longer look looks lors made main mainly make makes
making many matrix maybe mean means meant medium mehr mehrere mention mentioned merely message met method methods
mientras might mild minutes mismo missed missing moins months mostly moved much mucho muss muy même müssen nachdem
nada named namely near nearly neben necessary needed needs neither never nevertheless new next nichts nobody none
normally nosotros note notes nothing notre nowhere null number numbers objective objectives obtained occur occurs
often ohne once onto open option options order others otherwise otra otro otros ought ourselves outlook outside
overview own page pages paid paper part partly parts patch pendant per perhaps peut plan planned plans point points
porque possible possibly preface previous previously probably problem problems proposal proposed provide provided
provides puede pues purpose put quand quel quelle question questions quite ranking rather read really reason reasons
received recent recently recommendation recommendations refer reference references referred refers regarding
regardless related relation remain remains remark remarks report reported required requirement requirements requires
respectively result results returned review risk risks run said same sans saw says schon scope sea section sections
see seem seems seen según sehr seine seinem seinen seiner seit selbst selected selon send sent separate ser sera
seront set sets several severity short showed shown shows side sido similar simply since slide sobre sofern sogar
solche soll sollen sollte solo somebody someone something sometimes somewhere sonst soon source sources sous soweit
sowie sowohl speaks stand stands start started starts state statement status stay stays step steps still stop stopped
summary sure table tables tags take taken takes taking tanto task tasks tell tends terms test tested tests text thanks
themselves therefore thing things think third though thought threshold throughout thus tiene till time times title
todo todos together told too took topic topics tous tout toute toutes toward towards tried trotz true try très turn
turned twice unless unlike unos unser unsere until unusual useful uses usual usually usw various verdict vers version
versus very via viel viele votre want wanted wants warning warnings way ways week weeks wegen weil weiter weitere well
wenig wenn went whatever whenever whereas wherever whether whichever whoever whole why wieder without wobei word
worden words worth written wrote wurde wurden während würde year years yet zwar zwei zwischen être
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
