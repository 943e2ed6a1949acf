"""Who may see the page: one-time links that become sessions of a browser.

Links live in memory only. Sessions outlive a restart: a file of the data directory (mode 0600) holds keyed digests of
them, never the sessions themselves, so that who reads the file cannot sign in, and a new owner's token ends them all.
"""

import hashlib
import hmac
import json
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from services.ports.clock import Clock

LINK_LIVES = timedelta(minutes=15)
SESSION_LIVES = timedelta(days=7)
MOST_LINKS, MOST_SESSIONS = 20, 50


class Sessions:
    def __init__(self, path: Path, owner_token: str, clock: Clock) -> None:
        self._path, self._key, self._clock = path, owner_token.encode(), clock
        self._links: dict[str, datetime] = {}
        self._sessions = self._read()

    def link(self) -> str:
        """A new one-time token; it can be exchanged once, within `LINK_LIVES`."""
        token = secrets.token_urlsafe(32)
        self._links = _newest(self._links | {self._digest("link", token): self._until(LINK_LIVES)}, MOST_LINKS)
        return token

    def exchange(self, token: str) -> str | None:
        """A session for a one-time token, which is worth nothing from then on."""
        found = self._found(self._links, "link", token)
        if found is None:
            return None
        alive = self._links.pop(found) > self._clock.now()
        return self.begin() if alive else None

    def begin(self) -> str:
        session = secrets.token_urlsafe(32)
        until = self._until(SESSION_LIVES)
        self._keep(_newest(self._alive() | {self._digest("session", session): until}, MOST_SESSIONS))
        return session

    def holds(self, session: str) -> bool:
        found = self._found(self._sessions, "session", session)
        return found is not None and self._sessions[found] > self._clock.now()

    def end(self, session: str) -> None:
        found = self._found(self._sessions, "session", session)
        self._keep({digest: until for digest, until in self._alive().items() if digest != found})

    def form_token(self, session: str) -> str:
        """What every form of this session carries: a page of another origin can send a form, but not know this."""
        return self._digest("form", session)

    def is_form_token(self, session: str, given: str) -> bool:
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _digest(self, purpose: str, token: str) -> str:
        return hmac.digest(self._key, f"{purpose} {token}".encode(), hashlib.sha256).hex()

    def _found(self, known: dict[str, datetime], purpose: str, token: str) -> str | None:
        """Compared with every known one, in constant time."""
        digest = self._digest(purpose, token)
        matches = [each for each in known if hmac.compare_digest(each, digest)]
        return matches[0] if matches else None

    def _until(self, lives: timedelta) -> datetime:
        return self._clock.now() + lives

    def _alive(self) -> dict[str, datetime]:
        now = self._clock.now()
        return {digest: until for digest, until in self._sessions.items() if until > now}

    def _keep(self, sessions: dict[str, datetime]) -> None:
        self._sessions = sessions
        draft = self._path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({digest: until.isoformat() for digest, until in sessions.items()}, file)
        draft.replace(self._path)

    def _read(self) -> dict[str, datetime]:
        """A file that cannot be read holds nobody's session: one signs in again."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(digest): datetime.fromisoformat(until) for digest, until in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}


def _newest(known: dict[str, datetime], most: int) -> dict[str, datetime]:
    return dict(sorted(known.items(), key=lambda item: item[1])[-most:])
