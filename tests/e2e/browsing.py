"""A real browser: Chromium from the distribution, driven by Playwright, which downloads nothing.

`CASEWORKS_CHROMIUM` names it where it has another name. Where there is none, tests that need it fail in CI (`CI=true`)
and are left out elsewhere.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.e2e.rest_client import Running

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BLOCKED = "csp"
PHONE = {"width": 375, "height": 740}
WIDE = {"width": 1280, "height": 860}


def chromium() -> str | None:
    named = os.environ.get("CASEWORKS_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("There is no Chromium: install it, or name it in CASEWORKS_CHROMIUM.")
    if path is None:
        pytest.skip("There is no Chromium: install it, or name it in CASEWORKS_CHROMIUM.")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield found
        finally:
            found.close()


@dataclass
class Watched:
    """A page, with what went wrong in it and what it asked for."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(8_000)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(message.text)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def strays(self) -> list[str]:
        """Requests to anywhere but the program, apart from those that the page's policy kept from leaving."""
        left = [each for each in self.requests if not each.url.startswith(self.url + "/")]
        return [each.url for each in left if each.failure != BLOCKED]

    def reach(self, text: str, tag: str = "*", most: int = 80) -> None:
        """By the Tab key alone, until the focus is on an element that says `text`."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(SAYS, [text, tag]):
                return
        raise AssertionError(f"{most} times Tab do not lead to {text!r}")


SAYS = """([text, tag]) => {
  const focused = document.activeElement;
  const said = [focused.textContent, ...[...(focused.labels ?? [])].map((label) => label.textContent)];
  return focused !== document.body && focused.matches(tag) && said.some((each) => each.trim().startsWith(text));
}"""


@contextmanager
def signed_in(found: Browser, running: Running, **options: Any) -> Iterator[Watched]:
    """A fresh browser that opened the one-time link."""
    options.setdefault("viewport", WIDE)
    context: BrowserContext = found.new_context(**options)
    try:
        watched = Watched(context.new_page(), running.url)
        watched.open(f"/page/sign-in#{running.program.sessions.link()}")
        watched.page.wait_for_url("**/page")
        yield watched
    finally:
        context.close()
