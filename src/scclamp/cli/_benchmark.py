"""`scclamp benchmark`: the network beside its baselines on held-out perturbations, of screens of singles too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scclamp.cli._answer import finish
from scclamp.cli._genes import add_gene_names, name_genes
from scclamp.cli._labels import WORDS as LABEL_WORDS
from scclamp.cli._labels import add_labels, harmonise
from scclamp.cli._options import add_command, add_general, seed
from scclamp.cli._paths import TABLES, require_asked, write_table

if TYPE_CHECKING:
    import argparse

    from scclamp.cli._options import Commands

WORDS = {
    **LABEL_WORDS,
    "layer": "--layer",
    "splits": "--splits",
    "predictors": "--predictors",
    "seeds": "--seed",
    "unmeasured": "--unmeasured",
    "clamp_values": "--clamp-values",
    "checkpoint": "--checkpoint",
}
_ABOUT = """\
Compare the network with baselines on perturbations that were held out, beside every null: no
change, the mean response, sums and means of single effects. It needs no combinations.

SCREEN holds log-normalised expression; what `scclamp fit` wrote will do. Each predictor learns
from the training cells of a split and is scored on the others."""
_EXAMPLES = """\
  scclamp benchmark screen.h5ad -o benchmark.csv
  scclamp benchmark singles.h5ad --splits cells low_sample --seed 0 1 2
  scclamp benchmark screen.h5ad --splits additive --predictors clamp linear_pca --per-target -o targets.tsv"""
_COMBINATIONS, _SINGLES = ("additive",), ("cells", "low_sample")
"""Splits of a screen with combinations, and of one without."""
_PREDICTORS = ("clamp", "linear_pca", "latent_additive")


def add(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "benchmark",
        run,
        summary="compare the network with baselines, of singles too",
        usage="SCREEN [-o TABLE] [options]",
        about=_ABOUT,
        examples=_EXAMPLES,
        words=WORDS,
    )
    files = parser.add_argument_group("files")
    files.add_argument("screen", metavar="SCREEN", help=".h5ad, .h5mu or .zarr with the screen, or with a fit of it")
    files.add_argument("-o", "--output", metavar="TABLE", help=".csv or .tsv to write all scores to")
    files.add_argument("--mod", metavar="NAME", help="modality of a MuData (.h5mu) that holds the screen")
    files.add_argument("--layer", metavar="NAME", help="layer to read instead of X")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--splits",
        nargs="+",
        metavar="SPLIT",
        help="kinds of scclamp.pp.split, or columns of obs with train, val and test; by default additive, "
        "and of a screen of singles cells and low_sample",
    )
    how.add_argument(
        "--predictors", nargs="+", default=_PREDICTORS, metavar="NAME", help=f"by default {', '.join(_PREDICTORS)}"
    )
    how.add_argument("--seed", nargs="+", type=seed, default=[0], metavar="N", help="seeds of splits and fits (0)")
    how.add_argument("--per-target", action="store_true", help="write the scores of each target, not their means")
    how.add_argument(
        "--unmeasured",
        choices=("error", "latent", "drop"),
        help="perturbed genes that were not measured, as in `scclamp fit`; by default as in the fit of the file",
    )
    how.add_argument(
        "--clamp-values",
        choices=("singles", "knockout"),
        help="at zero where a nuclease knocked genes out, as in `scclamp fit`; by default as in the fit of the file",
    )
    how.add_argument("--device", metavar="NAME", help="cpu (default), cuda, cuda:1 or mps")
    how.add_argument("--checkpoint", metavar="FOLDER", help="keep scores there; the same command then goes on")
    add_gene_names(add_labels(parser))
    add_general(parser)


def run(options: argparse.Namespace) -> None:
    """Read, compare, write, and say who is better than the nulls."""
    require_asked(options, TABLES, options.screen)
    if options.per_target and options.output is None:
        options.parser.error("--per-target is about the table of --output")
    from scclamp import tl
    from scclamp._assignment import assign
    from scclamp._files import read
    from scclamp._settings import settings
    from scclamp.cli._benchmark_summary import to_text
    from scclamp.tl._benchmark_table import summarise

    data: Any = read(options.screen)
    name_genes(data, options.gene_names, options.mod)
    labels, _ = harmonise(data, options, options.mod)
    how, heard = _held(data, options)
    combined = any(len(genes) > 1 for genes in assign(data, mod=options.mod, rng=0).targets)
    splits = options.splits or list(_COMBINATIONS if combined else _SINGLES)
    with settings.override(**({} if options.device is None else {"device": options.device})):
        rows = tl.benchmark(
            data,
            list(options.predictors),
            splits=splits,
            seeds=options.seed,
            per_target=True,
            layer=options.layer,
            mod=options.mod,
            **how,
            checkpoint=options.checkpoint,
        )
    from scclamp.predictors import NULLS

    scores = summarise(rows, list(NULLS))
    if options.output is not None:
        write_table(rows if options.per_target else scores, options.output)
    record = {"screen": options.screen, "output": options.output, "splits": splits, **how}
    record["scores"] = scores.to_dict("records")
    finish(options, record, labels, *heard, to_text(scores, NULLS, combined=combined))


def _held(data: Any, options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """What happens to perturbed genes: as asked for, or as in the fit that the file holds, which is then said."""
    from scclamp._columns import unwrap
    from scclamp._keys import DEFAULT_KEY
    from scclamp._storage import decode, find_fits

    adata = unwrap(data, options.mod).adata
    found, usual = find_fits(adata), {"unmeasured": "error", "clamp_values": "singles"}
    key = DEFAULT_KEY if DEFAULT_KEY in found or len(found) != 1 else found[0]
    stored = decode(adata, key).params if key in found else {}
    how = {name: getattr(options, name) or stored.get(name, value) for name, value in usual.items()}
    taken = [
        f"{WORDS[name]} {how[name]}" for name in usual if getattr(options, name) is None and how[name] != usual[name]
    ]
    return how, [f"  as in the fit of the file: {' '.join(taken)}"] if taken else []
