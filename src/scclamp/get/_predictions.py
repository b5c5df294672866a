"""`get.predictions`: predicted states as a long table, beside the observed ones where there are some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scclamp._arguments import positions
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._keys import CONTROL, DEFAULT_KEY, Keys
from scclamp._labels import join, parse_labels
from scclamp._memory import require_memory
from scclamp._observed import observed_means
from scclamp._storage import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from mudata import MuData

_LAYERS = ("predicted", "shift", "additive", "predicted_sd")


def predictions(
    adata: AnnData | MuData,
    *,
    conditions: str | Sequence[str] | None = None,
    genes: str | Sequence[str] | None = None,
    observed: AnnData | MuData | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
) -> pd.DataFrame:
    """List predicted states, one row per condition and gene.

    Parameters
    ----------
    adata
        What `tl.predict_clamps` returned for new conditions, or the screen whose cells it was called on.
    conditions
        Conditions to keep, ``"B+A"`` meaning ``"A+B"``; all by default.
    genes
        Genes to keep; all by default.
    observed
        Cells whose mean in each condition is listed too. For a screen, the screen itself by default.
    mod
        Modality of MuData.
    key
        The `key_added` of the fit.

    Returns
    -------
    Columns `condition` and `gene` (categorical), those of `predicted`, `shift`, `additive` and `predicted_sd` that there
    are, and `observed`: the mean of the condition's cells, NaN where there are none. Conditions of a screen that could not
    be predicted are left out.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> pairs = sc_c.tl.predict_clamps(adata, ["REG01+REG02"])
    >>> table = sc_c.get.predictions(pairs, genes=["GENE0001", "GENE0002"], observed=adata)
    >>> list(table.columns), len(table)
    (['condition', 'gene', 'predicted', 'shift', 'additive', 'observed'], 2)
    """
    table = unwrap(adata, mod).adata
    if "predicted" in table.layers:
        names, targets, layers = _of_answer(table)
    else:
        names, layers = _of_screen(table, adata, mod, key)
        targets = names
        observed = adata if observed is None else observed
    rows = positions("conditions", _canonical(conditions, names), names)
    columns = positions("genes", genes, [str(gene) for gene in table.var_names])
    n_values = len(layers) + 2 * (observed is not None)
    what = f"A table of {len(rows)} conditions x {len(columns)} genes"
    require_memory((8.0 + 4.0 * n_values) * len(rows) * len(columns), what, "Choose some with conditions= or genes=")
    long: dict[str, Any] = {
        "condition": _repeat(names, rows, len(columns), np.repeat),
        "gene": _repeat([str(gene) for gene in table.var_names], columns, len(rows), np.tile),
    }
    for name, values in layers.items():
        long[name] = np.asarray(values[rows])[:, columns].reshape(-1)
    if observed is not None:
        wanted = [targets[i] for i in rows]
        means = observed_means(observed, mod, key).reindex(index=pd.Index(wanted), columns=table.var_names[columns])
        long["observed"] = means.to_numpy().reshape(-1)
    return pd.DataFrame(long)


def _of_answer(answer: AnnData) -> tuple[list[str], list[str], dict[str, Any]]:
    """Names and gene sets of the conditions, and the layers, of an answer to new conditions."""
    names = [str(name) for name in answer.obs_names]
    targets = [str(t) for t in answer.obs["targets"]] if "targets" in answer.obs else names
    return names, targets, {name: answer.layers[name] for name in _LAYERS if name in answer.layers}


def _of_screen(
    table: AnnData, data: AnnData | MuData, mod: str | None, key: str
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Canonical names and layers of a screen's conditions, from one cell of each."""
    layer = Keys(key).predicted
    if layer not in table.layers:
        raise InputError(f"adata has no layers[{layer!r}]. Call scclamp.tl.predict_clamps(adata, key={key!r}) first.")
    states: Any = table.layers[layer]
    fit = decode(table, key)
    codes, labels = pd.factorize(unwrap(data, mod).read(fit.params["perturbation_key"], "perturbation_key"))
    report = parse_labels([str(label) for label in labels], genes=set(table.var_names), control=fit.controls)
    cells = [int(np.argmax(codes == code)) for code in range(len(labels))]
    named = [report.mapped.get(str(label)) for label in labels]
    first = {name: cell for name, cell in zip(named, cells, strict=True) if name and np.isfinite(states[cell]).all()}
    names = sorted(first, key=lambda name: (name != CONTROL, name))
    layers = {"predicted": np.asarray(states[[first[name] for name in names]])}
    if CONTROL in first:
        layers["shift"] = layers["predicted"] - layers["predicted"][0]
    return names, layers


def _canonical(conditions: str | Sequence[str] | None, names: Sequence[str]) -> list[str] | None:
    if conditions is None:
        return None
    asked = [conditions] if isinstance(conditions, str) else list(conditions)
    known = set(names)
    return [name if name in known else join(part.strip() for part in str(name).split("+")) for name in asked]


def _repeat(names: Sequence[str], at: np.ndarray, n: int, how: Any) -> pd.Categorical:
    return pd.Categorical.from_codes(how(np.arange(len(at)), n), categories=pd.Index([names[i] for i in at]))
