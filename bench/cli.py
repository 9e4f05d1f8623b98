"""The command line: which commands there are, and how an error reads."""

from __future__ import annotations

import sys
from typing import Annotated

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
        app(standalone_mode=True)
    except SystemExit as stop:
        if isinstance(getattr(stop.__context__, "__cause__", None), KeyboardInterrupt):  # typer exits on Ctrl-C
            sys.stderr.write("framehold: stopped; run the same command again to go on where it left off\n")
        raise
    except FrameholdError as error:
        if debug:
            raise
        sys.stderr.write(f"framehold: {str(error).translate(CONTROL)}\n")
        sys.exit(2)
    except OSError as error:
        if debug:
            raise
        place = f"{error.filename}: ".translate(CONTROL) if error.filename else ""
        sys.stderr.write(
            f"framehold: {place}{error.strerror or error}; nothing done so far is lost: mend it and run again\n"
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
