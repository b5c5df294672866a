"""`scclamp predict`: what happens when genes are held, as a file and as the largest shifts to read."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError
from scclamp.cli._options import add_command, add_fit_choice, add_general, positive
from scclamp.cli._output import say, say_json
from scclamp.cli._paths import ADATA, TABLES, read_lines, require_output, write_table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

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
    from scclamp import get, tl
    from scclamp._columns import unwrap
    from scclamp._files import read
    from scclamp._storage import decode
    from scclamp.cli._predict_summary import summarise, to_text

    conditions = [*options.conditions, *(read_lines(options.file) if options.file else ())]
    data: Any = read(options.fitted)
    result = decode(unwrap(data, options.mod).adata, options.key)
    streamed = options.output is not None and Path(options.output).suffix in ADATA
    answer: Any = tl.predict_clamps(
        data,
        list(chain(conditions, _all(result.regulators, options))),
        clamp_values=options.clamp_values,
        combination="steady_state" if options.steady_state else "calibrated",
        out=options.output if streamed else None,
        mod=options.mod,
        key=options.key,
        device=options.device,
    )
    if options.output is not None and not streamed:
        observed = unwrap(data, options.mod).adata if options.observed else None
        write_table(get.predictions(answer, genes=options.genes, observed=observed, key=options.key), options.output)
    record = {"fitted": options.fitted, "output": options.output, **summarise(answer, options.top)}
    if options.json:
        say_json({"command": "predict", **record, "warnings": options.heard})
    else:
        say("\n".join([to_text(record), *([f"Wrote {options.output}"] if options.output else [])]))


def _check(options: argparse.Namespace) -> None:
    if not (options.conditions or options.file or options.pairs or options.triples):
        options.parser.error("name conditions such as KLF1+BAK1, or give --file, --pairs or --triples")
    table = options.output is not None and Path(options.output).suffix in TABLES
    for name in ("genes", "observed"):
        if getattr(options, name) and not table:
            options.parser.error(f"--{name} is about the table of a .csv or .tsv output")
    if options.output is not None:
        inputs = [options.fitted, *([options.file] if options.file else [])]
        require_output(options.output, (*ADATA, *TABLES), force=options.force, inputs=inputs)


def _all(regulators: tuple[str, ...], options: argparse.Namespace) -> Iterable[tuple[str, ...]]:
    """Gene sets of the sizes that are asked for, all of them."""
    sizes = [size for size, asked in ((2, options.pairs), (3, options.triples)) if asked]
    if sizes and len(regulators) < max(sizes):
        raise InputError(
            f"The fit has {len(regulators)} regulators, too few for --{'triples' if 3 in sizes else 'pairs'}."
        )
    return chain.from_iterable(combinations(regulators, size) for size in sizes)
