"""`scclamp edges`: the network of a fit as a table, or the edges of some genes to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scclamp.cli._answer import finish
from scclamp.cli._edge_table import edges_of
from scclamp.cli._options import add_command, add_fit_choice, add_general, positive
from scclamp.cli._output import aligned
from scclamp.cli._paths import TABLES, require_asked, write_table

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from scclamp.cli._options import Commands

WORDS = {"regulators": "--regulators", "targets": "--targets", "min_weight": "--min-weight", "key": ""}
_ABOUT = """\
Show the edges of a fitted network, the strongest first: all of them, or those of some genes.

A positive weight says that the level of the regulator raises the target. Where the regulator was
not measured (latent), the weight is what its perturbation does to the target instead."""
_EXAMPLES = """\
  scclamp edges fitted.h5ad --regulators KLF1 CEBPA
  scclamp edges fitted.h5ad --targets HBG1 HBG2 --top 20
  scclamp edges fitted.h5ad -o network.csv"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "edges",
        run,
        summary="show the edges of a fitted network",
        usage="FITTED [--regulators GENE ...] [--targets GENE ...] [-o TABLE] [options]",
        about=_ABOUT,
        examples=_EXAMPLES,
        words=WORDS,
    )
    files = parser.add_argument_group("files")
    files.add_argument("fitted", metavar="FITTED", help="what `scclamp fit` wrote")
    files.add_argument("-o", "--output", metavar="TABLE", help=".csv or .tsv to write the edges to")
    add_fit_choice(files)
    which = parser.add_argument_group("which")
    which.add_argument("--regulators", nargs="+", metavar="GENE", help="edges from these; from all by default")
    which.add_argument("--targets", nargs="+", metavar="GENE", help="edges to these; to all by default")
    which.add_argument("--min-weight", type=float, default=0.0, metavar="X", help="smallest absolute weight (0)")
    which.add_argument("--top", type=positive, default=25, metavar="N", help="edges to print (25); a table has all")
    add_general(parser)


def run(options: argparse.Namespace) -> None:
    """Read, choose, write and show."""
    require_asked(options, TABLES, options.fitted)
    from scclamp._files import read

    data: Any = read(options.fitted)
    edges = edges_of(
        data,
        mod=options.mod,
        key=options.key,
        regulators=options.regulators,
        targets=options.targets,
        min_weight=options.min_weight,
    )
    if options.output is not None:
        write_table(edges, options.output)
    record = {"fitted": options.fitted, "output": options.output, "n_edges": len(edges)}
    record["edges"] = edges.head(options.top).to_dict("records")
    finish(options, record, to_text(edges, options.top))


def to_text(edges: pd.DataFrame, n: int) -> str:
    """The strongest edges, and what their signs say."""
    shown = edges.head(n)
    known = [name for name in ("sd", "sign_agreement") if name in edges]
    rows = [("  regulator", "target", "weight", *(_TITLES[name] for name in known), "")]
    for row in shown.to_dict("records"):
        spread = [f"{row[name]:.2f}" for name in known]
        why = "not measured: what its perturbation does" if row["latent"] else ""
        rows.append((f"  {row['regulator']}", str(row["target"]), f"{row['weight']:+.2f}", *spread, why))
    many = f"The {len(shown)} strongest of {len(edges)} edges" if len(shown) < len(edges) else f"{len(edges)} edges"
    meaning = " (+ activates, - represses)" if not shown["latent"].all() else ""
    return "\n".join([many + meaning, *(aligned(rows) if len(shown) else [])])


_TITLES = {"sd": "spread", "sign_agreement": "members that agree"}
