"""`scclamp enrich`: whether the strongest targets of regulators are those that others know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scclamp.cli._answer import finish, write_output
from scclamp.cli._options import add_command, add_fit_choice, add_general, positive
from scclamp.cli._output import aligned
from scclamp.cli._paths import DATA, TABLES, require_asked, require_holds

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from scclamp.cli._options import Commands

WORDS = {
    "gene_sets": "--library",
    "name": "--library",
    "path": "",
    "regulators": "--regulators",
    "n_top": "--targets",
    "min_size": "--min-size",
    "by": "--by",
    "sign": "--sign",
    "effect": "--effect",
    "key": "",
}
_LIBRARY = "trrust"
_ABOUT = """\
Test the strongest targets of each regulator against sets of genes and known signed edges.

A LIBRARY is ChEA_2022, ENCODE_TF_ChIP-seq_2015, MSigDB_Hallmark_2020, Reactome_2022, trrust,
collectri (each is downloaded once) or lineage_signatures. NAME=FILE reads a copy that you have;
any other NAME=FILE, or FILE alone, is a library of your own: a .gmt, or a .csv or .tsv with the
columns source, target and, for signed edges, weight."""
_EXAMPLES = """\
  scclamp enrich fitted.h5ad -o enrichment.csv
  scclamp enrich fitted.h5ad --library MSigDB_Hallmark_2020 collectri --effect gain -o enriched.h5ad
  scclamp enrich fitted.h5ad --library mine=sets.gmt trrust=trrust.human.tsv --regulators KLF1 CEBPA"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "enrich",
        run,
        summary="compare targets with known gene sets",
        usage="FITTED [-o FILE] [options]",
        about=_ABOUT,
        examples=_EXAMPLES,
        words=WORDS,
    )
    files = parser.add_argument_group("files")
    files.add_argument("fitted", metavar="FITTED", help="what `scclamp fit` wrote")
    files.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=".csv or .tsv with the tests, .json with all, or .h5ad, .h5mu or .zarr with the fit and the tests",
    )
    files.add_argument(
        "--library", nargs="+", default=[_LIBRARY], metavar="LIBRARY", help=f"as above; by default {_LIBRARY}"
    )
    add_fit_choice(files)
    how = parser.add_argument_group("how")
    how.add_argument("--regulators", nargs="+", metavar="GENE", help="regulators to test; all by default")
    how.add_argument("--targets", type=positive, default=25, metavar="N", help="strongest targets of each (25)")
    how.add_argument("--min-size", type=positive, default=5, metavar="N", help="least measured genes of a set (5)")
    how.add_argument("--by", choices=("weight", "confidence"), default="weight", help="what makes a target strong")
    how.add_argument("--sign", choices=("positive", "negative"), help="only targets that are activated, or repressed")
    how.add_argument(
        "--effect", choices=("gain", "loss"), help="what perturbations do to the product; signs are then of responses"
    )
    how.add_argument("--top", type=positive, default=10, metavar="N", help="tests to print, the smallest p first (10)")
    add_general(parser)


def run(options: argparse.Namespace) -> None:
    """Read, test, write, and say what overlaps most."""
    require_asked(options, (*TABLES, ".json", *DATA), options.fitted)
    from scclamp import tl
    from scclamp._columns import unwrap
    from scclamp._files import read
    from scclamp._keys import Keys
    from scclamp.cli._libraries import read_libraries

    libraries = read_libraries(options.library)
    data: Any = read(options.fitted)
    require_holds(options.output, data)
    tl.enrich(
        data,
        libraries,
        regulators=options.regulators,
        n_top=options.targets,
        min_size=options.min_size,
        by=options.by,
        sign=options.sign,
        effect=options.effect,
        mod=options.mod,
        key=options.key,
    )
    tests = unwrap(data, options.mod).adata.uns[Keys(options.key).enrichment]
    record = {"fitted": options.fitted, "output": options.output, "tests": tests.to_dict("records")}
    write_output(options, data, tests, record)
    finish(options, record, to_text(tests, options.top))


def to_text(tests: pd.DataFrame, n: int) -> str:
    """How many tests there were, and those with the smallest p."""
    best = tests.sort_values("p", kind="stable").head(n)
    few = int((tests["p_adjusted"] < 0.05).sum())
    rows = [("  regulator", "library", "set", "overlap", "fold", "adjusted p", "genes")]
    for row in best.itertuples():
        overlap = f"{row.overlap} of {row.n_top}"
        genes = str(row.genes).replace(",", ", ") or "-"
        figures = f"{row.fold:.1f}", f"{row.p_adjusted:.2g}"
        rows.append((f"  {row.regulator}", str(row.library), str(row.term), overlap, *figures, genes))
    head = f"{len(tests)} tests of {tests['regulator'].nunique()} regulators, {few} with an adjusted p below 0.05"
    return "\n".join([head, *aligned(rows)])
