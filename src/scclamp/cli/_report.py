"""`scclamp report`: one page about a fit, for those who did not make it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scclamp.cli._answer import finish
from scclamp.cli._options import add_command, add_fit_choice, add_general, seed
from scclamp.cli._paths import require_asked

if TYPE_CHECKING:
    import argparse

    from scclamp.cli._options import Commands

WORDS = {"key": "", "overwrite": "--force", "categories": "--categories", "rng": "--seed"}
_ABOUT = """\
Write one page about a fit for a browser: verdict, network, diagnostics, settings.

Pictures are inside, and opening the page fetches nothing, so that it can be sent by mail. The
verdict is the one that `scclamp evaluate -o judged.h5ad` stored; --evaluate judges first."""
_EXAMPLES = """\
  scclamp report fitted.h5ad -o report.html --evaluate
  scclamp report judged.h5ad -o report.html --title "KLF1 screen, June\""""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "report",
        run,
        summary="write one page about a fit for a browser",
        usage="FITTED -o PAGE [options]",
        about=_ABOUT,
        examples=_EXAMPLES,
        words=WORDS,
    )
    files = parser.add_argument_group("files")
    files.add_argument("fitted", metavar="FITTED", help="what `scclamp fit` or `scclamp evaluate` wrote")
    files.add_argument("-o", "--output", required=True, metavar="PAGE", help=".html to write")
    add_fit_choice(files)
    page = parser.add_argument_group("page")
    page.add_argument("--title", metavar="TEXT", help="heading of the page")
    page.add_argument("--evaluate", action="store_true", help="judge the network first, as `scclamp evaluate` does")
    page.add_argument(
        "--steady-state",
        action="store_true",
        help="with --evaluate, leave out the law of crowding for combinations, on all of the page",
    )
    page.add_argument("--categories", metavar="COLUMN", help="with --evaluate, column of obs that groups combinations")
    page.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="with --evaluate, seed of all that is drawn (0)"
    )
    add_general(parser)


def run(options: argparse.Namespace) -> None:
    """Read, judge when that is asked for, and write the page."""
    for name, given in (("categories", options.categories is not None), ("steady-state", options.steady_state)):
        if given and not options.evaluate:
            options.parser.error(f"--{name} is about --evaluate")
    require_asked(options, (".html",), options.fitted)
    from scclamp import tl
    from scclamp._files import read

    data: Any = read(options.fitted)
    where = {"mod": options.mod, "key": options.key}
    if options.evaluate:
        how: Any = "steady_state" if options.steady_state else "calibrated"
        tl.evaluate(data, combination=how, categories=options.categories, rng=options.seed, **where)
    heading = {} if options.title is None else {"title": options.title}
    tl.report(data, options.output, file=Path(options.fitted).name, overwrite=options.force, **heading, **where)
    finish(options, {"fitted": options.fitted, "output": options.output})
