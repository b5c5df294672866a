"""`scclamp evaluate`: whether the network is better than sums of single effects, as a text and as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scclamp.cli._answer import finish, write_output
from scclamp.cli._genes import add_gene_names
from scclamp.cli._labels import WORDS as LABEL_WORDS
from scclamp.cli._labels import add_labels
from scclamp.cli._options import add_command, add_fit_choice, add_general, positive, seed
from scclamp.cli._paths import DATA, TABLES, require_asked, require_holds
from scclamp.cli._screen import with_fit

if TYPE_CHECKING:
    import argparse

    from scclamp.cli._options import Commands

WORDS = {
    **LABEL_WORDS,
    "key": "",
    "conditions": "--only",
    "categories": "--categories",
    "clamp_values": "--clamp-values",
    "refit": "--refit",
    "n_bootstrap": "--bootstrap",
    "rng": "--seed",
}
_ABOUT = """\
Judge the network on the combinations of a screen, beside what needs no network: no change,
the mean response, and sums of single effects, as they are, shrunken, saturated and scaled.

The verdict is printed. The combinations were not used for the fit; their genes must also be
perturbed alone. They are those of the fitted file, or of another file that --screen names."""
_EXAMPLES = """\
  scclamp evaluate fitted.h5ad
  scclamp evaluate fitted.h5ad --categories gi_category -o evaluation.csv
  scclamp evaluate fitted.h5ad --screen doubles.h5ad -o evaluation.json"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "evaluate",
        run,
        summary="judge the network on measured combinations",
        usage="FITTED [-o FILE] [options]",
        about=_ABOUT,
        examples=_EXAMPLES,
        words=WORDS,
    )
    files = parser.add_argument_group("files")
    files.add_argument("fitted", metavar="FITTED", help="what `scclamp fit` wrote")
    files.add_argument("--screen", metavar="FILE", help="another file with the singles and combinations to judge")
    files.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=".csv or .tsv with the scores, .json with all, or .h5ad, .h5mu or .zarr with the screen, the fit and the verdict",
    )
    add_fit_choice(files)
    how = parser.add_argument_group("how")
    how.add_argument("--only", nargs="+", metavar="CONDITION", help="combinations to judge; all that can be by default")
    how.add_argument("--categories", metavar="COLUMN", help="column of obs that groups the combinations")
    how.add_argument(
        "--clamp-values", choices=("singles", "observed"), default="singles", help="as in `scclamp predict`"
    )
    how.add_argument("--steady-state", action="store_true", help="leave out the law of crowding for combinations")
    how.add_argument(
        "--no-refit", dest="refit", action="store_false", help="do not fit halves of the cells to judge interactions"
    )
    how.add_argument("--bootstrap", type=positive, default=2000, metavar="N", help="resamples for the intervals (2000)")
    how.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of halves, folds and resamples (0)")
    add_gene_names(add_labels(parser, "labels of --screen"))
    add_general(parser)


def run(options: argparse.Namespace) -> None:
    """Read, judge, write, and say the verdict."""
    require_asked(options, (*TABLES, ".json", *DATA), options.fitted, options.screen)
    from scclamp import tl
    from scclamp._columns import unwrap
    from scclamp._files import read

    data: Any = read(options.fitted)
    if options.screen is not None:
        data = with_fit(data, read(options.screen), options)
    require_holds(options.output, data)
    mod = options.mod if hasattr(data, "mod") or options.screen is None else None
    tl.evaluate(
        data,
        conditions=options.only,
        clamp_values=options.clamp_values,
        combination="steady_state" if options.steady_state else "calibrated",
        categories=options.categories,
        refit=options.refit,
        n_bootstrap=options.bootstrap,
        rng=options.seed,
        mod=mod,
        key=options.key,
    )
    verdict: Any = unwrap(data, mod).adata.uns[f"{options.key}_evaluation"]
    record = {"fitted": options.fitted, "screen": options.screen, "output": options.output}
    record |= {"params": verdict["params"], "report": verdict["report"]}
    record |= {name: verdict[name].to_dict("records") for name in ("scores", "pairs")}
    write_output(options, data, verdict["scores"], record)
    finish(options, record, verdict["report"], *([] if options.output is None else [""]))
