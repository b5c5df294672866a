"""`scclamp fit`: from a file with a screen to a file with its network."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputWarning
from scclamp.cli._answer import finish
from scclamp.cli._edge_table import edges_of
from scclamp.cli._fit_checks import look
from scclamp.cli._fit_options import WORDS, add_options, settings_of
from scclamp.cli._genes import name_genes
from scclamp.cli._labels import harmonise
from scclamp.cli._options import add_command, add_general
from scclamp.cli._output import say
from scclamp.cli._paths import ADATA, DATA, TABLES, require_asked, require_holds, require_output, write_table

if TYPE_CHECKING:
    import argparse

    from scclamp.cli._options import Commands

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
    add_options(parser)
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

    settings = settings_of(options)
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
    require_holds(options.output, data)
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
    again = [] if resumed is None else [f"Resumed at epoch {resumed} from {options.checkpoint}"]
    finish(options, record, *again, to_text(record), wrote=written)


def _check(options: argparse.Namespace) -> None:
    """Refuse what could not be written before anything is read."""
    require_asked(options, ADATA if options.recipe else DATA, options.screen)
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
