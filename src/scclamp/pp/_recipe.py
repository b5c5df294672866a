"""From raw counts to the panel on which a network is fitted."""

from __future__ import annotations

import json
import logging
import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from scclamp._columns import unwrap
from scclamp._errors import InputError, InputWarning, list_some
from scclamp._recognise import read_perturbations
from scclamp._threads import kept_threads
from scclamp.pp._library import library_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import anndata as ad
    from mudata import MuData
    from numpy.typing import NDArray

COUNTS = "counts"
"""Key of `layers` for the raw counts of the panel."""
LIBRARY_SIZE = "n_counts_total"
"""Column of `obs` for the library size over the whole transcriptome."""
VARIABLE, PERTURBED = "highly_variable", "perturbed"
"""Columns of `var` that say why a gene is in the panel."""
RECIPE = "recipe"
"""Key of `uns` for the settings."""
_logger = logging.getLogger(__name__)


def recipe(
    adata: ad.AnnData | MuData,
    *,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    n_top_genes: int | None = 2000,
    target_sum: float = 1e4,
    layer: str | None = None,
    library_size_key: str | None = None,
    mod: str | None = None,
) -> ad.AnnData:
    """Make the panel: variable genes and all perturbed genes, log-normalised, with their raw counts kept.

    Cells are scaled by their library size over *all* genes before the panel is cut out, so that a perturbed gene of
    great abundance does not change the others. Perturbed genes that were not measured are named in a warning. A copy is returned, since the genes change; `adata` stays as it is, and
    may be a view, backed or lazy.

    Parameters
    ----------
    adata
        Raw counts of all genes. MuData needs `mod`.
    perturbation_key, control
        Column of `obs` with the perturbation of each cell, and label of its control cells; recognised by default.
    n_top_genes
        Number of highly variable genes (Seurat's dispersion on log-normalised values, by scanpy); None keeps all genes.
    target_sum
        Counts per cell after normalisation.
    layer
        Layer with the raw counts; `X` by default.
    library_size_key
        Column of `obs` with the library size of the whole transcriptome, for data that were cut to a panel already. By
        default it is the sum of the counts, with a warning when a column such as `n_counts` exceeds it.
    mod
        Modality of a MuData with the counts. Columns that are named or recognised may stand in the MuData's own `obs`; the
        perturbations are then copied to the panel.

    Returns
    -------
    AnnData of the panel, or of the panel of that modality, with `X` (float32, log-normalised) and, beside what `adata` had,

    - ``layers["counts"]`` (raw counts, dtype as given),
    - ``obs["n_counts_total"]`` (float64, library size),
    - ``var["highly_variable"]``, ``var["perturbed"]`` (bool),
    - ``uns["recipe"]["params"]`` (JSON).

    Examples
    --------
    >>> import scclamp as sc_c
    >>> raw = sc_c.datasets.simulated("tiny")
    >>> panel = sc_c.pp.recipe(raw, layer="counts", library_size_key="n_counts", n_top_genes=None)
    >>> panel.shape, float(abs(panel.X - raw.X).max()) < 1e-5
    ((340, 60), True)
    """
    table = unwrap(adata, mod)
    adata = table.adata
    _check_arguments(adata, n_top_genes, target_sum)
    reading = read_perturbations(table, perturbation_key=perturbation_key, control=control)
    targets = {gene for name in set(reading.names()) - {""} for gene in reading.report.targets[name]}
    library = library_sizes(table, layer, library_size_key)
    perturbed = adata.var_names.isin(list(targets))
    variable = np.ones(adata.n_vars, dtype=bool)
    if n_top_genes is not None and n_top_genes < adata.n_vars:
        variable = _variable_genes(_matrix(adata, layer), library, n_top_genes, target_sum)
    keep = variable | perturbed
    panel = adata[:, keep].to_memory()
    counts = _matrix(panel, layer)
    panel.X = _log_normalise(counts, library, target_sum)
    # A layer of another name stays, and must not change with this one.
    panel.layers[COUNTS] = counts if layer in (None, COUNTS) else counts.copy()
    panel.obs[LIBRARY_SIZE] = library
    if reading.key not in panel.obs:
        panel.obs[reading.key] = table.read(reading.key, "perturbation_key")
    panel.var[VARIABLE], panel.var[PERTURBED] = variable[keep], perturbed[keep]
    settings = {"n_top_genes": n_top_genes, "target_sum": target_sum, "layer": layer}
    settings |= {"library_size_key": library_size_key, "perturbation_key": reading.key}
    panel.uns[RECIPE] = {"params": json.dumps(settings, sort_keys=True)}
    _tell(panel, adata.n_vars, targets)
    return panel


def _tell(panel: ad.AnnData, n_genes: int, targets: set[str]) -> None:
    """Log what the panel is, and warn of perturbed genes that no panel can hold."""
    _logger.info(
        "panel of %d of %d genes (%d variable, %d perturbed) in %d cells, library size %g (median of obs[%r])",
        panel.n_vars, n_genes, panel.var[VARIABLE].sum(), panel.var[PERTURBED].sum(), panel.n_obs,
        panel.obs[LIBRARY_SIZE].median(), LIBRARY_SIZE,
    )  # fmt: skip
    outside = sorted(targets.difference(panel.var_names))
    if outside:
        msg = (
            f"{len(outside)} of {len(targets)} perturbed genes are not measured: {list_some(outside, 10)}. By default "
            "tl.fit refuses them; unmeasured='latent' gives each a dose of its own, unmeasured='drop' leaves their "
            "conditions out."
        )
        warnings.warn(msg, InputWarning, stacklevel=3)


def _check_arguments(adata: ad.AnnData, n_top_genes: Any, target_sum: Any) -> None:
    whole = isinstance(n_top_genes, Integral) and not isinstance(n_top_genes, bool)
    if n_top_genes is not None and (not whole or n_top_genes < 1):
        raise InputError(
            f"n_top_genes={n_top_genes!r} must be a whole number of at least 1. Pass None to keep all genes."
        )
    if not isinstance(target_sum, int | float | np.number) or not 0 < target_sum < np.inf:
        raise InputError(f"target_sum={target_sum!r} must be positive and finite. Pass a number such as 1e4.")
    if not adata.n_obs or not adata.n_vars:
        raise InputError(f"adata has shape {adata.shape}, so that there is nothing to prepare. Pass cells and genes.")
    if not adata.var_names.is_unique:
        twice = adata.var_names[adata.var_names.duplicated()].unique()
        raise InputError(f"adata.var_names repeats {list_some(twice)}. Call adata.var_names_make_unique() first.")


def _matrix(adata: ad.AnnData, layer: str | None) -> Any:
    """Counts in memory; sparse stays sparse."""
    matrix: Any = adata.X if layer is None else adata.layers[layer]
    for load in ("to_memory", "compute"):
        matrix = getattr(matrix, load)() if hasattr(matrix, load) else matrix
    return matrix if sparse.issparse(matrix) else np.asarray(matrix)


def _log_normalise(counts: Any, library: NDArray[np.float64], target_sum: float) -> Any:
    """``log1p(counts * target_sum / library)`` in float32, sparse where the counts are."""
    factor = (target_sum / library)[:, None]
    if not sparse.issparse(counts):
        return np.log1p(counts * factor).astype(np.float32)
    matrix: Any = counts
    scaled = matrix.multiply(factor).asformat(matrix.format)
    scaled.data = np.log1p(scaled.data).astype(np.float32)
    return scaled


def _variable_genes(
    counts: Any, library: NDArray[np.float64], n_top_genes: int, target_sum: float
) -> NDArray[np.bool_]:
    try:
        import scanpy
    except ImportError as error:
        raise ImportError(
            f"pp.recipe with n_top_genes={n_top_genes} needs scanpy. Install scclamp[scanpy], or pass n_top_genes=None "
            "to keep all genes."
        ) from error
    import anndata

    whole = anndata.AnnData(_log_normalise(counts, library, target_sum))
    with kept_threads():
        found = scanpy.pp.highly_variable_genes(whole, n_top_genes=n_top_genes, flavor="seurat", inplace=False)
    return found["highly_variable"].to_numpy(dtype=bool)
