"""`scclamp fit`: from a file with a screen to a file with its network."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError, InputWarning
from scclamp.cli._edge_table import edges_of
from scclamp.cli._fit_checks import look
from scclamp.cli._genes import add_gene_names, name_genes
from scclamp.cli._labels import WORDS as LABEL_WORDS
from scclamp.cli._labels import add_labels, harmonise
from scclamp.cli._options import add_command, add_general, positive, read_settings, seed
from scclamp.cli._output import say, say_json
from scclamp.cli._paths import ADATA, DATA, TABLES, require_output, require_suffix, suffixes_of, write_table

if TYPE_CHECKING:
    import argparse

    from scclamp.cli._options import Commands, Parser

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
_ABOUT = """\
Fit one signed regulatory network to a Perturb-seq screen.

SCREEN holds log-normalised expression of cells (or one row for each condition), a column
that says what was perturbed, and controls. From raw counts, --recipe makes log-normalised
values of the variable and the perturbed genes first. The screen itself is never changed."""
_EXAMPLES = """\
  scclamp fit screen.h5ad -o fitted.h5ad
  scclamp fit counts.h5ad -o fitted.h5ad --recipe --perturbation-key guide_target --control DMSO
  scclamp fit screen.h5ad -o fitted.h5ad --seeds 5 --edges network.csv"""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "fit",
        run,
        summary="fit a network to a screen",
        usage="SCREEN -o FITTED [options]",
        about=_ABOUT,
        examples=_EXAMPLES,
        words=WORDS,
    )
    files = parser.add_argument_group("files")
    files.add_argument("screen", metavar="SCREEN", help=".h5ad, .h5mu or .zarr with the screen")
    files.add_argument("-o", "--output", required=True, metavar="FITTED", help=".h5ad, .h5mu or .zarr to write")
    files.add_argument(
        "--edges", metavar="TABLE", help=".csv or .tsv to write all edges of the network to, strongest first"
    )
    files.add_argument("--mod", metavar="NAME", help="modality of a MuData (.h5mu) to fit")
    files.add_argument("--layer", metavar="NAME", help="layer to read instead of X")
    add_gene_names(add_labels(parser))
    _add_counts(parser)
    _add_fitting(parser)
    add_general(parser)


def run(options: argparse.Namespace) -> None:
    """Read, fit, write, and say what came out."""
    _check(options)
    from scclamp import get, tl
    from scclamp._columns import unwrap
    from scclamp._files import read, write
    from scclamp._storage import decode
    from scclamp.cli._fit_summary import own_expression, summarise, to_text
    from scclamp.fitting.resume import saved_epoch

    settings = _settings(options)
    data: Any = read(options.screen)
    mod = options.mod
    name_genes(data, options.gene_names, mod)
    labels, found = harmonise(data, options, mod)
    n_cells, n_genes = unwrap(data, mod).adata.shape
    if not options.json:
        say(f"{options.screen}: {n_cells} cells x {n_genes} genes\n{labels}")
    look(data, options, mod)
    if options.recipe:
        data, mod = _prepare(data, options), None
    require_suffix(options.output, suffixes_of(data))
    resumed = None if options.checkpoint is None else saved_epoch(options.checkpoint)
    tl.fit(data, mod=mod, **_arguments(data, options, mod), **settings)
    result = decode(unwrap(data, mod).adata, options.key)
    write(data, options.output)
    written = [options.output]
    if options.edges:
        write_table(edges_of(data, mod=mod, key=options.key), options.edges)
        written.append(options.edges)
    record = {"screen": options.screen, "output": options.output, "edges": options.edges, "labels": found}
    record["resumed_at"] = resumed
    record |= summarise(result, get.top_targets(data, n=options.top, mod=mod, key=options.key))
    if options.verbose and not options.json:
        say(own_expression(data, result, mod, options.key))
    if options.json:
        say_json({"command": "fit", **record, "warnings": options.heard})
    else:
        again = [] if resumed is None else [f"Resumed at epoch {resumed} from {options.checkpoint}"]
        say("\n".join([*again, to_text(record), *(f"Wrote {path}" for path in written)]))


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


def _check(options: argparse.Namespace) -> None:
    """Refuse what could not be written before anything is read."""
    outputs = ADATA if options.recipe else DATA
    require_output(options.output, outputs, force=options.force, inputs=[options.screen])
    if options.edges:
        require_output(options.edges, TABLES, force=options.force)


def _prepare(data: Any, options: argparse.Namespace) -> Any:
    """The panel, log-normalised."""
    from scclamp import pp

    with warnings.catch_warnings():
        # Whoever is here has said what to do with them.
        warnings.filterwarnings("ignore", "[0-9]+ of [0-9]+ perturbed genes are not measured", InputWarning)
        return pp.recipe(
            data,
            n_top_genes=options.n_top_genes,
            layer=options.layer,
            library_size_key=options.library_size_key,
            mod=options.mod,
        )


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """Settings of the fit, checked before anything is read."""
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


def _arguments(data: Any, options: argparse.Namespace, mod: str | None) -> dict[str, Any]:
    """Arguments of `tl.fit`."""
    from scclamp import pp

    if options.split is not None:
        pp.split(data, options.split, mod=mod, rng=0 if options.seed is None else options.seed)
    return {
        "layer": None if options.recipe else options.layer,
        "split_key": "split" if options.split else options.split_key,
        "unmeasured": options.unmeasured,
        "clamp_values": options.clamp_values,
        "encoder": options.encoder,
        "n_seeds": options.seeds,
        "checkpoint": options.checkpoint,
        "rng": options.seed,
        "device": options.device,
        "key_added": options.key,
    }
