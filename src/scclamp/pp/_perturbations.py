"""`pp.perturbations`: one canonical column from the labels of any source, and a report of how they were read."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from scclamp._columns import Table, read_column, unwrap
from scclamp._errors import InputError, InputWarning, did_you_mean, list_some
from scclamp._harmonise import Harmony, harmonise
from scclamp._keys import CONTROL, HARMONISED, PERTURBATION
from scclamp._labels import describe_dropped
from scclamp._reading import Reading
from scclamp._recognise import read_perturbations
from scclamp.pp._label_report import describe, outline, tabulate
from scclamp.pp._writing import require_writable, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from mudata import MuData

_SYMBOLS = ("gene_symbol", "gene_symbols", "gene_name", "gene_names", "feature_name", "symbol", "gene_short_name")
_logger = logging.getLogger(__name__)


def perturbations(
    adata: AnnData | MuData,
    key: str | None = None,
    *,
    control: str | Sequence[str] | None = None,
    aliases: Mapping[str, str | None] | None = None,
    ambiguous: Literal["error", "drop"] = "error",
    mod: str | None = None,
    added: str = PERTURBATION,
    show: bool = True,
) -> None:
    """Write canonical labels: `control`, a gene, or sorted genes joined by `+`.

    Labels of GEARS, pertpy, scPerturb, CPA, PerturbBench, STATE, Replogle and Norman are understood, guide identities among
    them (``STAT2g2``, ``AHR_-_17338164.23-P1P2``, ``AHR_NegCtrl0__AHR_NegCtrl0``), with gene sets of any size. A renamed gene
    gets the name under which the panel measures it. Cells without a guide, or with too many, get a missing value and are
    counted in a warning. What stands in for a control (AAVS1, LacZ, GFP, untreated, vehicle) is one unless it is measured, and the
    report says so. An outline of the report is printed; the whole of it is stored, and sent to the logger `scclamp` at level `info`.

    Parameters
    ----------
    adata
        Cells or pseudobulk, in memory or backed; expression is not read. MuData needs `mod`.
    key
        Column of `obs` with the labels; by default recognised. A second call reads the same column again.
    control
        Label or labels of control cells, exactly as written; by default the usual ones are recognised.
    aliases
        Other names, which come before the built-in table of renamed genes. A gene's name maps to a gene; a whole label may
        map to a combination such as `"A+B"`, to `"control"`, or to None, which leaves its cells out.
    ambiguous
        What to do with labels that cannot be read with certainty: raise an error that names them, or leave their cells out.
    mod
        Modality of a MuData, to which everything is written; the labels may stand in the MuData's own `obs`.
    added
        Name of the column that is written. It may be the one that is read.
    show
        Whether to print an outline of what was mapped, renamed, left out and not measured.

    Returns
    -------
    None. These fields are written:

    `obs[added]` : categorical
        Canonical labels, missing where there is none. `tl.fit` and the others use this column unless told otherwise.
    `obs["n_" + added + "s"]` : Int64
        Number of perturbed genes.
    `uns["perturbations"]` : dict
        `params` (JSON) and `report`, a DataFrame with a row for each label: `label`, `perturbation`, `n_cells`,
        `status` (mapped, renamed, dropped, ambiguous) and `note`.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd, scclamp as sc_c
    >>> obs = pd.DataFrame({"condition": ["ctrl", "KLF1+AHR", "ctrl+KIAA1804"]}, index=list("xyz"))
    >>> adata = ad.AnnData(np.ones((3, 3)), obs=obs, var=pd.DataFrame(index=["AHR", "KLF1", "MAP3K21"]))
    >>> sc_c.pp.perturbations(adata)
    obs['perturbation'] from obs['condition']: 3 cells, 2 perturbations and the control
      mapped: 2 labels, 2 cells
      renamed: 1 label, 1 cell: 'ctrl+KIAA1804' -> MAP3K21
    >>> list(adata.obs["perturbation"])
    ['control', 'AHR+KLF1', 'MAP3K21']
    >>> list(adata.uns["perturbations"]["report"]["status"])
    ['mapped', 'mapped', 'renamed']
    """
    if ambiguous not in ("error", "drop"):
        hint = did_you_mean(str(ambiguous), ("error", "drop"))
        raise InputError(f"ambiguous={ambiguous!r} is not known.{hint} Use 'error' or 'drop'.")
    table = unwrap(adata, mod)
    require_writable(table.adata, "added", added)
    aliases = _checked(aliases)
    reading = _read(table, key, control, aliases, ambiguous)
    harmony = reading.report
    names = reading.names()
    column = pd.Categorical(
        [name or None for name in names],
        categories=pd.Index([CONTROL, *sorted(set(names) - {CONTROL, ""})], dtype=object),
    )
    sizes = pd.array([len(harmony.targets[name]) if name else pd.NA for name in names], dtype="Int64")
    report = tabulate(reading, harmony)
    if reading.key == added and _kept(table, added, column):
        report = table.adata.uns[HARMONISED]["report"]
    params = {
        "added": added,
        "aliases": aliases,
        "ambiguous": ambiguous,
        "control": control if control is None or isinstance(control, str) else [str(c) for c in control],
        "key": reading.key,
        "mod": mod,
    }
    _warn(table, reading, harmony, aliases)
    record = {"params": json.dumps(params, sort_keys=True), "report": report}
    write(table.adata, {added: column, f"n_{added}s": sizes}, {HARMONISED: record})
    if show:
        sys.stdout.write(outline(report, added, reading.key))
    _logger.info("obs[%r] from obs[%r]:\n%s", added, reading.key, describe(report))


def _checked(aliases: Mapping[str, str | None] | None) -> dict[str, str | None]:
    given = dict(aliases or {})
    for old, new in given.items():
        if not isinstance(old, str) or not (new is None or (isinstance(new, str) and new.strip())):
            msg = f"aliases={{{old!r}: {new!r}}} is no renaming. Map a label or gene to a text, or to None."
            raise InputError(msg)
    return given


def _read(
    table: Table,
    key: str | None,
    control: str | Sequence[str] | None,
    aliases: dict[str, str | None],
    ambiguous: str,
) -> Reading:
    """Read the column that is named, the one of an earlier call, or the one that is recognised."""
    symbols = {str(s) for name in _SYMBOLS if name in table.adata.var for s in read_column(table.adata.var, name)}

    def parse(labels: Any, **arguments: Any) -> Harmony:
        found = harmonise(labels, aliases=aliases, symbols=symbols, **arguments)
        return found if ambiguous == "error" else _set_aside(found)

    if key is None and table.harmonised is not None:
        before = json.loads(str(table.adata.uns[HARMONISED]["params"]))
        key = before["key"] if before["key"] in table.columns else table.harmonised
        control = before["control"] if control is None and key != before["added"] else control
    reader = partial(read_perturbations, table, control=control, parse=parse, argument="key")
    return reader(perturbation_key=key)


def _set_aside(found: Harmony) -> Harmony:
    dropped = {**found.dropped, **dict.fromkeys(found.ambiguous, "ambiguous")}
    notes = {**found.notes, **found.ambiguous}
    return Harmony(found.mapped, found.targets, dropped, {}, found.renamed, notes)


def _kept(table: Table, added: str, column: pd.Categorical) -> bool:
    """Whether the column stands as an earlier call wrote it, so that only its report knows the labels."""
    before = table.read(added, "added")
    same = table.harmonised == added and list(before.astype(object).fillna("")) == list(
        pd.Series(column).astype(object).fillna("")
    )
    if not same:
        return False
    counted = table.adata.uns[HARMONISED]["report"].groupby("perturbation")["n_cells"].sum()
    now = pd.Series(column).astype(object).fillna("").value_counts()
    return counted[counted > 0].to_dict() == now.to_dict()


def _warn(table: Table, reading: Reading, harmony: Any, aliases: Mapping[str, str | None]) -> None:
    dropped = reading.dropped()
    if dropped:
        warnings.warn(describe_dropped(f"obs[{reading.key!r}]", dropped), InputWarning, stacklevel=3)
    genes = {gene for targets in harmony.targets.values() for gene in targets}
    if genes and genes.isdisjoint(table.adata.var_names):
        warnings.warn(_explain_unmeasured(table, sorted(genes)), InputWarning, stacklevel=3)
    unused = [old for old in aliases if not any(old in label for label in map(str, reading.raw.categories))]
    if unused:
        _logger.info("aliases= names what no label of obs[%r] holds: %s", reading.key, list_some(unused, 10))


def _explain_unmeasured(table: Table, genes: list[str]) -> str:
    """What to do when labels and panel have no gene in common."""
    panel = table.adata.var_names
    msg = (
        f"None of the {len(genes)} perturbed genes ({list_some(genes)}) is among adata.var_names ({list_some(panel)})."
    )
    for key in map(str, table.adata.var.columns):
        known = set(map(str, read_column(table.adata.var, key)))
        if not known.isdisjoint(genes):
            return f"{msg} var[{key!r}] names them: set adata.var_names from it, and call pp.perturbations again."
    return f"{msg} Check that both are symbols, or both identifiers; genes that were truly not measured are for tl.fit(unmeasured='latent')."
