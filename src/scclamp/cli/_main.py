"""`scclamp`: reads the command line, runs one command, and turns what happens into messages and exit codes."""

from __future__ import annotations

import sys
import traceback
import warnings
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scclamp._errors import ConvergenceWarning, InputWarning, ScclampError
from scclamp._settings import settings
from scclamp.cli import _benchmark, _datasets, _edges, _enrich, _evaluate, _fit, _predict, _report
from scclamp.cli._options import Parser, parse, show_help
from scclamp.cli._output import tell
from scclamp.cli._words import to_options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

COMMANDS = (_fit, _edges, _predict, _evaluate, _benchmark, _enrich, _report, _datasets)
OK, FAILED, INTERRUPTED = 0, 1, 130
_ABOUT = """\
scclamp learns one signed regulatory network from a Perturb-seq screen, predicts
combinations of perturbations, and says honestly how good the predictions are."""
_EXAMPLES = """\
a first try, on a simulated screen:
  scclamp datasets simulate tiny -o screen.h5ad
  scclamp fit screen.h5ad -o fitted.h5ad
  scclamp predict fitted.h5ad REG01+REG02 -o predictions.csv
  scclamp evaluate fitted.h5ad -o judged.h5ad
  scclamp report judged.h5ad -o report.html

`scclamp COMMAND --help` tells all about a command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments, without the name of the program; by default those of the process.

    Returns
    -------
    The exit code: 0 when all went well, 1 when something in the input has to change (the message says what), 2 when the
    command line cannot be read, 130 when it was interrupted.

    Examples
    --------
    >>> from scclamp.cli import main
    >>> main(["--version"])
    scclamp ...
    0
    """
    parser, folder = build_parser(), None
    try:
        options = parse(parser, argv)
        if options.run is None:
            return show_help(parser)
        folder = getattr(options, "checkpoint", None)
        return _run(options)
    except SystemExit as end:  # how argparse ends: after help, and when it cannot read
        return int(end.code or OK)
    except KeyboardInterrupt:
        kept = folder is not None and any(Path(folder).glob("*"))
        tell(
            "scclamp: interrupted"
            + (f"; what was done is kept in {folder!r}, and the same command goes on from there" if kept else "")
        )
        return INTERRUPTED


def build_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(prog="scclamp", usage="scclamp COMMAND ... [options]", description=_ABOUT, epilog=_EXAMPLES)
    parser.add_argument("--version", action="version", version=f"scclamp {metadata.version('scclamp')}")
    parser.set_defaults(run=None, parser=parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="scclamp")
    for command in COMMANDS:
        command.add(commands)
    return parser


def _run(options: argparse.Namespace) -> int:
    try:
        with _session(options):
            options.run(options)
    except (ScclampError, ImportError) as error:
        if options.debug:
            traceback.print_exc(file=sys.stderr)
        tell(f"scclamp {options.name}: error: {to_options(str(error), options.words)}")
        return FAILED
    return OK


@contextmanager
def _session(options: argparse.Namespace) -> Iterator[None]:
    """Settings of one command, and its warnings as lines to read."""
    changes: dict[str, Any] = {"progress": {None: "auto", True: "on", False: "off"}[options.progress]}
    if options.max_memory is not None:
        changes["max_memory"] = options.max_memory
    if options.verbose or options.debug:
        changes["verbosity"] = "debug" if options.debug else "info"
    options.heard = []
    with warnings.catch_warnings(), settings.override(**changes):
        for category in (InputWarning, ConvergenceWarning):
            warnings.simplefilter("always", category)
        setattr(warnings, "showwarning", partial(_show, options))  # noqa: B010 -- mypy takes it for a function of its own
        yield


def _show(options: argparse.Namespace, message: Warning | str, category: type[Warning], *_: Any) -> None:
    """Write a warning of ours as one line; what other packages tell their developers is for `--debug`."""
    if issubclass(category, InputWarning | ConvergenceWarning):
        text = to_options(str(message), options.words)
        if text not in options.heard:
            options.heard.append(text)
            tell(f"warning: {text}")
    elif options.debug:
        tell(f"warning ({category.__name__}): {message}")
