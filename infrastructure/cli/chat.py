"""`caseworks chat`: talking with the manager of a project, or of the workspace."""

import secrets
import sys
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import asked, document, say, tell
from infrastructure.cli.session import DataDir, Json, Session, going_on, segment, session

HELP = """Write what you want to know or have done. Nothing is changed before you accept it.
  /accept N    do what was proposed as N        /dismiss N    leave it
  /keep        file the last answer as a note   /again        ask again after a failure
  /history     what was said before             /quit         leave"""
SHOWN = 10


def chat(
    ctx: typer.Context,
    project: Annotated[
        str, typer.Argument(help="The project's id; without one, the whole workspace.", metavar="PROJECT")
    ] = "",
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="Say this, show the answer, and leave.", metavar="TEXT")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Show what was said before, and leave.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Talk with the manager: ask, propose, accept. Without a project: what is going on, what waits for you.

    Example: caseworks chat prj_… -m "What does the manual say about the brake?"
    """
    if json and message is None and not history:
        raise Ended(Code.USAGE, "--json needs --message TEXT or --history.")
    with session(ctx, data_dir, dispatch=True) as found:
        talk = Talk(found, project)
        if history:
            talk.show_history(json=json)
        elif message is not None:
            _once(talk, message, json=json)
        else:
            _interactive(talk)


def _once(talk: "Talk", message: str, *, json: bool) -> None:
    turn = talk.ask(message, quiet=json)
    if json:
        document(turn)
    if turn["state"] == "failed":
        raise Ended(Code.WORK, turn["text"] if json else "The answer failed.")


def _interactive(talk: "Talk") -> None:
    if asked():
        tell(HELP)
    while True:
        if asked():
            print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() in ("/quit", "/exit"):
            return
        if line.strip():
            _guarded(talk, line.strip())


def _guarded(talk: "Talk", line: str) -> None:
    """A refusal is said, and the conversation goes on."""
    from infrastructure.cli.connection import Refused

    try:
        talk.take(line)
    except Refused as refused:
        tell(str(refused))


@dataclass
class Talk:
    """A conversation at the terminal. `turn` is the manager's last one; `offered` are the proposals that have numbers,
    in their order: (id of the message, id of the proposal). A number stays as long as the conversation is open."""

    found: Session
    project: str
    turn: dict[str, Any] | None = None
    path: str = field(init=False)
    offered: list[tuple[str, str]] | None = None

    def __post_init__(self) -> None:
        if self.project:
            self.found.api.get(f"/v1/projects/{segment(self.project)}")
        self.path = f"/v1/projects/{segment(self.project)}/messages" if self.project else "/v1/messages"

    def take(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        match command:
            case "/accept" | "/dismiss":
                self._settle(command[1:], rest.strip())
            case "/keep":
                self._keep(rest.strip())
            case "/again":
                self._follow(f"/v1/messages/{self._last()['id']}/retry", None, quiet=False)
            case "/history":
                self.show_history(json=False)
            case _ if command.startswith("/"):
                tell(HELP)
            case _:
                self.ask(line)

    def ask(self, text: str, *, quiet: bool = False) -> dict[str, Any]:
        return self._follow(self.path, {"text": text}, quiet=quiet)

    def show_history(self, *, json: bool) -> None:
        """The newest last."""
        turns = [turn for page in self._pages() for turn in page]
        if json:
            document({"items": turns})
            return
        for turn in turns:
            say(f"{words.when(turn['at'])}  {'you' if turn['role'] == 'person' else 'manager'}")
            say(f"{turn['text'] or '…'}\n")
            self._list(turn)
        if not turns:
            say("Nothing was said yet.")

    def _pages(self) -> list[list[Any]]:
        pages: list[list[Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.found.api.get(self.path, limit=100, cursor=cursor or None)
            pages.insert(0, page["items"])
            cursor = page["next_cursor"]
        return pages

    def _follow(self, path: str, body: dict[str, Any] | None, *, quiet: bool) -> dict[str, Any]:
        """The answer, shown while it is written; a stream that breaks is taken up again by the same key."""
        import httpx

        key, written = secrets.token_hex(16), ""
        for attempt in range(3):
            try:
                for _, kind, data in self.found.api.converse(path, body, key):
                    if kind == "turn":
                        self.turn = data
                    elif kind == "text" and not quiet and attempt == 0:
                        written += data["text"]
                        print(words.clean(data["text"]), end="", flush=True)
                if self.turn is not None and self.turn["state"] != "thinking":
                    break
            except httpx.HTTPError:
                tell("\n  the connection broke; trying again …")
        turn = self._last()
        if turn["state"] == "thinking":
            raise Ended(Code.WORK, f"The answer is still being made; `caseworks chat {self.project} --history` has it.")
        if not quiet:
            self._finish(turn, written)
        return turn

    def _finish(self, turn: dict[str, Any], written: str) -> None:
        """What was not shown while it was written. Where code changed it, all of it once more."""
        text, begun = turn["text"], written.strip()
        if begun and text.startswith(begun):
            say(text[len(begun) :])
        else:
            say(f"\n\n{text}" if begun else text)
        self._list(turn)

    def _settle(self, how: str, number: str) -> None:
        offered = self._offered()
        if not number and len(offered) == 1:
            number = "1"
        if not number.isdecimal() or not 1 <= int(number) <= len(offered):
            tell(f"There is no proposal {number}; /history shows those that are open." if number else f"Say /{how} N.")
            return
        turn_id, proposal_id = offered[int(number) - 1]
        turn = self.found.api.post(f"/v1/messages/{turn_id}/proposals/{proposal_id}/{how}")
        if self.turn is not None and self.turn["id"] == turn_id:
            self.turn = turn
        settled = next(proposal for proposal in turn["proposals"] if proposal["id"] == proposal_id)
        say(f"{settled['state'].capitalize()}: {settled['title']}{' → ' + settled['made'] if settled['made'] else ''}")
        if settled["state"] == "accepted" and settled["kind"] in ("task", "plan_change", "agent"):
            tell(going_on(self.found, self.project))

    def _offered(self) -> list[tuple[str, str]]:
        """Those that were open when they were first asked for, oldest first, and those that came since."""
        if self.offered is None:
            self.offered = [_key(turn, one) for page in self._pages() for turn in page for one in _open(turn)]
        return self.offered

    def _list(self, turn: dict[str, Any]) -> None:
        """The passages that it cites and what it proposes."""
        for citation in turn["citations"]:
            place = f"passage {citation['ordinal'] + 1} ({citation['artifact_id']})"
            quote = words.line(citation["quote"], 90)
            say(f"  [{citation['label']}] {words.line(citation['title'], 60)}, {place}: {quote}")
        for proposal in turn["proposals"]:
            if proposal not in _open(turn):
                say(f"  {proposal['title']} ({proposal['state']})")
                continue
            offered, key = self._offered(), _key(turn, proposal)
            if key not in offered:
                offered.append(key)
            number = offered.index(key) + 1
            say(f"  {number}. {proposal['title']} (/accept {number} or /dismiss {number})")

    def _keep(self, project: str) -> None:
        body = {"project_id": segment(project)} if project else {}
        artifact = self.found.api.post(f"/v1/messages/{self._last()['id']}/keep", body)
        say(f"Kept as {artifact['id']}: {words.line(artifact['title'])}")

    def _last(self) -> dict[str, Any]:
        if self.turn is None:
            newest = self.found.api.get(self.path, limit=SHOWN)["items"]
            self.turn = next((turn for turn in reversed(newest) if turn["role"] == "manager"), None)
        if self.turn is None:
            raise Ended(Code.USAGE, "Nothing was answered yet; ask something first.")
        return self.turn


def _open(turn: dict[str, Any]) -> list[dict[str, Any]]:
    return [proposal for proposal in turn["proposals"] if proposal["state"] == "open"]


def _key(turn: dict[str, Any], proposal: dict[str, Any]) -> tuple[str, str]:
    return turn["id"], proposal["id"]
