"""The command line: which commands there are, and how an error reads."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from bench.commands import distances, footage, judging, machine, pipeline, planning, suites
from bench.records import FrameholdError

COMMANDS = (
    pipeline.run,
    pipeline.generate,
    pipeline.score,
    pipeline.summarize,
    pipeline.report,
    planning.plan,
    footage.calibrate,
    footage.validate,
    distances.distance,
    judging.compare,
    judging.leaderboard,
    judging.verify,
    judging.history,
    machine.backends,
    machine.doctor,
)

CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}  # a file may be named anything; an error is one line

STOPPED = 130  # by Ctrl-C
UsageError: Any = typer.BadParameter.__base__  # of click, or of the copy of it that typer brings

app = typer.Typer(
    name="framehold",
    help="How many consistent frames does a text-to-video model hold before it breaks?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help texts hold square brackets
)


@app.callback()
def _options(
    context: typer.Context, debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False
) -> None:
    context.obj = debug


for _command in COMMANDS:
    app.command()(_command)
app.add_typer(suites.app, name="suite")


def main() -> None:
    """Run the command line; an error is one line on standard error and exit 2."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = app(prog_name="framehold", standalone_mode=False)
        if code == STOPPED:
            sys.stderr.write("framehold: stopped; run the same command again to go on where it left off\n")
        sys.exit(code or 0)
    except typer.Abort:
        sys.exit(1)
    except UsageError as error:
        if len(sys.argv) == 1:
            error.show()
        else:
            path = error.ctx.command_path if error.ctx else "framehold"
            _say(f"{error.format_message().rstrip('.')}; see `{path} --help`")
        sys.exit(2)
    except Exception as error:
        if debug:
            raise
        _say(_told(error), nobody_reads=isinstance(error, BrokenPipeError))
        sys.exit(2)


def _say(line: str, nobody_reads: bool = False) -> None:
    """An error: a line on standard error; where JSON was asked for, also as {"error": ...} on standard output."""
    said = line.translate(CONTROL)
    if "--json" in sys.argv[1:] and not nobody_reads:
        sys.stdout.write(json.dumps({"error": said}) + "\n")
    sys.stderr.write(f"framehold: {said}\n")


def _told(error: Exception) -> str:
    """What to say of an error that ends the command."""
    if isinstance(error, FrameholdError):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; nothing done so far is lost: mend it and run again"
    return f"{type(error).__name__}: {error}: a damaged file, or a fault of framehold; --debug shows where"


if __name__ == "__main__":
    main()
