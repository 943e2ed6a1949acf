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

from adapters.llm.instances import instance
from adapters.llm.sentences import Sentence, alike, clarity, clean, cut, rank, split, terms, top_terms
from adapters.llm.themes import (
    ACTION,
    ASSUMPTION,
    CENTRAL,
    COMPARE,
    FIGURE,
    GRAVE,
    KINDS,
    QUESTION,
    RISK,
    THEMES,
    Theme,
)
from domain.ports.llm import LLM, Delta, ModelInfo, Reply, Request, Shape

NOTICE = "*Rehearsal: put together by rules from sentences of the sources; no language model was used.*"
NOTHING = "Nothing in the sources speaks to this."
NOTHING_MORE = "Nothing further in the sources speaks to this."
NO_SOURCES = "No sources were given."
NO_ROOM = "No room within the word limit."
SEVERITIES = (
    "Severity is a guess from cue words: high for bans, liability, loss, failure and attack; medium for other words "
    "of risk or several mild ones; low for one mild one."
)
MOST, DEEP = 7, 60  # items in a section; candidates looked at for the next one
WORTH = 0.3  # a candidate's least fit, as a share of the best one's


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
    if request.schema is None:
        text = _Draft(request, sentences).text()
    else:
        value = instance(request.schema, request.task, rank(sentences, request.task))
        text = json.dumps(value, ensure_ascii=False, indent=1)
    read = [request.system, request.task, *(passage.text for passage in request.passages)]
    tokens = sum(map(len, read)) // 4
    return Reply(text=text, model="rehearsal", rehearsal=True, input_tokens=tokens, output_tokens=len(text) // 4)


def _opening(text: str) -> str:
    """The first sentence of a task."""
    line = clean(text).strip()
    return next(cut(line), "") or " ".join(line.split()[:25]) or "Untitled"


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
        if self.theme in (CENTRAL, COMPARE):
            asked = 0.5 if sentence.text.endswith("?") else 1.0
            said = asked * sentence.score + about + 0.05 * len(strong)
            return said if about or not self.words or self.theme is COMPARE else 0.0
        cues = 0.35 * min(2, len(strong)) + 0.1 * min(2, len(weak))
        answers = about > 0 if self.strict else cues > 0 or about >= 0.5
        return clarity(sentence) * (0.5 * sentence.score + cues + 0.5 * about) if answers else 0.0


def _section(heading: str, kind: str, usual: Theme) -> _Section:
    """The section for a heading: what it asks for, and in which form. A heading of no known theme has that of the
    artifact's kind, and is strict when it names something."""
    places = [(found.start(), theme) for theme in THEMES if (found := _search(theme, heading))]
    known = _search(CENTRAL, heading) is not None or bool(places)
    theme = min(places, key=lambda place: place[0])[1] if places else CENTRAL if known else usual
    said = rf"\b(?:{CENTRAL.headings}|{theme.headings}|{re.escape(kind).replace('_', '|')})\w*"
    words = terms(re.sub(said, " ", heading, flags=re.IGNORECASE)) if re.search(r"[A-Za-z]", heading) else ()
    return _Section(heading, theme, _form(kind, theme), words, strict=not known and bool(words))


def _search(theme: Theme, heading: str) -> re.Match[str] | None:
    return re.search(rf"\b(?:{theme.headings})", heading, re.IGNORECASE)


def _form(kind: str, theme: Theme) -> str:
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
        title = " ".join(_opening(request.task).rstrip(".?!").split()[:10])
        self.shape = request.shape or Shape(kind="note", title=title, max_words=300)
        self.task = request.task
        self.order = {sentence.text: place for place, sentence in enumerate(sentences)}
        self.pool = rank(sentences, f"{request.task} {self.shape.title}")
        self.many = len({sentence.source for sentence in sentences}) > 1
        self.grouped = self.many or len({sentence.section for sentence in sentences}) > 2
        self.sourced = any(passage.trust == "document" for passage in request.passages)
        self.told = True
        self.claims: dict[str, float] = {}
        self.sections = self._sections()

    def text(self) -> str:
        self.told = self._fits()
        live = [section for section in self.sections if section.candidates]
        while live:
            live = [section for section in live if self._extend(section)]
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
            found = [(section.fit(sentence), sentence) for sentence in self.pool[:1500]]
            least = WORTH * max((fit for fit, _ in found), default=0.0) * (section.form != "table")
            section.candidates = sorted((p for p in found if p[0] > least), key=lambda pair: -pair[0])
            sections.append(section)
            if section.theme not in (CENTRAL, COMPARE):
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

    def _suited(self, section: _Section) -> list[Sentence]:
        """Candidates, best first by fit less what was said already (maximal marginal relevance)."""
        used = [sentence for other in self.sections for sentence in other.picked]
        texts = {sentence.text for sentence in used}
        rows = {self._group(sentence) for sentence in section.picked} if section.form == "table" else set()
        free = [p for p in section.candidates if p[1].text not in texts and self._group(p[1]) not in rows][:DEEP]
        valued = []
        for fit, sentence in free:
            near = [other for other in used if section.form != "table" or other.source == sentence.source]
            same = max((alike(sentence, other) for other in near), default=0.0)
            crowd = sum(other.source == sentence.source for other in section.picked) if self.many else 0
            long = len(sentence.text.split()) > 0.6 * self.shape.max_words / len(self.sections)
            claim = self.claims.get(sentence.text, 0.0)
            rival = claim / 2 if section.theme is CENTRAL else max(0.0, claim - fit)
            if same <= 0.65 and (rival <= 0.3 or section.theme is CENTRAL):
                valued.append((fit - 0.5 * same - 0.06 * crowd - 0.3 * long - 0.5 * rival, sentence))
        return [sentence for _, sentence in sorted(valued, key=lambda pair: -pair[0])]

    def _group(self, sentence: Sentence) -> str:
        """The row of a table that a sentence belongs to."""
        return sentence.source if self.many else sentence.section or sentence.title if self.grouped else sentence.text

    def _fits(self) -> bool:
        return len(self._render().split()) <= self.shape.max_words

    def _render(self) -> str:
        parts = [f"# {self.shape.title}"]
        if not self.sourced and self.told:
            parts.append(f"Asked for: {_opening(self.task)}")
        for section in self.sections:
            parts += [f"## {section.heading}", self._body(section)]
        return "\n\n".join(part for part in [*parts, NOTICE] if part) + "\n"

    def _body(self, section: _Section) -> str:
        if not section.picked:
            return self._silence(section) * self.told
        picked = sorted(section.picked, key=lambda sentence: self.order[sentence.text])
        if section.form == "prose":
            runs = groupby(picked, key=lambda sentence: sentence.source)
            return "\n\n".join(" ".join(map(self._cited, run)) for _, run in runs)
        if section.form == "risks":
            return self._risks(picked)
        if section.form == "table":
            return self._table(picked)
        if section.form == "questions":
            return "\n".join(f"- {_question(sentence.text)}{self._cite(sentence)}" for sentence in picked)
        marks = (f"{n}." if section.form == "ordered" else "-" for n in range(1, len(picked) + 1))
        return "\n".join(f"{mark} {self._cited(sentence)}" for mark, sentence in zip(marks, picked, strict=False))

    def _silence(self, section: _Section) -> str:
        if not self.sourced:
            return NO_SOURCES
        return NOTHING if not section.candidates else NO_ROOM if self._suited(section) else NOTHING_MORE

    def _risks(self, picked: Iterable[Sentence]) -> str:
        graded = sorted(((_severity(sentence.text), sentence) for sentence in picked), key=lambda pair: pair[0][0])
        rows = [
            (("high", "medium", "low")[level], self._cited(sentence), ", ".join(cues[:3]), sentence.title)
            for (level, cues), sentence in graded
        ]
        table = _rows(("Severity", "Risk, as the source puts it", "Cue words", "Source"), rows)
        return f"{table}\n\n{SEVERITIES}" if self.shape.max_words >= 200 else table

    def _table(self, picked: Iterable[Sentence]) -> str:
        groups: dict[str, list[Sentence]] = {}
        for sentence in self.pool:
            groups.setdefault(self._group(sentence), []).append(sentence)
        everywhere = Counter(word for sentence in self.pool for word in sentence.words)
        rows = []
        for sentence in picked:
            group = groups[self._group(sentence)]
            name = sentence.title if self.many or not sentence.section else sentence.section
            rows.append((name, ", ".join(top_terms(group, everywhere)), self._cited(sentence), self._figures(group)))
        return _rows(("Source" if self.many else "Part", "About", "Key statement", "Figures"), rows)

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


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    cells = [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *cells))


def _severity(text: str) -> tuple[int, tuple[str, ...]]:
    """0 high, 1 medium, 2 low, and the cue words that say so."""
    strong, weak = RISK.cues(text)
    level = 0 if re.search(GRAVE, text, re.IGNORECASE) else 1 if strong or len(weak) > 1 else 2
    return level, tuple(strong) + tuple(weak)


def _question(text: str) -> str:
    """A hedged sentence as the question that it leaves open."""
    if text.endswith("?"):
        return text
    quoted = '"' + text.rstrip(".;!").replace('"', "'").replace("“", "'").replace("”", "'") + '"'
    if re.search(
        r"undefined|unspecified|not specified|not defined|implementation[- ]de|to be d|TB[DAC]|discretion", text
    ):
        return f"What holds for us where the source leaves it open: {quoted}?"
    if re.search(r"\bdepend", text):
        return f"What does this come down to in our case: {quoted}?"
    if re.search(r"(?<=\w )(?:should|optional|recommended)\b", text, re.IGNORECASE):
        return f"Do we follow this: {quoted}?"
    return f"Is it settled that {quoted}?"
