"""`scclamp predict`: what happens when genes are held, as a file and as the largest shifts to read."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError
from scclamp._keys import SEPARATOR
from scclamp.cli._answer import finish
from scclamp.cli._options import add_command, add_fit_choice, add_general, positive
from scclamp.cli._paths import ADATA, TABLES, read_lines, require_asked, write_table
from scclamp.cli._ranking import RANKS, rank

if TYPE_CHECKING:
    import argparse

    from scclamp._result import Result
    from scclamp.cli._options import Commands

WORDS = {
    "clamps": "",
    "conditions": "CONDITION",
    "genes": "--genes",
    "key": "",
    "clamp_values": "--clamp-values",
    "unmeasured": "--unmeasured",
    "out": "--output",
}
_ABOUT = """\
Predict the expression of all genes when any of the fitted regulators are held.

A CONDITION is a gene (KLF1), genes joined by + (KLF1+BAK1), or genes at doses of your own
in units of the screen (KLF1=2.1+BAK1=0). Without doses, genes are held where they were when
they were perturbed alone. Without --output the largest shifts are only printed."""
_EXAMPLES = """\
  scclamp predict fitted.h5ad KLF1+BAK1 KLF1=2.1+BAK1=0
  scclamp predict fitted.h5ad --pairs -o predictions.h5ad
  scclamp predict fitted.h5ad --pairs --rank interaction --keep 20 -o next.csv
  scclamp predict fitted.h5ad --file conditions.txt --genes HBG1 HBG2 -o predictions.csv"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "predict",
        run,
        summary="predict combinations of perturbations",
        usage="FITTED [CONDITION ...] [-o FILE] [options]",
        about=_ABOUT,
        examples=_EXAMPLES,
        words=WORDS,
    )
    what = parser.add_argument_group("what to predict")
    what.add_argument("fitted", metavar="FITTED", help="what `scclamp fit` wrote")
    what.add_argument("conditions", nargs="*", metavar="CONDITION", help="such as KLF1, KLF1+BAK1 or KLF1=2.1+BAK1=0")
    what.add_argument("--file", metavar="LIST", help="text file with one condition on each line; - is standard input")
    what.add_argument("--pairs", action="store_true", help="all pairs of regulators")
    what.add_argument("--triples", action="store_true", help="all triples of regulators")
    what.add_argument("--measured", action="store_true", help="with --pairs or --triples, those that were measured too")
    what.add_argument(
        "--rank",
        choices=RANKS,
        help="order conditions by the predicted departure from the sum of their singles, or by the predicted shift",
    )
    what.add_argument("--keep", type=positive, metavar="N", help="with --rank, only the N first")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--clamp-values",
        choices=("singles", "observed"),
        default="singles",
        help="hold genes where they were when perturbed alone (default), or where the combination's own cells have them",
    )
    how.add_argument("--steady-state", action="store_true", help="leave out the law of crowding for combinations")
    how.add_argument("--device", metavar="NAME", help="cpu (default), cuda, cuda:1 or mps")
    add_fit_choice(how)
    files = parser.add_argument_group("output")
    files.add_argument(
        "-o", "--output", metavar="FILE", help=".h5ad or .zarr, or .csv or .tsv with a row for each gene"
    )
    files.add_argument("--genes", nargs="+", metavar="GENE", help="genes of the table; all by default")
    files.add_argument("--observed", action="store_true", help="add what the screen's own cells have to the table")
    files.add_argument("--top", type=positive, default=5, metavar="N", help="genes of each condition to print (5)")
    add_general(parser)


def run(options: argparse.Namespace) -> None:
    """Read, predict, write, and say which genes shift most."""
    _check(options)
    from scclamp import tl
    from scclamp._columns import unwrap
    from scclamp._files import read
    from scclamp._storage import decode
    from scclamp.cli._predict_summary import summarise, to_text
    from scclamp.cli._prediction_table import table_of

    asked: list[Any] = [*options.conditions, *(_read_list(options.file) if options.file else ())]
    data: Any = read(options.fitted)
    result = decode(unwrap(data, options.mod).adata, options.key)
    every, n_measured = _all(result, options)
    arguments = {
        "clamp_values": options.clamp_values,
        "combination": "steady_state" if options.steady_state else "calibrated",
        "mod": options.mod,
        "key": options.key,
        "device": options.device,
    }
    asked += every
    ranks = None
    if options.rank is not None:
        ranks = dict(list(rank(data, asked, options.rank, arguments).items())[: options.keep])
        asked = list(ranks)
    streamed = options.output is not None and Path(options.output).suffix in ADATA
    answer: Any = tl.predict_clamps(data, asked, out=options.output if streamed else None, **arguments)
    if options.output is not None and not streamed:
        observed = unwrap(data, options.mod).adata if options.observed else None
        table = table_of(answer, genes=options.genes, observed=observed, key=options.key)
        write_table(table, options.output)
    record = {"fitted": options.fitted, "output": options.output, **summarise(answer, options.top)}
    record |= {"n_measured_left_out": n_measured, "ranked_by": options.rank, "ranks": ranks}
    finish(options, record, to_text(record))


def _check(options: argparse.Namespace) -> None:
    if not (options.conditions or options.file or options.pairs or options.triples):
        options.parser.error("name conditions such as KLF1+BAK1, or give --file, --pairs or --triples")
    if options.keep is not None and options.rank is None:
        options.parser.error("--keep is about --rank")
    if options.measured and not (options.pairs or options.triples):
        options.parser.error("--measured is about --pairs and --triples")
    table = options.output is not None and Path(options.output).suffix in TABLES
    for name in ("genes", "observed"):
        if getattr(options, name) and not table:
            options.parser.error(f"--{name} is about the table of a .csv or .tsv output")
    require_asked(options, (*ADATA, *TABLES), options.fitted, options.file)


def _read_list(path: str) -> list[str]:
    """Conditions of a text file; a table of predictions is none."""
    lines = read_lines(path)
    if lines and any(separator in lines[0] for separator in TABLES.values()):
        raise InputError(
            f"--file {path} is a table ({lines[0][:60]}), but a list has one condition on each line, such as KLF1+BAK1. Write the "
            "conditions alone to a text file."
        )
    return lines


def _all(result: Result, options: argparse.Namespace) -> tuple[list[tuple[str, ...]], int]:
    """Gene sets of the sizes that are asked for, all that were not measured, and how many of them were."""
    sizes = [size for size, asked in ((2, options.pairs), (3, options.triples)) if asked]
    names = result.regulators
    if sizes and len(names) < max(sizes):
        raise InputError(f"The fit has {len(names)} regulators, too few for --{'triples' if 3 in sizes else 'pairs'}.")
    targets: Any = result.conditions["targets"]
    measured = set() if options.measured else {frozenset(str(genes).split(SEPARATOR)) for genes in targets}
    every = list(chain.from_iterable(combinations(names, size) for size in sizes))
    new = [genes for genes in every if frozenset(genes) not in measured]
    if every and not new:
        raise InputError(f"All {len(every)} combinations were measured. Pass --measured to predict them too.")
    return new, len(every) - len(new)
