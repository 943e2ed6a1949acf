"""`caseworks`: the commands, and the one place where errors become a sentence and an exit code."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Abort, TyperException

from infrastructure.cli import (
    agents,
    artifacts,
    budget,
    chat,
    config,
    costs,
    doctor,
    export,
    graph,
    inbox,
    interrupts,
    link,
    models,
    projects,
    run,
    show,
    tasks,
    up,
    workflow,
)
from infrastructure.cli.endings import Code, Ended, explained
from infrastructure.cli.session import LogLevel, Options

ABOUT = """An AI team that runs your projects, on your own hardware.

    caseworks run "Brief me on the obligations in these contracts" --input contracts/

Exit codes: 0 done, 1 the work failed or waits for a person, 2 wrong usage, 3 configuration or environment."""

app = typer.Typer(
    name="caseworks", help=ABOUT, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
)
for command in (run.run, up.up, link.link, chat.chat, show.show, export.export):
    app.command()(command)
app.add_typer(projects.app, name="projects")
app.add_typer(tasks.app, name="tasks")
app.add_typer(inbox.app, name="inbox")
app.add_typer(artifacts.app, name="artifacts")
app.add_typer(graph.app, name="graph")
app.add_typer(agents.app, name="agents")
app.add_typer(models.app, name="models")
app.add_typer(workflow.app, name="workflow")
app.command()(costs.costs)
app.command("budget")(budget.of_workspace)
app.command()(doctor.doctor)
app.add_typer(config.app, name="config")


@app.callback(invoke_without_command=True)
def options(
    ctx: typer.Context,
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept.", metavar="DIR")] = None,
    log: LogLevel = None,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    ctx.obj = Options(data_dir=data_dir, log=log)
    if version:
        print(_version())
        raise typer.Exit(Code.DONE)
    if ctx.invoked_subcommand is None:
        print(ctx.get_help(), file=sys.stderr)
        raise typer.Exit(Code.USAGE)


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits with its code. Nothing ends in a traceback."""
    interrupts.watch()
    try:
        code = app(arguments, prog_name="caseworks", standalone_mode=False)
        if code == Code.INTERRUPTED:  # what typer makes of a KeyboardInterrupt
            raise KeyboardInterrupt
    except Ended as ended:
        code = _told(str(ended), ended.code)
    except TyperException as error:
        code = _told(_usage(error), Code.USAGE)
    except (KeyboardInterrupt, Abort):
        code = _told("Stopped; nothing that was stored is lost.", Code.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Code.PIPE
    except Exception as error:
        code, sentence = explained(error)
        _log(error)
        _told(sentence, code)
    sys.exit(int(code or 0))


def _told(sentence: str, code: Code) -> Code:
    from infrastructure.cli.output import tell

    tell(sentence)
    return code


def _usage(error: TyperException) -> str:
    """What is wrong with the command, and where help is; a command that needs a word after it shows its help."""
    message = error.format_message()
    if message.startswith("Usage:"):
        return message
    return f"{message.rstrip('.')}. `caseworks --help` and `caseworks COMMAND --help` show how."


def _log(error: Exception) -> None:
    """Where it was raised, for those who asked for it; before the logs are set up, nobody has."""
    if logging.getLogger().handlers:
        from loguru import logger

        logger.opt(exception=error).debug("the command failed")


def _version() -> str:
    from importlib.metadata import version

    return f"caseworks {version('caseworks')}"


if __name__ == "__main__":
    main()
