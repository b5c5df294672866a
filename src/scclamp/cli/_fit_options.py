"""What can be asked of a fit: the options of `scclamp fit`, their names in messages, and the settings they make."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError
from scclamp.cli._genes import add_gene_names
from scclamp.cli._labels import WORDS as LABEL_WORDS
from scclamp.cli._labels import add_labels
from scclamp.cli._options import positive, read_settings, seed

if TYPE_CHECKING:
    import argparse

    from scclamp.cli._options import Parser

SPLITS = ("cells", "singles", "combinations", "additive", "holdout", "low_sample")
"""Kinds of `pp.split` that need nothing but a name."""
WORDS = {
    **LABEL_WORDS,
    "layer": "--layer",
    "n_top_genes": "--n-top-genes",
    "library_size_key": "--library-size-key",
    "split_key": "--split-key",
    "kind": "--split",
    "unmeasured": "--unmeasured",
    "clamp_values": "--clamp-values",
    "encoder": "--encoder",
    "n_seeds": "--seeds",
    "max_epochs": "--epochs",
    "rng": "--seed",
    "checkpoint": "--checkpoint",
    "key_added": "--key",
}


def add_options(parser: Parser) -> None:
    """Add all that a fit can be asked, by purpose."""
    _add_files(parser)
    add_gene_names(add_labels(parser))
    _add_counts(parser)
    _add_fitting(parser)


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """Settings of `fitting.FitConfig`, checked before anything is read; messages then name `--set`."""
    from scclamp.fitting import FitConfig

    names = [field.name for field in dataclasses.fields(FitConfig)]
    options.words = {**{name: f"--set {name}=" for name in names}, **options.words}
    settings = read_settings(options.set, names)
    if options.epochs is not None:
        settings["max_epochs"] = options.epochs
    try:
        FitConfig().replace(**settings)
    except TypeError as error:
        raise InputError(f"--set {' --set '.join(options.set)}: {error}. Look at scclamp.fitting.FitConfig.") from error
    return settings


def _add_files(parser: Parser) -> None:
    files = parser.add_argument_group("files")
    files.add_argument("screen", metavar="SCREEN", help=".h5ad, .h5mu or .zarr with the screen")
    files.add_argument("-o", "--output", required=True, metavar="FITTED", help=".h5ad, .h5mu or .zarr to write")
    files.add_argument(
        "--edges", metavar="TABLE", help=".csv or .tsv to write all edges of the network to, strongest first"
    )
    files.add_argument("--mod", metavar="NAME", help="modality of a MuData (.h5mu) to fit")
    files.add_argument("--layer", metavar="NAME", help="layer to read instead of X")


def _add_counts(parser: Parser) -> None:
    group = parser.add_argument_group("raw counts")
    group.add_argument(
        "--recipe", action="store_true", help="the screen holds raw counts: choose genes and log-normalise first"
    )
    group.add_argument(
        "--n-top-genes",
        type=_genes,
        default=2000,
        metavar="N",
        help="variable genes to keep beside the perturbed ones (2000), or `all`",
    )
    group.add_argument(
        "--library-size-key", metavar="COLUMN", help="column of obs with the counts of the whole transcriptome"
    )


def _add_fitting(parser: Parser) -> None:
    group = parser.add_argument_group("fit")
    add = group.add_argument
    add(
        "--unmeasured",
        choices=("error", "latent", "drop"),
        default="error",
        help="perturbed genes that were not measured: refuse them (default), give each a dose of its own, or drop them",
    )
    add(
        "--clamp-values",
        choices=("singles", "knockout"),
        default="singles",
        help="hold perturbed genes at their observed mean (default), or at zero where a nuclease knocked them out",
    )
    split = group.add_mutually_exclusive_group()
    split.add_argument("--split", choices=SPLITS, help="what to hold out; by default a fifth of the cells validates")
    split.add_argument("--split-key", metavar="COLUMN", help="column of obs that says train, val or test")
    add(
        "--encoder", choices=("identity", "pca"), default="identity", help="compare genes (default) or their components"
    )
    add(
        "--seeds",
        type=positive,
        default=1,
        metavar="N",
        help="networks fitted side by side, to know the spread of weights",
    )
    add("--seed", type=seed, metavar="N", help="seed of all that is drawn; the same seed gives the same network")
    add("--epochs", type=positive, metavar="N", help="longest fit (1000)")
    add("--device", metavar="NAME", help="cpu (default), cuda, cuda:1 or mps")
    add(
        "--checkpoint",
        metavar="FOLDER",
        help="keep the state there; the same command then resumes what was interrupted",
    )
    add("--key", default="clamp", metavar="NAME", help="name of the fit in the output (clamp)")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other setting of scclamp.fitting.FitConfig",
    )
    add("--top", type=positive, default=5, metavar="N", help="targets of each regulator to print (5)")


def _genes(text: str) -> int | None:
    return None if text == "all" else positive(text)
