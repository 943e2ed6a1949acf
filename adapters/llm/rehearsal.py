"""The rehearsal model: a deterministic stand-in for a language model, for demos, dry runs and tests.

Free text is put together from sentences of the passages, each cited; structured requests get a valid instance of
their schema. No weights, no randomness, no clock; every text says that no language model was used.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from adapters.llm.forms import asked, question, rows, severity, times
from adapters.llm.instances import instance
from adapters.llm.sentences import Sentence, alike, clarity, rank, split, terms, top_terms
from adapters.llm.themes import (
    ACTION,
    ASSUMPTION,
    CENTRAL,
    COMPARE,
    EDGES,
    FIGURE,
    KINDS,
    QUESTION,
    RISK,
    SOFTWARE,
    TAGS,
    THEMES,
    TIME,
    UNWRITTEN,
    Theme,
)
from domain.ports.llm import LLM, Delta, ModelInfo, Reply, Request, Shape

NOTICE = "*Rehearsal: put together by rules from sentences of the sources; no language model was used.*"
NOTHING = "Nothing in the sources speaks to this."
NEAREST = "Nothing in the sources speaks to this in so many words. Nearest to the task they say:"
NOTHING_MORE = "Nothing further in the sources speaks to this."
NO_SOURCES = "No sources were given."
NO_ROOM = "No room within the word limit."
NO_CODE = "No code was written and nothing was run: no language model was used. Below stands what was asked for."
NOT_HERE = "Not written: that takes a language model, or a person."
NOT_ESTIMATED = "Times are those that the sources name; none was estimated."
SEVERITIES = (
    "Severity is a guess from cue words: high for bans, liability, loss, failure and attack; medium for other words "
    "of risk or several mild ones; low for one mild one."
)
ANSWERED = 3  # sentences of an answer
NEAR = 3  # sentences where none answers a heading
MOST, DEEP = 7, 60  # items in a section; candidates looked at for the next one
WORTH = 0.3  # a candidate's least fit, as a share of the best one's
BROAD = (CENTRAL, COMPARE, TAGS, EDGES)  # themes that any sentence may speak to
BY_SOURCE = ("table", "tags", "edges")  # forms with a row for each source or part


class RehearsalLLM(LLM):
    """Answers under any alias. Tokens are estimated as a quarter of the characters; nothing costs money or time."""

    async def complete(self, request: Request) -> Reply:
        """The whole reply, made in a thread. Raises RequestRefused for a schema that it finds no instance of."""
        return await asyncio.to_thread(_reply, request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        reply = await self.complete(request)
        for line in reply.text.splitlines(keepends=True):
            yield Delta(text=line)
        yield reply

    def describe(self, alias: str) -> ModelInfo:
        return ModelInfo(
            alias=alias, model="rehearsal", backend="rehearsal", context_tokens=100_000, parallel=4, rehearsal=True
        )

    async def check(self, alias: str) -> None:
        """Always there."""


def _reply(request: Request) -> Reply:
    sentences = split(request.passages)
    if request.shape is not None and request.shape.kind == "answer":
        text = _answer(request, request.shape, sentences)
    elif request.schema is None:
        text = _Draft(request, sentences).text()
    else:
        value = instance(request.schema, request.task, rank(sentences, request.task))
        text = json.dumps(value, ensure_ascii=False, indent=1)
    read = [request.system, request.task, *(passage.text for passage in request.passages)]
    tokens = sum(map(len, read)) // 4
    return Reply(text=text, model="rehearsal", rehearsal=True, input_tokens=tokens, output_tokens=len(text) // 4)


def _answer(request: Request, shape: Shape, sentences: Sequence[Sentence]) -> str:
    """The few sentences that share most words with a question, each cited, in the order of the sources."""
    words = set(terms(request.task))
    ranked = rank(sentences, request.task)
    fitting = sorted(ranked, key=lambda sentence: -len(words & set(sentence.words)))[:MOST]
    best = max((len(words & set(sentence.words)) for sentence in fitting), default=0)
    told, room = [], shape.max_words
    for sentence in fitting[:ANSWERED]:
        room -= len(sentence.text.split())
        if room >= 0 and best and 2 * len(words & set(sentence.words)) >= best:
            told.append(sentence)
    order = {sentence.text: place for place, sentence in enumerate(sentences)}
    told.sort(key=lambda sentence: order[sentence.text])
    said = " ".join(f"{sentence.text} [{sentence.label}]" for sentence in told)
    return f"{said or NOTHING}\n\n{NOTICE}\n"


def _opening(text: str) -> str:
    """The first sentence of what was asked for."""
    return _first_words(next(iter(asked(text)), "Untitled"), 60)


def _first_words(text: str, most: int) -> str:
    """Cut with a sign where there are more."""
    words = text.split()
    return " ".join(words) if len(words) <= most else " ".join(words[:most]).rstrip(".,;:") + " …"


@dataclass(slots=True)
class _Section:
    """`words` are stems of what the heading names besides its theme; when `strict`, a sentence must share one."""

    heading: str
    theme: Theme
    form: str
    words: tuple[str, ...]
    strict: bool = False
    candidates: list[tuple[float, Sentence]] = field(default_factory=list)
    picked: list[Sentence] = field(default_factory=list)

    def fit(self, sentence: Sentence) -> float:
        """How well a sentence answers the heading; 0 when it does not."""
        strong, weak = self.theme.cues(sentence.text)
        around = terms(sentence.section)
        hits = sum((word in sentence.words) + 0.6 * (word in around) for word in self.words)
        about = min(1.0, hits / max(1, len(self.words)))
        if self.theme in BROAD:
            asked = 0.5 if sentence.text.endswith("?") else 1.0
            said = asked * sentence.score + about + 0.05 * len(strong)
            return said if about or not self.words or self.theme is not CENTRAL else 0.0
        cues = 0.35 * min(2, len(strong)) + 0.1 * min(2, len(weak))
        answers = about > 0 if self.strict else cues > 0 or about >= 0.5
        return clarity(sentence) * (0.5 * sentence.score + cues + 0.5 * about) if answers else 0.0


def _section(heading: str, kind: str, usual: Theme) -> _Section:
    """The section for a heading: what it asks for, and in which form. A heading of no known theme has that of the
    artifact's kind, and is strict when it names something."""
    if re.search(SOFTWARE, kind) and _search(UNWRITTEN, heading):
        return _Section(heading, UNWRITTEN, "unwritten", ())
    places = [(found.start(), theme) for theme in THEMES if (found := _search(theme, heading))]
    known = _search(CENTRAL, heading) is not None or bool(places)
    theme = min(places, key=lambda place: place[0])[1] if places else CENTRAL if known else usual
    said = rf"\b(?:{CENTRAL.headings}|{theme.headings}|{re.escape(kind).replace('_', '|')})\w*"
    words = terms(re.sub(said, " ", heading, flags=re.IGNORECASE)) if re.search(r"[A-Za-z]", heading) else ()
    form = _form(kind, theme, heading)
    return _Section(heading, theme, form, () if form == "times" else words, strict=not known and bool(words))


def _search(theme: Theme, heading: str) -> re.Match[str] | None:
    return re.search(rf"\b(?:{theme.headings})", heading, re.IGNORECASE)


def _form(kind: str, theme: Theme, heading: str) -> str:
    if theme in (TAGS, EDGES):
        return theme.name
    if theme is TIME and re.search(r"table|allocation", heading, re.IGNORECASE):
        return "times"
    if theme is ACTION and re.search(rf"breakdown|checklist|{SOFTWARE}", kind):
        return "checklist"
    if theme is RISK and re.search(r"risk|pre_mortem", kind):
        return "risks"
    if theme in (QUESTION, ASSUMPTION):
        return "questions"
    if theme is COMPARE:
        return "table"
    if theme is ACTION and re.search(r"objective|roadmap|plan|schedule", kind):
        return "ordered"
    return "prose" if theme is CENTRAL and re.search(r"summary|brief|note|report", kind) else "bullets"


class _Draft:
    """One artifact in the making: sections take turns in picking the sentence that suits them best.

    The word limit holds, except that title, headings and notice are always written."""

    def __init__(self, request: Request, sentences: Sequence[Sentence]) -> None:
        title = _first_words(_opening(request.task).rstrip(".?!"), 10)
        self.shape = request.shape or Shape(kind="note", title=title, max_words=300)
        self.task = request.task
        self.order = {sentence.text: place for place, sentence in enumerate(sentences)}
        self.pool = rank(sentences, f"{request.task} {self.shape.title}")
        self.many = len({sentence.source for sentence in sentences}) > 1
        self.grouped = self.many or len({sentence.section for sentence in sentences}) > 2
        self.sourced = any(passage.trust == "document" and passage.label for passage in request.passages)
        self.told = True
        self.software = re.search(SOFTWARE, self.shape.kind) is not None
        self.asked = asked(request.task)
        self.claims: dict[str, float] = {}
        self.nearest: list[Sentence] = []
        self.sections = self._sections()

    def text(self) -> str:
        self.told = self._fits()
        while self.asked and not self._fits():
            self.asked = self.asked[:-1]
        live = [section for section in self.sections if section.candidates]
        while live:
            live = [section for section in live if self._extend(section)]
        if self.shape.cite and not any(section.picked for section in self.sections):
            self._draw_near()
        if not self.shape.headings:
            self.sections = [section for section in self.sections if section.picked] or self.sections[:1]
        return self._render()

    def _sections(self) -> list[_Section]:
        kind = self.shape.kind
        own, usual = next((theme, usual) for pattern, theme, usual in KINDS if re.search(pattern, kind))
        sections = []
        for heading in self.shape.headings or usual:
            section = _section(heading, kind, own)
            if section.form == "table" and not section.words:
                section.words = self._telling(terms(self.task))
            pool = () if section.theme is UNWRITTEN else self.pool[:1500]
            found = [(section.fit(sentence), sentence) for sentence in pool]
            least = WORTH * max((fit for fit, _ in found), default=0.0) * (section.form not in BY_SOURCE)
            section.candidates = sorted((p for p in found if p[0] > least), key=lambda pair: -pair[0])
            sections.append(section)
            if section.theme not in BROAD:
                for fit, sentence in section.candidates:
                    self.claims[sentence.text] = max(fit, self.claims.get(sentence.text, 0.0))
        return sections if self.shape.headings else [s for s in sections if s.candidates] or sections[:1]

    def _telling(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Those that stand in some sentences and not in most of them."""
        counts = Counter(word for sentence in self.pool for word in sentence.words)
        return tuple(word for word in words if 0 < counts[word] <= 0.15 * len(self.pool) + 1)

    def _extend(self, section: _Section) -> bool:
        """Adds the best sentence that still fits; false when the section is full."""
        if len(section.picked) >= MOST:
            return False
        for sentence in self._suited(section)[:5]:
            section.picked.append(sentence)
            if self._fits():
                return True
            section.picked.pop()
        return False

    def _draw_near(self) -> None:
        """Where no sentence answers any heading, a reader is at least shown what comes nearest, as such."""
        for sentence in self.pool[:NEAR]:
            self.nearest.append(sentence)
            if not self._fits():
                self.nearest.pop()

    def _suited(self, section: _Section) -> list[Sentence]:
        """Candidates, best first by fit less what was said already (maximal marginal relevance)."""
        used = [sentence for other in self.sections for sentence in other.picked]
        texts = {sentence.text for sentence in used}
        if section.form == "checklist":
            texts |= {f"{item.rstrip('.')}." for item in self.asked}
        taken = {self._group(section, sentence) for sentence in section.picked} if section.form in BY_SOURCE else set()
        free = [
            pair
            for pair in section.candidates
            if pair[1].text not in texts and self._group(section, pair[1]) not in taken
        ][:DEEP]
        valued = []
        for fit, sentence in free:
            near = [other for other in used if section.form not in BY_SOURCE or other.source == sentence.source]
            same = max((alike(sentence, other) for other in near), default=0.0)
            crowd = sum(other.source == sentence.source for other in section.picked) if self.many else 0
            long = len(sentence.text.split()) > 0.6 * self.shape.max_words / len(self.sections)
            claim = self.claims.get(sentence.text, 0.0)
            rival = claim / 2 if section.theme is CENTRAL else max(0.0, claim - fit)
            if same <= 0.65 and (rival <= 0.3 or section.theme is CENTRAL):
                valued.append((fit - 0.5 * same - 0.06 * crowd - 0.3 * long - 0.5 * rival, sentence))
        return [sentence for _, sentence in sorted(valued, key=lambda pair: -pair[0])]

    def _group(self, section: _Section, sentence: Sentence) -> str:
        """The row of a table that a sentence belongs to."""
        if section.form != "table":
            return sentence.source if self.many else sentence.section or sentence.title
        return sentence.source if self.many else sentence.section or sentence.title if self.grouped else sentence.text

    def _fits(self) -> bool:
        return len(self._render().split()) <= self.shape.max_words

    def _render(self) -> str:
        parts = [f"# {self.shape.title}", NO_CODE * self.software]
        if not self.sourced and self.told:
            parts.append(f"Asked for: {_opening(self.task)}")
        for section in self.sections:
            parts += [f"## {section.heading}", self._body(section)]
        return "\n\n".join(part for part in [*parts, NOTICE] if part) + "\n"

    def _body(self, section: _Section) -> str:
        if section.form == "unwritten":
            return NOT_HERE
        picked = sorted(section.picked, key=lambda sentence: self.order[sentence.text])
        if section.form == "checklist" and (wanted := self._wanted(section)) + tuple(picked):
            return "\n".join(f"- [ ] {item}" for item in (*wanted, *map(self._cited, picked)))
        if not picked and self.nearest and section is self.sections[0]:
            near = "\n".join(f"- {self._cited(sentence)}" for sentence in self.nearest)
            return f"{NEAREST}\n\n{near}"
        if not picked:
            return self._silence(section) * self.told
        if section.form == "prose":
            runs = groupby(picked, key=lambda sentence: sentence.source)
            return "\n\n".join(" ".join(map(self._cited, run)) for _, run in runs)
        written = {
            "risks": self._risks,
            "table": self._table,
            "tags": self._tags,
            "edges": self._edges,
            "times": self._times,
        }.get(section.form)
        if written is not None:
            return written(section, picked)
        if section.form == "questions":
            return "\n".join(f"- {question(sentence.text)}{self._cite(sentence)}" for sentence in picked)
        marks = (f"{n}." if section.form == "ordered" else "-" for n in range(1, len(picked) + 1))
        return "\n".join(f"{mark} {self._cited(sentence)}" for mark, sentence in zip(marks, picked, strict=False))

    def _wanted(self, section: _Section) -> tuple[str, ...]:
        """What was asked for heads the first checklist."""
        first = next(other for other in self.sections if other.form == "checklist")
        return self.asked if section is first else ()

    def _silence(self, section: _Section) -> str:
        if not self.sourced:
            return NO_SOURCES
        return NOTHING if not section.candidates else NO_ROOM if self._suited(section) else NOTHING_MORE

    def _risks(self, section: _Section, picked: Iterable[Sentence]) -> str:
        graded = sorted(((severity(sentence.text), sentence) for sentence in picked), key=lambda pair: pair[0][0])
        found = [
            (("high", "medium", "low")[level], self._cited(sentence), ", ".join(cues[:3]), sentence.title)
            for (level, cues), sentence in graded
        ]
        table = rows(("Severity", "Risk, as the source puts it", "Cue words", "Source"), found)
        return f"{table}\n\n{SEVERITIES}" if self.shape.max_words >= 200 else table

    def _times(self, section: _Section, picked: Iterable[Sentence]) -> str:
        found = [(times(sentence.text), self._cited(sentence), sentence.title) for sentence in picked]
        return f"{rows(('Time', 'What, as the source puts it', 'Source'), found)}\n\n{NOT_ESTIMATED}"

    def _table(self, section: _Section, picked: Iterable[Sentence]) -> str:
        groups, everywhere = self._groups(section)
        found = []
        for sentence in picked:
            group = groups[self._group(section, sentence)]
            about = ", ".join(top_terms(group, everywhere))
            found.append((self._name(sentence), about, self._cited(sentence), self._figures(group)))
        return rows(("Source" if self.many else "Part", "About", "Key statement", "Figures"), found)

    def _tags(self, section: _Section, picked: Iterable[Sentence]) -> str:
        groups, everywhere = self._groups(section)
        found = []
        for sentence in picked:
            tags = top_terms(groups[self._group(section, sentence)], everywhere, 6)
            found.append((self._name(sentence), ", ".join(tags) + self._cite(sentence)))
        return rows(("Source" if self.many else "Part", "Tags"), found)

    def _edges(self, section: _Section, picked: Iterable[Sentence]) -> str:
        groups, everywhere = self._groups(section)
        found = []
        for sentence in picked:
            group = groups[self._group(section, sentence)]
            for term in top_terms(group, everywhere, 3):
                shown = next((other for other in group if term in other.text.lower()), sentence)
                found.append((self._name(sentence), "is about", term, self._cited(shown)))
        return rows(("From", "Relation", "To", "Shown by"), found)

    def _groups(self, section: _Section) -> tuple[dict[str, list[Sentence]], Counter[str]]:
        """The sentences of each row, and how often words are said in all of them."""
        groups: dict[str, list[Sentence]] = {}
        for sentence in self.pool:
            groups.setdefault(self._group(section, sentence), []).append(sentence)
        return groups, Counter(word for sentence in self.pool for word in sentence.words)

    def _name(self, sentence: Sentence) -> str:
        return sentence.title if self.many or not sentence.section else sentence.section

    def _figures(self, group: Iterable[Sentence]) -> str:
        found: dict[str, Sentence] = {}
        for sentence in group:
            for hit in re.finditer(FIGURE, sentence.text):
                found.setdefault(hit.group(0).strip(), sentence)
        return ", ".join(f"{figure}{self._cite(sentence)}" for figure, sentence in list(found.items())[:3]) or "none"

    def _cited(self, sentence: Sentence) -> str:
        return sentence.text + self._cite(sentence)

    def _cite(self, sentence: Sentence) -> str:
        return f" [{sentence.label}]" if self.shape.cite else ""
