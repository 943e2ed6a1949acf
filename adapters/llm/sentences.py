"""Sentences of passages, and how much each matters: splitting, and LexRank biased towards a query.

Deterministic across processes: nothing here iterates over a set of strings.
LexRank: Erkan and Radev, "LexRank: Graph-based Lexical Centrality as Salience in Text Summarization", JAIR 22 (2004).
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest

from domain.ports.llm import Passage
from domain.stop_words import STOPWORDS

SHORTEST, LONGEST = 5, 60  # words in a sentence worth quoting
NEIGHBOURS, COMMON = 10, 120  # edges kept for a sentence; a term in more sentences than this links nothing
DAMPING = 0.8

OPENERS = "the this that these those it in a an however we if for when they there he she but you as all no"
STARTERS = frozenset(OPENERS.split())
ABBREVIATED = """e.g i.e cf vs dr mr mrs ms prof st messrs approx resp incl viz bzw z.b d.h u.a vgl ca bspw gem
evtl ggf sog
    p.ex mme mlle sr sra dra"""
ABBREVIATIONS = frozenset(ABBREVIATED.split())
NUMBERED = """fig figs no nos sec sect art eq ch chap p pp vol nr abs s ver v pt bd kap núm pág"""
BEFORE_NUMBERS = frozenset(NUMBERED.split())
TRAILING = """etc inc ltd co corp al usw jr sr dept ed eds est jan feb mar apr jun jul aug sep sept oct nov dec"""
CLOSING = frozenset(TRAILING.split())
MONTHS = re.compile(r"(Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b")

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
BREAK = re.compile(r"([.!?…]+)[\"'”’»)\]]*\s+(?=[\"'“‘«(\[]?(\S))|[。！？।]\s*")
FENCE = re.compile(r"^(```|~~~)")
HEADING = re.compile(r"^#{1,6}\s+(?P<marked>.*?)\s*#*$|^(?P<shouted>[A-Z][A-Z &/-]{3,40})$")
UNDERLINE = re.compile(r"^([=\-~^\"*+])\1{2,}$")
BULLET = re.compile(
    r"^(?:[-*+•·–‣◦o](?:\s+\[[ xX]\])?|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\d{1,2}(?:\.\d{1,2})+\.?)\s+(?=\S)"
)
SKIPPED = re.compile(
    r"^Times are those that|^No code was written and|^Not written: that"
    r"|^\*?Rehearsal: put together|^Severity is a guess|^Nothing (?:further )?in the sources|^No (?:sources|room) w"
    r"|^\||\|$|^\+[-=+]+\+|(?<!\.)(?<!\.\s)(?:\.\s?){4,}\s*\w*$|\[Page \d+\]"
    r"|^(?:page\s+)?[\divxlc]{1,5}(?:\s+of\s+\d+)?$"
    r"|^\[[^\]]+\]:\s|^\.\. |^:\w+:|^<!--|^-->|^https?://\S+$|^(?:>>>|\$ |\.\.\.)",
    re.IGNORECASE,
)
ASKED = re.compile(  # what an earlier rehearsal made a question of
    r"^(?:Is it settled that|What does this come down to in our case:|Do we follow this:|"
    r'What holds for us where the source leaves it open:) "(.+)"\?$'
)
RULER = re.compile(r"^\s*\|[\s:|-]+\|\s*$")
DATA = re.compile(r"^\s*(?:\{.*\}|[^:.!?]{1,40}:\s[^:]+[,;]\s[^:,;]{1,40}:\s.*)\s*,?$")
SYMBOLS = re.compile(r"[{}<>=|\\$#~^_*+@]")
COMMENT = re.compile(r"<!--.{0,6000}?(?:-->|\Z)", re.DOTALL)
DANGLING = re.compile(
    r"(?:this|it|they|these|such|he|she|but|and|also|thus|then|so|that|those|here|"
    r"otherwise|see|the (?:following|above)|more information|"
    r"therefore|for example|"
    r"accordingly|hence|consequently|(?!During)[a-z]{3,}ing)\b",
    re.IGNORECASE,
)
MALFORMED = re.compile(
    r"\{[\w|. <>]+\}|\\\w|\b(?:then|and|or|the|of)\.$|^(?:Does|Is|Are|Was|Has|May|Can|Will)\b.*[^?]$"
)
CLEANERS = tuple(
    (re.compile(pattern, re.IGNORECASE), by)
    for pattern, by in (
        (r"!\[[^\]]{0,200}\]\([^)]{0,300}\)|\[\^[^\]]{0,40}\]", ""),
        (r"\[([^\]]{1,300})\](?:\([^)]{0,300}\)|\[[^\]]{0,100}\])", r"\1"),
        (
            r"</?(?:a|b|i|p|br|hr|em|div|img|su[pb]|pre|kbd|code|span|strong|li|ul|ol|t[dhr]|table)(?:\s[^>]{0,300})?/?>",
            " ",
        ),
        (r":[a-z:]{1,30}:`([^`]{1,200})`|``([^`]{1,200})``", r"`\1\2`"),
        (r"`([^`<]{1,200}?)\s*<[^>`]{1,300}>`_{1,2}", r"\1"),
        (r"(?<![\w*])\*{1,3}(?=[^\s*])|(?<=[^\s*])\*{1,3}(?![\w*])", ""),
        (r"(?<!\w)_([^_\s][^_\n]{0,100})(?<!\s)_(?!\w)", r"\1"),
        (r"\[", "("),
        (r"\]", ")"),
        (r"\s+", " "),
    )
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """`section` is the heading it stands under, `position` its place in its document, `score` at most 1,
    `record` true for a line of data."""

    text: str
    label: str
    source: str
    title: str
    section: str
    position: int
    words: tuple[str, ...]
    score: float = 0.0
    record: bool = False


def clean(text: str) -> str:
    """One line without markup; square brackets become round ones, so that nothing in it reads as a citation."""
    for pattern, by in CLEANERS:
        text = pattern.sub(by, text)
    return text.replace("`", "") if text.count("`") % 2 else text


def terms(text: str) -> tuple[str, ...]:
    """Distinct stems of the words that carry meaning, in order of appearance; pairs of characters in Chinese,
    Japanese and Korean."""
    found: dict[str, None] = {}
    for word in WORD.findall(text.lower()):
        if CJK.search(word):
            found.update(dict.fromkeys(word[i : i + 2] for i in range(max(1, len(word) - 1))))
        elif len(word) > 2 and word not in STOPWORDS:
            found[stem(word)] = None
    return tuple(found)


def stem(word: str) -> str:
    word = re.sub(r"['’]s$", "", word)
    for suffix in ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "y"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)][:9]
    return word[:9]


def alike(one: Sentence, other: Sentence) -> float:
    """Shared words over the shorter sentence's words; records share theirs by nature and are never alike."""
    if one.record and other.record:
        return 0.0
    shared = len(set(one.words) & set(other.words))
    return shared / max(1, min(len(one.words), len(other.words)))


def split(passages: Sequence[Passage]) -> tuple[Sentence, ...]:
    """The sentences of the documents to cite among `passages`, document by document, none twice."""
    documents: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        if passage.trust == "document" and passage.label:
            documents[passage.source].append(passage)
    seen: dict[str, Sentence] = {}
    for document in documents.values():
        for sentence in list(_of_document(document)) or list(_statements(document)):
            seen.setdefault(" ".join(WORD.findall(sentence.text.lower())), sentence)
    return tuple(seen.values())


def _of_document(document: Sequence[Passage]) -> Iterator[Sentence]:
    lines = [line.strip() for passage in document for line in passage.text.splitlines() if line.strip()]
    if 2 * sum(bool(DATA.match(line)) for line in lines) > len(lines):
        return
    repeated = {line for line, n in Counter(map(_undated, lines)).items() if n >= 3}
    known = {word for line in lines for word in WORD.findall(line.lower())}
    section, position = "", 0
    for passage in document:
        for kind, block in _blocks(passage.text, repeated):
            text = clean(_unhyphenated(block, known)).strip(" >|")
            if kind == "heading" or _is_title(text):
                section = text
                continue
            for sentence in cut(text, whole=kind == "item"):
                if _is_title(sentence):
                    section = sentence.rstrip(".")
                elif _worth_quoting(sentence):
                    yield _sentence(sentence, passage, section, position)
                    position += 1


def _sentence(text: str, passage: Passage, section: str, position: int) -> Sentence:
    title = clean(passage.title or passage.source).strip()
    return Sentence(text, passage.label, passage.source, title, section, position, terms(text))


def _statements(document: Sequence[Passage]) -> Iterator[Sentence]:
    """Lines of tables and records, for documents without sentences; those with a highest or lowest value first."""
    lines = [(passage, _flat(line.strip().rstrip(","))) for passage in document for line in _records(passage.text)]
    extreme = _extremes([line for _, line in lines])
    for index, (passage, line) in enumerate(lines):
        text = clean(line).strip(" #>|*-")
        if 2 <= len(text.split()) <= LONGEST and not SKIPPED.search(text):
            statement = _sentence(text, passage, "", 0 if index in extreme else index + 10)
            yield replace(statement, record=True)


def _records(text: str) -> Iterator[str]:
    """Lines without headings; of a Markdown table's rows the longest cell, and not its head."""
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        if HEADING.match(line):
            continue
        if not line.lstrip().startswith("|"):
            yield line
        elif not RULER.match(line) and not RULER.match(following):
            yield max((cell.strip() for cell in line.strip(" |").split("|")), key=len)


def _extremes(lines: Sequence[str]) -> set[int]:
    """Places of the lines that hold the highest or the lowest number of some column."""
    columns: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for index, line in enumerate(lines):
        for name, value in re.findall(r"([^,:]{1,60}): *(-?\d{1,15}(?:\.\d{1,15})?)\s*(?:,|$)", line):
            columns[name.strip()].append((float(value), -index))
    return {-end(column)[1] for column in columns.values() for end in (min, max) if len(column) > 2}


def _flat(line: str) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return line
    return ", ".join(f"{key}: {item}" for key, item in value.items()) if isinstance(value, dict) else line


def _undated(line: str) -> str:
    """The line with its numbers made equal, if it may be a page's header or footer; else nothing."""
    return "" if len(line) > 90 or line[-1:] in ".!?;,:" else re.sub(r"\d+", "0", line)


def _unhyphenated(block: str, known: set[str]) -> str:
    """Words broken at the end of a line, joined without the hyphen where the document knows the joined word."""

    def joined(match: re.Match[str]) -> str:
        whole = match[1] + match[3]
        return whole if whole.lower() in known or match[2] == "‐" else f"{match[1]}-{match[3]}"

    return re.sub(r"\b([^\W\d_]{1,40})([-‐])\n([^\W\d_]{1,40})", joined, block)


def _blocks(text: str, repeated: set[str]) -> Iterator[tuple[str, str]]:
    """(`heading`, `item` or `text`, lines joined by newlines); code, tables, contents and page furniture left out."""
    kind, pending, code = "text", list[str](), False
    for line in [*(line.strip("> \t") for line in COMMENT.sub("", text).splitlines()), ""]:
        bullet, heading = BULLET.match(line), HEADING.match(line)
        fence = FENCE.match(line) is not None
        titled = bool(UNDERLINE.match(line)) and len(pending) == 1
        plain = bool(line) and not (fence or code or heading or bullet or UNDERLINE.match(line))
        if plain and not SKIPPED.search(line) and _undated(line) not in repeated - {""}:
            pending.append(line)
            continue
        if pending:
            yield ("heading" if titled else kind), "\n".join(pending)
        kind, pending, code = "text", [], code != fence
        if heading and not code:
            yield "heading", heading["marked"] or heading["shouted"]
        elif bullet and not code and not SKIPPED.search(line):
            kind, pending = "item", [ASKED.sub(r"\1.", line[bullet.end() :].strip())]


def cut(text: str, whole: bool = False) -> Iterator[str]:
    """The sentences of a paragraph. What has no full stop counts only when `whole`, as items of lists do."""
    start = 0
    for match in BREAK.finditer(text):
        if match[1] is None or _ends(
            text[start : match.start()], match[1], match[2], text[match.end() : match.end() + 40]
        ):
            yield text[start : match.end()].strip()
            start = match.end()
    rest = text[start:].strip()
    if re.search(r"[.!?…。！？][\"'”’»)`]*$", rest):
        yield rest
    elif whole and not start and len(rest.split()) >= 8 and rest[0].isupper():
        yield "" if re.search(r"[:,;](?: and| or)?$", rest) else f"{rest}."


def _ends(before: str, mark: str, following: str, after: str) -> bool:
    """Whether a full stop, with `before` on its left and `after` on its right, ends a sentence."""
    if following.islower():
        return False
    last = before.split()[-1].lstrip("(\"'“") if before.split() else ""
    if mark != ".":
        return True
    first = re.sub(r"\W", "", (after.split() or [""])[0]).lower()
    if last.lower() in ABBREVIATIONS or (last.lower() in BEFORE_NUMBERS and after.lstrip("( ")[:1].isdigit()):
        return False
    if last.lower() in CLOSING or re.fullmatch(r"(?:\w\.)+\w|[A-HJ-Za-z]", last):
        return first in STARTERS
    return not (last.isdigit() and (len(before.split()) == 1 or MONTHS.match(after)))


def _is_title(text: str) -> bool:
    long = [word for word in WORD.findall(text) if len(word) > 3 and word not in STOPWORDS]
    capitals = all(not word[0].islower() for word in long) and any(word[0].isupper() for word in long)
    return capitals and len(text.split()) <= 10 and not re.search(r"\d{3}|[,;]", text)


def _worth_quoting(text: str) -> bool:
    words = len(text.split()) + len(CJK.findall(text)) // 2
    first = (text.split() or [""])[0]
    fragment = (first.isalpha() and first.islower()) or text.count("(") != text.count(")") or text.count('"') % 2 == 1
    fragment = fragment or bool(MALFORMED.search(text)) or text.startswith(("-", "Copyright"))
    return SHORTEST <= words <= LONGEST and not fragment and len(SYMBOLS.findall(text)) <= 0.04 * len(text)


def rank(sentences: Sequence[Sentence], query: str) -> tuple[Sentence, ...]:
    """Scored, best first; ties keep their order. Central sentences win, nearer to `query` and earlier ones more so."""
    if not sentences:
        return ()
    weight = _idf(sentences)
    near = _nearness(sentences, weight, terms(query))
    bias = [1 + 2 * share + 1.5 / (1 + s.position / 4) for share, s in zip(near, sentences, strict=True)]
    centrality = _centrality(_edges(sentences, weight), bias)
    raw = [
        value * clarity(sentence) * (1 + 1.2 * share + 0.8 / (1 + sentence.position / 3))
        for value, share, sentence in zip(centrality, near, sentences, strict=True)
    ]
    top = max(raw) or 1.0
    scored = [replace(sentence, score=round(value / top, 6)) for value, sentence in zip(raw, sentences, strict=True)]
    return tuple(sorted(scored, key=lambda sentence: -sentence.score))


def _idf(sentences: Sequence[Sentence]) -> dict[str, float]:
    counts = Counter(word for sentence in sentences for word in sentence.words)
    return {word: math.log((len(sentences) + 1) / count) for word, count in counts.items()}


def _nearness(sentences: Sequence[Sentence], weight: dict[str, float], query: Sequence[str]) -> list[float]:
    """The share of the query, by weight of its words, that each sentence has."""
    total = sum(weight.get(word, 0.0) for word in query) or 1.0
    return [sum(weight[word] for word in query if word in sentence.words) / total for sentence in sentences]


def _edges(sentences: Sequence[Sentence], weight: dict[str, float]) -> list[list[tuple[float, int]]]:
    """The nearest neighbours of each sentence by cosine of idf-weighted words, through an inverted index."""
    postings: dict[str, list[int]] = defaultdict(list)
    for index, sentence in enumerate(sentences):
        for word in sentence.words:
            postings[word].append(index)
    limit = min(COMMON, max(20, len(sentences) // 5))
    norms = [math.sqrt(sum(weight[word] ** 2 for word in sentence.words)) or 1.0 for sentence in sentences]
    near = []
    for index, sentence in enumerate(sentences):
        shared: dict[int, float] = defaultdict(float)
        for word in sentence.words:
            for other in postings[word] if len(postings[word]) <= limit else ():
                shared[other] += weight[word] ** 2
        cosines = ((value / norms[index] / norms[other], other) for other, value in shared.items() if other != index)
        near.append(nlargest(NEIGHBOURS, (pair for pair in cosines if pair[0] >= 0.08)))
    return near


def _centrality(edges: Sequence[Sequence[tuple[float, int]]], bias: Sequence[float]) -> list[float]:
    """PageRank that restarts where `bias` says, as the eigenvector of a graph with a hub that every walk returns to."""
    import networkx

    graph: networkx.DiGraph[int] = networkx.DiGraph()
    hub, total = len(bias), sum(bias)
    graph.add_weighted_edges_from((hub, index, value / total) for index, value in enumerate(bias))
    for index, near in enumerate(edges):
        mass = sum(value for value, _ in near)
        graph.add_edge(index, hub, weight=1 - DAMPING if near else 1.0)
        graph.add_weighted_edges_from((index, other, DAMPING * value / mass) for value, other in near)
    try:
        found = networkx.eigenvector_centrality(graph, max_iter=300, tol=1e-6, weight="weight")
    except networkx.PowerIterationFailedConvergence:
        found = networkx.in_degree_centrality(graph)
    return [float(found[index]) for index in range(hub)]


def clarity(sentence: Sentence) -> float:
    """Below 1 for what leans on the sentence before it, is long-winded, or hardly says anything."""
    length = len(sentence.text.split())
    size = 0.85 if length < 8 else max(0.4, 1 - 0.02 * max(0, length - 26))
    return size * (0.55 if DANGLING.match(sentence.text) else 1.0)


def top_terms(sentences: Iterable[Sentence], everywhere: Counter[str], count: int = 4) -> tuple[str, ...]:
    """Words that are frequent in `sentences` and less so elsewhere, as they are most often written."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        for word in WORD.findall(sentence.text.lower()):
            if len(word) > 3 and word not in STOPWORDS and not word.isdigit():
                forms[stem(word)][word] += 1
    value = {key: form.total() ** 1.5 / (1 + everywhere[key]) for key, form in forms.items()}
    best = sorted(value, key=lambda key: (-value[key], -len(key), key))[:count]
    return tuple(min(forms[key], key=lambda word: (-forms[key][word], word)) for key in best)
