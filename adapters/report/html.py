"""The report as one HTML file that needs nothing else: no network, no script, no font, no picture to load."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from adapters.report import words
from adapters.report.view import Page
from services.ports.report import ReportModel, ReportWriter

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "report.html.j2"
PARTS = (TEMPLATE, "parts.html.j2", "shared.css", "report.css")


class HtmlReport(ReportWriter):
    def write(self, model: ReportModel) -> str:
        return words.clean(_template().render(page=Page(model), model=model))


@cache
def _template() -> Template:
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = files("adapters.report")
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in PARTS}
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=DictLoader(texts), trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["words"] = words
    for filter in (words.plain, words.short, words.count, words.moment):
        environment.filters[filter.__name__] = filter
    return environment.get_template(TEMPLATE)
