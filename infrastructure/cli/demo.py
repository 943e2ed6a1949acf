"""`python -m infrastructure.cli.demo`: a rehearsal on the documents in docs/samples, in a data directory of its own."""

import shutil
import sys
from pathlib import Path

from infrastructure.cli.endings import Code, Ended, explained
from infrastructure.cli.output import say, tell

ROOT = Path(__file__).parents[2]
GOAL = (
    "Brief the board on replacing the boiler with a heat pump: "
    "what the documents say, where they disagree, what is open"
)
MARK = ".caseworks-demo"
"""Names a directory as ours, so that nothing else is ever removed."""


def demo(samples: Path = ROOT / "docs" / "samples", folder: Path | None = None) -> None:
    """Rehearses a project and says how to do it on one's own files. Raises Ended."""
    from infrastructure.cli.main import main

    if not samples.is_dir() or not any(samples.iterdir()):
        raise Ended(Code.ENVIRONMENT, f"The sample documents are missing: {samples} should hold them.")
    folder = (folder or Path.cwd() / ".demo").absolute()
    _afresh(folder)
    tell("A rehearsal on the sample documents: rules write what they can, no language model is used.")
    try:
        main(["--data-dir", str(folder), "run", GOAL, "--name", "Demo", "--rehearse", "--input", str(samples)])
    except SystemExit as ended:
        if ended.code:
            raise
    _next()


def _afresh(folder: Path) -> None:
    if folder.exists() and not (folder / MARK).exists() and any(folder.iterdir()):
        raise Ended(Code.ENVIRONMENT, f"{folder} is not from an earlier demo; move it away, or start elsewhere.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    (folder / MARK).touch()


def _next() -> None:
    from infrastructure.cli import model_choice

    say("\nThe same on your own files:")
    say('  .venv/bin/caseworks run "What you want to have at the end" --input your-folder/')
    if names := model_choice.found():
        say(f"With the model {names[0]} of the Ollama on this machine, first:")
        say(f"  .venv/bin/caseworks config model ollama:{names[0]}")


if __name__ == "__main__":
    try:
        demo()
    except Ended as ended:
        tell(str(ended))
        sys.exit(ended.code)
    except Exception as error:
        code, sentence = explained(error)
        tell(sentence)
        sys.exit(code)
