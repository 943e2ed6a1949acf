"""What headings ask for: their words, and the cues of sentences that answer them."""

import re
from dataclasses import dataclass

FIGURE = (
    r"(?:[$€£]\s?\d[\d.,]*(?<=\d)|\b\d+(?:[.,]\d+)*(?:\s?[%€$£]|[ -](?:percent|per cent|million|billion|"
    r"(?:business |working )?days?|years?|months?|weeks?|hours?|minutes?|seconds?|EUR|USD|[kKMGT]i?B|kg|km|ms|"
    r"bytes?|bits?|Tage|Jahre|Euro|jours|ans|días|años)\b))"
)
BAN = r"\b(?:must not|shall not|may not|cannot|prohibit\w*|forbid\w*|illegal\w*"
GRAVE = BAN + (
    r"|fail\w*|liab\w+|danger\w*|loss(?:es)?|los[et]s?|damage\w*|breach\w*|vulnerab\w+|terminat\w+|infring\w+|"
    r"attack\w*|unsafe|insecure|corrupt\w*|crash\w*|haft\w+|Gefahr\w*|Schäden|Schaden\w*|Verlust\w*|"
    r"responsabilité|peligro\w*)\b"
)


@dataclass(frozen=True, slots=True)
class Theme:
    """What a heading asks for: words of such headings, and cues of sentences that answer, strong and weak."""

    name: str
    headings: str
    strong: str = "(?!)"
    weak: str = "(?!)"

    def cues(self, text: str) -> tuple[dict[str, None], dict[str, None]]:
        """The distinct strong and weak cues in `text`, in order; none of the weak is part of a strong one."""
        found = (re.finditer(pattern, text, re.IGNORECASE) for pattern in (self.strong, self.weak))
        strong, weak = (dict.fromkeys(hit.group(0).lower() for hit in hits) for hits in found)
        return strong, {cue: None for cue in weak if not any(cue in other for other in strong)}


# fmt: off
RISK = Theme(
    "risk",
    r"risk|limit|problem|contradict|issue|concern|threat|weak|danger|fail|warn|caveat|blocker|drawback|Risik|"
    r"risque|riesgo|Problem",
    GRAVE[:-3] + r"|without (?:any )?warrant\w*|no warrant\w*|risk\w*|penalt\w+|unable|Risik\w+|risque\w*|"
    r"riesgo\w*)\b",
    r"\b(?:however|not(?! limited| only)|unless|except\w*|(?<!not )(?<!without )limit\w*|error\w*|warn\w*|"
    r"problem\w*|warrant\w*|disclaim\w*|only if|never|delay\w*|caution|deprecated|missing|difficult\w*|jedoch|"
    r"nicht|kein\w*|cependant|sauf|pas|pero|excepto)\b")
QUESTION = Theme(
    "question", r"question|ask\b|open\b|unknown|not know|unclear|gap|uncertain|ambig|Frage|offen|pregunta|Unklar",
    r"\?$|\b(?:undefined|(?<!if )unspecified|not (?:yet )?(?:specified|defined|decided|known|clear)(?!,)|"
    r"implementation[- ]de(?:fined|pendent)|to be (?:decided|determined|defined|confirmed)|TB[DAC]|unclear|unknown|"
    r"depend(?:s|ing)? on|not yet|uncertain\w*|ambigu\w+|discretion|"
    r"assum(?:es?|ing|ptions?)(?! (?:the cost|any|all|no|liab|resp))|presum\w+|"
    r"unklar|ungeklärt|noch nicht|hängt|selon|depende)\b",
    r"\b(?:(?<!you )(?<!one )may(?! not)|might|could|(?<=\w )should(?! have)|optional\w*|possibly|probably|"
    r"perhaps|typically|usually|expect\w*|likely|approximately|könnte\w*|sollte\w*|eventuell|pourrait|"
    r"podría)\b")
ASSUMPTION = Theme(
    "assumption", r"assum|Annahme|hypoth|supuest",
    r"\b(?:assum\w+(?! (?:the cost|any|all|no|liab|resp))|presum\w+|"
    r"expect\w*|suppos\w+|rel(?:y|ies) on|depend(?:s|ing)? on|provided that|"
    r"on condition)\b", r"\b(?:may(?! not)|should|might|could|will|if)\b")
COMPARE = Theme("compare", r"option|criteri|compar|alternativ|framework|matrix|differ|similar|Vergleich")
ACTION = Theme(
    "action",
    r"steps?\b|changes?\b|needed\b|recommend|action|objective|goal|roadmap|key result|plan|require|obligat|"
    r"dut(?:y|ies)|to.?do|milestone|measure|mitigat|priorit|must|conditions?\b|Ziel|Maßnahme|Pflicht|étapes|pasos|objecti",
    r"\b(?:must(?! not)|shall(?! not| mean)|required to|(?<!not )requires?|recommend\w*|needs? to|ha(?:s|ve) to|"
    r"ensure\w*|muss|müssen|soll|sollen|doit|doivent|deben?)\b",
    r"\b(?:should|agree\w*|propos\w+|plan(?:s|ned)?|responsible|obligat\w+)\b")
CENTRAL = Theme(
    "central", r"(?:key|main|core|central|important|essential|major)\b|facts?\b|points?\b|finding|summar|overview|"
    r"highlight|conclusion|gist|background|purpose|introduction|in short|in brief|content|message|statement|"
    r"evidence|big picture|matters?\b|scope\b|notes?\b|context|analysis|discussion|results?\b|answer|"
    r"bottom line|consideration|about\b|wichtig|Wesentlich|principa|clés?\b|claves?\b|Zusammenfassung|"
    r"Überblick|Fakten|Kern|résumé|resumen|hechos|sources?\b|documents?\b|sa(?:y|ys|id)\b|take-?aways?|"
    r"synthesis|insight|detail|section|part\b|state\b")
TIME = Theme(
    "time", r"time|schedule|deadline|dates?\b|when\b|history|chronolog|Termin|Zeit",
    r"\b(?:within \w+ \w*days?|deadline\w*|(?:January|February|March|April|June|July|August|September|"
    r"October|November|December)\b|(?:by|in|since|until|before|after) (?:19|20)\d\d)\b|\b(?:19|"
    r"20)\d\d-\d\d", r"\b(?:(?:19|20)\d\d|days?|weeks?|months?|years?)\b")
DEFINITION = Theme(
    "definition", r"definition|terms?\b|terminolog|glossar|vocabular|concept|Begriff|Definition",
    r"(?:(?<!this )(?<!by )(?<!which )means(?! of)|\b(?:(?:is|are) defined as|refers to|shall mean|"
    r"denotes|known as|stands for|bezeichnet|bedeutet|désigne|significa))\b",
    r"^(?!There|It\b|This|That|Here|If|When|Any)[\"“`]?[\w' `-]{3,40}[\"”`]? (?:is|are|ist|est|es) (?:an?|"
    r"the|eine?|une?|una)\b")
TAGS = Theme("tags", r"tags?\b|keyword|key words|topics?\b|subjects?\b|Schlagw|Stichw|mots.clés|palabras clave")
EDGES = Theme("edges", r"edges?\b|links?\b|relations?\b|connections?\b")
UNWRITTEN = Theme(
    "unwritten", r"code\b|tests?\b|not tested|patch|diff\b|files?\b|configuration|scripts?\b|commands?\b|how to run|"
    r"log\b|results?\b|output")
SOFTWARE = r"source_change|unit_tests|configuration|patch|deliverable|manifest|build_log|script|software"
THEMES = (
    RISK,
    QUESTION,
    ASSUMPTION,
    COMPARE,
    ACTION,
    TAGS,
    EDGES,
    Theme(
        "order", r"depend|prerequisite|comes? first|needs first|sequence|order\b",
        r"\b(?:before|after|until|once|as soon as|first|depend\w* on|only when|requires?|erst|bevor|nachdem)\b",
        r"\b(?:then|next|later|while|when|if)\b"),
    Theme(
        "check", r"how to (?:check|tell|test|verify)|tested\b|acceptance",
        r"\b(?:test\w*|check\w*|verif\w+|inspect\w*|measur\w+|accept\w*|confirm\w*|prüf\w*)\b",
        r"\b(?:must|at (?:most|least)|within|exactly|every|each)\b"),
    Theme(
        "number", r"number|figure|data$|metric|statistic|amount|quantit|Zahlen|chiffres|cifras", FIGURE,
        r"(?<![.§\d%'-])(?<!section )(?<!version )(?<!RFC )\b\d{2,}\b|\b\d+\.\d+\b(?!\.)"),
    DEFINITION,
    TIME,
    Theme(
        "right", r"permission|rights?\b|allowed|grant",
        r"\b(?:may(?! not)|allow\w*|permi\w+|grant\w*|free to|entitle\w*|rights?)\b"),
    Theme(
        "cause", r"why\b|cause|reason|rationale|consequence|effects?\b",
        r"\b(?:because|due to|therefore|in order to|so that|as a result|weil|parce que|porque)\b"),
    Theme(
        "example", r"example|Beispiel|exemple|ejemplo",
        r"\b(?:for (?:example|instance)|such as|zum Beispiel|par exemple)\b|\be\.g\."),
    Theme(
        "cost", r"cost|pric|budget|fee|fund|Kosten|coût",
        r"\b(?:costs?|prices?|fees?|charg\w+|pay\w*|budget\w*|Kosten)\b|[$€£]"),
    Theme(
        "people", r"people|who\b|stakeholder|audience|role|team",
        r"\b(?:users?|customers?|authors?|owners?|teams?|managers?|people|staff)\b"),
    Theme(
        "security", r"secur|safety|privacy",
        r"\b(?:secur\w+|attack\w*|vulnerab\w+|privacy|protect\w*|authenti\w+|encrypt\w*|safe\w*)\b"),
)
# fmt: on
KINDS: tuple[tuple[str, Theme, tuple[str, ...]], ...] = (
    (SOFTWARE, ACTION, ("What changes", "Code", "How to check it")),
    (r"breakdown", ACTION, ("Steps", "Dependencies", "Open questions")),
    (r"allocation|reschedul", TIME, ("Time table", "Assumptions")),
    (r"catalogue|tags", TAGS, ("Tags", "What it is about")),
    (r"edges", EDGES, ("Edges",)),
    (r"health|alert|anomaly", RISK, ("State", "Failures", "Next steps")),
    (r"risk|pre_mortem", RISK, ("Risks", "Open questions")),
    (r"question", QUESTION, ("Open questions", "Assumptions to check")),
    (r"assumption", ASSUMPTION, ("Assumptions", "Open questions")),
    (r"compar|framework|matrix|option", COMPARE, ("Comparison", "Limits and risks", "Open questions")),
    (r"objective|roadmap|plan|checklist|schedule", ACTION, ("Objectives", "Risks", "Open questions")),
    (r"glossary", DEFINITION, ("Definitions",)),
    (r"timeline", TIME, ("Timeline",)),
    (r"brief", CENTRAL, ("In short", "Figures", "Risks", "Next steps")),
    (r"summary", CENTRAL, ("Key points", "Figures", "Limits and risks", "Open questions")),
    (r"review|critique", CENTRAL, ("Findings", "Risks", "Assumptions")),
    (r"", CENTRAL, ("Key points", "Requirements", "Limits and risks", "Open questions")),
)
